//! A user's token as both ports of the gateway judge it, which together tell a bad token from a lost one.

use std::time::{Duration, SystemTime};

use crate::config::{Token, TokenKind};
use crate::evidence::auth::{AuthOutcome, Judged, NotTried};
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::plan;
use crate::proxies::{self, Proxy};

/// One identity's token and what became of it.
pub(super) struct Tried<'a> {
    /// Index of the identity.
    pub(super) identity: usize,
    pub(super) token: &'a Token,
    /// What gRPC makes of it.
    pub(super) grpc: Option<Verdict<'a>>,
    /// What REST makes of it.
    pub(super) rest: Option<Verdict<'a>>,
    /// Whether gRPC says that the gateway can't judge anybody, so that no refusal means anything.
    pub(super) is_unwell: bool,
    /// Whether it had expired when the run started.
    pub(super) is_expired: bool,
}

/// What one endpoint makes of it.
#[derive(Clone, Copy)]
pub(super) struct Verdict<'a> {
    /// Index of the endpoint.
    pub(super) index: usize,
    pub(super) endpoint: &'a Endpoint,
    pub(super) judged: Judged<'a>,
    /// Whether the gateway is reached without anything in between that could remove a header.
    pub(super) is_direct: bool,
}

impl Verdict<'_> {
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.judged, Judged::Accepted)
    }
}

/// Every token that was tried somewhere.
pub(super) fn tried(evidence: &Evidence) -> Vec<Tried<'_>> {
    let started = u64::try_from(evidence.wire.started_at).unwrap_or_default();
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(started);
    let identities = plan::identities(&evidence.config).enumerate();
    let tried = identities.filter_map(|(identity, who)| {
        let token = who.token.as_ref()?;
        let (grpc, rest) = (
            verdict(evidence, Kind::Grpc, identity),
            verdict(evidence, Kind::Rest, identity),
        );
        let unwell = |endpoint: &Endpoint| {
            endpoint.auth_of(identity).is_some_and(|auth| {
                let why = NotTried::GatewayUnwell;
                auth.outcome == AuthOutcome::NotTried { why }
            })
        };
        (grpc.is_some() || rest.is_some()).then(|| Tried {
            identity,
            token,
            grpc,
            rest,
            is_unwell: evidence.wire.endpoints.iter().any(unwell),
            is_expired: matches!(token.kind, TokenKind::Jwt { expires: Some(at) } if at <= started),
        })
    });
    tried.collect()
}

fn verdict(evidence: &Evidence, kind: Kind, identity: usize) -> Option<Verdict<'_>> {
    let endpoints = &evidence.wire.endpoints;
    let mut mine = endpoints
        .iter()
        .enumerate()
        .filter(|(_, endpoint)| endpoint.target.kind == kind);
    mine.find_map(|(index, endpoint)| {
        let found = proxies::recognise_among(endpoint, endpoints).map(|found| found.proxy);
        Some(Verdict {
            index,
            endpoint,
            judged: endpoint.auth_of(identity)?.judged()?,
            is_direct: found == Some(Proxy::None),
        })
    })
}

/// The probe whose answer it is, as observations name it.
pub(super) fn probe(tried: &Tried<'_>, evidence: &Evidence, call: &str) -> String {
    let who = plan::identities(&evidence.config).nth(tried.identity);
    let who = who.map(|who| who.role.to_string()).unwrap_or_default();
    format!("auth/{who}/{call}")
}

/// Asks REST past the proxy, with the token from the environment.
pub(super) const PAST_THE_PROXY: &str = "printf 'header = \"Authorization: Bearer %s\"\\n' \"$HOOP_TOKEN\" | \
     curl -sS -o /dev/null -w '%{http_code}\\n' -K - http://127.0.0.1:8009/api/userinfo   # on the gateway's host";
/// The same for gRPC; the connection doesn't exist.
pub(super) const GRPC_PAST_THE_PROXY: &str = "printf 'header = \"authorization: Bearer %s\"\\n' \"$HOOP_TOKEN\" | \
     curl -sSi -K - --http2-prior-knowledge -m 8 -X POST -H 'content-type: application/grpc' -H 'te: trailers' -H 'origin: client' \
     -H 'verb: connect' -H 'connection-name: hoop-doctor-none' http://127.0.0.1:8010/protobuf.Transport/Connect   # on the gateway's host";
