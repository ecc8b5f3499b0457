//! Credentials as far as they can be judged without sending them: shape, and the expiry of a JWT.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::fault::TokenFault;
use super::problem::ProblemKind;
use super::source::{Source, Value};
use crate::secret::Secret;

/// What Hoop sends as bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The whole value; for an agent with a key, that is the whole key. Never saved: a saved case has an empty one.
    #[serde(skip, default = "Secret::unsaved")]
    pub secret: Secret,
    /// What it looks like.
    pub kind: TokenKind,
    /// Where it was set.
    pub source: Source,
}

/// What a token looks like, by the starts that Hoop gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// An agent's key.
    Key,
    /// Three segments with claims in the second.
    Jwt {
        /// The end of its life, where it states one.
        expires: Option<SystemTime>,
    },
    /// `xapi-…` or a UUID before a `|`: sent as `Api-Key` too.
    ApiKey,
    /// Anything else that could be one.
    Other,
}

impl Token {
    /// An agent's key, which was parsed already.
    pub(super) fn key(value: &Value) -> Self {
        Self {
            secret: Secret::new(value.text.clone()),
            kind: TokenKind::Key,
            source: value.source.clone(),
        }
    }

    /// A bearer token and what is wrong with it.
    pub(super) fn bearer(value: &Value, now: SystemTime) -> (Self, Option<ProblemKind>) {
        let text = &value.text;
        let (kind, mut problem) = match claims(text) {
            Some(Ok(claims)) => {
                let expires = claims.expires();
                let past = expires
                    .filter(|&at| at <= now)
                    .map(|at| ProblemKind::TokenExpired { at });
                (TokenKind::Jwt { expires }, past)
            }
            Some(Err(fault)) => (TokenKind::Other, Some(ProblemKind::TokenMalformed(fault))),
            None if is_api_key(text) => (TokenKind::ApiKey, None),
            None => (TokenKind::Other, None),
        };
        if let Some(fault) = shape_fault(text) {
            problem = Some(ProblemKind::TokenMalformed(fault));
        }
        (
            Self {
                secret: Secret::new(text.clone()),
                kind,
                source: value.source.clone(),
            },
            problem,
        )
    }
}

/// What no token of any kind may look like.
fn shape_fault(text: &str) -> Option<TokenFault> {
    if text
        .strip_prefix(['"', '\''])
        .is_some_and(|rest| rest.ends_with(['"', '\'']))
    {
        return Some(TokenFault::Quoted);
    }
    if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        return Some(TokenFault::BearerPrefix);
    }
    if let Some(position) = text.chars().position(char::is_whitespace) {
        return Some(TokenFault::WhiteSpace { position });
    }
    if let Some(position) = text.chars().position(|char| !char.is_ascii_graphic()) {
        return Some(TokenFault::Unprintable { position });
    }
    text.contains("://").then_some(TokenFault::Url)
}

/// The claims of a JWT (RFC 7519 section 7.2), `None` for what doesn't pretend to be one.
fn claims(text: &str) -> Option<Result<Claims, TokenFault>> {
    // Every JOSE header starts with `{"`.
    if !text.starts_with("eyJ") {
        return None;
    }
    let segments: Vec<_> = text.split('.').collect();
    let [_, payload, _] = *segments else {
        return Some(Err(TokenFault::JwtSegments { found: segments.len() }));
    };
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok();
    let claims = claims.and_then(|json| serde_json::from_slice(&json).ok());
    Some(claims.ok_or(TokenFault::JwtClaims))
}

/// Hoop's `IsApiKey`.
fn is_api_key(text: &str) -> bool {
    let head = text.split('|').next().unwrap_or_default();
    let is_uuid = head.len() == 36
        && head.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    text.starts_with("xapi-") || is_uuid
}

#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970, possibly with a fraction (RFC 7519 section 2).
    exp: Option<f64>,
}

impl Claims {
    fn expires(&self) -> Option<SystemTime> {
        let life = Duration::try_from_secs_f64(self.exp?).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(life)
    }
}
