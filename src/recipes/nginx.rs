//! nginx from 1.22 on, as files for its `conf.d`: everything at one port, or gRPC at a port of its own.
//!
//! HTTP/2 is asked for in `listen`, which all of them take. nginx 1.25.1 and later warn that `http2 on;` is the newer way to say
//! it, but the older ones, those of current Debian and Ubuntu among them, don't start with that.

use super::Asked;

/// The API and gRPC at port 443: told apart by the path, or by the host where gRPC has one of its own.
pub(super) fn single_port(asked: &Asked) -> String {
    let Asked { host, .. } = asked;
    let (settings, tls) = (settings(), tls(asked));
    let (grpc, rest) = (grpc("/protobuf.Transport/", asked), rest(asked));
    let map = MAP;
    match asked.grpc_host.as_deref().filter(|grpc_host| *grpc_host != host) {
        None => format!(
            "# The API and gRPC of a Hoop gateway at https://{host}: a file for /etc/nginx/conf.d.
{map}
server {{
    # http2: gRPC speaks nothing else. nginx 1.25.1 and later warn that `http2 on;` replaces it; older ones know only this.
    listen 443 ssl http2;
    server_name {host};
{tls}{settings}
{grpc}
{rest}}}
"
        ),
        Some(grpc_host) => format!(
            "# The API of a Hoop gateway at https://{host} and its gRPC at https://{grpc_host}: a file for /etc/nginx/conf.d.
{map}
server {{
    # http2: gRPC speaks nothing else. nginx 1.25.1 and later warn that `http2 on;` replaces it; older ones know only this.
    listen 443 ssl http2;
    server_name {grpc_host};
{tls}{settings}
{grpc}
    location / {{
        # Nothing but gRPC has this host.
        return 404;
    }}
}}

server {{
    # What one server of an address says about http2 holds for all of them.
    listen 443 ssl http2;
    server_name {host};
{tls}{settings}
{rest}}}
"
        ),
    }
}

/// The API at port 443 and gRPC at 8443.
pub(super) fn two_ports(asked: &Asked) -> String {
    let (host, grpc_host) = (&asked.host, asked.grpc());
    let (settings, tls) = (settings(), tls(asked));
    let (grpc, rest) = (grpc("/", asked), rest(asked));
    let map = MAP;
    format!(
        "# The API of a Hoop gateway at https://{host} and its gRPC at https://{grpc_host}:8443: a file for /etc/nginx/conf.d.
{map}
server {{
    # http2: gRPC speaks nothing else. nginx 1.25.1 and later warn that `http2 on;` replaces it; older ones know only this.
    listen 8443 ssl http2;
    server_name {grpc_host};
{tls}{settings}
{grpc}}}

server {{
    listen 443 ssl http2;
    server_name {host};
{tls}{settings}
{rest}}}
"
    )
}

const MAP: &str = "
# A WebSocket needs `Connection: upgrade`, any other request must not have it.
map $http_upgrade $hoop_connection {
    default upgrade;
    \"\"      close;
}
";

/// The certificate and its key.
fn tls(asked: &Asked) -> String {
    let certificate = match &asked.certificate {
        Some(file) => file.clone(),
        None => format!("/etc/letsencrypt/live/{}/fullchain.pem", asked.host),
    };
    let key = super::key_beside(&certificate);
    format!(
        "
    # The chain with its intermediate certificates: agents have nothing but the root.
    ssl_certificate     {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
"
    )
}

/// What holds for both kinds of requests.
fn settings() -> &'static str {
    "
    # The size of a stream over its whole life, which for an agent is days: the default of 1m would end it.
    client_max_body_size 0;
    # Tokens of some identity providers don't fit into the default of 8k, and nginx would end the whole connection.
    large_client_header_buffers 4 32k;
    # HOOP_KEY, with which agents authenticate their WebSocket, has an underscore: by default it is dropped.
    underscores_in_headers on;
    # By default a connection takes no new stream after an hour or a thousand requests.
    keepalive_time 7d;
    keepalive_requests 1000000;
"
}

fn grpc(path: &str, asked: &Asked) -> String {
    let (scheme, why) = match asked.tls_upstream {
        true => (
            "grpcs",
            "grpcs: the gateway speaks TLS. Its own certificate is self-signed, so it isn't verified.",
        ),
        false => (
            "grpc",
            "grpc_pass, not proxy_pass: only this speaks HTTP/2 to the gateway.",
        ),
    };
    let target = asked.at(8010);
    let all = match path {
        "/" => "Every path: Connect, PreConnect and HealthCheck.",
        _ => "The whole service: Connect, PreConnect and HealthCheck.",
    };
    format!(
        "    # {all}
    location {path} {{
        # {why}
        grpc_pass {scheme}://{target};
        # Quiet streams: the first is about the gateway, the second about the client, both end a stream after 60s by default.
        grpc_read_timeout 24h;
        client_body_timeout 24h;
        grpc_send_timeout 24h;
        # A call that was sent must not be sent once more.
        grpc_next_upstream off;
    }}
"
    )
}

fn rest(asked: &Asked) -> String {
    let (scheme, why) = match asked.tls_upstream {
        true => (
            "https",
            "https: the gateway speaks TLS. Its own certificate is self-signed, so it isn't verified.",
        ),
        false => ("http", "The API, the web application and the WebSockets."),
    };
    let target = asked.at(8009);
    format!(
        "    location / {{
        # {why}
        proxy_pass {scheme}://{target};
        # WebSockets: HTTP/1.1 and two headers that nginx doesn't pass on by itself.
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $hoop_connection;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        # A WebSocket may be quiet for longer than the default of 60s.
        proxy_read_timeout 24h;
        proxy_send_timeout 24h;
        # What is sent and answered in pieces arrives in pieces.
        proxy_request_buffering off;
        proxy_buffering off;
    }}
"
    )
}

#[cfg(test)]
mod tests {
    use super::{Asked, single_port, two_ports};
    use crate::proxyconf::nginx;
    use crate::proxyconf::source::{Includes, Text};
    use crate::proxyconf::{Action, Http2, ProxyConf, Speaks, Tls};

    fn asked() -> Asked {
        Asked {
            host: "gw.example.com".to_owned(),
            grpc_host: None,
            certificate: None,
            gateway: "10.0.0.5".to_owned(),
            tls_upstream: false,
        }
    }

    /// All that can be asked for.
    fn variants() -> Vec<(String, String)> {
        let mut all = Vec::new();
        for grpc_host in [None, Some("grpc.example.com".to_owned())] {
            for tls_upstream in [false, true] {
                let asked = Asked {
                    grpc_host: grpc_host.clone(),
                    tls_upstream,
                    ..asked()
                };
                all.push((format!("single {asked:?}"), single_port(&asked)));
                all.push((format!("two {asked:?}"), two_ports(&asked)));
            }
        }
        all
    }

    #[test]
    fn every_recipe_routes_all_methods_without_a_limit() {
        for (name, text) in variants() {
            let mut conf = ProxyConf::default();
            nginx::read(&Text::new("hoop.conf", text), &mut Includes::default(), &mut conf);
            assert_eq!(conf.problems, [], "{name}");
            let routes = || conf.listeners.iter().flat_map(|one| &one.routes);
            let speaks = |speaks| {
                let is = move |action: &Action| matches!(action, Action::Forward(to) if to.speaks.value == speaks);
                routes().filter(move |one| is(&one.action))
            };
            assert_eq!(speaks(Speaks::Http2).count(), 1, "{name}");
            assert_eq!(speaks(Speaks::Http1).count(), 1, "{name}");
            for listener in &conf.listeners {
                assert!(matches!(listener.tls, Tls::Ended(_)), "{name}");
                assert_eq!(
                    listener.http2.as_ref().map(|one| one.value),
                    Some(Http2::Spoken),
                    "{name}"
                );
            }
            for route in routes().filter(|one| matches!(one.action, Action::Forward(_))) {
                assert_eq!(
                    (&route.limits.body, route.guards.len(), route.removes.len()),
                    (&None, 0, 0),
                    "{name}"
                );
                assert!(route.limits.idle.iter().all(|idle| idle.value >= 86_400_000), "{name}");
                assert_eq!(route.retries, None, "{name}");
                assert!(route.upgrades.as_ref().is_none_or(|one| one.value), "{name}");
            }
        }
    }

    #[test]
    fn the_key_lies_beside_the_certificate() {
        let with = |certificate: &str| {
            single_port(&Asked {
                certificate: Some(certificate.to_owned()),
                ..asked()
            })
        };
        assert!(with("/etc/ssl/gw.pem").contains("ssl_certificate_key /etc/ssl/gw.key;"));
        assert!(with("/x/fullchain.pem").contains("ssl_certificate_key /x/privkey.pem;"));
        assert!(single_port(&asked()).contains("/etc/letsencrypt/live/gw.example.com/privkey.pem;"));
    }

    #[test]
    fn an_address_of_ipv6_stands_in_brackets() {
        let text = two_ports(&Asked {
            gateway: "fd00::5".to_owned(),
            tls_upstream: true,
            ..asked()
        });
        assert!(text.contains("grpcs://[fd00::5]:8010;") && text.contains("https://[fd00::5]:8009;"));
    }
}
