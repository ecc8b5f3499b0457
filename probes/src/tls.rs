//! TLS: the hello of a Go agent, and a handshake that lets every certificate pass so that it can be judged afterwards.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, NamedGroup, PeerMisbehaved, SignatureScheme};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::tap::Tap;
use crate::wire::opening::{FirstBytes, Opening};
use crate::wire::text::bounded;
use crate::x509::{ChainFacts, Roots, judge};

/// The application protocols that a hello offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alpn {
    /// `h2`, as grpc-go.
    H2,
    /// `h2` and `http/1.1`, as Go's net/http.
    H2AndHttp11,
    /// `http/1.1`.
    Http11,
    /// No ALPN extension.
    None,
}

/// What a hello offers, and what is left out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its application protocols.
    pub alpn: Alpn,
    /// How much of it is sent.
    pub hello: Hello,
}

/// How much of a hello is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// The key shares of X25519MLKEM768 and X25519, as Go since 1.24: 1.7 kB, two packets.
    Full,
    /// The key share of X25519 alone: one packet.
    Small,
    /// Without the server's name (RFC 6066, section 3).
    Nameless,
}

impl Offer {
    /// These protocols in a hello like Go's.
    pub fn of(alpn: Alpn) -> Self {
        Self {
            alpn,
            hello: Hello::Full,
        }
    }
}

impl Alpn {
    fn protocols(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::H2 => &[b"h2"],
            Self::H2AndHttp11 => &[b"h2", b"http/1.1"],
            Self::Http11 => &[b"http/1.1"],
            Self::None => &[],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// A finished handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The cipher suite's name.
    pub cipher: String,
    /// The key exchange group.
    pub group: Option<String>,
    /// What was offered.
    pub offered: Alpn,
    /// What the server chose.
    pub alpn: Option<String>,
    /// The name in the hello; `None` for an address.
    pub sni: Option<String>,
    /// Whether the server's signature over the handshake fits its certificate's key.
    pub signature_valid: bool,
    /// Whether the server asked for a client certificate.
    pub client_cert_requested: bool,
    /// The server's certificates, judged as Go judges them.
    pub chain: ChainFacts,
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TlsFailure {
    /// The server's first bytes are no TLS record.
    NotTls {
        /// What they are.
        first: Box<FirstBytes>,
    },
    /// A fatal alert.
    Alert {
        /// Its number.
        description: u8,
        /// Whether the server had asked for a client certificate before.
        client_cert_requested: bool,
    },
    /// FIN after our hello.
    Closed,
    /// RST after our hello.
    Reset,
    /// No answer to our hello.
    TimedOut,
    /// The server chose a protocol that wasn't offered (Go: `server selected unadvertised ALPN protocol`).
    UnofferedAlpn,
    /// The name can't stand in a hello.
    InvalidName,
    /// Anything else that the server did wrong, in rustls's words.
    Protocol {
        /// The error's text.
        text: String,
    },
    /// The run ended first.
    Interrupted,
}

impl TlsFailure {
    /// The number of the alert, if it was one.
    pub fn alert(&self) -> Option<u8> {
        match self {
            Self::Alert { description, .. } => Some(*description),
            _ => None,
        }
    }
}

/// Names of alerts (RFC 8446, section 6; RFC 7301, section 3.2).
pub fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unknown alert",
    }
}

/// What an identity trusts, loaded when it is first needed and then shared.
#[derive(Clone, Debug)]
pub struct Trust(Arc<TrustSource>);

#[derive(Debug)]
struct TrustSource {
    /// Certificates in DER that replace the system's; `None` for the system's.
    only: Option<Vec<Vec<u8>>>,
    loaded: OnceCell<Roots>,
}

impl Trust {
    /// The system's trust store; honours `SSL_CERT_FILE` and `SSL_CERT_DIR`, as Go does.
    pub fn system() -> Self {
        Self(Arc::new(TrustSource {
            only: None,
            loaded: OnceCell::new(),
        }))
    }

    /// These certificates, in DER, instead of the system's.
    pub fn only(certificates: Vec<Vec<u8>>) -> Self {
        Self(Arc::new(TrustSource {
            only: Some(certificates),
            loaded: OnceCell::new(),
        }))
    }

    /// The trust anchors; the first call reads them on a thread of its own.
    pub async fn roots(&self) -> &Roots {
        let source = Arc::clone(&self.0);
        let load = async move || {
            let load = tokio::task::spawn_blocking(move || match &source.only {
                Some(only) => Roots::from_der(only),
                None => {
                    let found = rustls_native_certs::load_native_certs();
                    Roots::from_der(found.certs)
                }
            });
            // A panic in there leaves nothing trusted, which the report shows.
            load.await.unwrap_or_default()
        };
        self.0.loaded.get_or_init(load).await
    }
}

/// A handshake that is done.
pub(crate) struct Shaken<S> {
    stream: TlsStream<Tap<S>>,
    seen: Unjudged,
}

/// What was seen of a handshake, before the chain is judged. The fields are those of [`Tls`].
pub(crate) struct Unjudged {
    version: &'static str,
    cipher: String,
    group: Option<String>,
    offered: Alpn,
    alpn: Option<String>,
    sni: Option<String>,
    facts: SeenFacts,
}

impl<S> Shaken<S> {
    /// The protocol that the server chose.
    pub(crate) fn alpn(&self) -> Option<&str> {
        self.seen.alpn.as_deref()
    }

    /// The stream to speak on, and the facts to be judged beside it.
    pub(crate) fn into_parts(self) -> (TlsStream<Tap<S>>, Unjudged) {
        (self.stream, self.seen)
    }
}

impl Unjudged {
    /// The facts, with the chain judged against `roots` at `now` (seconds since the epoch) for `host`.
    pub(crate) fn judged(self, host: &str, roots: &Roots, now: i64) -> Tls {
        Tls {
            version: self.version.to_owned(),
            cipher: self.cipher,
            group: self.group,
            offered: self.offered,
            alpn: self.alpn,
            sni: self.sni,
            signature_valid: self.facts.signature_valid,
            client_cert_requested: self.facts.client_cert_requested,
            chain: judge(&self.facts.chain, host, roots, now),
        }
    }
}

/// Shakes hands over `io` with this offer, asking for `server_name`.
pub(crate) async fn handshake<S>(io: S, server_name: &str, offer: Offer) -> Result<Shaken<S>, TlsFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = name_of(server_name)?;
    let sni = sni(&name).filter(|_| offer.hello != Hello::Nameless);
    let seen = Seen::default();
    let config = client_config(offer, &seen)?;
    let (tap, heard) = Tap::new(io);
    match TlsConnector::from(Arc::new(config)).connect(name, tap).await {
        Ok(stream) => {
            let seen = unjudged(&stream, &seen, offer.alpn, sni);
            Ok(Shaken { stream, seen })
        }
        Err(error) => {
            let requested = seen
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .client_cert_requested;
            Err(failure(&error, &heard.bytes(), requested))
        }
    }
}

/// The name as a certificate has it.
pub(crate) fn name_of(server_name: &str) -> Result<ServerName<'static>, TlsFailure> {
    let name = server_name.trim_end_matches('.').to_owned();
    ServerName::try_from(name).map_err(|_| TlsFailure::InvalidName)
}

/// The name as a hello has it: an address has no place there (RFC 6066, section 3).
pub(crate) fn sni(name: &ServerName<'_>) -> Option<String> {
    match name {
        ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
        _ => None,
    }
}

fn unjudged<S>(stream: &TlsStream<Tap<S>>, seen: &Seen, offered: Alpn, sni: Option<String>) -> Unjudged {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let cipher = session
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str());
    let group = session
        .negotiated_key_exchange_group()
        .and_then(|group| group.name().as_str());
    Unjudged {
        version,
        cipher: cipher.unwrap_or_default().to_owned(),
        group: group.map(str::to_owned),
        offered,
        alpn: session.alpn_protocol().map(|protocol| bounded(protocol, 32)),
        sni,
        facts: std::mem::take(&mut *seen.0.lock().unwrap_or_else(PoisonError::into_inner)),
    }
}

fn client_config(offer: Offer, seen: &Seen) -> Result<ClientConfig, TlsFailure> {
    let mut provider = aws_lc_rs::default_provider();
    if offer.hello == Hello::Small {
        provider.kx_groups.retain(|group| !LARGE_GROUPS.contains(&group.name()));
    }
    let provider = Arc::new(provider);
    let verifier = Verifier {
        provider: Arc::clone(&provider),
        seen: seen.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsFailure::Protocol {
            text: error.to_string(),
        })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(NoCertificate(seen.clone())));
    config.alpn_protocols = offer.alpn.protocols();
    config.enable_sni = offer.hello != Hello::Nameless;
    // A resumed session would hide the certificates.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// Key exchange groups whose shares don't fit into one packet.
const LARGE_GROUPS: [NamedGroup; 2] = [NamedGroup::X25519MLKEM768, NamedGroup::MLKEM768];

fn failure(error: &io::Error, heard: &[u8], client_cert_requested: bool) -> TlsFailure {
    let first = FirstBytes::read(heard);
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, &first.opening) {
        (_, Opening::Nothing) if error.kind() == io::ErrorKind::UnexpectedEof => TlsFailure::Closed,
        (None, Opening::Nothing) => TlsFailure::Reset,
        (Some(rustls::Error::AlertReceived(alert)), _) => TlsFailure::Alert {
            description: u8::from(*alert),
            client_cert_requested,
        },
        (_, opening) if !matches!(opening, Opening::Tls | Opening::TlsAlert { .. }) => {
            TlsFailure::NotTls { first: Box::new(first) }
        }
        (Some(rustls::Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol)), _) => {
            TlsFailure::UnofferedAlpn
        }
        (Some(error), _) => TlsFailure::Protocol {
            text: error.to_string(),
        },
        (None, _) if error.kind() == io::ErrorKind::UnexpectedEof => TlsFailure::Closed,
        (None, _) => TlsFailure::Reset,
    }
}

/// What the callbacks of one handshake saw.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<SeenFacts>>);

#[derive(Debug, Default)]
struct SeenFacts {
    chain: Vec<Vec<u8>>,
    signature_valid: bool,
    client_cert_requested: bool,
}

impl Seen {
    fn note(&self, write: impl FnOnce(&mut SeenFacts)) {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Lets every certificate and every signature pass, and keeps what it saw.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    seen: Seen,
}

impl Verifier {
    /// Checks the signature with the key alone: webpki would refuse to open a version 1 certificate.
    fn note_signature13(&self, message: &[u8], cert: &CertificateDer<'_>, signature: &DigitallySignedStruct) {
        let algorithms = &self.provider.signature_verification_algorithms;
        let valid = X509Certificate::from_der(cert).is_ok_and(|(_, parsed)| {
            let key = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
            verify_tls13_signature_with_raw_key(message, &key, signature, algorithms).is_ok()
        });
        self.seen.note(|seen| seen.signature_valid = valid);
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        self.seen
            .note(|seen| seen.chain = chain.map(|cert| cert.to_vec()).collect());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let valid = verify_tls12_signature(message, cert, dss, algorithms).is_ok();
        self.seen.note(|seen| seen.signature_valid = valid);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.note_signature13(message, cert, dss);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Hoop has no client certificate; notes that one was asked for.
#[derive(Debug)]
struct NoCertificate(Seen);

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.note(|seen| seen.client_cert_requested = true);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
