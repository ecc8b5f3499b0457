//! A site of Apache httpd.

use super::Asked;

/// For Apache httpd 2.4.47 and newer.
pub(super) fn apache(asked: &Asked) -> String {
    let Asked { host, .. } = asked;
    let certificate = asked
        .certificate
        .clone()
        .unwrap_or_else(|| format!("/etc/ssl/certs/{host}.pem"));
    let key = match &asked.certificate {
        Some(certificate) => super::key_beside(certificate),
        None => format!("/etc/ssl/private/{host}.key"),
    };
    let (grpc, api) = (asked.at(8010), asked.at(8009));
    let (h2, http, upstream) = match asked.tls_upstream {
        true => (
            "h2",
            "https",
            "
  # The gateway's own certificate is signed by itself and names no host, so there is nothing to verify.
  SSLProxyEngine on
  SSLProxyVerify none
  SSLProxyCheckPeerName off
  SSLProxyCheckPeerExpire off",
        ),
        false => ("h2c", "http", ""),
    };
    let common = format!(
        "  SSLEngine on
  # Agents and clients speak TLS 1.2 and 1.3.
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCertificateFile {certificate}
  SSLCertificateKeyFile {key}
  # gRPC is HTTP/2, and without this line Apache speaks HTTP/1.1 alone.
  Protocols h2 http/1.1
  # A token of an identity provider may be longer than the 8190 bytes that a header may have by default.
  LimitRequestFieldSize 65536
  # Where mod_reqtimeout is loaded before mod_http2, it ends every stream after 20 seconds by default.
  <IfModule reqtimeout_module>
    RequestReadTimeout body=0
  </IfModule>{upstream}"
    );
    let to_grpc = format!(
        "  # Before the line for everything, as the first one that fits is taken. The path is the same on both sides.
  # {h2}:// towards the gateway: with {http}:// Apache speaks HTTP/1, which is no gRPC.
  ProxyPass /protobuf.Transport/ {h2}://{grpc}/protobuf.Transport/"
    );
    let to_api = format!(
        "  # upgrade: RDP and SSM sessions are WebSockets, which may be quiet for long.
  ProxyPass / {http}://{api}/ upgrade=websocket timeout=3600"
    );
    let sites = match &asked.grpc_host {
        None => format!(
            "<VirtualHost *:443>
  ServerName {host}
{common}
{to_grpc}
{to_api}
</VirtualHost>"
        ),
        Some(grpc_host) => format!(
            "<VirtualHost *:443>
  ServerName {grpc_host}
{common}
{to_grpc}
</VirtualHost>

<VirtualHost *:443>
  ServerName {host}
{common}
{to_api}
</VirtualHost>"
        ),
    };
    format!(
        "# Hoop behind Apache: https://{host}, gRPC at grpcs://{grpc_name}:443
# Modules: a2enmod ssl http2 proxy proxy_http proxy_http2 (and not mpm_prefork, with which there is no HTTP/2).
{sites}
",
        grpc_name = asked.grpc()
    )
}

#[cfg(test)]
mod tests {
    use super::{Asked, apache};

    #[test]
    fn what_is_asked_for_is_in_it() {
        let mut asked = Asked {
            host: "hoop.example.com".to_owned(),
            grpc_host: None,
            certificate: None,
            gateway: "gateway".to_owned(),
            tls_upstream: false,
        };
        let plain = apache(&asked);
        assert!(plain.contains("SSLCertificateKeyFile /etc/ssl/private/hoop.example.com.key"));
        assert!(plain.contains("h2c://gateway:8010/protobuf.Transport/") && !plain.contains("SSLProxyEngine"));
        asked.grpc_host = Some("grpc.example.com".to_owned());
        asked.tls_upstream = true;
        let tls = apache(&asked);
        assert_eq!(tls.matches("<VirtualHost *:443>").count(), 2);
        assert!(
            tls.contains("h2://gateway:8010/protobuf.Transport/")
                && tls.contains("https://gateway:8009/ upgrade=websocket")
        );
    }
}
