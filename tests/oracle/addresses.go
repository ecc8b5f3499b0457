package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Configured is an address or a key, and who reads it.
type Configured struct {
	Reader   string // client, key, spiffe or legacy
	Text     string
	Insecure bool // HOOP_GRPC_INSECURE, which spiffe alone reads
}

// Reading is what is made of it.
type Reading struct {
	Unreadable string // what url.Parse says against the text
	Refused    string // what Hoop says before it dials
	TLS        bool
	Target     []byte // what grpc-go is told to dial
	Dial       Dial
}

// Dial is how far Go's dialer gets with a target, up to the first packet.
type Dial struct {
	Address string // what grpc-go hands to the dialer
	Host    string
	Port    int
	Asked   bool   // a resolver of grpc-go's own would ask the network first
	Error   string // why nothing would be sent
}

func read(asked Configured) (Reading, error) {
	var reading Reading
	if _, err := url.Parse(asked.Text); err != nil {
		reading.Unreadable = err.Error()
	}
	address := asked.Text
	switch asked.Reader {
	case "key":
		host, scheme, err := parseKey(asked.Text)
		if err != nil {
			reading.Refused = err.Error()
			return reading, nil
		}
		address, reading.TLS = host, keyTLS(scheme)
	case "client":
		reading.TLS = clientTLS(asked.Text)
	case "spiffe":
		reading.TLS = plainTLS(asked.Text, asked.Insecure)
	case "legacy":
		reading.TLS = plainTLS(asked.Text, false)
	default:
		return reading, errors.New("no reader is called " + asked.Reader)
	}
	target, err := parseServerAddress(address)
	if err != nil {
		reading.Refused = err.Error()
		return reading, nil
	}
	reading.Target = []byte(target)
	known, ok := dials[target]
	if !ok {
		known = dial(target)
		dials[target] = known
	}
	reading.Dial = known
	return reading, nil
}

// dials keeps what was found out, since four readers share most targets.
var dials = map[string]Dial{}

// errStopped is where a dialer or a resolver got through to what would be its first packet. To a resolver it looks like
// a server that doesn't answer, since it takes other errors for a name that doesn't exist.
var errStopped net.Error = stopped{}

type stopped struct{}

func (stopped) Error() string   { return "stopped before the first packet" }
func (stopped) Timeout() bool   { return true }
func (stopped) Temporary() bool { return true }

func init() {
	// The resolver of the scheme dns: takes this one. Nothing here may ask the network.
	net.DefaultResolver = mute
}

var mute = &net.Resolver{
	PreferGo: true,
	Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errStopped },
}

// dial lets grpc-go and Go's dialer do all but send.
func dial(target string) Dial {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	dialer := net.Dialer{
		Resolver:       mute,
		ControlContext: func(context.Context, string, string, syscall.RawConn) error { return errStopped },
	}
	handed := make(chan Dial, 1)
	hand := func(said Dial) {
		select {
		case handed <- said:
		default: // A second try has nothing new to say.
		}
	}
	connect := func(ctx context.Context, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "unix:") {
			hand(Dial{Address: address})
			return nil, errStopped
		}
		if address == "" {
			// Where no dialer is given, the resolver refuses this before anyone could dial.
			_, err := grpc.DialContext(ctx, target, grpc.WithTransportCredentials(insecure.NewCredentials())) //nolint:staticcheck
			hand(Dial{Error: fmt.Sprint(err)})
			return nil, errStopped
		}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			connection.Close()
			err = errors.New("a packet was sent")
		}
		said := Dial{Address: address, Error: err.Error()}
		if strings.Contains(err.Error(), errStopped.Error()) {
			var port string
			said.Error = ""
			said.Host, port, _ = net.SplitHostPort(address)
			said.Port, _ = net.LookupPort("tcp", port)
		}
		hand(said)
		return nil, err
	}
	// As Hoop does; NewClient has another scheme for a target without one.
	client, err := grpc.DialContext(ctx, target, //nolint:staticcheck
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(connect))
	if err != nil {
		return Dial{Error: err.Error()}
	}
	defer client.Close()
	_, err = client.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, connectMethod)
	select {
	case said := <-handed:
		// What a resolver of its own hands over is what it was told, which is another machine's business.
		said.Asked = strings.HasPrefix(target, "dns:")
		return said
	default:
	}
	// A resolver of grpc-go's own had no address to hand over: either it would have asked, or there is nothing to ask.
	if strings.Contains(err.Error(), errStopped.Error()) {
		return Dial{Asked: true}
	}
	return Dial{Error: err.Error()}
}
