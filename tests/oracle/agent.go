package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Agent is an agent to be, and where its gateway is.
type Agent struct {
	Key   string
	CA    string // PEM; replaces the system's roots
	Place string // host:port to dial in the place of the key's
	Tries int
	Good  string // a token that the gateway knows
}

// connectAsAgent connects so many times, side by side, and returns the error of each; empty where no answer came. Where
// the gateway knows a good token, what befalls agents later is met with it: a session, and the call of embedded agents.
func connectAsAgent(agent Agent) ([]string, error) {
	errs := make(chan string)
	for range agent.Tries {
		go func() { errs <- agent.call("Connect", agent.Key, halfOpen) }()
	}
	var said []string
	for range agent.Tries {
		said = append(said, <-errs)
	}
	if agent.Good != "" && slices.Contains(said, status.Error(codes.Unauthenticated, "invalid authentication").Error()) {
		said = append(said, agent.call("Connect", agent.Good, session))
		said = append(said, "failed pre-connect, reason="+agent.call("PreConnect", agent.Key, unaryCall))
	}
	return said, nil
}

// call is what an agent does up to the first error: no keepalive, no block, no deadline.
func (agent Agent) call(method, token string, talk func(grpc.ClientStream) error) string {
	client, err := agent.dial()
	if err != nil {
		return err.Error()
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), metadataOf(token)...))
	defer cancel()
	// The agent itself would wait for ever; an answer that came late must not be lost to a connection that took long.
	limit := time.AfterFunc(2*patience, cancel)
	defer limit.Stop()

	stream, err := client.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
		"/protobuf.Transport/"+method, codec)
	if err == nil {
		err = talk(stream)
	}
	if errors.Is(ctx.Err(), context.Canceled) && status.Code(err) == codes.Canceled {
		return ""
	}
	return err.Error()
}

// dial makes a client as an agent does, which connects when it is first used.
func (agent Agent) dial() (*grpc.ClientConn, error) {
	host, scheme, err := parseKey(agent.Key)
	if err != nil {
		return nil, err
	}
	target, err := parseServerAddress(host)
	if err != nil {
		return nil, err
	}
	security := insecure.NewCredentials()
	if keyTLS(scheme) {
		config := &tls.Config{}
		if agent.CA != "" {
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM([]byte(agent.CA)) {
				return nil, errors.New("failed to append root CA into cert pool")
			}
		}
		security = credentials.NewTLS(config)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithUserAgent("hoopagent/unknown"),
		// A connection that says nothing is given up after 20 s by default; the text is the same.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: patience}),
	}
	if agent.Place != "" {
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", agent.Place)
		}))
	}
	return grpc.DialContext(context.Background(), target, options...) //nolint:staticcheck // as Hoop does
}

// halfOpen waits for what the gateway says of the agent.
func halfOpen(stream grpc.ClientStream) error { return receive(stream) }

// session sends 2 MiB, as a few queries do, and ends.
func session(stream grpc.ClientStream) error {
	go func() {
		packet := make([]byte, 64<<10)
		for range 32 {
			if stream.SendMsg(&packet) != nil {
				return
			}
		}
		stream.CloseSend()
	}()
	return receive(stream)
}

// unaryCall sends one empty message.
func unaryCall(stream grpc.ClientStream) error {
	if err := stream.SendMsg(new([]byte)); err != nil && err != io.EOF {
		return err
	}
	stream.CloseSend()
	return receive(stream)
}

// receive reads up to the error, which is io.EOF where all went well.
func receive(stream grpc.ClientStream) (err error) {
	for err == nil {
		err = stream.RecvMsg(new([]byte))
	}
	return err
}

// metadataOf is what an agent says of itself.
func metadataOf(token string) []string {
	return []string{
		"origin", "agent", "version", "unknown", "go-version", "go1.26.5", "compiler", "gcc", "platform", "amd64",
		"hostname", "oracle", "machine-id", "", "kernel-version", "Linux",
		"authorization", "Bearer " + token,
	}
}

const (
	connectMethod = "/protobuf.Transport/Connect"
	patience      = 2 * time.Second
)

// codec is raw for a call, whose content type stays application/grpc as it is with generated code.
var codec = grpc.CallCustomCodec(raw{}) //nolint:staticcheck // ForceCodec says application/grpc+proto

// raw is a codec that passes the bytes of a message on, so that no generated code is needed.
type raw struct{}

func (raw) Name() string                  { return "proto" }
func (raw) String() string                { return "proto" }
func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
