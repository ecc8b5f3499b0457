package main

import (
	"encoding/base64"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// Proxied is a URL's scheme and host, and the variables that decide how it is reached.
type Proxied struct {
	Scheme, Host    string
	HTTP, HTTPS, NO string
	CGI             bool
}

// Proxy is the forward proxy that Go goes through, if any.
type Proxy struct {
	Used         bool
	Scheme, Host string
	Login        string // Base64, as in Proxy-Authorization
	Error        string
}

func chooseProxy(asked Proxied) (Proxy, error) {
	config := httpproxy.Config{HTTPProxy: asked.HTTP, HTTPSProxy: asked.HTTPS, NoProxy: asked.NO, CGI: asked.CGI}
	proxy, err := config.ProxyFunc()(&url.URL{Scheme: asked.Scheme, Host: asked.Host})
	if err != nil {
		return Proxy{Error: err.Error()}, nil
	}
	if proxy == nil {
		return Proxy{}, nil
	}
	said := Proxy{Used: true, Scheme: proxy.Scheme, Host: proxy.Host}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		said.Login = base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
	}
	return said, nil
}
