//! What agents, clients and proxies print, and which findings it can mean: data, one message a line.
//!
//! Go is what agents and Hoop's client print, the others are grpcio (Python, C++), grpc-js (Node.js), curl and openssl.
//! The codes are in order of likelihood for somebody who has the text alone.

/// A message as it is logged.
#[derive(Debug)]
pub struct Message {
    /// An example of it, whole.
    pub sample: &'static str,
    /// What it can mean, the likeliest first.
    pub codes: &'static [u16],
    /// How the programs that print it spell it; `…` stands for anything. Case and white space don't count.
    pub patterns: &'static [&'static str],
    /// How much it says.
    pub weight: Weight,
}

/// How much a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It names a failure.
    Says,
    /// A few words that many texts have in them; they count where the text says nothing else.
    Hints,
}

const fn says(sample: &'static str, codes: &'static [u16], patterns: &'static [&'static str]) -> Message {
    Message {
        sample,
        codes,
        patterns,
        weight: Weight::Says,
    }
}

const fn hints(sample: &'static str, codes: &'static [u16], patterns: &'static [&'static str]) -> Message {
    Message {
        sample,
        codes,
        patterns,
        weight: Weight::Hints,
    }
}

/// All messages, in the order of the layers.
#[rustfmt::skip]
pub static MESSAGES: &[Message] = &[
    // Configuration, as the agent and the client complain of it.
    says("missing HOOP_KEY environment variable", &[1], &["missing HOOP_KEY environment variable"]),
    says("unable to locate configuration file", &[1, 12], &["unable to locate configuration file"]),
    says("HOOP_SPIFFE_KEY_FILE requires HOOP_GRPCURL to be set", &[13, 1], &["HOOP_SPIFFE_KEY_FILE requires HOOP_GRPCURL"]),
    says("HOOP_KEY is in wrong format, reason=net/url: invalid userinfo", &[2], &["HOOP_KEY is in wrong format", "HOOP_DSN (deprecated) is in wrong format"]),
    says("HOOP_KEY is in wrong format, reason=secret key not found in dsn", &[3, 2], &["secret key not found in dsn", "is in wrong format, reason=secret key not found in dsn"]),
    says("net/url: invalid userinfo", &[2], &["net/url: invalid userinfo"]),
    says("parse \"grpcs://n:a/b@gw\": invalid port \":a\" after host", &[2, 14], &["invalid port … after host"]),
    says("net/url: invalid control character in URL", &[2, 14], &["invalid control character in URL"]),
    says("first path segment in URL cannot contain colon", &[2, 14], &["first path segment in URL cannot contain colon"]),
    says("invalid URL escape \"%cr\"", &[2, 14], &["invalid URL escape"]),
    says("failed reading HOOP_SPIFFE_KEY_FILE \"/run/jwt\": open /run/jwt: no such file or directory", &[2, 20], &["failed reading HOOP_SPIFFE_KEY_FILE"]),
    says("HOOP_SPIFFE_KEY_FILE \"/run/jwt\" is empty", &[2, 20], &["HOOP_SPIFFE_KEY_FILE … is empty"]),
    says("HOOP_SPIFFE_KEY_FILE \"/run/jwt\" does not look like a JWT", &[20, 2], &["does not look like a JWT"]),
    says("failed refreshing HOOP_SPIFFE_KEY_FILE, using stale token: open /run/jwt: permission denied", &[19, 2], &["failed refreshing HOOP_SPIFFE_KEY_FILE"]),
    says("HOOP_DSN environment variable is deprecated, use HOOP_KEY instead", &[7], &["environment variable is deprecated, use HOOP_KEY"]),
    says("server address is in wrong format", &[5, 13, 14], &["server address is in wrong format"]),
    says("dial tcp: address gateway.example.com: missing port in address", &[5, 14], &["missing port in address"]),
    says("dial tcp: address ::1:8443: too many colons in address", &[14], &["too many colons in address"]),
    says("dial tcp: address 70000: invalid port", &[14, 5], &["address …: invalid port"]),
    says("dial unix /run/hoop.sock: connect: no such file or directory", &[14], &["dial unix …: connect"]),
    says("dial tcp: lookup tcp/8443/: unknown port", &[14], &["unknown port"]),
    says("dial tcp 10.0.0.10:0: connect: connection refused", &[5, 201], &["dial tcp …:0: connect: connection refused"]),
    says("dial tcp 127.0.0.1:8010: connect: connection refused", &[6, 201, 501], &["dial tcp 127.0.0.1:…: connect: connection refused", "dial tcp [::1]:…: connect: connection refused", "ECONNREFUSED 127.0.0.1", "ECONNREFUSED ::1"]),
    says("failed decoding configuration file=/root/.hoop/config.toml, err=toml: line 1", &[10, 11], &["failed decoding configuration file"]),
    says("Get \"gw.example/api/publicserverinfo\": unsupported protocol scheme \"\"", &[15], &["unsupported protocol scheme"]),
    says("failed to append root CA into cert pool", &[16], &["failed to append root CA into cert pool"]),
    says("illegal base64 data at input byte 4", &[16], &["illegal base64 data at input byte"]),
    says("open /etc/ssl/ca.pem: no such file or directory", &[16, 2], &["open …: no such file or directory"]),
    says("access token is expired, try logging in again", &[19, 618], &["access token is expired"]),
    says("header key \"authorization\" contains value with non-printable ASCII characters", &[20], &["contains value with non-printable ASCII characters"]),

    // DNS.
    says("dial tcp: lookup gateway.example.com on 10.0.0.2:53: no such host", &[101, 102], &["lookup …: no such host", "no such host", "Could not resolve host", "getaddrinfo ENOTFOUND", "Name or service not known", "nodename nor servname provided", "DNS resolution failed for …: Domain name not found", "Name resolution failed"]),
    says("name resolver error: produced zero addresses", &[102, 101], &["name resolver error: produced zero addresses"]),
    says("dial tcp: lookup gateway.example.com on 10.0.0.2:53: server misbehaving", &[103, 104], &["lookup …: server misbehaving", "server misbehaving", "Temporary failure in name resolution", "getaddrinfo EAI_AGAIN"]),
    says("dial tcp: lookup gateway.example.com on 10.0.0.2:53: read udp 10.0.1.5:5353->10.0.0.2:53: i/o timeout", &[104, 107], &["lookup …: i/o timeout"]),

    // Network.
    says("dial tcp 10.0.0.10:8010: connect: connection refused", &[201, 6, 501, 205, 209, 5], &["dial tcp …: connect: connection refused", "connection refused", "ECONNREFUSED", "Couldn't connect to server"]),
    says("dial tcp 10.0.0.10:8010: i/o timeout", &[202, 106, 206, 105], &["dial tcp …: i/o timeout", "dial tcp …: connect: connection timed out", "dial tcp …: operation was canceled", "ETIMEDOUT", "Timeout was reached", "Connection timed out"]),
    says("transport: Error while dialing: dial tcp 10.0.0.10:8010: connect: connection reset by peer", &[204, 318], &["while dialing: …connection reset by peer"]),
    says("transport: Error while dialing: dial tcp 10.0.0.10:8010: context deadline exceeded", &[202, 212], &["while dialing: …context deadline exceeded"]),
    says("dial tcp 10.0.0.10:8010: connect: no route to host", &[203, 106, 205], &["connect: no route to host", "connect: network is unreachable", "connect: host is down", "no route to host", "network is unreachable", "EHOSTUNREACH", "ENETUNREACH"]),
    says("context deadline exceeded while waiting for connections to become ready", &[202, 212, 104, 408, 301, 316, 206, 205], &["context deadline exceeded while waiting for connections to become ready", "Waiting for LB pick"]),
    says("failed to do connect handshake, response: \"HTTP/1.1 403 Forbidden\"", &[208], &["failed to do connect handshake, response", "CONNECT tunnel failed, response", "Received HTTP code … from proxy after CONNECT"]),
    says("failed to do connect handshake", &[208, 210], &["failed to do connect handshake"]),
    says("proxyconnect tcp: dial tcp: lookup proxy.example.com: no such host", &[209], &["proxyconnect tcp: …no such host", "proxyconnect tcp: …connection refused", "proxyconnect tcp: …i/o timeout", "Could not resolve proxy"]),
    says("Get \"https://gateway.example.com/api/publicserverinfo\": Proxy Authentication Required", &[208], &["Get \"https://…\": Proxy Authentication Required", "Get \"https://…\": Forbidden", "Get \"https://…\": Bad Gateway", "Get \"https://…\": Service Unavailable", "Get \"https://…\": Gateway Timeout", "Get \"https://…\": Unable to connect"]),
    says("transport: Error while dialing: reading server HTTP response: unexpected EOF", &[208, 210], &["reading server HTTP response: unexpected EOF", "reading server HTTP response: read tcp"]),
    says("transport: Error while dialing: reading server HTTP response: malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\\n\"", &[210, 208], &["reading server HTTP response: malformed HTTP"]),
    says("rpc error: code = Unavailable desc = dns: A record lookup error: lookup proxy.example.com on 10.0.0.2:53: server misbehaving", &[209, 103], &["dns: A record lookup error: lookup"]),
    says("proxyconnect tcp: EOF", &[209, 210], &["proxyconnect tcp"]),
    says("error reading server preface: 10.0.1.5:50000->10.0.0.10:443: i/o timeout", &[212, 408], &["error reading server preface: …i/o timeout", "error reading server preface: …use of closed network connection", "error reading server preface: …context deadline exceeded"]),
    says("authentication handshake failed: context deadline exceeded", &[212, 316, 315, 206], &["authentication handshake failed: context deadline exceeded", "authentication handshake failed: …i/o timeout", "TLS handshake timeout"]),

    // Plaintext and TLS confused.
    says("error reading server preface: unexpected EOF", &[301], &["error reading server preface: unexpected EOF"]),
    says("error reading server preface: EOF", &[301, 204, 408, 213, 4], &["error reading server preface: EOF"]),
    says("transport: failed to write client preface: write tcp 10.0.1.5:50000->10.0.0.10:443: write: broken pipe", &[312], &["failed to write client preface"]),
    says("error reading server preface: read tcp 10.0.1.5:50000->10.0.0.10:443: read: connection reset by peer", &[301, 204, 213], &["error reading server preface: …connection reset by peer", "error reading server preface: …broken pipe"]),
    says("rpc error: code = Unavailable desc = write tcp 10.0.1.5:50000->10.0.0.10:8010: write: broken pipe", &[301, 204, 213, 312], &["desc = write tcp …: write: broken pipe", "desc = write tcp …: write: connection reset by peer"]),
    says("error reading server preface: remote error: tls: certificate required", &[312], &["remote error: tls: certificate required", "remote error: tls: bad certificate", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "No required SSL certificate was sent"]),
    says("tls: first record does not look like a TLS handshake", &[302, 4, 8, 404], &["first record does not look like a TLS handshake", "WRONG_VERSION_NUMBER", "wrong version number", "server gave HTTP response to HTTPS client"]),
    says("Client sent an HTTP request to an HTTPS server.", &[301], &["Client sent an HTTP request to an HTTPS server", "The plain HTTP request was sent to HTTPS port"]),
    says("received bogus greeting from client: \"\\x16\\x03\\x01\"", &[302, 605], &["received bogus greeting from client: \"\\x16\\x03"]),
    says("received bogus greeting from client: \"GET / HTTP/1.1\\r\\nHost: 10\"", &[604, 507, 803], &["received bogus greeting from client: \"GET /", "received bogus greeting from client: \"POST /", "received bogus greeting from client: \"HEAD /", "received bogus greeting from client: \"OPTIONS /"]),
    says("received bogus greeting from client: \"PROXY TCP4 10.0.1.5 10.\"", &[604, 213], &["received bogus greeting from client: \"PROXY", "received bogus greeting from client: \" \\x00 QUIT"]),
    says("received bogus greeting from client", &[604, 302, 404], &["received bogus greeting from client"]),
    says("ServerHandshake(\"10.0.0.9:41234\") failed: tls: first record does not look like a TLS handshake", &[301, 605], &["ServerHandshake(…) failed: tls: first record does not look like a TLS handshake", "failed to complete security handshake from …: tls: first record does not look like a TLS handshake"]),
    says("ServerHandshake(\"10.0.0.9:41234\") failed: remote error: tls: bad certificate", &[306, 309, 305, 605], &["ServerHandshake(…) failed: remote error: tls: bad certificate", "failed to complete security handshake from …: remote error: tls: bad certificate", "ServerHandshake(…) failed: remote error: tls: unknown certificate", "failed to complete security handshake from …: remote error: tls: unknown certificate", "TLS handshake error from …: remote error: tls: bad certificate", "TLS handshake error from …: remote error: tls: unknown certificate"]),
    says("ServerHandshake(\"10.0.0.9:41234\") failed: tls: client requested unsupported application protocols ([http/1.1])", &[402, 605], &["ServerHandshake(…) failed: tls: client requested unsupported application protocols", "ServerHandshake(…) failed: credentials: cannot check peer: missing selected ALPN property"]),
    says("http: TLS handshake error from 10.0.0.9:41234: tls: first record does not look like a TLS handshake", &[505, 301], &["TLS handshake error from …: tls: first record does not look like a TLS handshake"]),

    // Certificates, in Go's words, curl's and openssl's.
    says("x509: certificate has expired or is not yet valid: current time 2026-11-22T17:25:00Z is after 2026-11-19T00:00:00Z", &[303, 901], &["certificate has expired or is not yet valid: current time … is after", "certificate has expired", "CERT_HAS_EXPIRED"]),
    says("x509: certificate has expired or is not yet valid: current time 2026-11-22T17:25:00Z is before 2026-11-25T00:00:00Z", &[304, 901], &["certificate has expired or is not yet valid: current time … is before", "certificate is not yet valid", "CERT_NOT_YET_VALID"]),
    says("x509: certificate has expired or is not yet valid", &[303, 304, 901], &["certificate has expired or is not yet valid"]),
    says("x509: certificate is valid for ingress.local, not gateway.example.com", &[317, 804, 305], &["certificate is valid for ingress.local, not", "certificate is valid for ….traefik.default, not"]),
    says("x509: certificate is valid for other.example.com, not gateway.example.com", &[305, 317], &["certificate is valid for …, not", "no alternative certificate subject name matches target host name", "Hostname/IP does not match certificate's altnames", "ERR_TLS_CERT_ALTNAME_INVALID", "Hostname Verification Check failed"]),
    says("x509: cannot validate certificate for 10.0.0.10 because it doesn't contain any IP SANs", &[305, 309, 317], &["because it doesn't contain any IP SANs"]),
    says("x509: certificate is not valid for any names, but wanted to match gateway.example.com", &[309, 305], &["certificate is not valid for any names, but wanted to match"]),
    says("x509: certificate relies on legacy Common Name field, use SANs instead", &[309, 305], &["certificate relies on legacy Common Name field"]),
    says("x509: certificate signed by unknown authority", &[306, 308, 307, 313, 317, 18], &["certificate signed by unknown authority", "unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"]),
    says("unable to verify the first certificate", &[308, 306], &["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]),
    says("SSL certificate problem: self-signed certificate in certificate chain", &[306, 313], &["self-signed certificate in certificate chain", "self signed certificate in certificate chain", "SELF_SIGNED_CERT_IN_CHAIN"]),
    says("SSL certificate problem: self-signed certificate", &[307, 317], &["self-signed certificate", "self signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]),
    hints("tls: failed to verify certificate: x509: certificate is not authorized to sign other certificates", &[306, 313], &["failed to verify certificate: x509", "CERTIFICATE_VERIFY_FAILED", "SSL certificate problem"]),

    // The handshake itself.
    says("remote error: tls: protocol version not supported", &[310], &["remote error: tls: protocol version not supported", "tls: server selected unsupported protocol version", "TLSV1_ALERT_PROTOCOL_VERSION", "remote error: tls: insufficient security level", "alert protocol version", "alert number 70", "unsupported protocol"]),
    says("remote error: tls: handshake failure", &[310, 312, 315], &["remote error: tls: handshake failure", "SSLV3_ALERT_HANDSHAKE_FAILURE", "alert handshake failure", "alert number 40"]),
    says("remote error: tls: unrecognized name", &[315], &["remote error: tls: unrecognized name", "TLSV1_UNRECOGNIZED_NAME", "tlsv1 unrecognized name", "alert number 112"]),
    says("remote error: tls: internal error", &[315, 311], &["remote error: tls: internal error", "TLSV1_ALERT_INTERNAL_ERROR", "tlsv1 alert internal error", "alert number 80"]),
    hints("remote error: tls: access denied", &[311, 315], &["remote error: tls"]),
    says("transport: authentication handshake failed: EOF", &[318, 204, 213, 315, 316, 401], &["authentication handshake failed: EOF", "authentication handshake failed: …unexpected EOF"]),
    says("transport: authentication handshake failed: read tcp 10.0.1.5:50000->10.0.0.10:443: read: connection reset by peer", &[318, 204, 213, 315, 316], &["authentication handshake failed: …connection reset by peer", "SSL_ERROR_SYSCALL", "authentication handshake failed: …broken pipe"]),
    says("remote error: tls: no application protocol", &[401], &["remote error: tls: no application protocol", "TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "alert no application protocol", "alert number 120"]),
    says("tls: server selected unadvertised ALPN protocol", &[401], &["server selected unadvertised ALPN protocol", "bad extension"]),
    says("credentials: cannot check peer: missing selected ALPN property", &[402, 401, 313], &["cannot check peer: missing selected ALPN property"]),

    // HTTP/2.
    says("error reading server preface: http2: failed reading the frame payload: http2: frame too large, note that the frame header looked like an HTTP/1.1 header", &[403, 301, 602, 805, 408], &["http2: frame too large, note that the frame header looked like an HTTP/1.1 header", "frame too large, note that the frame header looked like an HTTP/1.1 header", "Trying to connect an http1.x server"]),
    says("error reading server preface: http2: frame too large", &[404, 403, 301, 408], &["http2: frame too large", "Expected SETTINGS frame as the first frame, got frame type"]),
    says("initial http2 frame from server is not a settings frame: *http2.PingFrame", &[404, 408], &["initial http2 frame from server is not a settings frame"]),
    says("closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: ENHANCE_YOUR_CALM, debug data: \"too_many_pings\"", &[406], &["closing transport due to: …received prior goaway: code: ENHANCE_YOUR_CALM, debug data: \"too_many_pings\"", "GOAWAY received; Error code: 11; Debug Text: too_many_pings", "Client received GoAway with error code ENHANCE_YOUR_CALM and debug data equal to ASCII \"too_many_pings\"", "too_many_pings"]),
    says("closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: ENHANCE_YOUR_CALM", &[702, 406, 405], &["closing transport due to: …received prior goaway: code: ENHANCE_YOUR_CALM", "received prior goaway: code: ENHANCE_YOUR_CALM", "GOAWAY received; Error code: 11"]),
    says("closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: FRAME_SIZE_ERROR", &[407, 405], &["closing transport due to: …received prior goaway: code: FRAME_SIZE_ERROR", "received prior goaway: code: FRAME_SIZE_ERROR", "GOAWAY received; Error code: 6", "stream terminated by RST_STREAM with error code: FRAME_SIZE_ERROR"]),
    says("closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: NO_ERROR", &[410, 405], &["closing transport due to: …received prior goaway: code: NO_ERROR", "received prior goaway: code: NO_ERROR", "GOAWAY received; Error code: 0"]),
    says("closing transport due to: connection error: desc = \"error reading from server: EOF\", received prior goaway: code: PROTOCOL_ERROR", &[405, 410], &["closing transport due to: …received prior goaway: code", "received prior goaway", "GOAWAY received; Error code", "Error in the HTTP2 framing layer"]),
    says("the connection is draining", &[405, 410, 406, 702, 407], &["the connection is draining"]),
    says("error reading from server: EOF", &[411, 703, 704], &["error reading from server: EOF", "error reading from server: …connection reset by peer", "error reading from server: …use of closed network connection", "recvmsg:Connection reset", "Connection dropped"]),
    says("keepalive ping failed to receive ACK within timeout", &[411, 202], &["keepalive ping failed to receive ACK within timeout", "keepalive ping not acked within timeout", "client connection lost"]),
    says("rpc error: code = Unavailable desc = transport is closing", &[411, 405], &["desc = transport is closing"]),
    says("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=\"\"", &[410, 405], &["server sent GOAWAY and closed the connection"]),

    // REST: what `hoop login` says, and what the answers look like.
    says("failed obtaining server info, status=502", &[505, 506, 510, 502], &["failed obtaining server info, status"]),
    says("failed fetching auth method, reason=Get \"https://gw/api/publicserverinfo\": EOF", &[505, 509, 506, 510], &["failed fetching auth method, reason"]),
    says("unable to obtain auth method from public server info endpoint due to failure on decoding the response body (text/html)", &[503, 502, 504, 506, 507, 15], &["unable to obtain auth method from public server info endpoint"]),
    says("unable to obtain auth method from public server info endpoint due to failure on decoding the response body (text/html), status=401, err=invalid character", &[506, 503], &["unable to obtain auth method from public server info endpoint …, status=401", "unable to obtain auth method from public server info endpoint …, status=403", "unable to obtain auth method from public server info endpoint …, status=407"]),
    says("unable to obtain auth method from public server info endpoint due to failure on decoding the response body (text/html), status=404, err=invalid character", &[502, 503, 15], &["unable to obtain auth method from public server info endpoint …, status=404"]),
    says("unable to obtain auth method from public server info endpoint due to failure on decoding the response body (text/html), status=502, err=invalid character", &[505, 503], &["unable to obtain auth method from public server info endpoint …, status=502", "unable to obtain auth method from public server info endpoint …, status=503", "unable to obtain auth method from public server info endpoint …, status=504"]),
    says("the api url config may be incorrect due to a failure when decoding the response", &[15, 502, 503, 504, 506], &["the api url config may be incorrect"]),
    says("{\"liveness\":\"ERR\"}", &[501], &["\"liveness\":\"ERR\"", "\"liveness\": \"ERR\""]),
    says("malformed HTTP response \"\\x00\\x00\\x06\\x04\"", &[507], &["malformed HTTP response \"\\x00\\x00", "Received HTTP/0.9 when not allowed", "invalid gRPC request content-type"]),
    says("failed to load server auth config: dial tcp 10.0.0.5:5432: connect: connection refused", &[510, 610], &["failed to load server auth config", "failed to load server auth config: …connect: connection refused"]),
    says("missing HOOP_KEY header", &[508], &["missing HOOP_KEY header"]),
    says("Operation timed out after 5001 milliseconds with 0 bytes received", &[509], &["Operation timed out after … with 0 bytes received", "Client.Timeout exceeded while awaiting headers"]),
    says("No server is available to handle this request.", &[505, 606], &["No server is available to handle this request"]),

    // gRPC: pages where an answer should be.
    says("unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html; charset=utf-8\"", &[601, 602, 611, 802, 503], &["HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html", "HTTP status code received from server: 200", "Stream removed (Data frame with END_STREAM flag received)", "Received message larger than max (558124867 vs", "Received message larger than max (1752460652 vs"]),
    says("failed pre-connect, reason=rpc error: code = Unknown desc = unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html; charset=utf-8\"", &[603, 601], &["failed pre-connect, reason=…HTTP status code received from server: 200 (OK); transport: received unexpected content-type \"text/html", "failed pre-connect, reason=…HTTP status code received from server: 404"]),
    says("unexpected HTTP status code received from server: 301 (Moved Permanently)", &[611, 504], &["HTTP status code received from server: 301", "HTTP status code received from server: 302", "HTTP status code received from server: 303", "HTTP status code received from server: 307", "HTTP status code received from server: 308", "Received http2 header with status: 301", "Received http2 header with status: 302", "Received HTTP status code 301", "Received HTTP status code 302"]),
    says("unexpected HTTP status code received from server: 400 (Bad Request)", &[312, 702, 604], &["HTTP status code received from server: 400", "Received http2 header with status: 400", "Received HTTP status code 400"]),
    says("unexpected HTTP status code received from server: 401 (Unauthorized)", &[611, 618], &["HTTP status code received from server: 401", "Received http2 header with status: 401", "Received HTTP status code 401"]),
    says("unexpected HTTP status code received from server: 403 (Forbidden)", &[611, 506], &["HTTP status code received from server: 403", "Received http2 header with status: 403", "Received HTTP status code 403"]),
    says("unexpected HTTP status code received from server: 404 (Not Found)", &[601, 503], &["HTTP status code received from server: 404", "Received http2 header with status: 404", "Received HTTP status code 404"]),
    says("unexpected HTTP status code received from server: 413 (Request Entity Too Large)", &[701], &["HTTP status code received from server: 413", "Received http2 header with status: 413", "Received HTTP status code 413"]),
    says("unexpected HTTP status code received from server: 415 (Unsupported Media Type)", &[604, 601], &["HTTP status code received from server: 415", "Received http2 header with status: 415", "Received HTTP status code 415"]),
    says("unexpected HTTP status code received from server: 421 (Misdirected Request)", &[317, 601], &["HTTP status code received from server: 421", "Received http2 header with status: 421", "Received HTTP status code 421"]),
    says("unexpected HTTP status code received from server: 429 (Too Many Requests)", &[620], &["HTTP status code received from server: 429", "Received http2 header with status: 429", "Received HTTP status code 429", "local_rate_limited"]),
    says("unexpected HTTP status code received from server: 431 (Request Header Fields Too Large)", &[702], &["HTTP status code received from server: 431", "Received http2 header with status: 431", "Received HTTP status code 431", "header list size to send violates the maximum size"]),
    says("unexpected HTTP status code received from server: 464 (); malformed header: missing HTTP content-type", &[614], &["HTTP status code received from server: 464 (); malformed header: missing HTTP content-type", "HTTP status code received from server: 464", "Received http2 header with status: 464", "Received HTTP status code 464"]),
    says("unexpected HTTP status code received from server: 500 (Internal Server Error)", &[604, 607], &["HTTP status code received from server: 500", "Received http2 header with status: 500", "Received HTTP status code 500"]),
    says("unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type \"text/html\"", &[607, 606, 604, 605, 621, 501], &["HTTP status code received from server: 502", "Received http2 header with status: 502", "Received HTTP status code 502"]),
    says("unexpected HTTP status code received from server: 503 (Service Unavailable); transport: received unexpected content-type \"text/html\"", &[607, 606, 620, 605, 604, 803, 501], &["HTTP status code received from server: 503", "Received http2 header with status: 503", "Received HTTP status code 503"]),
    says("unexpected HTTP status code received from server: 504 (Gateway Time-out)", &[607, 616, 606], &["HTTP status code received from server: 504", "Received http2 header with status: 504", "Received HTTP status code 504"]),
    says("unexpected HTTP status code received from server: 522 ()", &[607, 601], &["HTTP status code received from server", "Received http2 header with status", "Received HTTP status code"]),
    says("malformed header: missing HTTP content-type", &[607, 611], &["malformed header: missing HTTP content-type"]),

    // gRPC: what proxies say in gRPC's own way.
    says("upstream connect error or disconnect/reset before headers. reset reason: protocol error", &[604], &["upstream connect error or disconnect/reset before headers. …reset reason: protocol error"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: connection termination", &[605, 606, 604], &["upstream connect error or disconnect/reset before headers. …reset reason: connection termination"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: connection timeout", &[606], &["upstream connect error or disconnect/reset before headers. …reset reason: connection timeout"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: overflow", &[620, 409], &["upstream connect error or disconnect/reset before headers. …reset reason: overflow"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused", &[606, 621], &["upstream connect error or disconnect/reset before headers. …transport failure reason: delayed connect error: Connection refused", "upstream connect error or disconnect/reset before headers. …transport failure reason: delayed connect error: 111", "upstream connect error or disconnect/reset before headers. …transport failure reason: immediate connect error"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end", &[605], &["upstream connect error or disconnect/reset before headers. …transport failure reason: TLS…WRONG_VERSION_NUMBER", "upstream connect error or disconnect/reset before headers. …transport failure reason: TLS…CERTIFICATE_VERIFY_FAILED", "upstream connect error or disconnect/reset before headers. …transport failure reason: TLS"]),
    says("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure", &[606, 605, 607, 621, 706], &["upstream connect error or disconnect/reset before headers. …reset reason: remote connection failure", "upstream connect error or disconnect/reset before headers. …reset reason: connection failure"]),
    says("retried and the latest reset reason: remote connection failure", &[606, 706, 605], &["upstream connect error or disconnect/reset before headers. retried and the latest reset reason", "retried and the latest reset reason"]),
    says("upstream connect error or disconnect/reset before headers", &[607, 606, 604, 605, 505], &["upstream connect error or disconnect/reset before headers"]),
    says("no healthy upstream", &[606, 803], &["no healthy upstream"]),
    says("upstream request timeout", &[616, 704, 703], &["upstream request timeout", "stream timeout", "downstream duration timeout"]),
    says("rpc error: code = PermissionDenied desc = RBAC: access denied", &[611], &["RBAC: access denied"]),
    says("rpc error: code = Unauthenticated desc = Jwt is missing", &[611], &["Jwt is missing", "Jwt verification fails"]),

    // gRPC: the gateway itself, or another server.
    says("rpc error: code = Unimplemented desc = unknown service protobuf.Transport", &[609], &["unknown service protobuf.Transport"]),
    says("rpc error: code = Unimplemented desc = unknown method HealthCheck for service protobuf.Transport", &[615, 603], &["unknown method HealthCheck for service protobuf.Transport"]),
    says("rpc error: code = Unimplemented desc = unknown method PreConnect for service protobuf.Transport", &[609, 904], &["unknown method … for service protobuf.Transport"]),
    says("rpc error: code = Unimplemented desc = malformed method name: …", &[601], &["malformed method name"]),
    says("internal error, unable to initialize identity provider", &[610], &["unable to initialize identity provider"]),
    says("rpc error: code = InvalidArgument desc = missing client origin", &[617], &["missing client origin"]),
    says("rpc error: code = Unauthenticated desc = invalid authentication, mismatch dsn attributes", &[618], &["invalid authentication, mismatch dsn attributes"]),
    says("rpc error: code = Unauthenticated desc = invalid authentication", &[618, 19, 617, 20, 610], &["invalid authentication", "user is not active"]),
    says("rpc error: code = FailedPrecondition desc = agent already connected", &[619, 411], &["agent already connected"]),
    says("rpc error: code = FailedPrecondition desc = agent is offline", &[807, 619], &["agent is offline"]),
    says("warn: hoop CLI version 1.70.0 differs from gateway version 1.74.0", &[904], &["CLI version … differs from gateway version"]),

    // The life of a stream.
    says("rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR", &[613, 604, 701, 703, 704, 702], &["stream terminated by RST_STREAM with error code: INTERNAL_ERROR", "Received RST_STREAM with code 2", "Received RST_STREAM with error code 2", "was not closed cleanly: INTERNAL_ERROR", "stream error: stream ID …; INTERNAL_ERROR"]),
    says("rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: PROTOCOL_ERROR", &[613, 703, 702, 704], &["stream terminated by RST_STREAM with error code: PROTOCOL_ERROR", "Received RST_STREAM with code 1", "Received RST_STREAM with error code 1", "was not closed cleanly: PROTOCOL_ERROR", "stream error: stream ID …; PROTOCOL_ERROR"]),
    says("rpc error: code = Unavailable desc = stream terminated by RST_STREAM with error code: REFUSED_STREAM", &[613, 606, 409], &["stream terminated by RST_STREAM with error code: REFUSED_STREAM", "Received RST_STREAM with code 7", "Received RST_STREAM with error code 7", "was not closed cleanly: REFUSED_STREAM"]),
    says("rpc error: code = Canceled desc = stream terminated by RST_STREAM with error code: CANCEL", &[613, 608], &["stream terminated by RST_STREAM with error code: CANCEL", "Received RST_STREAM with code 8", "Received RST_STREAM with error code 8"]),
    says("stream terminated by RST_STREAM with error code: STREAM_CLOSED", &[613, 409], &["stream terminated by RST_STREAM with error code", "Received RST_STREAM with code", "Received RST_STREAM with error code"]),
    says("server closed the stream without sending trailers", &[608, 703, 601], &["server closed the stream without sending trailers"]),
    says("rpc error: code = ResourceExhausted desc = grpc: received message larger than max (558124867 vs. 17825792)", &[608, 606, 705], &["received message larger than max (558124867 vs. 17825792", "received message larger than max (1752460652 vs. 17825792"]),
    says("rpc error: code = ResourceExhausted desc = grpc: received message larger than max (18000000 vs. 17825792)", &[705], &["received message larger than max"]),

    // What a proxy's own error log says.
    says("upstream sent too large http2 frame: 4740180", &[604], &["upstream sent too large http2 frame"]),
    says("upstream sent no valid HTTP/1.0 header", &[604], &["upstream sent no valid HTTP/1.0 header"]),
    says("upstream prematurely closed connection while reading response header from upstream", &[605, 606], &["upstream prematurely closed connection"]),
    says("SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream", &[605], &["SSL_do_handshake() failed …while SSL handshaking to upstream"]),
    says("connect() failed (111: Connection refused) while connecting to upstream", &[606, 505], &["connect() failed (111: Connection refused) while connecting to upstream"]),
    says("client intended to send too large chunked body: 1097467 bytes", &[701], &["client intended to send too large"]),
    says("upstream timed out (110: Connection timed out) while connecting to upstream", &[606, 505], &["upstream timed out (110: Connection timed out) while connecting to upstream"]),
    says("upstream timed out (110: Connection timed out) while reading response header from upstream", &[606, 616, 505], &["upstream timed out (110: Connection timed out) while reading response header from upstream"]),
    says("upstream timed out (110: Connection timed out) while SSL handshaking to upstream", &[605, 606], &["upstream timed out (110: Connection timed out) while SSL handshaking to upstream"]),
    says("connect() failed (113: No route to host) while connecting to upstream", &[606, 505], &["connect() failed (…while connecting to upstream", "connect() to … failed (…while connecting to upstream"]),
    says("no live upstreams while connecting to upstream", &[606, 505], &["no live upstreams while connecting to upstream", "no live upstreams"]),
    says("host not found in upstream \"gateway\"", &[606, 505], &["host not found in upstream", "could not be resolved (3: Host not found)", "could not be resolved (110: Operation timed out)", "no resolver defined to resolve"]),
    says("recv() failed (104: Connection reset by peer) while reading response header from upstream", &[605, 606, 604], &["recv() failed (104: Connection reset by peer) while reading response header from upstream", "send() failed (…while sending request to upstream", "writev() failed (…while sending request to upstream"]),
    says("upstream prematurely closed connection while reading upstream", &[613, 606], &["upstream prematurely closed connection while reading upstream", "recv() failed (104: Connection reset by peer) while reading upstream", "readv() failed (104: Connection reset by peer) while reading upstream"]),
    says("upstream rejected request with error 2 while reading response header from upstream", &[613, 606, 604], &["upstream rejected request with error"]),
    says("upstream sent invalid http2 table index: 4 while reading response header from upstream", &[604], &["upstream sent invalid http2", "upstream sent too large http2 SETTINGS frame", "upstream sent unexpected http2", "upstream sent frame for unknown stream", "upstream sent invalid header while reading response header from upstream"]),
    says("peer closed connection in SSL handshake while SSL handshaking to upstream", &[605, 606], &["peer closed connection in SSL handshake …while SSL handshaking to upstream"]),
    says("upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream", &[605], &["upstream SSL certificate verify error: …while SSL handshaking to upstream", "upstream SSL certificate does not match … while SSL handshaking to upstream"]),
    says("client timed out (110: Connection timed out) while reading client request body", &[703], &["client timed out (110: Connection timed out) while reading client request body"]),
    says("client sent too long header line: \"authorization: Bearer\" while reading client request headers", &[702], &["client sent too long header line", "client sent too large header field", "client exceeded http2_max_field_size limit", "client exceeded http2_max_header_size limit", "exceeds LimitRequestFieldSize"]),
    says("limiting requests, excess: 5.600 by zone \"hoop\"", &[620], &["limiting requests, excess", "limiting connections by zone"]),
    says("access forbidden by rule", &[611, 506], &["access forbidden by rule", "client denied by server configuration"]),
    says("no user/password was provided for basic authentication", &[611, 506], &["no user/password was provided for basic authentication", "auth request unexpected status", "AH01617: user …: authentication failure", "AH01618: user … not found", "AH01614: client used wrong authentication scheme"]),
    says("a client request body is buffered to a temporary file /var/cache/nginx/client_temp/0000000001", &[612, 701], &["a client request body is buffered to a temporary file"]),
    says("open() \"/usr/share/nginx/html/protobuf.Transport/Connect\" failed (2: No such file or directory)", &[601], &["/protobuf.Transport/…\" failed (2", "/protobuf.Transport/…\" is not found (2"]),
    says("client sent plain HTTP request to HTTPS port while reading client request headers", &[301], &["client sent plain HTTP request to HTTPS port"]),
    says("client sent no required SSL certificate while reading client request headers", &[312], &["client sent no required SSL certificate", "client SSL certificate verify error"]),
    says("SSL_do_handshake() failed (SSL: error:0A0000EB:SSL routines::no application protocol) while SSL handshaking, client: 10.0.1.5", &[401], &["SSL routines:…no application protocol) while SSL handshaking, client"]),
    says("SSL_do_handshake() failed (SSL: error:0A0000EA:SSL routines::callback failed) while SSL handshaking, client: 10.0.1.5", &[315], &["SSL routines:…callback failed) while SSL handshaking, client"]),
    says("SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 10.0.1.5", &[306, 308, 307, 313], &["SSL_do_handshake() failed …alert unknown ca…while SSL handshaking, client", "SSL handshake failure (…alert unknown ca"]),
    says("SSL_do_handshake() failed (SSL: error:0A000412:SSL routines::ssl/tls alert bad certificate:SSL alert number 42) while SSL handshaking, client: 10.0.1.5", &[306, 305, 309, 303, 307], &["SSL_do_handshake() failed …alert bad certificate…while SSL handshaking, client", "SSL_do_handshake() failed …alert certificate unknown…while SSL handshaking, client", "SSL handshake failure (…alert bad certificate", "SSL handshake failure (…alert certificate unknown"]),
    says("(111)Connection refused: AH00957: H2C: attempt to connect to 10.0.0.5:8010 (10.0.0.5:8010) failed", &[606], &["AH00957: H2C: attempt to connect to … failed", "AH00957: H2: attempt to connect to … failed", "AH01114: H2C: failed to make connection to backend", "AH01114: H2: failed to make connection to backend"]),
    says("(111)Connection refused: AH00957: HTTP: attempt to connect to 10.0.0.5:8009 (10.0.0.5:8009) failed", &[505, 606], &["AH00957: HTTP: attempt to connect to … failed", "AH00957: HTTPS: attempt to connect to … failed", "AH01114: HTTP: failed to make connection to backend", "AH01114: HTTPS: failed to make connection to backend"]),
    says("AH01102: error reading status line from remote server 10.0.0.5:8010", &[604, 605, 606], &["AH01102: error reading status line from remote server", "AH00898: Error reading from remote server"]),
    says("AH00961: H2: failed to enable ssl support for 10.0.0.5:8010 (10.0.0.5)", &[605], &["AH00961: … failed to enable ssl support"]),
    says("AH01144: No protocol handler was valid for the URL /protobuf.Transport/Connect (scheme 'h2c')", &[604, 606], &["AH01144: No protocol handler was valid for the URL"]),
    says("AH02032: Hostname gateway.example.com (default host as no SNI was provided) and hostname other.example.com provided via HTTP have no compatible SSL setup", &[317, 315], &["AH02032: Hostname … have no compatible SSL setup", "AH02033: No hostname was provided via SNI for a name based virtual host"]),
    says("AH01587: Requested content-length of 17825792 is larger than the configured limit of 1048576", &[701], &["is larger than the configured limit of"]),
    says("Server grpc/g is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check duration: 0ms", &[606, 505, 803], &["Server … is DOWN, reason: Layer4 connection problem", "Server … is DOWN, reason", "backend … has no server available"]),
    says("Backend connect failed; addr=10.0.0.5:8010: errno=111", &[606, 505], &["Backend connect failed; addr="]),
    says("Received something which does not look like a PROXY protocol header", &[213], &["Received something which does not look like a PROXY protocol header", "broken header: … while reading PROXY protocol"]),
    says("no upstreams available", &[606, 505], &["no upstreams available"]),
    says("1795370700.123      0 10.0.1.5 TCP_DENIED/403 3901 CONNECT gateway.example.com:8443 - HIER_NONE/- text/html", &[208], &["TCP_DENIED/403 … CONNECT", "TCP_DENIED/407 … CONNECT", "TCP_TUNNEL/503 … CONNECT", "TCP_MISS/503 … CONNECT"]),
    says("upstream timed out (110: Connection timed out) while reading upstream", &[703, 616], &["upstream timed out (110", "upstream timed out (110: Connection timed out)"]),
    says("client sent invalid request while reading client request line, request: \"PRI * HTTP/2.0\"", &[403, 301], &["\"PRI * HTTP/2.0"]),

    // Words that many texts have in them.
    hints("rpc error: code = DeadlineExceeded desc = context deadline exceeded", &[616, 612, 601, 604, 607, 409], &["context deadline exceeded", "Deadline Exceeded", "Stream removed (Deadline Exceeded)", "remote_addr"]),
    hints("rpc error: code = Unimplemented desc =", &[601, 609], &["code = Unimplemented desc =", "12 UNIMPLEMENTED"]),
    hints("rpc error: code = PermissionDenied desc =", &[611], &["code = PermissionDenied desc ="]),
    hints("unauthenticated", &[618, 617, 19, 610, 9], &["unauthenticated", "code = Unauthenticated"]),
    hints("404 page not found", &[502, 15], &["404 page not found"]),
    hints("502 Bad Gateway", &[505, 607], &["502 Bad Gateway", "HTTP/2 502", "HTTP/1.1 502"]),
    hints("503 Service Unavailable", &[505, 607], &["503 Service Unavailable", "HTTP/2 503", "HTTP/1.1 503"]),
    hints("504 Gateway Time-out", &[505, 509], &["504 Gateway Time-out", "504 Gateway Timeout", "Gateway Time-out", "HTTP/2 504", "HTTP/1.1 504"]),
    hints("HTTP/2 401", &[506, 611], &["HTTP/2 401", "HTTP/1.1 401", "HTTP/2 403", "HTTP/1.1 403", "www-authenticate", "403 Forbidden", "401 Unauthorized"]),
    hints("HTTP/2 301", &[504, 611], &["HTTP/2 301", "HTTP/2 302", "HTTP/1.1 301", "HTTP/1.1 302", "301 Moved Permanently", "302 Found"]),
    hints("location: https://login.example.com/", &[504, 611], &["location: http:", "location: https:"]),
    hints("content-type: application/grpc", &[507], &["content-type: application/grpc"]),
    hints("HTTP/2 415", &[507, 604], &["HTTP/2 415"]),
    hints("HTTP/2 500", &[510, 607], &["HTTP/2 500", "HTTP/1.1 500", "500 Internal Server Error"]),
    hints("Connection failed (attempt 3)", &[508], &["Connection failed (attempt"]),
    hints("HTTP/1.1 400 Bad Request", &[403, 301, 501], &["HTTP/1.1 400 Bad Request"]),
    hints("connection reset by peer", &[204, 301, 411], &["connection reset by peer", "ECONNRESET"]),
    hints("Socket closed", &[301, 204], &["Socket closed", "Failed to connect"]),
    hints("Protocol error", &[403, 301, 404], &["Protocol error", "ERR_HTTP2_ERROR"]),
    hints("transport: authentication handshake failed: tls: unexpected message", &[311, 318], &["authentication handshake failed"]),
    hints("transport: Error while dialing: dial tcp gw.example.com: unknown network", &[14, 202], &["Error while dialing: dial tcp", "Error while dialing: dial"]),
    hints("failed pre-connect, reason=rpc error: code = Unknown", &[603, 601], &["failed pre-connect, reason"]),
    hints("HOOP_TOKEN is in wrong format, reason=", &[2], &["is in wrong format, reason"]),
    hints("Ssl handshake failed", &[401, 302], &["handshake failed"]),
    hints("i/o timeout", &[202, 104], &["i/o timeout"]),
    hints("EOF", &[301, 204, 411], &["EOF"]),
];
