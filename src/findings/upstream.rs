//! What a proxy's own answer says of the hop behind it: proxy × signature → causes in order, and the look that decides.
//!
//! What is known is in three tables beside this file; the code here only looks things up in them.

use std::sync::LazyLock;

use hoop_doctor_probes::wire::frame::ErrorCode;

use super::{Code, Confidence, Draft};
use crate::evidence::Kind;
use crate::proxies::Proxy;

/// What a proxy answered for the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The gateway's HTTP/2 frames, taken for an HTTP/1 answer.
    Settings,
    /// An HTTP status, with the page that the proxy has for it by itself or with another one.
    Http(u16, Page),
    /// RST_STREAM.
    Reset(ErrorCode),
    /// A gRPC status of the proxy's own.
    Grpc,
    /// What Envoy says in a status 14, in the table's words.
    Envoy(&'static str),
    /// None.
    Silent,
}

/// Whose page an HTTP answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The recognised proxy's own template for an error.
    Stock,
    Other,
}

/// How an answer came.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) proxy: Option<Proxy>,
    pub(super) answer: Answer,
    /// Whether `Connect` waits while it is open, and another call was answered like this.
    pub(super) hangs: bool,
    pub(super) after_ms: u64,
}

/// What a signature means.
pub(super) struct Verdict {
    /// The code of the first cause, or the undecided one.
    pub(super) code: Code,
    pub(super) confidence: Confidence,
    /// The likeliest first.
    causes: &'static [&'static Cause],
    proxy: Option<Proxy>,
}

/// Something that can be wrong between a proxy and the gateway.
#[derive(Debug, PartialEq, Eq)]
struct Cause {
    name: &'static str,
    code: Code,
    why: &'static str,
}

/// Looks the signature up; `None` where it says nothing of the hop behind.
pub(super) fn judge(signature: &Signature) -> Option<Verdict> {
    let line = lines().iter().find(|line| line.fits(signature))?;
    let first = line.causes.first()?;
    let undecided = match signature.answer {
        Answer::Reset(_) => Code(613),
        Answer::Silent | Answer::Envoy(UPSTREAM_TIMEOUT) => Code(616),
        Answer::Settings | Answer::Http(..) | Answer::Grpc | Answer::Envoy(_) => Code(607),
    };
    Some(Verdict {
        code: match line.sure {
            Confidence::Possible => undecided,
            Confidence::Likely | Confidence::Certain => first.code,
        },
        confidence: line.sure,
        causes: &line.causes,
        proxy: signature.proxy,
    })
}

pub(super) const NO_HEALTHY_UPSTREAM: &str = "no healthy upstream";
pub(super) const UPSTREAM_TIMEOUT: &str = "upstream timeout";

impl Verdict {
    /// Names the causes that are left, and the look that tells them apart.
    pub(super) fn complete(&self, mut draft: Draft, kind: Kind) -> Draft {
        for cause in self.causes.iter().filter(|cause| cause.code != self.code) {
            draft = draft.candidate(cause.code.0, cause.why);
        }
        look(draft.confidence(self.confidence), self.proxy, kind, self.causes)
    }
}

/// The look that tells these causes apart: the proxy's own log, or the same check from the proxy's host.
pub(super) fn look_for(draft: Draft, proxy: Option<Proxy>, kind: Kind, causes: &[&str]) -> Draft {
    let causes: Vec<_> = causes.iter().filter_map(|name| cause(name)).collect();
    look(draft, proxy, kind, &causes)
}

fn look(draft: Draft, proxy: Option<Proxy>, kind: Kind, causes: &[&Cause]) -> Draft {
    let words = |what: &str| {
        let family = proxy?.family().name();
        let mut rows = rows(LOOKS);
        rows.find_map(|[proxy, cause, words]| (proxy == family && cause == what).then_some(words))
    };
    let Some(file) = words("file") else {
        return from_the_proxys_host(draft, kind);
    };
    // Outside gRPC the causes have no codes of their own.
    let means = |cause: &Cause| match kind {
        Kind::Grpc => format!("{} ({})", cause.why, cause.code),
        Kind::Rest => cause.why.to_owned(),
    };
    let (told, untold): (Vec<&Cause>, Vec<&Cause>) = causes.iter().partition(|cause| words(cause.name).is_some());
    let mut expect: Vec<String> = told
        .iter()
        .filter_map(|cause| Some(format!("\"{}\": {}", words(cause.name)?, means(cause))))
        .collect();
    if !told.is_empty() && !untold.is_empty() {
        let rest: Vec<String> = untold.into_iter().map(means).collect();
        expect.push(format!("nothing of this: {}", rest.join(", or ")));
    }
    match expect.is_empty() {
        true => from_the_proxys_host(draft, kind),
        false => draft.decide_by_file(file, expect.join("; ")),
    }
}

fn from_the_proxys_host(draft: Draft, kind: Kind) -> Draft {
    match kind {
        Kind::Grpc => draft.decide_by_command(
            "hoop-doctor check --grpc-url grpc://127.0.0.1:8010",
            "run on the proxy's host, with the address that its configuration has: HD201 or HD202 means that the gateway can't be reached \
             (HD606), HD301 that it has TLS (HD605), HD602 or HD403 that the address is not its gRPC port (HD604); healthy means that the proxy \
             speaks HTTP/1 or TLS to it",
        ),
        Kind::Rest => draft.decide_by_command(
            "hoop-doctor check --api-url http://127.0.0.1:8009",
            "run on the proxy's host, with the address that its configuration has: HD201 means that the gateway is down or the port is wrong, \
             HD202 a firewall, HD301 that the gateway has TLS; healthy means that the proxy asks another address",
        ),
    }
}

/// A line of `signatures.tsv`.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    proxy: &'static str,
    answer: &'static str,
    connect: &'static str,
    after: &'static str,
    sure: Confidence,
    causes: Vec<&'static Cause>,
    seen: &'static str,
}

impl Line {
    fn parse([proxy, answer, connect, after, sure, causes, seen]: [&'static str; 7]) -> Option<Self> {
        Some(Self {
            proxy,
            answer,
            connect,
            after,
            sure: match sure {
                "certain" => Confidence::Certain,
                "likely" => Confidence::Likely,
                "possible" => Confidence::Possible,
                _ => return None,
            },
            causes: causes.split(' ').map(cause).collect::<Option<_>>()?,
            seen,
        })
    }

    fn fits(&self, signature: &Signature) -> bool {
        let fits = |column: &str, value: &str| column == ANY || column == value;
        let family = signature.proxy.map_or("", |proxy| proxy.family().name());
        let answer = match &signature.answer {
            Answer::Settings => self.answer == "settings",
            Answer::Http(status, page) => match (self.answer.strip_prefix("HTTP "), page) {
                (Some(only), Page::Stock) if only.ends_with(" stock") => only == format!("{status} stock"),
                (Some(only), _) => only == status.to_string(),
                (None, _) => false,
            },
            Answer::Reset(code) => self
                .answer
                .strip_prefix("RST ")
                .is_some_and(|name| fits(name, &code.name())),
            Answer::Grpc => self.answer == "grpc",
            Answer::Envoy(words) => self.answer == *words,
            Answer::Silent => self.answer == "silent",
        };
        let after = if signature.after_ms < AT_ONCE {
            "at-once"
        } else {
            "late"
        };
        let connect = if signature.hangs { "hangs" } else { "answers" };
        answer && fits(self.proxy, family) && fits(self.connect, connect) && fits(self.after, after)
    }
}

fn lines() -> &'static [Line] {
    static ALL: LazyLock<Vec<Line>> = LazyLock::new(|| rows(SIGNATURES).filter_map(Line::parse).collect());
    &ALL
}

fn cause(name: &str) -> Option<&'static Cause> {
    causes().iter().find(|cause| cause.name == name)
}

fn causes() -> &'static [Cause] {
    static ALL: LazyLock<Vec<Cause>> = LazyLock::new(|| {
        let read = |[name, code, why]: [&'static str; 3]| {
            let code = Code(code.parse().ok()?);
            Some(Cause { name, code, why })
        };
        rows(CAUSES).filter_map(read).collect()
    });
    &ALL
}

/// The rows of a table that have its number of columns; a test sees to it that all have.
fn rows<const COLUMNS: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; COLUMNS]> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

const SIGNATURES: &str = include_str!("upstream/signatures.tsv");
const CAUSES: &str = include_str!("upstream/causes.tsv");
const LOOKS: &str = include_str!("upstream/looks.tsv");

/// A column that fits whatever was seen.
const ANY: &str = "any";
/// An answer within this many milliseconds took no retry and no timeout.
const AT_ONCE: u64 = 500;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Deserialize;
    use serde_json::Value;

    use super::{Answer, CAUSES, LOOKS, Line, Page, SIGNATURES, Signature, causes, judge, lines, rows};
    use crate::evidence::Wire;
    use crate::findings::Confidence;
    use crate::findings::grpc::signatures;
    use crate::proxies::Proxy;

    #[test]
    fn every_row_of_every_table_is_read() {
        let written = |table: &str| table.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(lines().len(), written(SIGNATURES));
        assert_eq!(causes().len(), written(CAUSES));
        assert_eq!(rows::<3>(LOOKS).count(), written(LOOKS));
        for [proxy, cause, _] in rows(LOOKS) {
            let known = cause == "file" || causes().iter().any(|one| one.name == cause);
            assert!(known, "{proxy} tells of {cause}, which is no cause");
        }
    }

    #[test]
    fn every_cause_is_the_cause_of_something() {
        for cause in causes() {
            let used = lines().iter().any(|line| line.causes.contains(&cause));
            assert!(used, "nothing shows {}", cause.name);
        }
    }

    /// A line that another one above it hides would never be read.
    #[test]
    fn every_line_is_reached_by_its_own_signature() {
        for line in lines() {
            for signature in of(line) {
                let reached = lines().iter().find(|other| other.fits(&signature));
                assert_eq!(reached, Some(line), "{signature:?}");
            }
        }
    }

    /// The recorded evidence of a real proxy leads to the line that names it.
    #[test]
    fn every_case_that_a_line_names_shows_it() {
        for line in lines().iter().filter(|line| line.seen != "-") {
            let wire = case(line.seen);
            let mut found = wire.endpoints.iter().filter_map(|endpoint| {
                let judged = |(signature, _): &(Signature, String)| judge(signature).is_some();
                let (signature, _) = signatures(endpoint).find(judged)?;
                lines().iter().find(|line| line.fits(&signature))
            });
            assert_eq!(found.next(), Some(line), "{}", line.seen);
        }
    }

    #[test]
    fn who_is_certain_has_one_code_and_who_is_not_sure_has_several_causes() {
        for line in lines() {
            let first = line.causes.first().map(|cause| cause.code);
            match line.sure {
                Confidence::Certain => assert!(line.causes.iter().all(|cause| Some(cause.code) == first), "{line:?}"),
                Confidence::Likely => {}
                Confidence::Possible => assert!(line.causes.len() > 1, "{line:?}"),
            }
        }
    }

    #[test]
    fn what_says_nothing_of_the_hop_behind_is_not_judged() {
        for answer in [
            Answer::Http(200, Page::Other),
            Answer::Http(404, Page::Stock),
            Answer::Http(500, Page::Stock),
            Answer::Envoy("overflow"),
        ] {
            let signature = Signature {
                proxy: Some(Proxy::Nginx),
                answer,
                hangs: false,
                after_ms: 3,
            };
            assert!(judge(&signature).is_none(), "{signature:?}");
        }
    }

    /// A signature for each way in which a line can be met.
    fn of(line: &Line) -> Vec<Signature> {
        const PROXIES: [Proxy; 9] = [
            Proxy::Nginx,
            Proxy::Haproxy,
            Proxy::Caddy,
            Proxy::Apache,
            Proxy::Traefik,
            Proxy::Nghttpx,
            Proxy::AwsAlb,
            Proxy::Cloudflare,
            Proxy::Mitmproxy,
        ];
        let proxy = match line.proxy {
            "any" => None,
            name => PROXIES.into_iter().find(|proxy| proxy.name() == name),
        };
        assert!(
            proxy.is_some() || line.proxy == "any",
            "no proxy is called {}",
            line.proxy
        );
        let answer = match line.answer.split_once(' ') {
            Some(("HTTP", status)) => {
                let (number, page) = match status.strip_suffix(" stock") {
                    Some(number) => (number, Page::Stock),
                    None => (status, Page::Other),
                };
                Answer::Http(number.parse().expect("a status"), page)
            }
            Some(("RST", name)) => {
                let codes = (0..14).map(hoop_doctor_probes::wire::frame::ErrorCode);
                let mut codes = codes.filter(|code| name == "any" || code.name() == name);
                Answer::Reset(codes.next().expect("an error code of RFC 9113"))
            }
            _ => match line.answer {
                "settings" => Answer::Settings,
                "grpc" => Answer::Grpc,
                "silent" => Answer::Silent,
                words => Answer::Envoy(words),
            },
        };
        let each = |column: &str, one: &str| match column {
            "any" => vec![true, false],
            value => vec![value == one],
        };
        let ways = each(line.connect, "hangs").into_iter();
        let ways = ways.flat_map(|hangs| each(line.after, "late").into_iter().map(move |late| (hangs, late)));
        ways.map(|(hangs, late)| Signature {
            proxy,
            answer: answer.clone(),
            hangs,
            after_ms: if late { 3_000 } else { 3 },
        })
        .collect()
    }

    fn case(name: &str) -> Wire {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(name)
            .join("evidence.json");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let case: Value = serde_json::from_str(&text).expect("a case is JSON");
        Wire::deserialize(&case["wire"]).expect("a case has evidence")
    }
}
