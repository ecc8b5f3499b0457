//! The last step of an examination, only with `--auth`: what the gateway makes of a user's token.
//!
//! Which requests those are, and on which connections they may be made, is decided in `hoop_doctor_probes::auth`. Here is
//! decided when they can prove anything.

use hoop_doctor_probes::auth::{Authenticated, Bearer, Channel};
use hoop_doctor_probes::conversation::{Conversation, Prelude, Speech};

use super::Exam;
use crate::evidence::auth::{Auth, AuthOutcome, NotTried};
use crate::evidence::{Endpoint, Kind, Target};
use crate::experiments;

impl Exam<'_> {
    /// Tries each credential that is allowed, on a connection of its own.
    pub(super) async fn authenticate(&self, endpoint: &mut Endpoint) {
        for credential in &self.planned.credentials {
            let outcome = match (&credential.bearer, endpoint.proves_nothing()) {
                (Err(why), _) => AuthOutcome::NotTried { why: *why },
                (Ok(_), Some(why)) => AuthOutcome::NotTried { why },
                (Ok(bearer), None) => self.ask_with(bearer, endpoint).await,
            };
            endpoint.auth.push(Auth {
                identity: credential.identity,
                who: credential.who,
                token: credential.source.clone(),
                outcome,
            });
        }
    }

    async fn ask_with(&self, bearer: &Bearer, endpoint: &Endpoint) -> AuthOutcome {
        let Some(addr) = endpoint.chosen else {
            return AuthOutcome::NotTried {
                why: NotTried::NoGateway,
            };
        };
        let target = &self.planned.target;
        let (bearer, channel) = (bearer.clone(), channel(target));
        let said = match target.kind {
            Kind::Grpc => Authenticated::connect(bearer, channel),
            Kind::Rest => Authenticated::rest(&target.base_path, bearer, channel),
        };
        let conversation = Conversation {
            prelude: Prelude::None,
            security: experiments::base(target).security,
            speech: Speech::Authenticated(said),
        };
        let (tcp, heard) = self.anew(&conversation, addr, None).await;
        AuthOutcome::Tried {
            tcp,
            heard: heard.map(Box::new),
        }
    }
}

/// What the configuration itself says of the way to the gateway.
fn channel(target: &Target) -> Channel {
    match (target.tls, target.verify) {
        (false, _) => Channel::Plaintext,
        (true, true) => Channel::VerifiedTls,
        (true, false) => Channel::AnyTls,
    }
}
