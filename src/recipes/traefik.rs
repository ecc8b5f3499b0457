//! The two files of Traefik, as the documents of one text.

use super::Asked;
use super::key_beside;

/// REST and gRPC on one port, by path and, where gRPC has a host of its own, by host.
pub(super) fn traefik(asked: &Asked) -> String {
    let host = &asked.host;
    let (to_grpc, to_rest) = (asked.at(8010), asked.at(8009));
    let certificate = asked.certificate.as_deref().unwrap_or("/etc/traefik/tls/fullchain.pem");
    let key = key_beside(certificate);
    let grpc_host = asked.grpc();
    // Towards a port with TLS, ALPN chooses HTTP/2; without TLS it has to be said.
    let (grpc, rest) = match asked.tls_upstream {
        true => ("https", "https"),
        false => ("h2c", "http"),
    };
    let (transport, transports) = match asked.tls_upstream {
        true => (
            "\n        serversTransport: hoop",
            "
  serversTransports:
    hoop:
      # The gateway makes its certificate itself unless it is given one, so it is not verified.
      insecureSkipVerify: true",
        ),
        false => ("", ""),
    };
    format!(
        r#"# /etc/traefik/traefik.yml: what comes before the three dashes. Traefik reads it when it starts.
entryPoints:
  websecure:
    address: ":443"
    transport:
      respondingTimeouts:
        # Ends a stream that long after its beginning, whatever flows; the default is 60 seconds.
        readTimeout: 0s
        # Already the default: a stream is an answer too.
        writeTimeout: 0s
providers:
  file:
    filename: /etc/traefik/hoop.yml
---
# /etc/traefik/hoop.yml: what comes behind the three dashes. Traefik reads it again when it changes.
http:
  routers:
    hoop-grpc:
      entryPoints: [websecure]
      # The whole service: Connect, PreConnect and HealthCheck. The longer rule is asked first. No middleware may stand here that
      # buffers, retries or asks for credentials.
      rule: "Host(`{grpc_host}`) && PathPrefix(`/protobuf.Transport/`)"
      service: hoop-grpc
      tls: {{}}
    hoop-api:
      entryPoints: [websecure]
      # WebSockets pass without being asked for.
      rule: "Host(`{host}`)"
      service: hoop-api
      tls: {{}}
  services:
    hoop-grpc:
      loadBalancer:{transport}
        servers:
        # {grpc_why}
        - url: "{grpc}://{to_grpc}"
        # No health check: mode grpc asks for grpc.health.v1, which the gateway doesn't have.
    hoop-api:
      loadBalancer:{transport}
        servers:
        - url: "{rest}://{to_rest}"
        healthCheck:
          # Any other path is answered by the web application, even where the gateway is broken.
          path: /api/healthz
          interval: 10s
          timeout: 5s
          # Others than 200 are no healthy gateway's.
          status: 200{transports}
tls:
  certificates:
  # The chain with its intermediate certificates, the leaf first.
  - certFile: "{certificate}"
    keyFile: "{key}"
  options:
    default:
      minVersion: VersionTLS12
      # gRPC needs h2.
      alpnProtocols: [h2, http/1.1]
"#,
        grpc_why = match asked.tls_upstream {
            true => "HTTP/2, which ALPN chooses.",
            false => "HTTP/2 without TLS: http:// would be HTTP/1, in which there is no gRPC.",
        }
    )
}

#[cfg(test)]
mod tests {
    use super::traefik;
    use crate::proxyconf::source::Text;
    use crate::proxyconf::yaml::documents;
    use crate::proxyconf::{Action, Http2, ProxyConf, Speaks};
    use crate::recipes::Asked;

    #[test]
    fn each_variant_is_read_with_both_upstreams() {
        for (grpc_host, tls_upstream) in [(None, false), (Some("grpc.example.com".to_owned()), true)] {
            let asked = Asked {
                grpc_host,
                tls_upstream,
                ..Asked::default()
            };
            let text = Text::new("traefik.yaml", traefik(&asked));
            let found = documents(&text);
            let mut conf = ProxyConf::default();
            crate::proxyconf::traefik::read(&[(&text, &found.all)], &mut conf);
            assert_eq!(
                (found.problem, conf.problems.as_slice()),
                (None, [].as_slice()),
                "{}",
                text.content
            );
            let [listener] = conf.listeners.as_slice() else {
                panic!("{:?}", conf.listeners)
            };
            assert_eq!((listener.port, listener.limits.lifetime.len()), (Some(443), 0));
            assert_eq!(listener.http2.as_ref().map(|http2| http2.value), Some(Http2::Spoken));
            let speaks: Vec<_> = listener
                .routes
                .iter()
                .map(|route| match &route.action {
                    Action::Forward(to) => (to.speaks.value, to.tls.as_ref().map(|tls| tls.value), to.servers.len()),
                    other => panic!("{other:?}"),
                })
                .collect();
            // To REST, TLS brings HTTP/2, which Hoop's own server takes.
            let rest = if tls_upstream { Speaks::Http2 } else { Speaks::Http1 };
            assert_eq!(
                speaks,
                [(Speaks::Http2, Some(tls_upstream), 1), (rest, Some(tls_upstream), 1)]
            );
        }
    }
}
