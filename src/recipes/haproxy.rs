//! `haproxy.cfg`.

use super::Asked;

/// For HAProxy 2.6 and newer.
pub(super) fn haproxy(asked: &Asked) -> String {
    let Asked { host, .. } = asked;
    let certificate = asked
        .certificate
        .clone()
        .unwrap_or_else(|| format!("/etc/haproxy/certs/{host}.pem"));
    let (grpc, api) = (asked.at(8010), asked.at(8009));
    let names = match &asked.grpc_host {
        Some(grpc) => format!("https://{host}, gRPC at grpcs://{grpc}:443"),
        None => format!("https://{host}, gRPC at grpcs://{host}:443"),
    };
    let route = match &asked.grpc_host {
        Some(grpc) => format!(
            "  # The name as clients send it, with or without a port.
  acl grpc_host req.hdr(host),field(1,:) -i {grpc}
  # The whole prefix: agents call Connect, PreConnect and HealthCheck.
  use_backend hoop_grpc if grpc_host {{ path_beg /protobuf.Transport/ }}"
        ),
        None => "  # The whole prefix: agents call Connect, PreConnect and HealthCheck.
  use_backend hoop_grpc if { path_beg /protobuf.Transport/ }"
            .to_owned(),
    };
    let (to_grpc, to_api) = match asked.tls_upstream {
        true => (
            "  # The gateway's own certificate is signed by itself and names no host, so there is nothing to verify.
  # alpn h2: without it HAProxy speaks HTTP/1, which is no gRPC.
  server gateway GRPC ssl verify none alpn h2 check"
                .replace("GRPC", &grpc),
            format!("  server gateway {api} ssl verify none check"),
        ),
        false => (
            format!(
                "  # proto h2: without it HAProxy speaks HTTP/1, which is no gRPC.
  server gateway {grpc} proto h2 check"
            ),
            format!("  server gateway {api} check"),
        ),
    };
    format!(
        "# Hoop behind HAProxy: {names}
global
  log stdout format raw local0
  # Agents and clients speak TLS 1.2 and 1.3.
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  log global
  mode http
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 1h
  # A stream is ended when the gateway is quiet for this long, and a session that waits for approval is.
  timeout server 1h
  # The same for WebSockets.
  timeout tunnel 1h
  # No retry-on: what an agent has sent must not be sent twice.

frontend hoop
  # The file holds the certificate, its chain and its key.
  # alpn: gRPC is HTTP/2, and agents end a connection on which no protocol was chosen.
  bind :443 ssl crt {certificate} alpn h2,http/1.1
{route}
  default_backend hoop_api

backend hoop_grpc
  # Whether the port is open is all that can be checked: the gateway answers no HTTP request there.
{to_grpc}

backend hoop_api
  option httpchk GET /api/healthz
  http-check expect status 200
{to_api}
"
    )
}

#[cfg(test)]
mod tests {
    use super::{Asked, haproxy};

    #[test]
    fn what_is_asked_for_is_in_it() {
        let mut asked = Asked {
            host: "hoop.example.com".to_owned(),
            grpc_host: None,
            certificate: None,
            gateway: "fd00::1".to_owned(),
            tls_upstream: false,
        };
        let plain = haproxy(&asked);
        assert!(plain.contains("crt /etc/haproxy/certs/hoop.example.com.pem alpn h2,http/1.1"));
        assert!(plain.contains("server gateway [fd00::1]:8010 proto h2 check"));
        asked.grpc_host = Some("grpc.example.com".to_owned());
        asked.tls_upstream = true;
        let tls = haproxy(&asked);
        assert!(tls.contains("if grpc_host { path_beg /protobuf.Transport/ }"));
        assert!(tls.contains("server gateway [fd00::1]:8010 ssl verify none alpn h2 check"));
        assert!(!tls.contains("proto h2"));
    }
}
