package nacostest

import (
	"net/http"
	"strings"
)

// resetClient asks the client of one connection to move to another server, and, as on the Java server, succeeds also
// where there is no such connection.
func (w web) resetClient(in *http.Request) (page, error) {
	id := in.FormValue("connectionId")
	if id == "" {
		return page{}, refuse(codeInvalidParam, "Required request parameter 'connectionId' is not present")
	}
	if c := w.run.connections[id]; c != nil {
		ip, port, _ := strings.Cut(in.FormValue("redirectAddress"), ":")
		c.reset(ip, port)
	}
	return text(http.StatusOK, "success"), nil
}
