//! The named faults: what each one is called, what it shows, and at which layer it steps in.
//!
//! A fault is one row of [`Fault::row`] and nothing else; the ports read its plan.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use h2::Reason;

use crate::certificate::Certificate;
use crate::proxy::{Obstacle, Page};
use crate::tls::Alpn;
use crate::{grpc, rest};

/// One way for a gateway, or what is in front of it, to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "`summary` documents each of them, to the reader of the list as well"
)]
pub enum Fault {
    TcpRefused,
    ClosedAtOnce,
    SilentAfterConnect,
    ProxyProtocolExpected,
    PlaintextToTls,
    TlsToPlaintext,
    CertExpired,
    CertNotYetValid,
    CertWrongName,
    CertUnknownIssuer,
    CertSelfSigned,
    CertChainIncomplete,
    CertWithoutNames,
    TlsVersionUnsupported,
    TlsRefused,
    ClientCertRequired,
    CertExpiresSoon,
    SniRefused,
    LargeHelloBlocked,
    DefaultCertificate,
    TlsClosed,
    Http2NotEnabled,
    AlpnMissing,
    PlaintextHttp1Only,
    NotHttp,
    Goaway,
    TooManyPings,
    FrameSizeError,
    Http2HandshakeFailed,
    FewStreams,
    StreamsRefused,
    ConnectionRecycled,
    ConnectionLost,
    GatewayGrpcDown,
    ApiNotFound,
    ApiRedirected,
    ApiUpstreamDown,
    ApiAccessDenied,
    ApiUrlIsGrpcPort,
    WebsocketBlocked,
    ApiTimeout,
    ApiServerError,
    GrpcNotRouted,
    GrpcUrlIsRestPort,
    GrpcRoutesPartial,
    GrpcUpstreamDown,
    GrpcBadGateway,
    TrailersMissing,
    GrpcOtherService,
    IdentityProviderDown,
    GrpcAccessDenied,
    RequestBuffered,
    StreamReset,
    HealthMethodUnknown,
    GrpcTimeout,
    MetadataStripped,
    AuthorizationStripped,
    CredentialsRejected,
    RateLimited,
    GrpcIntermittent,
    BodyLimit,
    StreamLimit,
    HeaderLimit,
    IdleTimeout,
    FlowForgotten,
    StreamLifetime,
    MessageLimit,
    ResponseBuffered,
    AdvertisedUrlDiffers,
}

impl Fault {
    /// Every fault, in the order of what `check` says about it.
    pub const ALL: [Self; 69] = [
        Self::TcpRefused,
        Self::ClosedAtOnce,
        Self::SilentAfterConnect,
        Self::ProxyProtocolExpected,
        Self::PlaintextToTls,
        Self::TlsToPlaintext,
        Self::CertExpired,
        Self::CertNotYetValid,
        Self::CertWrongName,
        Self::CertUnknownIssuer,
        Self::CertSelfSigned,
        Self::CertChainIncomplete,
        Self::CertWithoutNames,
        Self::TlsVersionUnsupported,
        Self::TlsRefused,
        Self::ClientCertRequired,
        Self::CertExpiresSoon,
        Self::SniRefused,
        Self::LargeHelloBlocked,
        Self::DefaultCertificate,
        Self::TlsClosed,
        Self::Http2NotEnabled,
        Self::AlpnMissing,
        Self::PlaintextHttp1Only,
        Self::NotHttp,
        Self::Goaway,
        Self::TooManyPings,
        Self::FrameSizeError,
        Self::Http2HandshakeFailed,
        Self::FewStreams,
        Self::StreamsRefused,
        Self::ConnectionRecycled,
        Self::ConnectionLost,
        Self::GatewayGrpcDown,
        Self::ApiNotFound,
        Self::ApiRedirected,
        Self::ApiUpstreamDown,
        Self::ApiAccessDenied,
        Self::ApiUrlIsGrpcPort,
        Self::WebsocketBlocked,
        Self::ApiTimeout,
        Self::ApiServerError,
        Self::GrpcNotRouted,
        Self::GrpcUrlIsRestPort,
        Self::GrpcRoutesPartial,
        Self::GrpcUpstreamDown,
        Self::GrpcBadGateway,
        Self::TrailersMissing,
        Self::GrpcOtherService,
        Self::IdentityProviderDown,
        Self::GrpcAccessDenied,
        Self::RequestBuffered,
        Self::StreamReset,
        Self::HealthMethodUnknown,
        Self::GrpcTimeout,
        Self::MetadataStripped,
        Self::AuthorizationStripped,
        Self::CredentialsRejected,
        Self::RateLimited,
        Self::GrpcIntermittent,
        Self::BodyLimit,
        Self::StreamLimit,
        Self::HeaderLimit,
        Self::IdleTimeout,
        Self::FlowForgotten,
        Self::StreamLifetime,
        Self::MessageLimit,
        Self::ResponseBuffered,
        Self::AdvertisedUrlDiffers,
    ];

    /// What a user calls it: `body-limit`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// One line on what it does, without a full stop.
    pub fn summary(self) -> &'static str {
        self.row().summary
    }

    /// The code of the finding that `check` has to put first.
    pub fn expects(self) -> &'static str {
        self.row().expects
    }

    /// What `check` has to be asked for to notice; to any other one this is a healthy gateway.
    pub fn needs(self) -> Needs {
        self.row().needs
    }

    pub(crate) fn plan(self) -> Plan {
        self.row().plan
    }

    fn row(self) -> Row {
        let row = |expects, name, summary, plan| Row {
            expects,
            name,
            summary,
            plan,
            needs: Needs::Nothing,
        };
        let healthy = Plan::HEALTHY;
        let over_tls = Plan {
            wire: Wire::Tls,
            ..healthy
        };
        let grpc = |grpc| Plan { grpc, ..healthy };
        let tls = |fault| Plan {
            grpc: Grpc::Tls(fault),
            ..over_tls
        };
        let http2 = |fault| Plan {
            grpc: Grpc::Http2(fault),
            ..over_tls
        };
        let proxy = |obstacle| Plan {
            grpc: Grpc::Proxy(obstacle),
            ..over_tls
        };
        let rest = |rest| Plan { rest, ..healthy };
        let certificate = |defect| Plan {
            wire: Wire::Certificate(defect),
            ..healthy
        };
        match self {
            Self::TcpRefused => row(
                "HD201",
                "tcp-refused",
                "nothing listens on the gRPC port",
                grpc(Grpc::Tcp(TcpFault::Refused)),
            ),
            Self::ClosedAtOnce => row(
                "HD204",
                "closed-at-once",
                "the gRPC port accepts and closes, like a balancer without a live target",
                grpc(Grpc::Tcp(TcpFault::ClosedAtOnce)),
            ),
            Self::SilentAfterConnect => row(
                "HD212",
                "silent-after-connect",
                "the gRPC port accepts and never says anything",
                Plan {
                    grpc: Grpc::Tcp(TcpFault::Silent),
                    ..over_tls
                },
            ),
            Self::ProxyProtocolExpected => row(
                "HD213",
                "proxy-protocol-expected",
                "the gRPC port wants a PROXY line first and resets whoever sends none",
                Plan {
                    grpc: Grpc::Tcp(TcpFault::ProxyLineWanted),
                    ..over_tls
                },
            ),
            Self::PlaintextToTls => row(
                "HD301",
                "plaintext-to-tls",
                "the gRPC port speaks TLS, the URL says plaintext",
                Plan {
                    told: Told::GrpcInPlaintext,
                    ..over_tls
                },
            ),
            Self::TlsToPlaintext => row(
                "HD302",
                "tls-to-plaintext",
                "the gRPC port speaks plaintext, the URL says TLS",
                Plan {
                    wire: Wire::Plaintext,
                    told: Told::GrpcOverTls,
                    ..healthy
                },
            ),
            Self::CertExpired => row(
                "HD303",
                "cert-expired",
                "the certificate expired three days ago",
                certificate(Certificate::Expired),
            ),
            Self::CertNotYetValid => row(
                "HD304",
                "cert-not-yet-valid",
                "the certificate becomes valid in three days",
                certificate(Certificate::NotYetValid),
            ),
            Self::CertWrongName => row(
                "HD305",
                "cert-wrong-name",
                "the certificate is for another host",
                certificate(Certificate::WrongName),
            ),
            Self::CertUnknownIssuer => row(
                "HD306",
                "cert-unknown-issuer",
                "the chain is whole, its root is not trusted",
                Plan {
                    told: Told::NoCa,
                    ..certificate(Certificate::Good)
                },
            ),
            Self::CertSelfSigned => row(
                "HD307",
                "cert-self-signed",
                "the certificate is its own issuer",
                certificate(Certificate::SelfSigned),
            ),
            Self::CertChainIncomplete => row(
                "HD308",
                "cert-chain-incomplete",
                "the intermediate certificate is not served",
                certificate(Certificate::LeafOnly),
            ),
            Self::CertWithoutNames => row(
                "HD309",
                "cert-without-names",
                "the certificate that a gateway makes for itself, which names no host",
                certificate(Certificate::WithoutNames),
            ),
            Self::TlsVersionUnsupported => row(
                "HD310",
                "tls-version-unsupported",
                "the gRPC port refuses the TLS version",
                tls(TlsFault::Alert(PROTOCOL_VERSION)),
            ),
            Self::TlsRefused => row(
                "HD311",
                "tls-refused",
                "the gRPC port ends the handshake with the alert access_denied",
                tls(TlsFault::Alert(ACCESS_DENIED)),
            ),
            Self::ClientCertRequired => row(
                "HD312",
                "client-cert-required",
                "the gRPC port wants a client certificate",
                tls(TlsFault::ClientCertificate),
            ),
            Self::CertExpiresSoon => row(
                "HD314",
                "cert-expires-soon",
                "the certificate expires in a week",
                certificate(Certificate::ExpiresSoon),
            ),
            Self::SniRefused => row(
                "HD315",
                "sni-refused",
                "the gRPC port doesn't know the host name of the handshake",
                tls(TlsFault::Alert(UNRECOGNIZED_NAME)),
            ),
            Self::LargeHelloBlocked => row(
                "HD316",
                "large-hello-blocked",
                "a handshake that begins with a large ClientHello is reset",
                tls(TlsFault::LargeHello),
            ),
            Self::DefaultCertificate => row(
                "HD317",
                "default-certificate",
                "ingress-nginx serves its placeholder certificate",
                certificate(Certificate::IngressDefault),
            ),
            Self::TlsClosed => row(
                "HD318",
                "tls-closed",
                "the gRPC port closes after the ClientHello, without an alert",
                tls(TlsFault::Closed),
            ),
            Self::Http2NotEnabled => row(
                "HD401",
                "http2-not-enabled",
                "the TLS listener for gRPC does HTTP/1.1 only",
                tls(TlsFault::Alpn(Alpn::Http1)),
            ),
            Self::AlpnMissing => row(
                "HD402",
                "alpn-missing",
                "TLS ends at something that ignores ALPN, HTTP/2 works inside",
                tls(TlsFault::Alpn(Alpn::Ignored)),
            ),
            Self::PlaintextHttp1Only => row(
                "HD403",
                "plaintext-http1-only",
                "the plaintext listener for gRPC does HTTP/1.1 only",
                Plan {
                    wire: Wire::Plaintext,
                    ..grpc(Grpc::Tcp(TcpFault::Http1Only))
                },
            ),
            Self::NotHttp => row(
                "HD404",
                "not-http",
                "an SSH server answers on the gRPC port",
                Plan {
                    wire: Wire::Plaintext,
                    ..grpc(Grpc::Tcp(TcpFault::OpenSsh))
                },
            ),
            Self::Goaway => row(
                "HD405",
                "goaway",
                "the first call ends the connection with a GOAWAY that gives a reason",
                http2(Http2Fault::GoAway {
                    code: Reason::INTERNAL_ERROR,
                    debug: "upstream pool exhausted",
                }),
            ),
            Self::TooManyPings => row(
                "HD406",
                "too-many-pings",
                "the first call ends the connection as if it had been pinged too often",
                http2(Http2Fault::GoAway {
                    code: Reason::ENHANCE_YOUR_CALM,
                    debug: "too_many_pings",
                }),
            ),
            Self::FrameSizeError => row(
                "HD407",
                "frame-size-error",
                "the first call ends the connection as if one of its frames were too long",
                http2(Http2Fault::GoAway {
                    code: Reason::FRAME_SIZE_ERROR,
                    debug: "frame too large",
                }),
            ),
            Self::Http2HandshakeFailed => row(
                "HD408",
                "http2-handshake-failed",
                "ALPN agrees on HTTP/2, then HTTP/1.1 comes",
                http2(Http2Fault::NotHttp2),
            ),
            Self::FewStreams => row(
                "HD409",
                "few-streams",
                "the proxy allows four streams on a connection",
                proxy(Obstacle::FewStreams),
            ),
            Self::StreamsRefused => row(
                "HD409",
                "streams-refused",
                "the proxy refuses a call beside eight others, whatever its SETTINGS allow",
                proxy(Obstacle::FewerThanAnnounced),
            )
            .needing(Needs::Deep),
            Self::ConnectionRecycled => row(
                "HD410",
                "connection-recycled",
                "the proxy ends every connection after six calls, without an error",
                proxy(Obstacle::Recycled),
            ),
            Self::ConnectionLost => row(
                "HD411",
                "connection-lost",
                "the first call ends the connection without a word",
                http2(Http2Fault::Lost),
            ),
            Self::GatewayGrpcDown => row(
                "HD501",
                "gateway-grpc-down",
                "the gateway's gRPC listener is down, and its health check says so",
                Plan {
                    rest: Rest::Gateway(rest::Gateway::WithoutGrpc),
                    ..grpc(Grpc::Tcp(TcpFault::Refused))
                },
            ),
            Self::ApiNotFound => row(
                "HD502",
                "api-not-found",
                "the proxy has no route for the API",
                rest(Rest::Proxy(Page::NotFound)),
            ),
            Self::ApiRedirected => row(
                "HD504",
                "api-redirected",
                "a sign-in page stands in front of the API",
                rest(Rest::Proxy(Page::SignIn)),
            ),
            Self::ApiUpstreamDown => row(
                "HD505",
                "api-upstream-down",
                "the proxy can't reach the REST port",
                rest(Rest::Proxy(Page::BadGateway)),
            ),
            Self::ApiAccessDenied => row(
                "HD506",
                "api-access-denied",
                "the proxy wants a password for the API",
                rest(Rest::Proxy(Page::AuthorizationRequired)),
            ),
            Self::ApiUrlIsGrpcPort => row(
                "HD507",
                "api-url-is-grpc-port",
                "the API's URL leads to the gRPC port",
                Plan {
                    told: Told::GrpcPortForRest,
                    ..healthy
                },
            ),
            Self::ApiTimeout => row(
                "HD509",
                "api-timeout",
                "the REST port never answers",
                rest(Rest::Silent),
            ),
            Self::WebsocketBlocked => row(
                "HD508",
                "websocket-blocked",
                "the proxy drops the header HOOP_KEY, which RDP access needs",
                rest(Rest::WithoutUnderscores),
            ),
            Self::ApiServerError => row(
                "HD510",
                "api-server-error",
                "the gateway's API can't reach its database",
                rest(Rest::Gateway(rest::Gateway::WithoutDatabase)),
            ),
            Self::GrpcNotRouted => row(
                "HD601",
                "grpc-not-routed",
                "the proxy sends gRPC to the web application",
                proxy(Obstacle::WebPage),
            ),
            Self::GrpcUrlIsRestPort => row(
                "HD602",
                "grpc-url-is-rest-port",
                "the gRPC URL leads to the REST port",
                Plan {
                    told: Told::RestPortForGrpc,
                    ..healthy
                },
            ),
            Self::GrpcRoutesPartial => row(
                "HD603",
                "grpc-routes-partial",
                "the proxy routes Connect and no other method",
                proxy(Obstacle::WebPageUnlessConnect),
            ),
            Self::GrpcUpstreamDown => row(
                "HD606",
                "grpc-upstream-down",
                "Envoy has no healthy endpoint for the gRPC port",
                proxy(Obstacle::NoHealthyUpstream),
            ),
            Self::GrpcBadGateway => row(
                "HD607",
                "grpc-bad-gateway",
                "nginx answers 502 for gRPC, which can mean several things",
                proxy(Obstacle::Page(Page::BadGateway)),
            ),
            Self::TrailersMissing => row(
                "HD608",
                "trailers-missing",
                "the trailers of gRPC responses are lost on the way",
                proxy(Obstacle::NoTrailers),
            ),
            Self::GrpcOtherService => row(
                "HD609",
                "grpc-other-service",
                "a gRPC server answers that isn't Hoop's",
                grpc(Grpc::Gateway(grpc::Gateway::OtherService)),
            ),
            Self::IdentityProviderDown => row(
                "HD610",
                "identity-provider-down",
                "the gateway can't load its identity provider",
                grpc(Grpc::Gateway(grpc::Gateway::WithoutIdentityProvider)),
            ),
            Self::GrpcAccessDenied => row(
                "HD611",
                "grpc-access-denied",
                "the proxy wants a password for gRPC",
                proxy(Obstacle::Page(Page::AuthorizationRequired)),
            ),
            Self::RequestBuffered => row(
                "HD612",
                "request-buffered",
                "the proxy holds a request back until it is complete",
                proxy(Obstacle::Buffering),
            ),
            Self::StreamReset => row(
                "HD613",
                "stream-reset",
                "every call is reset with INTERNAL_ERROR",
                proxy(Obstacle::Reset(Reason::INTERNAL_ERROR)),
            ),
            Self::HealthMethodUnknown => row(
                "HD615",
                "health-method-unknown",
                "a gateway from before HealthCheck",
                grpc(Grpc::Gateway(grpc::Gateway::WithoutHealthCheck)),
            ),
            Self::GrpcTimeout => row(
                "HD616",
                "grpc-timeout",
                "HTTP/2 comes up, calls are never answered",
                proxy(Obstacle::Silence),
            ),
            Self::MetadataStripped => row(
                "HD617",
                "metadata-stripped",
                "the proxy removes the header origin",
                proxy(Obstacle::Without("origin")),
            ),
            Self::AuthorizationStripped => row(
                "HD617",
                "authorization-stripped",
                "the proxy removes the header authorization from gRPC and keeps it for REST",
                proxy(Obstacle::Without("authorization")),
            )
            .needing(Needs::Auth),
            Self::CredentialsRejected => row(
                "HD618",
                "credentials-rejected",
                "the gateway refuses every token, on both ports",
                Plan {
                    grpc: Grpc::Gateway(grpc::Gateway::RejectingTokens),
                    rest: Rest::Gateway(rest::Gateway::RejectingTokens),
                    ..over_tls
                },
            )
            .needing(Needs::Auth),
            Self::RateLimited => row(
                "HD620",
                "rate-limited",
                "the proxy answers 429 to every second call",
                proxy(Obstacle::PageEverySecondTime(Page::TooManyRequests)),
            ),
            Self::GrpcIntermittent => row(
                "HD621",
                "grpc-intermittent",
                "every second call goes to a target that is down",
                proxy(Obstacle::PageEverySecondTime(Page::BadGateway)),
            ),
            Self::BodyLimit => row(
                "HD701",
                "body-limit",
                "the proxy lets 1 MiB through on a stream, as nginx does by default",
                proxy(Obstacle::BodyLimit(1 << 20)),
            ),
            Self::StreamLimit => row(
                "HD701",
                "stream-limit",
                "the proxy resets a stream after 1 MiB of real bytes, whatever length was declared",
                proxy(Obstacle::StreamLimit(1 << 20)),
            )
            .needing(Needs::Deep),
            Self::HeaderLimit => row(
                "HD702",
                "header-limit",
                "a header field over 4096 bytes ends the connection, as in nginx with buffers of 4k",
                proxy(Obstacle::HeaderLimit(4096)),
            )
            .needing(Needs::Deep),
            Self::IdleTimeout => row(
                "HD703",
                "idle-timeout",
                "nginx resets a stream on which the client sends nothing for 3 s",
                proxy(Obstacle::BodyTimeout(PATIENCE)),
            )
            .needing(Needs::Deep),
            Self::FlowForgotten => row(
                "HD703",
                "flow-forgotten",
                "a firewall forgets a connection on which the client sends nothing for 3 s, and tells nobody",
                grpc(Grpc::Tcp(TcpFault::ForgottenAfter(PATIENCE))),
            )
            .needing(Needs::Deep),
            Self::StreamLifetime => row(
                "HD704",
                "stream-lifetime",
                "the proxy resets a stream after 3 s, whatever flows on it",
                proxy(Obstacle::Lifetime(PATIENCE)),
            )
            .needing(Needs::Deep),
            Self::MessageLimit => row(
                "HD705",
                "message-limit",
                "an old gateway that takes messages of up to 4 MiB",
                grpc(Grpc::Gateway(grpc::Gateway::WithSmallMessages)),
            )
            .needing(Needs::Deep),
            Self::ResponseBuffered => row(
                "HD707",
                "response-buffered",
                "the proxy holds a response back until it is complete",
                proxy(Obstacle::Collecting),
            ),
            Self::AdvertisedUrlDiffers => row(
                "HD903",
                "advertised-url-differs",
                "the gateway tells its users another gRPC URL than its own",
                Plan {
                    rest: Rest::Gateway(rest::Gateway::AdvertisingElsewhere),
                    ..over_tls
                },
            )
            .needing(Needs::Auth),
        }
    }
}

/// Which look of `check` a fault takes to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The one without options.
    Nothing,
    /// `--deep`.
    Deep,
    /// `--auth`, with a token.
    Auth,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|fault| fault.name() == name);
        known.ok_or_else(|| UnknownFault { name: name.to_owned() })
    }
}

/// No fault has that name; the text names those that share a word with it, or says where the list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFault {
    name: String,
}

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no fault is called {:?}", self.name)?;
        let alike: Vec<_> = Fault::ALL
            .iter()
            .map(|fault| fault.name())
            .filter(|name| share_a_word(name, &self.name))
            .collect();
        match alike.as_slice() {
            [] => f.write_str("; `--list` shows all of them"),
            names => write!(f, "; there is {}", names.join(", ")),
        }
    }
}

impl std::error::Error for UnknownFault {}

fn share_a_word(one: &str, other: &str) -> bool {
    one.split('-').any(|word| {
        word.len() > 2
            && other
                .split(['-', '_', ' '])
                .any(|theirs| theirs.eq_ignore_ascii_case(word))
    })
}

struct Row {
    expects: &'static str,
    name: &'static str,
    summary: &'static str,
    plan: Plan,
    needs: Needs,
}

impl Row {
    fn needing(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }
}

/// How a stand-in is built: at most one part of it differs from a healthy one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) wire: Wire,
    pub(crate) grpc: Grpc,
    pub(crate) rest: Rest,
    pub(crate) told: Told,
}

impl Plan {
    pub(crate) const HEALTHY: Self = Self {
        wire: Wire::AsAsked,
        grpc: Grpc::Gateway(grpc::Gateway::Well),
        rest: Rest::Gateway(rest::Gateway::Well),
        told: Told::Truth,
    };
}

/// What both ports are carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// What the caller gave: its certificate or none.
    AsAsked,
    Plaintext,
    /// The caller's certificate, or a good one made up here.
    Tls,
    Certificate(Certificate),
}

/// The layer at which the gRPC port misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grpc {
    Tcp(TcpFault),
    Tls(TlsFault),
    Http2(Http2Fault),
    /// A proxy is in front.
    Proxy(Obstacle),
    /// Nothing is; the gateway may still be unwell.
    Gateway(grpc::Gateway),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TcpFault {
    Refused,
    ClosedAtOnce,
    Silent,
    OpenSsh,
    Http1Only,
    ProxyLineWanted,
    /// A hop drops a connection from its table when so long nothing came from the client.
    ForgottenAfter(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFault {
    /// The ClientHello is answered with this alert.
    Alert(u8),
    Closed,
    LargeHello,
    ClientCertificate,
    Alpn(Alpn),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http2Fault {
    GoAway { code: Reason, debug: &'static str },
    Lost,
    NotHttp2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Gateway(rest::Gateway),
    /// A proxy answers everything with this page.
    Proxy(Page),
    /// A proxy drops header names with underscores, as nginx does by default.
    WithoutUnderscores,
    Silent,
}

/// How the URLs that a client is told depart from the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Truth,
    GrpcInPlaintext,
    GrpcOverTls,
    NoCa,
    RestPortForGrpc,
    GrpcPortForRest,
}

/// How long anything that times out waits: long enough to be told from slowness, short enough for a rehearsal.
const PATIENCE: Duration = Duration::from_secs(3);

/// Alert descriptions of RFC 8446 section 6, and of RFC 6066 section 3 for the name.
const PROTOCOL_VERSION: u8 = 70;
const ACCESS_DENIED: u8 = 49;
const UNRECOGNIZED_NAME: u8 = 112;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_fault_is_listed_once_in_order_and_found_by_its_name() {
        for (position, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, position, "{fault} is out of place in ALL");
            assert_eq!(fault.name().parse(), Ok(fault));
        }
        assert_eq!(
            Fault::ALL
                .iter()
                .map(|fault| fault.name())
                .collect::<HashSet<_>>()
                .len(),
            Fault::ALL.len()
        );
        assert!(Fault::ALL.is_sorted_by_key(|fault| fault.expects()));
    }

    #[test]
    fn a_fault_is_its_own_in_what_it_does() {
        assert_eq!(
            Fault::ALL
                .iter()
                .map(|fault| fault.summary())
                .collect::<HashSet<_>>()
                .len(),
            Fault::ALL.len()
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_what_comes_near() {
        let text = |name: &str| name.parse::<Fault>().expect_err("no such fault").to_string();
        assert_eq!(
            text("body_limit_1m"),
            "no fault is called \"body_limit_1m\"; there is body-limit, stream-limit, header-limit, message-limit"
        );
        assert_eq!(
            text("nonsense"),
            "no fault is called \"nonsense\"; `--list` shows all of them"
        );
    }
}
