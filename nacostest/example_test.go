package nacostest_test

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/holdfast-go/holdfast/nacostest"
)

// A program starts a cluster for itself. Tests use NewCluster, which closes the cluster at the test's end.
func Example() {
	cluster, err := nacostest.Start(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	// Any Nacos client will do, given cluster.Addrs(). This one is curl's equal.
	res, err := http.PostForm("http://"+cluster.Addrs()[0]+"/nacos/v1/ns/instance", url.Values{
		"serviceName": {"orders"}, "ip": {"10.0.0.1"}, "port": {"8080"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	for _, i := range cluster.Node(0).Instances("", "", "orders") {
		fmt.Println(i.IP, i.Port, i.Weight)
	}

	cluster.Node(0).Kill()
	fmt.Println("first node up:", cluster.Node(0).Up())

	// Output:
	// 10.0.0.1 8080 1
	// first node up: false
}
