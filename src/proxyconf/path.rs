//! Which hosts and paths a route is for, and whether a request is among them. What can't be told is told.

use std::fmt;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A host that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// This name, in lower case.
    Name(String),
    /// Names that end in this, which begins with a dot: `*.example.com` is `.example.com`.
    Below(String),
    /// Anything that isn't followed here, as it is written: an expression, a variable.
    Else(String),
}

/// The paths of a route, and how they are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// Every path.
    All,
    /// This path alone.
    Exact(String),
    /// What begins with it, whatever follows.
    Prefix(String),
    /// It, and what is below it: `/a` is for `/a` and `/a/b`, not for `/ab`.
    Segments(String),
    /// What begins with it, in upper or lower case.
    PrefixAnyCase(String),
    /// What an expression finds; the proxies' dialects agree on the simple ones.
    Matches(String),
    /// A pattern with `*` for anything and `?` for one character, which must fit the whole path.
    Glob(String),
    /// One of several.
    Any(Vec<Path>),
    /// Something that isn't followed here, as it is written.
    Else(String),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("any path"),
            Self::Exact(path) => write!(f, "{path} alone"),
            Self::Prefix(path) | Self::Segments(path) | Self::PrefixAnyCase(path) => f.write_str(path),
            Self::Matches(pattern) | Self::Glob(pattern) => f.write_str(pattern),
            Self::Any(all) => {
                for (index, one) in all.iter().enumerate() {
                    let or = if index == 0 { "" } else { " or " };
                    write!(f, "{or}{one}")?;
                }
                Ok(())
            }
            Self::Else(text) => f.write_str(text),
        }
    }
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// It is.
    Yes,
    /// It isn't.
    No,
    /// It can't be told from the file.
    Perhaps,
}

impl Host {
    /// As most proxies write it: a name, `*.name`, or `*` for all, which is `None`.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix('*') {
            Some("") => None,
            Some(below) if below.starts_with('.') && !below.contains('*') => Some(Self::Below(below.to_owned())),
            Some(_) => Some(Self::Else(text)),
            None if text.contains(['*', '$', '~', '{']) => Some(Self::Else(text)),
            None => Some(Self::Name(text)),
        }
    }

    /// Whether this name is among them.
    pub fn serves(&self, name: &str) -> Is {
        match self {
            Self::Name(own) => Is::from(own.eq_ignore_ascii_case(name)),
            Self::Below(end) => Is::from(name.len() > end.len() && name.to_ascii_lowercase().ends_with(end.as_str())),
            Self::Else(_) => Is::Perhaps,
        }
    }
}

impl Path {
    /// Whether a path is among them.
    pub fn takes(&self, path: &str) -> Is {
        match self {
            Self::All => Is::Yes,
            Self::Exact(own) => Is::from(own == path),
            Self::Prefix(start) => Is::from(path.starts_with(start.as_str())),
            Self::Segments(own) => {
                let own = own.trim_end_matches('/');
                let rest = path.strip_prefix(own);
                Is::from(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            }
            Self::PrefixAnyCase(start) => Is::from(path.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase())),
            Self::Matches(pattern) => match Regex::new(pattern) {
                Ok(regex) => Is::from(regex.is_match(path)),
                Err(_) => Is::Perhaps,
            },
            Self::Glob(pattern) => Is::from(fits(pattern.as_bytes(), path.as_bytes())),
            Self::Any(all) => all.iter().map(|one| one.takes(path)).fold(Is::No, Is::or),
            Self::Else(_) => Is::Perhaps,
        }
    }

    /// Whether it is made for the gRPC service: it takes one of its methods, and not just any path.
    pub fn is_for_service(&self) -> bool {
        let takes_any = METHODS.iter().any(|method| self.takes(method) == Is::Yes);
        // The last is what a rule for static files is about, which may take the dot of the service for a file's.
        let others = ["/none-of-hoops-own-paths/x", "/api/healthz", "/assets/site.min.js"];
        takes_any && others.iter().all(|other| self.takes(other) == Is::No)
    }
}

/// The methods that agents and clients call (`common/proto/transport.proto` of Hoop).
pub const METHODS: [&str; 3] = [
    "/protobuf.Transport/Connect",
    "/protobuf.Transport/PreConnect",
    "/protobuf.Transport/HealthCheck",
];

impl Is {
    /// Whether one of both is so.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Perhaps, _) | (_, Self::Perhaps) => Self::Perhaps,
            (Self::No, Self::No) => Self::No,
        }
    }

    /// Whether both are so.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Perhaps, _) | (_, Self::Perhaps) => Self::Perhaps,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Whether the contrary is so.
    pub fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
        }
    }
}

impl From<bool> for Is {
    fn from(so: bool) -> Self {
        match so {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

/// Whether a pattern fits the whole of a text: after a `*` that was taken too short, it is taken one byte longer.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(b'?') => (at, seen) = (at + 1, seen + 1),
            Some(byte) if text.get(seen) == Some(byte) => (at, seen) = (at + 1, seen + 1),
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    (at, seen) = (back + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{Host, Is, METHODS, Path};

    #[test]
    fn a_path_is_compared_as_its_kind_says() {
        let connect = METHODS[0];
        for (path, takes) in [
            (Path::All, Is::Yes),
            (Path::Exact(connect.to_owned()), Is::Yes),
            (Path::Exact("/protobuf.Transport/".to_owned()), Is::No),
            (Path::Prefix("/protobuf.Transport".to_owned()), Is::Yes),
            (Path::Segments("/protobuf.Transport".to_owned()), Is::Yes),
            (Path::Segments("/protobuf.Transport/".to_owned()), Is::Yes),
            (Path::Segments("/protobuf".to_owned()), Is::No),
            (Path::Segments("/".to_owned()), Is::Yes),
            (Path::Prefix("/protobuf.transport".to_owned()), Is::No),
            (Path::PrefixAnyCase("/protobuf.transport".to_owned()), Is::Yes),
            (
                Path::Matches(r"^/protobuf\.Transport/(Connect|PreConnect)$".to_owned()),
                Is::Yes,
            ),
            (Path::Matches(r"^/(?!api)".to_owned()), Is::Perhaps),
            (Path::Glob("/protobuf.Transport/*".to_owned()), Is::Yes),
            (Path::Glob("/protobuf.Transport".to_owned()), Is::No),
            (Path::Glob("*Connect*".to_owned()), Is::Yes),
            (Path::Glob("/*/?onnect".to_owned()), Is::Yes),
            (
                Path::Any(vec![Path::Exact("/x".to_owned()), Path::Else("$x".to_owned())]),
                Is::Perhaps,
            ),
        ] {
            assert_eq!(path.takes(connect), takes, "{path:?}");
        }
    }

    #[test]
    fn a_route_for_everything_is_not_made_for_the_service() {
        assert!(Path::Prefix("/protobuf.Transport/".to_owned()).is_for_service());
        assert!(Path::Exact(METHODS[0].to_owned()).is_for_service());
        assert!(!Path::All.is_for_service());
        assert!(!Path::Prefix("/".to_owned()).is_for_service());
        assert!(!Path::Prefix("/api".to_owned()).is_for_service());
        for (pattern, for_service) in [
            (r"\..+", false),
            (r"^/[a-z]+\.[A-Z][A-Za-z]+/", true),
            (r"/(Connect|PreConnect)$", true),
        ] {
            assert_eq!(
                Path::Matches(pattern.to_owned()).is_for_service(),
                for_service,
                "{pattern}"
            );
        }
    }

    #[test]
    fn hosts_have_names_and_names_below() {
        let read = |text| Host::read(text).map(|host| host.serves("gw.example.com"));
        assert_eq!(read("*"), None);
        for (text, serves) in [
            ("GW.example.com", Is::Yes),
            ("*.example.com", Is::Yes),
            ("*.gw.example.com", Is::No),
            ("example.com", Is::No),
            ("~^gw", Is::Perhaps),
        ] {
            assert_eq!(read(text), Some(serves), "{text}");
        }
    }
}
