//! The changes that several findings ask for, in each proxy's own words.
//!
//! A snippet goes into a configuration as it is: a comment says into which block, host and port are the real ones, and the
//! gateway's ports stand for its address, which can't be seen from outside. `tests/it/remedies.rs` puts them into real
//! configurations; Apache takes no comment behind a directive.

use std::net::IpAddr;

use super::Draft;
use crate::evidence::{Endpoint, host_port};
use crate::proxies::Proxy;

/// A route for the gRPC service.
pub(super) fn grpc_route(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (host, named) = (&endpoint.target.server_name, name(endpoint).unwrap_or("*"));
    draft
        .snippet(
            Proxy::Nginx,
            "location /protobuf.Transport/ {   # in the server block\n    client_max_body_size 0;\n    grpc_read_timeout 1h;\n    grpc_send_timeout 1h;\n    \
             client_body_timeout 1h;\n    grpc_pass grpc://127.0.0.1:8010;   # grpcs:// where the gateway has TLS\n}",
        )
        .snippet(
            Proxy::IngressNginx,
            format!(
                "# an Ingress of its own for gRPC\nmetadata:\n  annotations:\n    nginx.ingress.kubernetes.io/backend-protocol: \"GRPC\"   # GRPCS where the gateway has TLS\n\
                 {}",
                ingress(endpoint, "/protobuf.Transport", 8010)
            ),
        )
        .snippet(
            Proxy::Envoy,
            "# in the routes of the virtual host that calls get, whose :authority has a port, before the route for /; the cluster is one with http2_protocol_options\n\
             - match: { prefix: \"/protobuf.Transport/\" }\n  route: { cluster: hoop_grpc, timeout: 0s }",
        )
        .snippet(
            Proxy::Istio,
            format!(
                "# in the VirtualService; its first route has to be the one for gRPC\nhosts: [\"{named}\"]\nhttp:\n- match:\n  - uri: {{ prefix: /protobuf.Transport }}\n  \
                 route:\n  - destination: {{ host: hoopgateway, port: {{ number: 8010 }} }}"
            ),
        )
        .snippet(
            Proxy::Haproxy,
            "# at the end of the frontend\nuse_backend hoop_grpc if { path_beg /protobuf.Transport/ }\n\n\
             backend hoop_grpc\n    server gateway 127.0.0.1:8010 proto h2   # ssl verify none alpn h2 in the place of proto h2 where the gateway has TLS",
        )
        .snippet(
            Proxy::Caddy,
            format!("# in the site of {host}\n@grpc path /protobuf.Transport/*\nreverse_proxy @grpc h2c://127.0.0.1:8010   # https:// where the gateway has TLS"),
        )
        .snippet(
            Proxy::Apache,
            "# before any ProxyPass for /; h2:// where the gateway has TLS\nProxyPass /protobuf.Transport/ h2c://127.0.0.1:8010/protobuf.Transport/",
        )
        .snippet(
            Proxy::Traefik,
            format!(
                "# in the dynamic configuration\nhttp:\n  routers:\n    hoop-grpc:\n      rule: Host(`{host}`) && PathPrefix(`/protobuf.Transport/`)\n      \
                 service: hoop-grpc{}\n  services:\n    hoop-grpc:\n      loadBalancer:\n        servers:\n          - url: h2c://127.0.0.1:8010   # https:// where the gateway has TLS",
                traefik_tls(endpoint)
            ),
        )
        .snippet(Proxy::Nghttpx, "backend=127.0.0.1,8010;/protobuf.Transport/;proto=h2")
        .snippet(
            Proxy::AwsAlb,
            "# a rule of the listener, before the one for /\nConditions:\n- Field: path-pattern\n  Values: [\"/protobuf.Transport/*\"]\nActions:\n\
             - Type: forward\n  TargetGroupArn: !Ref GrpcTargetGroup   # ProtocolVersion: GRPC, Port: 8010",
        )
}

/// How to speak to the gateway's gRPC port.
pub(super) fn grpc_upstream(draft: Draft) -> Draft {
    draft
        .snippet(
            Proxy::Nginx,
            "grpc_pass grpc://127.0.0.1:8010;   # for /protobuf.Transport/, not proxy_pass; grpcs:// where the gateway has TLS",
        )
        .snippet(
            Proxy::IngressNginx,
            "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/backend-protocol: \"GRPC\"   # GRPCS where the gateway has TLS; the backend's port is 8010",
        )
        .snippet(
            Proxy::Envoy,
            "# the cluster of the route for /protobuf.Transport/\n- name: hoop_grpc\n  type: STATIC\n  connect_timeout: 5s\n  typed_extension_protocol_options:\n    \
             envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n      \
             \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n      \
             explicit_http_config: { http2_protocol_options: {} }\n  \
             load_assignment:\n    cluster_name: hoop_grpc\n    \
             endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8010 } } } }] }]\n  \
             # transport_socket:   # where the gateway has TLS\n  #   name: envoy.transport_sockets.tls\n  #   typed_config:\n  \
             #     \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n  \
             #     common_tls_context: { alpn_protocols: [h2] }",
        )
        .snippet(
            Proxy::Istio,
            "# in the Service, whose endpoints `kubectl get endpoints hoopgateway` lists; the name or appProtocol decides the protocol\nports:\n- name: grpc-hoop\n  port: 8010\n  appProtocol: grpc\n\
             # in a DestinationRule for it: mode SIMPLE where the gateway has TLS, DISABLE where it has none",
        )
        .snippet(
            Proxy::Haproxy,
            "server gateway 127.0.0.1:8010 proto h2   # ssl verify none alpn h2 in the place of proto h2 where the gateway has TLS",
        )
        .snippet(
            Proxy::Caddy,
            "reverse_proxy /protobuf.Transport/* h2c://127.0.0.1:8010   # https:// where the gateway has TLS",
        )
        .snippet(
            Proxy::Apache,
            "# before any ProxyPass for /, with mod_proxy_http2; h2:// where the gateway has TLS\n\
             ProxyPass /protobuf.Transport/ h2c://127.0.0.1:8010/protobuf.Transport/",
        )
        .snippet(
            Proxy::Traefik,
            "- url: h2c://127.0.0.1:8010   # in the service's loadBalancer.servers; https:// where the gateway has TLS",
        )
        .snippet(
            Proxy::Nghttpx,
            "backend=127.0.0.1,8010;/protobuf.Transport/;proto=h2",
        )
        .snippet(
            Proxy::AwsAlb,
            "GrpcTargetGroup:\n  Type: AWS::ElasticLoadBalancingV2::TargetGroup\n  Properties:\n    Protocol: HTTP   # HTTPS where the gateway has TLS\n    \
             ProtocolVersion: GRPC\n    Port: 8010\n    Matcher: { GrpcCode: \"12\" }   # the health check calls /, which the gateway answers with 12",
        )
}

/// The route for REST: everything that isn't gRPC.
pub(super) fn rest_route(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (host, named) = (&endpoint.target.server_name, name(endpoint).unwrap_or("*"));
    draft
        .snippet(
            Proxy::Nginx,
            "location / {   # in the server block\n    proxy_pass http://127.0.0.1:8009;   # no path behind the port\n    proxy_http_version 1.1;\n    proxy_set_header Host $host;\n}",
        )
        .snippet(
            Proxy::IngressNginx,
            ingress(endpoint, "/", 8009),
        )
        .snippet(
            Proxy::Envoy,
            "# the last of the virtual host's routes; the cluster is the one of port 8009\n- match: { prefix: \"/\" }\n  route: { cluster: hoop_rest }",
        )
        .snippet(
            Proxy::Istio,
            format!(
                "# in the VirtualService\nhosts: [\"{named}\"]\nhttp:\n- match: [{{ uri: {{ prefix: /protobuf.Transport }} }}]\n  \
                 route: [{{ destination: {{ host: hoopgateway, port: {{ number: 8010 }} }} }}]\n\
                 - route: [{{ destination: {{ host: hoopgateway, port: {{ number: 8009 }} }} }}]"
            ),
        )
        .snippet(
            Proxy::Haproxy,
            "# at the end of the frontend\ndefault_backend hoop_rest\n\nbackend hoop_rest\n    server gateway 127.0.0.1:8009",
        )
        .snippet(
            Proxy::Caddy,
            format!("reverse_proxy 127.0.0.1:8009   # in the site of {host}"),
        )
        .snippet(
            Proxy::Apache,
            "# behind the ProxyPass for /protobuf.Transport/\nProxyPass / http://127.0.0.1:8009/",
        )
        .snippet(
            Proxy::Traefik,
            format!(
                "# in the dynamic configuration\nhttp:\n  routers:\n    hoop-rest:\n      rule: Host(`{host}`)\n      service: hoop-rest{}\n  \
                 services:\n    hoop-rest:\n      loadBalancer:\n        servers:\n          - url: http://127.0.0.1:8009",
                traefik_tls(endpoint)
            ),
        )
        .snippet(Proxy::Nghttpx, "backend=127.0.0.1,8009")
        .snippet(
            Proxy::AwsAlb,
            "RestTargetGroup:\n  Type: AWS::ElasticLoadBalancingV2::TargetGroup\n  Properties:\n    Port: 8009\n    Protocol: HTTP\n    \
             ProtocolVersion: HTTP1\n    HealthCheckPath: /api/healthz",
        )
}

/// A whole site for this host, where there is none.
pub(super) fn site(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (host, port) = (&endpoint.target.server_name, endpoint.target.port);
    let (scheme, listen, nginx, caddy) = match endpoint.target.tls {
        true => (
            "https",
            format!("{port} ssl http2;   # since 1.25.1 also: listen {port} ssl; and http2 on;"),
            "    ssl_certificate     /path/to/fullchain.pem;\n    ssl_certificate_key /path/to/key.pem;\n",
            "    tls /path/to/fullchain.pem /path/to/key.pem\n",
        ),
        false => ("http", format!("{port};"), "", ""),
    };
    draft
        .snippet(
            Proxy::Nginx,
            format!(
                "server {{\n    listen {listen}\n    server_name {host};\n{nginx}    \
                 location /protobuf.Transport/ {{ client_max_body_size 0; grpc_pass grpc://127.0.0.1:8010; }}\n    \
                 location / {{ proxy_pass http://127.0.0.1:8009; }}\n}}"
            ),
        )
        .snippet(
            Proxy::Caddy,
            format!(
                "{scheme}://{} {{\n{caddy}    \
                 reverse_proxy /protobuf.Transport/* h2c://127.0.0.1:8010\n    reverse_proxy 127.0.0.1:8009\n}}",
                host_port(host, port)
            ),
        )
}

/// A TLS listener that speaks HTTP/2 and says so.
pub(super) fn listener(draft: Draft, endpoint: &Endpoint) -> Draft {
    let port = endpoint.target.port;
    draft
        .snippet(
            Proxy::Nginx,
            format!("listen {port} ssl http2;   # in the server block; since 1.25.1 also: listen {port} ssl; and http2 on;"),
        )
        .snippet(
            Proxy::IngressNginx,
            "data:   # of the controller's ConfigMap\n  use-http2: \"true\"",
        )
        .snippet(
            Proxy::Envoy,
            "alpn_protocols: [h2, http/1.1]   # in the listener's common_tls_context; codec_type has to be AUTO or HTTP2",
        )
        .snippet(
            Proxy::Haproxy,
            format!("bind :{port} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1"),
        )
        .snippet(
            Proxy::Caddy,
            "servers {   # in the global options, at the top of the file\n    protocols h1 h2 h3\n}",
        )
        .snippet(Proxy::Apache, "# with mod_http2 loaded, and another MPM than prefork\nProtocols h2 http/1.1")
        .snippet(
            Proxy::Traefik,
            "# in the dynamic configuration\ntls:\n  options:\n    default:\n      alpnProtocols: [h2, http/1.1]",
        )
}

/// A certificate in its place.
pub(super) fn certificate(draft: Draft, endpoint: &Endpoint) -> Draft {
    let (host, port) = (&endpoint.target.server_name, endpoint.target.port);
    let named = name(endpoint).unwrap_or("*");
    let hosts = match name(endpoint) {
        Some(name) => format!("hosts: [{name}]   # the same name as in rules\n    "),
        None => String::new(),
    };
    draft
        .snippet(
            Proxy::Nginx,
            format!(
                "ssl_certificate     /path/to/fullchain.pem;   # in the server block of {host}; the leaf first\nssl_certificate_key /path/to/key.pem;"
            ),
        )
        .snippet(
            Proxy::IngressNginx,
            format!(
                "spec:\n  tls:\n  - {hosts}secretName: gateway-tls   # kubectl get secret gateway-tls"
            ),
        )
        .snippet(
            Proxy::Envoy,
            "tls_certificates:   # in the listener's common_tls_context\n- certificate_chain: { filename: /path/to/fullchain.pem }\n  private_key: { filename: /path/to/key.pem }",
        )
        .snippet(
            Proxy::Istio,
            format!(
                "hosts: [\"{named}\"]   # a server of the Gateway\ntls:\n  mode: SIMPLE\n  credentialName: gateway-tls   # a secret in the ingress gateway's namespace"
            ),
        )
        .snippet(
            Proxy::Haproxy,
            format!("bind :{port} ssl crt /path/to/fullchain-and-key.pem alpn h2,http/1.1"),
        )
        .snippet(
            Proxy::Caddy,
            format!("tls /path/to/fullchain.pem /path/to/key.pem   # in the site of {host}"),
        )
        .snippet(
            Proxy::Apache,
            "SSLCertificateFile    /path/to/fullchain.pem\nSSLCertificateKeyFile /path/to/key.pem",
        )
        .snippet(
            Proxy::Traefik,
            "# in the dynamic configuration\ntls:\n  certificates:\n    - certFile: /path/to/fullchain.pem\n      keyFile: /path/to/key.pem",
        )
}

/// The host's name; an address is none.
fn name(endpoint: &Endpoint) -> Option<&str> {
    let name = endpoint.target.server_name.as_str();
    name.parse::<IpAddr>().is_err().then_some(name)
}

/// The rule of an Ingress, whose host can't be an address.
fn ingress(endpoint: &Endpoint, path: &str, port: u16) -> String {
    let host = match name(endpoint) {
        Some(name) => format!("host: {name}\n    "),
        None => String::new(),
    };
    format!(
        "spec:\n  rules:\n  - {host}http:\n      paths:\n      - path: {path}\n        pathType: Prefix\n        \
         backend: {{ service: {{ name: hoopgateway, port: {{ number: {port} }} }} }}"
    )
}

/// Routers of Traefik have TLS or not.
fn traefik_tls(endpoint: &Endpoint) -> &'static str {
    match endpoint.target.tls {
        true => "\n      tls: {}",
        false => "",
    }
}
