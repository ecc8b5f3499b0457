//! What is said with a credential: three requests that leave no trace on a gateway, and the conditions on which they are said.
//!
//! An authenticated `Connect` without `verb` ends the gateway's process, one that names a real connection opens a session,
//! and an authenticated `PreConnect` changes which agents there are (`gateway/transport`). None of them can be made: only
//! this file puts a credential on a request, and nobody else can change what it makes.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use crate::conversation::Heard;
use crate::http2::{Answer, Call, CallName, Head};
use crate::tls::Tls;
use crate::wire::opening::FirstBytes;
use crate::x509::Verdict;
use crate::{grpc, rest};

/// A user's token, as it follows `Bearer` in `authorization`. It can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

/// Why a text is no user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotABearer {
    /// An agent's: there is nothing that it can do without an effect.
    Agents,
    /// A header can't carry it, or the gateway would take it for two.
    Malformed,
}

impl Bearer {
    /// Wraps a user's token.
    ///
    /// # Errors
    /// What else it is.
    pub fn new(token: &str) -> Result<Self, NotABearer> {
        if token.contains("://") || token.starts_with("x-agt-") || token.starts_with("xagt-") {
            return Err(NotABearer::Agents);
        }
        match !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(token.to_owned())),
            false => Err(NotABearer::Malformed),
        }
    }

    /// The value of the field.
    pub(crate) fn field(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Cuts a text off where it begins to say the token, which it may not say to its end.
    fn conceal(&self, text: &mut String) {
        let start: String = self.0.chars().take(TELLING).collect();
        if let Some(at) = text.find(&start) {
            text.truncate(at);
            text.push_str("••••");
        }
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(••••)")
    }
}

/// The connection that a credential may be said on, by the configuration that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// TLS with a certificate that the identity accepts.
    VerifiedTls,
    /// TLS with any certificate: the configuration switches the check off.
    AnyTls,
    /// Cleartext: the configuration says so.
    Plaintext,
}

/// Why nothing was said with a credential on a connection that stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The certificate is not accepted, or the server can't prove that it is its own.
    Certificate,
    /// The connection is not of the kind that the configuration says.
    Channel,
}

/// What is said with a credential on one connection.
#[derive(Clone, Debug)]
pub struct Authenticated {
    bearer: Bearer,
    channel: Channel,
    service: Service,
    calls: Vec<Call>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Grpc,
    Rest,
}

impl Authenticated {
    /// `Connect` as a client, to a connection that doesn't exist: a gateway that takes the token says that it is not found.
    pub fn connect(bearer: Bearer, channel: Channel) -> Self {
        Self::new(bearer, channel, Service::Grpc, vec![grpc::to_nowhere()])
    }

    /// `GET /api/userinfo` and `GET /api/serverinfo`, below the path of the API URL.
    pub fn rest(base_path: &str, bearer: Bearer, channel: Channel) -> Self {
        let calls = [CallName::UserInfo, CallName::ServerInfo].map(|name| rest::call(name, base_path));
        Self::new(bearer, channel, Service::Rest, calls.into())
    }

    fn new(bearer: Bearer, channel: Channel, service: Service, mut calls: Vec<Call>) -> Self {
        for call in &mut calls {
            call.bearer = Some(bearer.clone());
        }
        Self {
            bearer,
            channel,
            service,
            calls,
        }
    }

    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.service == Service::Grpc
    }

    pub(crate) fn bearer(&self) -> &Bearer {
        &self.bearer
    }

    /// Why nothing may be said on a connection with this handshake; `None` for cleartext.
    pub(crate) fn withheld(&self, tls: Option<&Tls>) -> Option<Withheld> {
        let accepted = |tls: &Tls| tls.signature_valid && matches!(tls.chain.verdict, Verdict::Trusted(_));
        match (self.channel, tls) {
            (Channel::Plaintext, None) | (Channel::AnyTls, Some(_)) => None,
            (Channel::VerifiedTls, Some(tls)) if accepted(tls) => None,
            (Channel::VerifiedTls, Some(_)) => Some(Withheld::Certificate),
            (Channel::Plaintext, Some(_)) | (Channel::VerifiedTls | Channel::AnyTls, None) => Some(Withheld::Channel),
        }
    }
}

impl Heard {
    /// Keeps what a diagnosis needs of a conversation with a credential: a server may say back what it was told, and what
    /// the gateway knows of the user is nobody else's business.
    pub(crate) fn reduce(&mut self, bearer: &Bearer) {
        let nothing = || FirstBytes::read(&[]);
        if let Some(http2) = &mut self.http2 {
            http2.first = nothing();
            http2.frames.hide_answers(KEPT, |text| bearer.conceal(text));
            if let Some(goaway) = &mut http2.goaway {
                bearer.conceal(&mut goaway.debug);
            }
            http2.answers.iter_mut().for_each(|answer| reduce(answer, bearer));
        }
        if let Some(http1) = &mut self.http1 {
            http1.first = nothing();
            http1.answers.iter_mut().for_each(|answer| reduce(answer, bearer));
        }
    }
}

fn reduce(answer: &mut Answer, bearer: &Bearer) {
    for Head { grpc, fields, .. } in answer.head.iter_mut().chain(&mut answer.trailers) {
        fields.retain(|field| KEPT.contains(&field.name.as_str()));
        fields.iter_mut().for_each(|field| bearer.conceal(&mut field.value));
        if let Some(grpc) = grpc {
            bearer.conceal(&mut grpc.message);
        }
    }
    if let Some(page) = &mut answer.page {
        page.start.clear();
        if let Some(title) = &mut page.title {
            bearer.conceal(title);
        }
        if let Some(info) = &mut page.server_info {
            info.texts().for_each(|text| bearer.conceal(text));
        }
    }
}

/// A name that no connection has.
pub(crate) fn no_connection() -> String {
    format!("hoop-doctor-{:016x}", RandomState::new().hash_one(()))
}

/// The fields that are kept of an answer: who gave it, and in which form.
const KEPT: &[&str] = &[":status", "content-type", "grpc-status", "server", "via"];
/// So many characters of a token tell it from other text.
const TELLING: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::time::Instant;

    use super::{Authenticated, Bearer, Channel, NotABearer};
    use crate::cx::Cx;
    use crate::http2::{self, Body, Call, CallName, Flight, Patience};
    use crate::wire::frame::{self, Frame, kind};

    const TOKEN: &str = "eyJhbGciOiJub25lIn0.secret.secret";

    fn bearer() -> Bearer {
        Bearer::new(TOKEN).expect("a token")
    }

    fn value<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
        let field = call.fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, value)| value.as_str())
    }

    /// Every request that can be made with a credential: `Authenticated` has these two constructors and no other.
    #[test]
    fn three_requests_carry_a_credential_and_none_of_them_has_an_effect() {
        let grpc = Authenticated::connect(bearer(), Channel::VerifiedTls);
        let rest = Authenticated::rest("/hoop", bearer(), Channel::VerifiedTls);
        let all: Vec<&Call> = grpc.calls().iter().chain(rest.calls()).collect();
        let shown: Vec<_> = all.iter().map(|call| (call.method, call.path.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("POST", "/protobuf.Transport/Connect"),
                ("GET", "/hoop/api/userinfo"),
                ("GET", "/hoop/api/serverinfo"),
            ]
        );
        let [connect, ..] = all.as_slice() else {
            panic!("no request")
        };
        assert_eq!(
            (value(connect, "origin"), value(connect, "verb"), &connect.body),
            (Some("client"), Some("connect"), &Body::Open)
        );
        let name = value(connect, "connection-name").expect("a name");
        let random = name.strip_prefix("hoop-doctor-").expect("a name of ours");
        assert!(
            random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
        let other = Authenticated::connect(bearer(), Channel::VerifiedTls);
        assert_ne!(Some(name), value(&other.calls()[0], "connection-name"));
        assert!(all.iter().all(|call| call.bearer == Some(bearer())));
    }

    #[test]
    fn no_other_request_carries_one() {
        let base = crate::grpc::base_calls("agent")
            .into_iter()
            .chain(crate::rest::base_calls(""));
        assert!(base.into_iter().all(|call| call.bearer.is_none()));
    }

    #[test]
    fn what_is_said_can_not_be_printed() {
        let said = Authenticated::connect(bearer(), Channel::Plaintext);
        assert!(!format!("{said:?}").contains("secret"), "{said:?}");
    }

    #[test]
    fn an_agents_key_and_a_broken_token_are_none() {
        let refused = [
            "grpcs://n:s@gw:443",
            "x-agt-0",
            "xagt-0",
            "",
            "a b",
            "a\n",
            "a\u{7f}",
            "ä",
        ];
        let why: Vec<_> = refused.map(|token| Bearer::new(token).err()).into();
        use NotABearer::{Agents, Malformed};
        let expected = [
            Agents, Agents, Agents, Malformed, Malformed, Malformed, Malformed, Malformed,
        ];
        assert_eq!(why, expected.map(Some));
        let tokens = ["good", "xapi-1", "hpk_1", "6f0bd5ba-3c3e-4d6a-a1b6-0ddfbb5bbb3e|x"];
        let distinct: BTreeSet<_> = tokens
            .iter()
            .filter_map(|token| Some(Bearer::new(token).ok()?.field()))
            .collect();
        assert_eq!(distinct.len(), tokens.len());
    }

    /// The address stands behind a licence of 40 kB, in more than one frame.
    #[tokio::test]
    async fn a_long_answer_is_read_to_its_end() {
        let body = format!(r#"{{"license":"{}","grpc_url":"grpcs://gw:1"}}"#, "x".repeat(40_000));
        let mut bytes = Vec::new();
        let mut send = |kind, flags, stream, payload: &[u8]| {
            let frame = Frame {
                kind,
                flags,
                stream,
                payload,
            };
            frame.write(&mut bytes);
        };
        send(kind::SETTINGS, 0, 0, &[]);
        // `:status: 200` of the static table, for both calls.
        send(kind::HEADERS, frame::END_HEADERS | frame::END_STREAM, 1, &[0x88]);
        send(kind::HEADERS, frame::END_HEADERS, 3, &[0x88]);
        for piece in body.as_bytes().chunks(16_384) {
            send(kind::DATA, 0, 3, piece);
        }
        send(kind::DATA, frame::END_STREAM, 3, &[]);
        let (mut client, mut server) = tokio::io::duplex(256 * 1024);
        server.write_all(&bytes).await.expect("there is room for all of it");
        let said = Authenticated::rest("", bearer(), Channel::Plaintext);
        let (cx, _cancel) = Cx::new(Duration::from_secs(5), 0);
        let flight = Flight {
            scheme: "https",
            authority: "gw",
            calls: said.calls(),
        };
        let patience = Patience {
            settings_by: Instant::now() + Duration::from_secs(5),
            answer: Duration::from_secs(5),
            quiet: Duration::from_secs(5),
        };
        let heard = http2::speak(&cx, &mut client, flight, patience, |_| {}, || {}).await;
        let page = heard
            .answer(CallName::ServerInfo)
            .and_then(|answer| answer.page.as_ref());
        let info = page.and_then(|page| page.server_info.as_ref());
        assert_eq!(info.map(|info| info.grpc_url.as_str()), Some("grpcs://gw:1"));
    }

    #[test]
    fn a_text_ends_where_it_says_the_token() {
        let mut text = format!("you said Bearer {TOKEN} and more");
        bearer().conceal(&mut text);
        assert_eq!(text, "you said Bearer ••••");
        let mut cut = format!("you said {}", &TOKEN[..12]);
        bearer().conceal(&mut cut);
        assert_eq!(cut, "you said ••••");
    }
}
