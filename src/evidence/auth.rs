//! What was seen with a credential, where `--auth` allowed it, and why nothing was seen where it wasn't tried.

use hoop_doctor_probes::conversation::Heard;
use hoop_doctor_probes::http2::{Answer, CallName, Reply};
use hoop_doctor_probes::tcp::Attempt;
use hoop_doctor_probes::wire::page::Mark;
use hoop_doctor_probes::wire::server_info::ServerInfo;
use hoop_doctor_probes::wire::status::{Said, Status};
use serde::{Deserialize, Serialize};

use super::{Endpoint, Kind};
use crate::config::Role;

/// One identity's credential at one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auth {
    /// Index into the identities.
    pub identity: usize,
    /// Who that is.
    pub who: Role,
    /// Where the token was set; `None` where there is none.
    pub token: Option<String>,
    /// What came of it.
    pub outcome: AuthOutcome,
}

/// What came of a credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuthOutcome {
    /// A connection for it was opened.
    Tried {
        /// The attempt.
        tcp: Attempt,
        /// What was heard; `None` where there was no connection.
        heard: Option<Box<Heard>>,
    },
    /// Nothing was sent.
    NotTried {
        /// Why.
        why: NotTried,
    },
}

/// Why a credential was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotTried {
    /// It is an agent's.
    AgentKey,
    /// There is none.
    NoToken,
    /// No request can carry it.
    MalformedToken,
    /// The identity would not accept the server's certificate.
    Certificate,
    /// No Hoop gateway answers here.
    NoGateway,
    /// The gateway says that it can't judge anybody.
    GatewayUnwell,
    /// The proxy removes `origin`, without which the gateway looks at no credential.
    OriginRemoved,
}

/// What a gateway makes of a credential.
#[derive(Clone, Copy, Debug)]
pub enum Judged<'a> {
    /// It takes it.
    Accepted,
    /// It doesn't know it.
    Refused(&'a Answer),
    /// It knows it, and the user may not log in.
    Inactive(&'a Answer),
}

impl Auth {
    /// The conversation, where there was one.
    pub fn heard(&self) -> Option<&Heard> {
        match &self.outcome {
            AuthOutcome::Tried { heard, .. } => heard.as_deref(),
            AuthOutcome::NotTried { .. } => None,
        }
    }

    /// What the gateway makes of the credential; `None` where it doesn't say.
    pub fn judged(&self) -> Option<Judged<'_>> {
        let heard = self.heard()?;
        let calls = [CallName::ConnectWithToken, CallName::UserInfo];
        let answer = calls.into_iter().find_map(|call| heard.answer(call))?;
        match answer.reply() {
            Reply::Grpc(status) if status.code == Status::NOT_FOUND && status.said == Said::ConnectionNotFound => {
                Some(Judged::Accepted)
            }
            Reply::Grpc(status) if status.code == Status::UNAUTHENTICATED => match status.said {
                Said::InvalidAuthentication => Some(Judged::Refused(answer)),
                Said::UserInactive => Some(Judged::Inactive(answer)),
                _ => None,
            },
            // A page in the place of data comes from somebody else.
            Reply::Http(head, page) => match (head.status, page.mark) {
                (200, Mark::Json | Mark::PublicServerInfo) => Some(Judged::Accepted),
                (401, Mark::AccessDenied) => Some(Judged::Refused(answer)),
                _ => None,
            },
            Reply::Grpc(_) | Reply::NoStatus(_) | Reply::Reset(_) | Reply::Refused | Reply::Lost | Reply::Silent => {
                None
            }
        }
    }

    /// What the gateway says of itself to this user.
    pub fn server_info(&self) -> Option<&ServerInfo> {
        match self.heard()?.answer(CallName::ServerInfo)?.reply() {
            Reply::Http(head, page) if head.status == 200 => page.server_info.as_ref(),
            _ => None,
        }
    }
}

impl Endpoint {
    /// What came of this identity's credential here.
    pub fn auth_of(&self, identity: usize) -> Option<&Auth> {
        self.auth.iter().find(|auth| auth.identity == identity)
    }

    /// Why no credential of whomever can prove anything here.
    pub fn proves_nothing(&self) -> Option<NotTried> {
        let says = |call, wanted| matches!(self.reply(call), Some(Reply::Grpc(status)) if status.said == wanted);
        match self.target.kind {
            Kind::Grpc if says(CallName::Connect, Said::IdentityProvider) => Some(NotTried::GatewayUnwell),
            Kind::Grpc if !says(CallName::Connect, Said::MissingOrigin) => Some(NotTried::NoGateway),
            Kind::Grpc if says(CallName::ConnectWithOrigin, Said::MissingOrigin) => Some(NotTried::OriginRemoved),
            Kind::Rest if !self.is_hoops_rest() => Some(NotTried::NoGateway),
            Kind::Rest if self.is_unwell_rest() => Some(NotTried::GatewayUnwell),
            Kind::Grpc | Kind::Rest if !self.is_trusted() => Some(NotTried::Certificate),
            Kind::Grpc | Kind::Rest => None,
        }
    }

    /// Whether Hoop's API answers: older gateways lack the second call, and health checks are often blocked.
    fn is_hoops_rest(&self) -> bool {
        let public = self.reply(CallName::PublicServerInfo);
        let is_public =
            |reply: &Reply<'_>| matches!(reply, Reply::Http(_, page) if page.mark == Mark::PublicServerInfo);
        self.is_healthy_rest() || public.as_ref().is_some_and(is_public)
    }

    /// Whether Hoop's API says that it lacks what it needs to judge a user.
    fn is_unwell_rest(&self) -> bool {
        matches!(self.reply(CallName::PublicServerInfo), Some(Reply::Http(head, _)) if head.status >= 500)
    }
}
