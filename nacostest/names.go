package nacostest

import (
	"math"
	"regexp"
	"strings"
)

var (
	configName  = regexp.MustCompile(`^[A-Za-z0-9_\-.:]+$`)
	clusterName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

func checkService(k serviceKey) error {
	switch {
	case strings.TrimSpace(k.name) == "":
		return refuse(codeInvalidParam, "Param 'serviceName' is illegal, serviceName is blank")
	case strings.Contains(k.name, "@@"), len(k.name) > 512:
		return refuse(codeInvalidParam, "Param 'serviceName' is illegal")
	}
	return nil
}

func checkInstance(i Instance) error {
	switch {
	case strings.TrimSpace(i.IP) == "":
		return refuse(codeInvalidParam, "Param 'ip' is illegal, ip is blank")
	case i.Port < 0 || i.Port > 65535:
		return refuse(codeInvalidParam, "Param 'port' is illegal, the value should be between 0 and 65535")
	case !clusterName.MatchString(i.Cluster):
		return refuse(codeInvalidParam, "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: %s)", i.Cluster)
	}
	return nil
}

const maxWeight = 10_000 // as on the Java server

// legalWeight is the legal weight nearest to w.
func legalWeight(w float64) float64 {
	if math.IsNaN(w) {
		return 0
	}
	return min(max(w, 0), maxWeight)
}

// checkConfig returns what is wrong with a config's name, if anything.
func checkConfig(k configKey) (wrong string) {
	switch {
	case !configName.MatchString(k.dataID):
		return "invalid dataId : " + k.dataID
	case !configName.MatchString(k.group):
		return "invalid group : " + k.group
	}
	return ""
}
