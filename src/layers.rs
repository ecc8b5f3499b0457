//! The rungs of the ladder: one table of what each is called, needs and may take.

use hoop_doctor_probes::http2::CallName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence::{Endpoint, Kind};
use crate::findings::Code;

/// A rung, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named in the table below")]
pub enum Layer {
    Config,
    Dns,
    Tcp,
    Tls,
    Http2,
    Rest,
    Grpc,
}

/// One row of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// The layer.
    pub layer: Layer,
    /// Its name in reports.
    pub name: &'static str,
    /// What it stands on.
    pub needs: Option<Layer>,
    /// The areas of the catalogue whose errors break it, as hundreds of their codes.
    pub areas: &'static [u16],
}

/// The ladder.
pub const LADDER: [Rung; 7] = [
    rung(Layer::Config, "config", None, &[0]),
    rung(Layer::Dns, "dns", Some(Layer::Config), &[1]),
    rung(Layer::Tcp, "tcp", Some(Layer::Dns), &[2]),
    rung(Layer::Tls, "tls", Some(Layer::Tcp), &[3]),
    rung(Layer::Http2, "http2", Some(Layer::Tls), &[4]),
    rung(Layer::Rest, "rest", Some(Layer::Tls), &[5]),
    rung(Layer::Grpc, "grpc", Some(Layer::Http2), &[6, 7]),
];

const fn rung(layer: Layer, name: &'static str, needs: Option<Layer>, areas: &'static [u16]) -> Rung {
    Rung {
        layer,
        name,
        needs,
        areas,
    }
}

/// What was seen at a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It holds.
    Held,
    /// It doesn't.
    Broke,
    /// Nobody got that far.
    NotReached,
}

impl Layer {
    /// Its row in the table.
    pub fn rung(self) -> Rung {
        LADDER[self as usize]
    }

    /// The rungs of an endpoint, lowest first; plaintext has no TLS, REST no HTTP/2 of its own.
    pub fn of(endpoint: &Endpoint) -> Vec<Self> {
        let last = match endpoint.target.kind {
            Kind::Grpc => [Self::Http2, Self::Grpc].as_slice(),
            Kind::Rest => [Self::Rest].as_slice(),
        };
        let tls = [Self::Tls].into_iter().filter(|_| endpoint.target.tls);
        [Self::Config, Self::Dns, Self::Tcp]
            .into_iter()
            .chain(tls)
            .chain(last.iter().copied())
            .collect()
    }

    /// The rung of an endpoint that a finding breaks: its area's own, or the next one up where the endpoint doesn't have that.
    pub fn broken_by(code: Code, endpoint: &Endpoint) -> Option<Self> {
        let own = LADDER.iter().find(|rung| rung.areas.contains(&(code.0 / 100)))?.layer;
        Self::of(endpoint).into_iter().find(|layer| *layer >= own)
    }

    /// What the evidence says of this rung alone.
    pub fn sight(self, endpoint: &Endpoint) -> Sight {
        let held = |held: bool| if held { Sight::Held } else { Sight::Broke };
        let answered = |call, fine: fn(&Endpoint) -> bool| match endpoint.answer(call) {
            None => Sight::NotReached,
            Some(_) => held(fine(endpoint)),
        };
        match self {
            Self::Config => Sight::Held,
            Self::Dns => endpoint
                .resolved()
                .map_or(Sight::NotReached, |dns| held(!dns.addresses.is_empty())),
            Self::Tcp if endpoint.attempts().is_empty() => Sight::NotReached,
            Self::Tcp => held(endpoint.is_connected()),
            Self::Tls => endpoint.tls().map_or(Sight::NotReached, |tls| held(tls.is_ok())),
            Self::Http2 => endpoint
                .http2()
                .map_or(Sight::NotReached, |http2| held(http2.settings.is_some())),
            Self::Rest => answered(CallName::Healthz, Endpoint::is_usable_rest),
            Self::Grpc => match Self::Http2.sight(endpoint) {
                Sight::Held => answered(CallName::Connect, Endpoint::gets_through),
                Sight::Broke | Sight::NotReached => Sight::NotReached,
            },
        }
    }

    /// How long it took, in milliseconds.
    pub fn duration_ms(self, endpoint: &Endpoint) -> Option<u64> {
        let chosen = endpoint.chosen;
        match self {
            Self::Config => None,
            Self::Dns => endpoint.resolved().map(|dns| dns.duration_ms),
            Self::Tcp => {
                let attempts = endpoint.attempts();
                let used = attempts.iter().find(|attempt| Some(attempt.addr) == chosen);
                let tunnel = endpoint.forward.as_ref().and_then(|forward| forward.tunnel.as_ref());
                let asking = tunnel.map_or(0, |tunnel| tunnel.duration_ms);
                used.or(attempts.first()).map(|attempt| attempt.duration_ms + asking)
            }
            Self::Tls => endpoint.base.as_ref()?.tls_ms,
            Self::Http2 => endpoint.http2()?.settings_ms,
            Self::Rest => endpoint.answer(CallName::Healthz).map(|answer| answer.duration_ms),
            Self::Grpc => endpoint.answer(CallName::Connect).map(|answer| answer.duration_ms),
        }
    }
}
