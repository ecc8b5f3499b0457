package main

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// The rules of Hoop's own code for addresses, stated again.

// parseServerAddress is ParseServerAddress of common/grpc: a URL's host as it is, else the whole text.
func parseServerAddress(text string) (string, error) {
	if u, _ := url.Parse(text); u != nil && u.Host != "" {
		return u.Host, nil
	}
	if before, _, found := strings.Cut(text, ":"); !found || before == "" {
		return "", errors.New("server address is in wrong format")
	}
	return text, nil
}

// parseKey is Parse of common/dsnkeys, as far as it decides where an agent goes: the host of the key, and its scheme.
func parseKey(text string) (host, scheme string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", err
	}
	// A path of a slash and a hash is the old form, in which the hash is the secret.
	if len(u.Path) != 65 {
		if secret, _ := u.User.Password(); secret == "" {
			return "", "", errors.New("secret key not found in dsn")
		}
	}
	return u.Host, u.Scheme, nil
}

// keyTLS is the agent's rule: TLS for the schemes that it knows.
func keyTLS(scheme string) bool {
	return slices.Contains([]string{"grpcs", "https", "wss"}, scheme)
}

// clientTLS is the client's rule: plaintext for the prefixes that it knows.
func clientTLS(text string) bool {
	return !strings.HasPrefix(text, "grpc://") && !strings.HasPrefix(text, "http://")
}

// plainTLS is the rule of an agent without a key, which doesn't look at the scheme.
func plainTLS(text string, insecure bool) bool {
	return text != "127.0.0.1:8010" && !insecure
}
