package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Logged is an agent whose log is wanted.
type Logged struct {
	Agent
	Token     string // in the place of the key's secret
	Encoding  string // json, console, human or verbose
	GRPC      bool   // LOG_GRPC
	Debug     bool   // LOG_LEVEL=debug
	Embedded  bool   // an agent that asks by PreConnect
	Keepalive int    // in milliseconds; an agent's is 10 s
	Bulk      int    // so many bytes are sent after the first keepalive, as a large result is
	For       int    // in milliseconds
}

// logAsAgent is an agent's life: it connects, holds a stream, complains, waits and connects again. Its messages are Hoop's,
// and what they quote is said by the real gRPC client.
func logAsAgent(agent Logged) error {
	level := zap.InfoLevel
	if agent.Debug {
		level = zap.DebugLevel
	}
	log := newLogger(agent.Encoding, level, agent.GRPC).Sugar()
	said := log.With("version", version)
	time.AfterFunc(time.Duration(agent.For)*time.Millisecond, func() { os.Exit(0) })
	if agent.Key == "" {
		said.Fatal(errors.New("missing HOOP_KEY environment variable"))
	}
	host, scheme, err := parseKey(agent.Key)
	if err != nil {
		said.Fatal(fmt.Errorf("HOOP_KEY is in wrong format, reason=%v", err))
	}
	if _, err := parseServerAddress(host); err != nil {
		said.Fatal(err)
	}
	if agent.Embedded {
		said.Infof("agent started, args=%v", 0)
		for {
			agent.preConnect(log)
			time.Sleep(5 * time.Second)
		}
	}
	log.Infof("version=%v, platform=%v, type=%v, mode=%v, grpc_server=%v, tls=%v, tlsca=%v - starting agent",
		version, "linux/amd64", "dsn", "standard", host, keyTLS(scheme), agent.CA != "")
	log.Info("HOOP_GATEWAY_URL not set, skipping hoop_rs agent startup")
	for wait := time.Second; ; {
		said := said.With("backoff", wait.String())
		said.Infof("connecting to %v, tls=%v", host, keyTLS(scheme))
		if agent.connect(log, said, host) {
			wait = time.Second
			continue
		}
		wait = min(2*wait, 8*time.Second)
		time.Sleep(wait)
	}
}

// connect is one connection and what becomes of it; whether the next one comes at once.
func (agent Logged) connect(log, said *zap.SugaredLogger, host string) bool {
	client, err := agent.dial()
	if err != nil {
		said.Warnf("failed to connect to %s, reason=%v", host, err)
		return false
	}
	defer client.Close()
	started := time.Now()
	ctx := metadata.AppendToOutgoingContext(context.Background(), metadataOf(agent.Token)...)
	stream, err := client.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, connectMethod, codec)
	if err != nil {
		said.Warnf("failed to connect to %s, reason=failed connecting to streaming RPC server, err=%v", host, err)
		return false
	}
	go agent.send(stream)
	// The gateway's first packet says that the agent is in.
	if err = stream.RecvMsg(new([]byte)); err == nil {
		log.Infof("connected with success to %v", host)
		err = receive(stream)
	}
	elapsed := int(time.Since(started).Seconds())
	reset := elapsed > 60
	if reset {
		said.With("connect-time-in-sec", elapsed).Infof("reseting backoff")
	}
	code := codes.Code(99)
	if status, ok := status.FromError(err); ok {
		code = status.Code()
	}
	switch code {
	case codes.Canceled:
		said.Infof("context canceled")
		return true
	case codes.Unauthenticated:
		said.Infof("unauthenticated")
	default:
		said.With("status", code).Infof("disconnected from %v, reason=%v", host, err)
	}
	return reset
}

// send is what an agent sends without being asked.
func (agent Logged) send(stream grpc.ClientStream) {
	bulk := make([]byte, agent.Bulk)
	for {
		if stream.SendMsg(&keepalive) != nil {
			return
		}
		if len(bulk) > 0 && stream.SendMsg(&bulk) != nil {
			return
		}
		bulk = nil
		time.Sleep(time.Duration(agent.Keepalive) * time.Millisecond)
	}
}

func (agent Logged) preConnect(log *zap.SugaredLogger) {
	var answer []byte
	client, err := agent.dial()
	if err == nil {
		ctx := metadata.AppendToOutgoingContext(context.Background(), metadataOf(agent.Token)...)
		err = client.Invoke(ctx, "/protobuf.Transport/PreConnect", new([]byte), &answer, codec)
	}
	if err != nil {
		log.With("version", version).Infof("failed pre-connect, reason=%v", err)
		return
	}
	// The stand-in always answers with this status, and without a text.
	if bytes.Contains(answer, []byte("BACKOFF")) {
		log.Debugf("pre-connect rpc, status=%v, message=%v", "BACKOFF", "")
	}
}

// Client is a call of the client's, with a key for what it reads elsewhere.
type Client struct {
	Agent
	JSON bool // -o json
}

// logAsClient prints the first error of a call.
func logAsClient(client Client) error {
	complain(client.call("Connect", "made-up", halfOpen), client.JSON)
	return nil
}

// Login is the URL of an API, and what is trusted.
type Login struct {
	URL, CA, Place string
	JSON           bool
}

// logLogin prints why a login doesn't get to the sign-in page, or where that is.
func logLogin(login Login) error {
	config := &tls.Config{}
	if login.CA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(login.CA))
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", login.Place)
		},
	}}
	answer, err := client.Get(login.URL + "/api/publicserverinfo")
	if err != nil {
		complain(fmt.Sprintf("failed fetching auth method, reason=failed performing request to publicserverinfo endpoint, reason=%v", err), login.JSON)
		return nil
	}
	defer answer.Body.Close()
	var info map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&info); err != nil {
		complain(fmt.Sprintf("failed fetching auth method, reason=unable to obtain auth method from public server info endpoint "+
			"due to failure on decoding the response body (%v), status=%v, err=%v", answer.Header.Get("Content-Type"), answer.StatusCode, err), login.JSON)
		return nil
	}
	fmt.Println("Enter Email: ")
	return nil
}

// complain prints an error as every command of the client's does.
func complain(message string, asJSON bool) {
	if !asJSON {
		fmt.Println(message)
		return
	}
	text, err := json.Marshal(map[string]any{"status": "error", "message": message, "exit_code": 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// Gateway is a gRPC port to be.
type Gateway struct {
	Address   string
	Cert, Key string // PEM; both empty for plaintext
	Encoding  string
	GRPC      bool // LOG_GRPC
	For       int  // in milliseconds
}

// logAsGateway serves Hoop's service and lets the library log what comes.
func logAsGateway(gateway Gateway) error {
	log := newLogger(gateway.Encoding, zap.InfoLevel, gateway.GRPC).Sugar()
	var options []grpc.ServerOption
	if gateway.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(gateway.Cert), []byte(gateway.Key))
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}
	listener, err := net.Listen("tcp", gateway.Address)
	if err != nil {
		return err
	}
	time.AfterFunc(time.Duration(gateway.For)*time.Millisecond, func() { os.Exit(0) })
	log.Infof("server transport created at %v", gateway.Address)
	return newServer(options...).Serve(listener)
}

const version = "1.148.0"

// keepalive is a packet of the type GatewayKeepAlive, and nothing else in it.
var keepalive = []byte("\x12\x10GatewayKeepAlive")
