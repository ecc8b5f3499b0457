//! The proxies: how each is made to log what it can.

use std::io;
use std::process::Command;

use super::table::Row;
use crate::lab::proxy::Proxy;

impl Row {
    /// `configuration` with the logs that it doesn't ask for by itself.
    pub(super) fn with_logs(&self, proxy: Proxy, configuration: String) -> String {
        match proxy {
            Proxy::Envoy => {
                let format = match self.value("format") {
                    Some("json") => ENVOY_JSON,
                    Some("istio") => ENVOY_ISTIO,
                    _ => "",
                };
                QUIET_ENVOY.to_owned()
                    + &configuration.replace(
                        "          stat_prefix: lab\n",
                        &format!(
                            "          stat_prefix: lab\n{}",
                            ENVOY_ACCESS_LOG.replace("@FORMAT@", format)
                        ),
                    )
            }
            Proxy::Haproxy => {
                let option = match configuration.contains("mode tcp") {
                    true => "tcplog",
                    false => "httplog",
                };
                configuration.replace("defaults\n", &format!("defaults\n  log global\n  option {option}\n"))
            }
            Proxy::Caddy => configuration.replace("  bind 127.0.0.1\n", "  bind 127.0.0.1\n  log\n"),
            Proxy::Traefik => {
                let json = match self.value("format") {
                    Some("json") => "# argument: --accesslog.format=json\n# argument: --log.format=json\n",
                    _ => "",
                };
                format!("# argument: --accesslog=true\n# argument: --log.level=DEBUG\n{json}{configuration}")
            }
            Proxy::Nghttpx => format!("{configuration}accesslog-file=@RUN@/access.log\n"),
            Proxy::Nginx | Proxy::Apache => configuration,
        }
    }

    /// Its name and version, and how it is configured.
    pub(super) fn described(&self, proxy: Proxy) -> io::Result<String> {
        let program = proxy.program().ok_or_else(|| io::Error::other("not installed"))?;
        let flag = match proxy {
            Proxy::Caddy | Proxy::Traefik => "version",
            Proxy::Envoy | Proxy::Nghttpx => "--version",
            Proxy::Nginx | Proxy::Haproxy | Proxy::Apache => "-v",
        };
        let output = Command::new(program).arg(flag).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let version = said
            .split(|char: char| !(char.is_ascii_digit() || char == '.'))
            .find(|word| word.split('.').filter(|part| !part.is_empty()).count() >= 3)
            .unwrap_or_default();
        Ok(format!("{} {version} with tests/lab's {}", proxy.name(), self.met))
    }
}

/// It says a lot about its own start.
const QUIET_ENVOY: &str = "# argument: --log-level\n# argument: warning\n";

const ENVOY_ACCESS_LOG: &str = r#"          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
@FORMAT@"#;

/// Envoy's own example of a JSON format.
const ENVOY_JSON: &str = r#"              log_format:
                json_format:
                  start_time: "%START_TIME%"
                  method: "%REQ(:METHOD)%"
                  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
                  protocol: "%PROTOCOL%"
                  response_code: "%RESPONSE_CODE%"
                  response_flags: "%RESPONSE_FLAGS%"
                  response_code_details: "%RESPONSE_CODE_DETAILS%"
                  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%"
                  grpc_status: "%GRPC_STATUS%"
                  bytes_received: "%BYTES_RECEIVED%"
                  bytes_sent: "%BYTES_SENT%"
                  duration: "%DURATION%"
                  upstream_host: "%UPSTREAM_HOST%"
"#;

/// Istio's default.
const ENVOY_ISTIO: &str = r#"              log_format:
                text_format_source:
                  inline_string: "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
"#;
