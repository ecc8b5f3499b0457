//! A Caddyfile.

use super::Asked;

/// For Caddy 2.11.7 and newer.
pub(super) fn caddy(asked: &Asked) -> String {
    let Asked { host, .. } = asked;
    let certificate = asked
        .certificate
        .clone()
        .unwrap_or_else(|| format!("/etc/caddy/{host}.pem"));
    let key = super::key_beside(&certificate);
    let (grpc, api) = (asked.at(8010), asked.at(8009));
    // The gateway's own certificate is signed by itself and names no host.
    let unverified = |versions: &str| {
        format!(
            " {{
		transport http {{
			# The gateway's own certificate is signed by itself and names no host.
			tls_insecure_skip_verify
{versions}		}}
	}}"
        )
    };
    let (to_grpc, to_api) = match asked.tls_upstream {
        true => (
            format!("https://{grpc}{}", unverified("			# gRPC is HTTP/2.\n			versions 2\n")),
            format!("https://{api}{}", unverified("")),
        ),
        false => (format!("h2c://{grpc}"), api),
    };
    let tls = format!(
        "	# Leave this line out, and Caddy gets a certificate by itself where the name is public.
	tls {certificate} {key}"
    );
    let why = match asked.tls_upstream {
        true => "",
        false => "\n	# h2c: towards cleartext without it Caddy speaks HTTP/1, which is no gRPC.",
    };
    let route = format!(
        "	# The whole prefix: agents call Connect, PreConnect and HealthCheck. With handle_path it would be cut off.{why}
	# No health check here: the gateway answers no HTTP request on this port.
	reverse_proxy /protobuf.Transport/* {to_grpc}"
    );
    let sites = match &asked.grpc_host {
        None => format!(
            "{host} {{
{tls}
{route}
	reverse_proxy {to_api}
}}"
        ),
        Some(grpc_host) => format!(
            "{grpc_host} {{
{tls}
{route}
}}

{host} {{
{tls}
	reverse_proxy {to_api}
}}"
        ),
    };
    format!(
        "# Hoop behind Caddy: https://{host}, gRPC at grpcs://{grpc_name}:443
# For Caddy 2.11.7 and newer: older versions don't know all of the lines in `servers`, and do without them.
{{
	servers {{
		# Agents authenticate WebSockets with this header, and Caddy drops names with an underscore that it doesn't expect.
		expected_underscore_headers HOOP_KEY
		timeouts {{
			# By default a request that sends nothing for a minute is ended, and a session that waits for approval sends nothing.
			read_body_idle 1h
		}}
	}}
}}

{sites}
",
        grpc_name = asked.grpc()
    )
}

#[cfg(test)]
mod tests {
    use super::{Asked, caddy};

    #[test]
    fn what_is_asked_for_is_in_it() {
        let mut asked = Asked {
            host: "hoop.example.com".to_owned(),
            grpc_host: None,
            certificate: Some("/certs/tls.crt".to_owned()),
            gateway: "gateway".to_owned(),
            tls_upstream: false,
        };
        let plain = caddy(&asked);
        assert!(plain.contains("tls /certs/tls.crt /certs/tls.key"));
        assert!(plain.contains("reverse_proxy /protobuf.Transport/* h2c://gateway:8010\n"));
        asked.grpc_host = Some("grpc.example.com".to_owned());
        asked.tls_upstream = true;
        let tls = caddy(&asked);
        assert!(tls.contains("\ngrpc.example.com {\n") && tls.contains("\nhoop.example.com {\n"));
        assert!(tls.contains("https://gateway:8010 {\n") && !tls.contains("h2c"));
    }
}
