//! A client's token for tests, and what the two ports of a gateway say to it.

use std::time::{Duration, SystemTime};

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::CallName;
use hoop_doctor_probes::tcp::Attempt;
use hoop_doctor_probes::wire::frame::Setting;
use hoop_doctor_probes::wire::header::Field;
use hoop_doctor_probes::wire::status::Status;

use crate::config::{Role, TokenKind};
use crate::evidence::auth::{Auth, AuthOutcome, NotTried};
use crate::evidence::{Endpoint, Evidence, Kind};
use crate::findings::config::fixture::{NOW, variables};
use crate::findings::rest::fixture::{self, Given};
use crate::plan;

/// What one port says to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::findings) enum Says {
    /// That it takes it.
    Accepted,
    /// That it doesn't know it.
    Refused,
    /// That its user may not log in.
    Inactive,
    /// Something that is not about the token.
    Else,
    /// A page of somebody else.
    Page,
    /// That it can't judge anybody.
    Unwell,
    /// It was not asked.
    Nothing,
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html");

/// A client whose gateway has no proxy in front.
pub(in crate::findings) fn direct(grpc: Says, rest: Says) -> Evidence {
    behind("", grpc, rest)
}

/// A client whose gateway is behind nginx.
pub(in crate::findings) fn behind_nginx(grpc: Says, rest: Says) -> Evidence {
    behind("nginx/1.28.0", grpc, rest)
}

/// The same with a token that says that it is good for another day.
pub(in crate::findings) fn jwt(evidence: Evidence) -> Evidence {
    ending(evidence, NOW + 86_400)
}

/// The same with a token that says that its time is over.
pub(in crate::findings) fn expired(evidence: Evidence) -> Evidence {
    ending(evidence, NOW - 86_400)
}

/// What the API's gateway says of itself.
pub(in crate::findings) fn advertising(mut evidence: Evidence, grpc_url: &str) -> Evidence {
    let body = format!(r#"{{"version":"1.148.0","grpc_url":"{grpc_url}"}}"#);
    let given: Given = (200, &[JSON], Box::leak(body.into_boxed_str()));
    let rest = evidence
        .wire
        .endpoints
        .iter_mut()
        .find(|endpoint| endpoint.target.kind == Kind::Rest);
    let rest = rest.expect("a client has an API");
    rest.auth = vec![tried(fixture::said(CallName::ServerInfo, given))];
    evidence
}

fn ending(mut evidence: Evidence, at: u64) -> Evidence {
    let token = evidence.config.identities[0]
        .token
        .as_mut()
        .expect("the client has a token");
    token.kind = TokenKind::Jwt {
        expires: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at)),
    };
    evidence
}

fn behind(server: &str, grpc: Says, rest: Says) -> Evidence {
    let mut evidence = variables(&[
        ("HOOP_GRPCURL", "grpcs://gw.example:8443"),
        ("HOOP_APIURL", "https://gw.example"),
        ("HOOP_TOKEN", "hpk_0123456789"),
    ]);
    evidence.wire.started_at = i64::try_from(NOW).expect("a time of this century");
    let planned = plan::plan(&evidence.config, &[]).endpoints;
    evidence.wire.endpoints = planned.iter().map(plan::Planned::endpoint).collect();
    for endpoint in &mut evidence.wire.endpoints {
        let says = match endpoint.target.kind {
            Kind::Grpc => grpc,
            Kind::Rest => rest,
        };
        endpoint.base = Some(base(endpoint.target.kind, server));
        endpoint.auth = auth(endpoint, says).into_iter().collect();
    }
    evidence
}

fn base(kind: Kind, server: &str) -> Heard {
    let mut heard = match kind {
        Kind::Grpc => fixture::gateway(),
        Kind::Rest => fixture::answered(&[fixture::HEALTHY, fixture::INFO]),
    };
    if let Some(http2) = &mut heard.http2 {
        // grpc-go's own, which show that nothing is in front.
        http2.settings = Some(match server {
            "" => vec![Setting { id: 5, value: 16_384 }],
            _ => vec![Setting { id: 3, value: 128 }],
        });
        if !server.is_empty() {
            let heads = http2.answers.iter_mut().filter_map(|answer| answer.head.as_mut());
            heads.for_each(|head| {
                head.fields.push(Field {
                    name: "server".to_owned(),
                    value: server.to_owned(),
                });
            });
        }
    }
    heard
}

fn auth(endpoint: &Endpoint, says: Says) -> Option<Auth> {
    let refusal = |message| (Status::UNAUTHENTICATED, message);
    let grpc = |(code, message)| fixture::status(CallName::ConnectWithToken, 200, code, message);
    let rest = |given| fixture::said(CallName::UserInfo, given);
    let heard = match (endpoint.target.kind, says) {
        (_, Says::Nothing) => return None,
        (_, Says::Unwell) => {
            return Some(Auth {
                outcome: AuthOutcome::NotTried {
                    why: NotTried::GatewayUnwell,
                },
                ..tried(Heard::default())
            });
        }
        (Kind::Grpc, Says::Accepted) => grpc((Status::NOT_FOUND, "connection not found")),
        (Kind::Grpc, Says::Refused) => grpc(refusal("invalid authentication")),
        (Kind::Grpc, Says::Inactive) => grpc(refusal("user is not active")),
        (Kind::Grpc, Says::Else | Says::Page) => grpc((Status(9), "license is expired")),
        (Kind::Rest, Says::Accepted) => rest((200, &[JSON], r#"{"id":"1"}"#)),
        (Kind::Rest, Says::Refused) => rest((401, &[JSON], r#"{"message":"access denied"}"#)),
        (Kind::Rest, Says::Page) => rest((401, &[HTML], "<h1>401 Authorization Required</h1>")),
        (Kind::Rest, Says::Inactive | Says::Else) => rest((500, &[JSON], "{}")),
    };
    Some(tried(heard))
}

fn tried(heard: Heard) -> Auth {
    Auth {
        identity: 0,
        who: Role::Client,
        token: Some("HOOP_TOKEN".to_owned()),
        outcome: AuthOutcome::Tried {
            tcp: Attempt {
                addr: ([10, 0, 0, 10], 443).into(),
                outcome: Ok(()),
                started_ms: 9,
                duration_ms: 1,
            },
            heard: Some(Box::new(heard)),
        },
    }
}
