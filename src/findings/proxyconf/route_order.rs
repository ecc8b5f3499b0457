//! HD802: a catch-all is matched before `/protobuf.Transport`.

use crate::findings::from_proxyconf::{Conf, forward, once};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, from_logs};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(802),
    name: "route-order",
    severity: Severity::Error,
    summary: "another route takes gRPC calls before the one for them",
    explain: include_str!("../../../docs/findings/HD802.md"),
    breaks: Breaks::Every,
    explains: &[Code(601), Code(604), Code(607), Code(611), Code(603)],
    check: from_logs::alone,
};

pub(in crate::findings) fn look(conf: &Conf<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for site in &conf.sites {
        let Some(first) = site.connect().surely() else { continue };
        let mut later = site
            .listener
            .routes
            .iter()
            .skip_while(|route| !std::ptr::eq(*route, first))
            .skip(1);
        let Some(meant) = later.find(|route| site.would_take(route)) else {
            continue;
        };
        if first.path.is_for_service() || forward(first).is_none() {
            continue;
        }
        let message = format!(
            "the route for {} comes first and takes gRPC calls: the one for {} never sees any",
            first.path, meant.path
        );
        let draft = Draft::new(message, "put the route for /protobuf.Transport/ before it")
            .place(&first.at)
            .place(&meant.at);
        found.push(draft);
    }
    once(found.into_iter())
}
