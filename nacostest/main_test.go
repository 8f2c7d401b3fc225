package nacostest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The official SDK leaves goroutines behind when its clients are closed: its receiver of UDP pushes, its log files'
// rotation, and notes of config changes that nobody takes. Nothing of a cluster is left out here.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client/naming_http.(*PushReceiver).startServer.func1"),
		goleak.IgnoreAnyFunction("github.com/nacos-group/nacos-sdk-go/v2/clients/config_client.(*ConfigClient).asyncNotifyListenConfig.func1"),
		goleak.IgnoreAnyFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"),
	)
}
