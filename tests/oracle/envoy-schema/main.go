// Envoy-schema writes down what Envoy's own descriptors say of the messages that a configuration for a gateway is made of:
// the fields, what they hold, and which of them have to be there. src/proxyconf/envoy/schema.txt is its output:
//
//	go run . > ../../../src/proxyconf/envoy/schema.txt
//
// A line is a message with its fields, or an enum with its values; behind @ stands the package of those that follow. A field is
// NAME:KIND. The kind is s for text, n for a number, u for one that is
// not negative, b for a truth value, d for a duration, a for google.protobuf.Any, . for what
// isn't looked at, or the number of the line of a message or an enum, from 0 and without those of packages. Before it, * stands
// for a list and % for a map; behind it, ! for a field that has to be there and has to say something, <N for the largest number
// allowed, ^N for the fields of which only one may be there, ^N! for those of which one has to be.
//
// The version of Envoy is that of the module in go.mod.
package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/envoyproxy/protoc-gen-validate/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/basic_auth/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/buffer/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_http1_bridge/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_web/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/proxy_protocol/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/raw_buffer/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// The messages that an "@type" names, and the one that a file is.
var roots = []protoreflect.FullName{
	"envoy.config.bootstrap.v3.Bootstrap",
	"envoy.extensions.access_loggers.file.v3.FileAccessLog",
	"envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
	"envoy.extensions.filters.http.basic_auth.v3.BasicAuth",
	"envoy.extensions.filters.http.buffer.v3.Buffer",
	"envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
	"envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
	"envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
	"envoy.extensions.filters.http.fault.v3.HTTPFault",
	"envoy.extensions.filters.http.grpc_http1_bridge.v3.Config",
	"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig",
	"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute",
	"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
	"envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
	"envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
	"envoy.extensions.filters.http.rbac.v3.RBAC",
	"envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
	"envoy.extensions.filters.http.router.v3.Router",
	"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
	"envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
	"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
	"envoy.extensions.filters.network.rbac.v3.RBAC",
	"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
	"envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
	"envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
	"envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
	"envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
	"envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
	"envoy.config.route.v3.FilterConfig",
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "envoy-schema:", err)
		os.Exit(1)
	}
}

func run() error {
	var s schema
	for _, name := range roots {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.number(found)
	}
	// What a message leads to is appended while its line is written; in the order of their names they share packages.
	for i := 0; i < len(s.all); i++ {
		s.line(s.all[i])
	}
	slices.SortFunc(s.all, func(a, b protoreflect.Descriptor) int {
		return cmp.Or(cmp.Compare(pack(a), pack(b)), cmp.Compare(a.FullName(), b.FullName()))
	})
	last := ""
	for _, d := range s.all {
		if pack(d) != last {
			last = pack(d)
			fmt.Println("@" + last)
		}
		fmt.Println(s.line(d))
	}
	return nil
}

type schema struct {
	all []protoreflect.Descriptor
}

// The number of a message or an enum: how many come before it.
func (s *schema) number(d protoreflect.Descriptor) int {
	known := func(one protoreflect.Descriptor) bool { return one.FullName() == d.FullName() }
	if i := slices.IndexFunc(s.all, known); i >= 0 {
		return i
	}
	s.all = append(s.all, d)
	return len(s.all) - 1
}

func pack(d protoreflect.Descriptor) string { return string(d.ParentFile().Package()) }

func (s *schema) line(d protoreflect.Descriptor) string {
	words := []string{strings.TrimPrefix(string(d.FullName()), pack(d)+".")}
	switch d := d.(type) {
	case protoreflect.EnumDescriptor:
		for i := range d.Values().Len() {
			words = append(words, string(d.Values().Get(i).Name()))
		}
	case protoreflect.MessageDescriptor:
		for i := range d.Fields().Len() {
			words = append(words, s.field(d.Fields().Get(i)))
		}
	}
	return strings.Join(words, " ")
}

func (s *schema) field(f protoreflect.FieldDescriptor) string {
	text := string(f.Name()) + ":"
	holds := f
	switch {
	case f.IsMap():
		text += "%"
		holds = f.MapValue()
	case f.IsList():
		text += "*"
	}
	text += s.kind(holds) + demanded(f)
	if one := f.ContainingOneof(); one != nil && !one.IsSynthetic() {
		text += fmt.Sprintf("^%d", one.Index())
		if proto.GetExtension(one.Options(), validate.E_Required).(bool) {
			text += "!"
		}
	}
	return text
}

func (s *schema) kind(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return "b"
	case protoreflect.StringKind, protoreflect.BytesKind:
		return "s"
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return "u"
	case protoreflect.EnumKind:
		return fmt.Sprint(s.number(f.Enum()))
	case protoreflect.MessageKind, protoreflect.GroupKind:
		switch name := string(f.Message().FullName()); {
		case name == "google.protobuf.Duration":
			return "d"
		case name == "google.protobuf.Any":
			return "a"
		case name == "google.protobuf.BoolValue":
			return "b"
		case name == "google.protobuf.StringValue", name == "google.protobuf.BytesValue":
			return "s"
		case strings.HasPrefix(name, "google.protobuf.UInt"):
			return "u"
		case strings.HasPrefix(name, "google.protobuf.") && strings.HasSuffix(name, "Value") && name != "google.protobuf.Value":
			return "n"
		case strings.HasPrefix(name, "google."), unchecked(name):
			return "."
		}
		return fmt.Sprint(s.number(f.Message()))
	default:
		return "n"
	}
}

// What Envoy asks of a field beside its type: that it is there, or how large a number may be.
func demanded(f protoreflect.FieldDescriptor) string {
	rules, _ := proto.GetExtension(f.Options(), validate.E_Rules).(*validate.FieldRules)
	text := ""
	if rules.GetMessage().GetRequired() || rules.GetAny().GetRequired() || rules.GetDuration().GetRequired() ||
		rules.GetString_().GetMinLen() > 0 || rules.GetRepeated().GetMinItems() > 0 {
		text = "!"
	}
	if number := rules.GetUint32(); number != nil && number.Lte != nil {
		text += fmt.Sprintf("<%d", number.GetLte())
	}
	return text
}

// Whether the message has nothing to do with what reaches a gateway: logs, traces, statistics, matching trees.
func unchecked(name string) bool {
	for _, start := range leftOut {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

var leftOut = []string{
	"envoy.config.accesslog.v3.AccessLogFilter", "envoy.config.bootstrap.v3.Watchdog", "envoy.config.bootstrap.v3.Runtime", "envoy.config.bootstrap.v3.LayeredRuntime",
	"envoy.config.bootstrap.v3.ClusterManager", "envoy.config.bootstrap.v3.CustomInlineHeader", "envoy.config.bootstrap.v3.MemoryAllocatorManager",
	"envoy.config.bootstrap.v3.Fatal", "envoy.config.cluster.v3.UpstreamConnectionOptions", "envoy.config.common.", "envoy.config.core.v3.Quic",
	"envoy.config.core.v3.Http3", "envoy.config.core.v3.GrpcService", "envoy.config.core.v3.Event", "envoy.config.core.v3.UdpSocketConfig",
	"envoy.config.core.v3.DnsResolutionConfig", "envoy.config.core.v3.SubstitutionFormatString", "envoy.config.core.v3.ProxyProtocolConfig",
	"envoy.config.core.v3.RateLimitSettings", "envoy.config.core.v3.BackoffStrategy", "envoy.config.endpoint.v3.LedsClusterLocalityConfig",
	"envoy.config.listener.v3.UdpListenerConfig", "envoy.config.listener.v3.ListenerFilterChainMatchPredicate", "envoy.config.metrics.",
	"envoy.config.overload.", "envoy.config.route.v3.RateLimit", "envoy.config.route.v3.InternalRedirectPolicy", "envoy.config.trace.", "envoy.data.",
	"envoy.config.rbac.v3.RBAC.AuditLoggingOptions", "envoy.extensions.common.", "envoy.extensions.filters.common.", "envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks",
	"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes", "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.Tunneling",
	"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing", "envoy.type.http.", "envoy.type.metadata.", "envoy.type.tracing.", "xds.",
	"envoy.config.cluster.v3.Cluster.LbSubsetConfig", "envoy.config.cluster.v3.Cluster.MaglevLbConfig", "envoy.config.cluster.v3.Cluster.RingHashLbConfig",
	"envoy.config.cluster.v3.Cluster.OriginalDstLbConfig", "envoy.config.cluster.v3.Cluster.CommonLbConfig", "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig",
	"envoy.config.cluster.v3.Cluster.RoundRobinLbConfig", "envoy.config.cluster.v3.OutlierDetection", "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig.HttpServer",
	"envoy.config.core.v3.AlternateProtocolsCacheOptions", "envoy.config.core.v3.ApiConfigSource", "envoy.config.bootstrap.v3.Admin.",
}
