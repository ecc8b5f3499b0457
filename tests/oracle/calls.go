package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Call is one HTTP/2 request, sent to a server that is to be compared with grpc-go.
type Call struct {
	Address string
	Method  string
	Path    string
	Fields  [][2]string
	Body    []byte
	End     bool // whether the client's half is closed
}

// Compared is what both answered.
type Compared struct {
	Given  *Answer // the server at the address
	Oracle *Answer
}

// Answer is a response, frame by frame.
type Answer struct {
	Head     map[string]string
	Data     []byte
	Trailers map[string]string // nil where the head ended the stream: Trailers-Only
	Reset    string
	Silent   bool // nothing more came in time
}

func compareCalls(call Call) (Compared, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Compared{}, err
	}
	server := newServer()
	defer server.Stop()
	go server.Serve(listener)

	given, err := call.ask(call.Address)
	if err != nil {
		return Compared{}, fmt.Errorf("%s %s: the server to compare: %w", call.Method, call.Path, err)
	}
	oracle, err := call.ask(listener.Addr().String())
	if err != nil {
		return Compared{}, fmt.Errorf("%s %s: grpc-go: %w", call.Method, call.Path, err)
	}
	return Compared{given, oracle}, nil
}

// ask writes the call as it is and reads one response.
func (call Call) ask(address string) (*Answer, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return nil, err
	}
	// In one write, so that a server that refuses at once has nothing left to reset the connection for.
	var flight bytes.Buffer
	flight.WriteString(http2.ClientPreface)
	out := http2.NewFramer(&flight, nil)
	if err := out.WriteSettings(); err != nil {
		return nil, err
	}
	if err := out.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: call.head(), EndHeaders: true, EndStream: call.End && len(call.Body) == 0,
	}); err != nil {
		return nil, err
	}
	if len(call.Body) > 0 {
		if err := out.WriteData(1, call.End, call.Body); err != nil {
			return nil, err
		}
	}
	if _, err := connection.Write(flight.Bytes()); err != nil {
		return nil, err
	}
	in := http2.NewFramer(nil, connection)
	in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var answer Answer
	for {
		frame, err := in.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			answer.Silent = true
			return &answer, nil
		}
		if err != nil {
			return nil, err
		}
		ended := false
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			fields := map[string]string{}
			for _, field := range frame.Fields {
				fields[field.Name] += field.Value
			}
			if answer.Head == nil {
				answer.Head = fields
			} else {
				answer.Trailers = fields
			}
			ended = frame.StreamEnded()
		case *http2.DataFrame:
			answer.Data = append(answer.Data, frame.Data()...)
			ended = frame.StreamEnded()
		case *http2.RSTStreamFrame:
			answer.Reset = frame.ErrCode.String()
			ended = true
		case *http2.GoAwayFrame:
			return nil, fmt.Errorf("GOAWAY %v %q", frame.ErrCode, frame.DebugData())
		}
		if ended {
			return &answer, nil
		}
	}
}

func (call Call) head() []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	fields := append([][2]string{
		{":method", call.Method}, {":scheme", "http"}, {":path", call.Path}, {":authority", "oracle.test"},
	}, call.Fields...)
	for _, field := range fields {
		encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	return block.Bytes()
}
