package nacostest

import (
	"cmp"
	"net/http"
)

func configOf(in *http.Request) (configKey, error) {
	key := newConfigKey(cmp.Or(in.FormValue("tenant"), in.FormValue("namespaceId")), in.FormValue("group"), in.FormValue("dataId"))
	if wrong := checkConfig(key); wrong != "" {
		return key, refuse(codeInvalidParam, "%s", wrong)
	}
	return key, nil
}

func (w web) readConfig(in *http.Request) (page, error) {
	key, err := configOf(in)
	if err != nil {
		return page{}, err
	}
	c, ok := w.run.node.configs.value(key)
	if !ok {
		return text(http.StatusNotFound, "config data not exist"), nil
	}
	p := text(http.StatusOK, c.content)
	p.md5 = c.md5
	return p, nil
}

func (w web) publishConfig(in *http.Request) (page, error) {
	key, err := configOf(in)
	if err != nil {
		return page{}, err
	}
	content := in.FormValue("content")
	if content == "" {
		return page{}, refuse(codeInvalidParam, "Param 'content' is required.")
	}
	w.run.node.setConfig(key, content, cmp.Or(in.FormValue("type"), "text"), "")
	return text(http.StatusOK, "true"), nil
}

func (w web) removeConfig(in *http.Request) (page, error) {
	key, err := configOf(in)
	if err != nil {
		return page{}, err
	}
	w.run.node.removeConfig(key)
	return text(http.StatusOK, "true"), nil
}
