// Oracle answers with what really happens: Go's net/url, its dialer, crypto/x509 and the gRPC library that Hoop pins.
// tests/it/oracle.rs compares hoop-doctor with it.
//
// It doesn't import Hoop: its packages, github.com/hoophq/hoop/common among them, are not served by the public module
// proxy. The few rules of Hoop's that matter here are therefore stated again, in rules.go and in service.go, as read in
// Hoop 1.148.0; everything below them is the real library.
//
// Each command reads lines of JSON and writes one line of JSON for each:
//
//	oracle agent      connects as an agent does; the errors that it would log
//	oracle addresses  what is made of a configured address
//	oracle chains     certificate chains of its own making, and what crypto/x509 says of them
//	oracle calls      what a server answers to odd calls, and what a grpc-go server answers to the same
//
// Four others are told once and then are what they are called, for tests/logs; what they print is the answer:
//
//	oracle log-agent    an agent: its loop, its messages, its encodings
//	oracle log-client   the client's complaint about a call
//	oracle log-login    the client's complaint about a login
//	oracle log-gateway  a gRPC port that refuses everyone
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: oracle agent|addresses|chains|calls|proxies|log-agent|log-client|log-login|log-gateway")
	}
	switch args[0] {
	case "agent":
		return each(connectAsAgent)
	case "addresses":
		return each(read)
	case "chains":
		return each(makeChain)
	case "calls":
		return each(compareCalls)
	case "proxies":
		return each(chooseProxy)
	case "log-agent":
		return once(logAsAgent)
	case "log-client":
		return once(logAsClient)
	case "log-login":
		return once(logLogin)
	case "log-gateway":
		return once(logAsGateway)
	}
	return fmt.Errorf("no command is called %q", args[0])
}

// each answers every line of standard input.
func each[Question, Answer any](answer func(Question) (Answer, error)) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var question Question
		if err := in.Decode(&question); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		said, err := answer(question)
		if err != nil {
			return err
		}
		if err := out.Encode(said); err != nil {
			return err
		}
	}
}

// once is for what has no answer but what it prints.
func once[Question any](do func(Question) error) error {
	var question Question
	if err := json.NewDecoder(os.Stdin).Decode(&question); err != nil {
		return err
	}
	return do(question)
}
