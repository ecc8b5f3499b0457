//! A bootstrap file for Envoy.

use super::Asked;

/// REST and gRPC on one port, by path and, where gRPC has a host of its own, by host.
pub(super) fn envoy(asked: &Asked) -> String {
    let Asked { host, gateway, .. } = asked;
    let certificate = asked.certificate.as_deref().unwrap_or("/etc/envoy/tls/fullchain.pem");
    let key = super::key_beside(certificate);
    let hosts = match asked.grpc_host.as_deref().filter(|own| own != host) {
        Some(grpc_host) => format!(
            r#"            - name: hoop-grpc
              domains: ["{grpc_host}"]
              routes:
{GRPC_ROUTE}
            - name: hoop-api
              domains: ["{host}"]
              routes:
{REST_ROUTE}"#
        ),
        None => format!(
            r#"            - name: hoop
              domains: ["{host}"]
              routes:
{GRPC_ROUTE}
{REST_ROUTE}"#
        ),
    };
    let tls = |protocol: &str| match asked.tls_upstream {
        true => format!(
            r#"
    # The gateway makes its certificate itself unless it is given one, so it is not verified.
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context: {{ alpn_protocols: [{protocol}] }}"#
        ),
        false => String::new(),
    };
    let (grpc_tls, rest_tls) = (tls("h2"), tls("http/1.1"));
    format!(
        r#"static_resources:
  listeners:
  - name: hoop
    address: {{ socket_address: {{ address: 0.0.0.0, port_value: 443 }} }}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            # Without h2 no agent connects: gRPC is HTTP/2, and Envoy offers only what is listed.
            alpn_protocols: [h2, http/1.1]
            tls_params: {{ tls_minimum_protocol_version: TLSv1_2 }}
            tls_certificates:
            # The chain with its intermediate certificates, the leaf first.
            - certificate_chain: {{ filename: "{certificate}" }}
              private_key: {{ filename: "{key}" }}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: hoop
          codec_type: AUTO
          use_remote_address: true
          # Clients of gRPC send host:port, which the domains below don't have.
          strip_any_host_port: true
          # A session that waits for its approval is silent for longer than the default of 5 minutes.
          stream_idle_timeout: 0s
          http2_protocol_options:
            # In its place: a client that is gone answers no PING.
            connection_keepalive: {{ interval: 30s, timeout: 15s }}
          common_http_protocol_options:
            # WebSockets of agents carry a header HOOP_KEY.
            headers_with_underscores_action: ALLOW
          # /api/ws and /rdpproxy are WebSockets.
          upgrade_configs: [{{ upgrade_type: websocket }}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          route_config:
            virtual_hosts:
{hosts}
  clusters:
  - name: hoop-grpc
    type: STRICT_DNS
    connect_timeout: 5s
    # HTTP/2 is not chosen by itself: without this every call fails with a protocol error.
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{ http2_protocol_options: {{}} }}{grpc_tls}
    # No health check of gRPC: the gateway has no grpc.health.v1.
    load_assignment:
      cluster_name: hoop-grpc
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: "{gateway}", port_value: 8010 }} }} }} }}] }}]
  - name: hoop-api
    type: STRICT_DNS
    connect_timeout: 5s{rest_tls}
    health_checks:
    - timeout: 5s
      interval: 10s
      unhealthy_threshold: 3
      healthy_threshold: 1
      # Any other path is answered by the web application, even where the gateway is broken.
      http_health_check: {{ path: /api/healthz }}
    load_assignment:
      cluster_name: hoop-api
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: "{gateway}", port_value: 8009 }} }} }} }}] }}]
"#
    )
}

/// The whole service: Connect, PreConnect and HealthCheck.
const GRPC_ROUTE: &str = r#"              # The whole service, and before the route for everything else.
              - match: { prefix: "/protobuf.Transport/" }
                # A stream lives as long as its agent; without a retry policy nothing is sent twice.
                route: { cluster: hoop-grpc, timeout: 0s }"#;

const REST_ROUTE: &str = r#"              - match: { prefix: "/" }
                # Downloads and WebSockets take longer than the default of 15 seconds.
                route: { cluster: hoop-api, timeout: 0s }"#;

#[cfg(test)]
mod tests {
    use super::envoy;
    use crate::proxyconf::envoy::read;
    use crate::proxyconf::source::Text;
    use crate::proxyconf::yaml::documents;
    use crate::proxyconf::{Action, Http2, ProxyConf, Speaks};
    use crate::recipes::Asked;

    fn of(asked: &Asked) -> ProxyConf {
        let text = Text::new("envoy.yaml", envoy(asked));
        let found = documents(&text);
        let mut conf = ProxyConf::default();
        read(&text, &found.all, &mut conf);
        assert_eq!(
            (found.problem, conf.problems.as_slice()),
            (None, [].as_slice()),
            "{}",
            text.content
        );
        conf
    }

    #[test]
    fn each_variant_is_read_with_both_upstreams() {
        for (grpc_host, tls_upstream) in [(None, false), (Some("grpc.example.com".to_owned()), true)] {
            let conf = of(&Asked {
                grpc_host,
                tls_upstream,
                ..Asked::default()
            });
            let [listener] = conf.listeners.as_slice() else {
                panic!("{:?}", conf.listeners)
            };
            assert_eq!(listener.http2.as_ref().map(|http2| http2.value), Some(Http2::Spoken));
            for (name, speaks) in [("hoop-grpc", Speaks::Http2), ("hoop-api", Speaks::Http1)] {
                let to = listener.routes.iter().find_map(|route| match &route.action {
                    Action::Forward(to) if to.name.as_deref() == Some(name) => Some((to, route)),
                    _ => None,
                });
                let (to, route) = to.unwrap_or_else(|| panic!("{name} has a route"));
                assert_eq!(
                    (to.speaks.value, to.tls.as_ref().map(|tls| tls.value)),
                    (speaks, Some(tls_upstream))
                );
                assert_eq!((route.limits.idle.len(), route.when.len(), to.servers.len()), (0, 0, 1));
                assert_eq!(route.upgrades.as_ref().map(|upgrades| upgrades.value), Some(true));
            }
        }
    }
}
