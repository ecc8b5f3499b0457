//! HD006: the gRPC address is this machine, while the API is elsewhere; with `--auth` also where only the gateway says so.

use super::for_each_problem;
use super::line::grpc_value;
use crate::config::{ProblemKind, Security, as_client};
use crate::evidence::auth::Auth;
use crate::evidence::{Endpoint, Evidence, Kind, host_port};
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity};
use crate::gourl::address::is_loopback;
use crate::proxies::Proxy;
use crate::secret::redact_url;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(6),
    name: "advertised-loopback",
    severity: Severity::Error,
    summary: "the gRPC address is this machine, while the API is elsewhere",
    explain: include_str!("../../../docs/findings/HD006.md"),
    breaks: Breaks::Every,
    explains: &[
        Code(201),
        Code(202),
        Code(203),
        Code(204),
        Code(301),
        Code(302),
        Code(403),
        Code(404),
    ],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let mut drafts = configured(evidence);
    let told: Vec<usize> = drafts.iter().flat_map(|draft| draft.identities.clone()).collect();
    let new = advertised(evidence).filter(|advert| !told.contains(&advert.auth.identity));
    drafts.extend(new.map(|advert| hands_out(evidence, &advert)));
    drafts
}

/// A loopback address that the gateway gives to users of an API elsewhere.
struct Advert<'a> {
    index: usize,
    rest: &'a Endpoint,
    auth: &'a Auth,
    grpc_url: &'a str,
}

fn advertised(evidence: &Evidence) -> impl Iterator<Item = Advert<'_>> {
    let endpoints = evidence.wire.endpoints.iter().enumerate();
    let auths = endpoints.flat_map(|(index, rest)| rest.auth.iter().map(move |auth| (index, rest, auth)));
    auths.filter_map(|(index, rest, auth)| {
        let grpc_url = auth.server_info()?.grpc_url.as_str();
        let (address, _) = as_client(grpc_url)?;
        (is_loopback(&address.host) && !is_loopback(&rest.target.host)).then_some(Advert {
            index,
            rest,
            auth,
            grpc_url,
        })
    })
}

/// The address in use is another one: it is the next login, and the next agent, that go astray.
fn hands_out(evidence: &Evidence, advert: &Advert<'_>) -> Draft {
    let endpoints = &evidence.wire.endpoints;
    let mine = |endpoint: &&Endpoint| {
        endpoint.target.kind == Kind::Grpc && endpoint.identities.contains(&advert.auth.identity)
    };
    let used = endpoints.iter().find(mine);
    let works = used.is_some_and(Endpoint::reaches_gateway);
    let address = match used.filter(|used| !is_loopback(&used.target.host)) {
        Some(used) => used.target.address(),
        None => host_port(&advert.rest.target.host, 8443),
    };
    let draft = Draft::new(
        format!(
            "the gateway at {} tells new clients and agents to use {} for gRPC, which is whatever machine they run on: its GRPC_URL is not set",
            advert.rest.target.url,
            redact_url(advert.grpc_url)
        ),
        "set the gateway's GRPC_URL to the address on which others reach its gRPC, with the right port, and restart it; keys and \
         files that exist don't change with it",
    );
    let mut draft = draft
        .severity(if works { Severity::Warn } else { Severity::Error })
        .snippet(Proxy::Hoop, format!("GRPC_URL=grpcs://{address}   # on the gateway"))
        .seen_in(advert.rest, &[&format!("auth/{}/server-info", advert.auth.who)]);
    draft.endpoints = vec![advert.index];
    draft.identities = vec![advert.auth.identity];
    draft
}

fn configured(evidence: &Evidence) -> Vec<Draft> {
    for_each_problem(evidence, |case| {
        let ProblemKind::AdvertisedLoopback { grpc, api } = &case.problem.kind else {
            return None;
        };
        // An agent beside its gateway, or a port that is forwarded here: meant so, and it works.
        if case.of_kind(Kind::Grpc).any(|(_, endpoint)| endpoint.reaches_gateway()) {
            return None;
        }
        let identity = case.identity()?;
        let (source, address) = (&case.problem.source, host_port(api, 8443));
        let draft = Draft::new(
            format!(
                "{} dials this machine ({grpc}) for gRPC, while the API is at {api}: the gateway hands out its default address \
                 until its GRPC_URL is set",
                case.who()
            ),
            "set the gateway's GRPC_URL to the address on which others reach its gRPC, with the right port, and restart it; \
             then correct this line too, because keys and files that exist don't change with it",
        );
        // That the gateway itself says so leaves no doubt.
        let draft = match advertised(evidence).any(|advert| case.is_of(advert.auth.identity)) {
            true => draft,
            false => draft.confidence(Confidence::Likely).candidate(
                201,
                "a gateway, or a port forwarded to one, that is meant to be on this machine and isn't up",
            ),
        };
        Some(
            draft
                .line(source, &grpc_value(identity, Security::Tls, &address))
                .snippet(Proxy::Hoop, format!("GRPC_URL=grpcs://{address}   # on the gateway"))
                .about(case.of_kind(Kind::Grpc)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Severity;
    use crate::findings::config::fixture::{file, only, silent, snippet};
    use crate::findings::grpc::fixture::{Says, advertising, direct};

    const CONFIG: &str = "api_url = \"https://gw.example\"\ngrpc_url = \"grpc://127.0.0.1:8010\"\n";

    #[test]
    fn the_default_address_of_a_gateway_is_no_use_elsewhere() {
        let draft = only(&RULE, &file(CONFIG, &[]));
        assert_eq!(snippet(&draft), "grpc_url = \"grpcs://gw.example:8443\"");
        assert_eq!(
            (draft.endpoints.as_slice(), draft.locations[0].line),
            ([0].as_slice(), Some(2))
        );
    }

    #[test]
    fn a_gateway_that_answers_here_is_meant() {
        let mut evidence = file(CONFIG, &[]);
        evidence.wire.endpoints[0].base = Some(crate::findings::rest::fixture::gateway());
        silent(&RULE, &evidence);
    }

    #[test]
    fn what_the_gateway_tells_others_is_no_use_to_them() {
        let advertised = |url| advertising(direct(Says::Accepted, Says::Accepted), url);
        let draft = only(&RULE, &advertised("grpc://127.0.0.1:8010"));
        assert_eq!(snippet(&draft), "GRPC_URL=grpcs://gw.example:8443   # on the gateway");
        assert_eq!(
            (draft.severity, draft.endpoints, draft.evidence),
            (
                Some(Severity::Warn),
                vec![1],
                vec!["rest/auth/client/server-info".to_owned()]
            )
        );
        silent(&RULE, &advertised("grpcs://gw.example:8443"));
        silent(&RULE, &advertised("grpcs://other.example:8443"));
    }

    #[test]
    fn a_gateway_that_says_so_itself_leaves_no_doubt() {
        let evidence = advertising(file(CONFIG, &[]), "grpc://127.0.0.1:8010");
        let draft = only(&RULE, &evidence);
        assert_eq!((draft.confidence, draft.candidates.len()), (None, 0));
    }

    #[test]
    fn both_on_this_machine_is_fine() {
        silent(
            &RULE,
            &file(&CONFIG.replace("https://gw.example", "http://localhost:8009"), &[]),
        );
    }
}
