//! HD903: the gateway tells new clients and agents another gRPC address than the one in use.

use crate::config::{GrpcAddress, Identity, Security, as_client};
use crate::evidence::auth::Auth;
use crate::evidence::{Endpoint, Evidence, host_port};
use crate::findings::{Breaks, Code, Draft, Rule, Severity};
use crate::gourl::address::is_loopback;
use crate::plan;
use crate::proxies::Proxy;
use crate::secret::redact_url;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(903),
    name: "advertised-url-differs",
    severity: Severity::Warn,
    summary: "the gateway advertises another gRPC address than the one in use",
    explain: include_str!("../../../docs/findings/HD903.md"),
    breaks: Breaks::Later,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    let endpoints = evidence.wire.endpoints.iter().enumerate();
    let auths = endpoints.flat_map(|(index, rest)| rest.auth.iter().map(move |auth| (index, rest, auth)));
    let drafts = auths.filter_map(|(index, rest, auth)| {
        let identity = plan::identities(&evidence.config).nth(auth.identity)?;
        let mut draft = differs(rest, auth, identity)?;
        draft.endpoints = vec![index];
        draft.identities = vec![auth.identity];
        Some(draft)
    });
    drafts.collect()
}

fn differs(rest: &Endpoint, auth: &Auth, identity: &Identity) -> Option<Draft> {
    let told = auth.server_info()?.grpc_url.as_str();
    let used = identity.grpc.as_ref()?;
    let security = match identity.speaks_tls() {
        true => Security::Tls,
        false => Security::Plaintext,
    };
    let dialled = as_client(told);
    let what = match &dialled {
        // What nobody else can use is HD006.
        Some((told, _)) if is_loopback(&told.host) && !is_loopback(&rest.target.host) => return None,
        Some((told, _)) if !is_same_place(told, used) => "",
        Some((_, told)) if *told == security => return None,
        Some(_) => ", which differs in TLS alone",
        None => ", which can't be dialled",
    };
    let (told, shown) = (redact_url(told), &used.text);
    let draft = Draft::new(
        format!(
            "the gateway at {} tells new clients and agents to use {told} for gRPC{what}; {shown} is in use here",
            rest.target.url
        ),
        "if the advertised address is wrong, set the gateway's GRPC_URL, or the gRPC address in its settings, which wins; if the one \
         in use is old, correct it here, because a login alone doesn't overwrite it",
    );
    let draft = draft
        .snippet(
            Proxy::Hoop,
            format!("GRPC_URL={}   # on the gateway", written(used, security)),
        )
        .seen_in(rest, &[&format!("auth/{}/server-info", auth.who)]);
    Some(match dialled {
        Some((told, security)) if is_plain(&told.host) => draft.shell(format!(
            "hoop config create --api-url {} --grpc-url {} && hoop login   # here",
            rest.target.url,
            written(&told, security)
        )),
        Some(_) | None => draft,
    })
}

fn written(address: &GrpcAddress, security: Security) -> String {
    let scheme = match security {
        Security::Tls => "grpcs",
        Security::Plaintext => "grpc",
    };
    format!("{scheme}://{}", host_port(&address.host, address.port))
}

/// Whether a host that a stranger named can stand in a command.
fn is_plain(host: &str) -> bool {
    host.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
}

fn is_same_place(one: &GrpcAddress, other: &GrpcAddress) -> bool {
    one.host.eq_ignore_ascii_case(&other.host) && one.port == other.port
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::config::fixture::{only, silent, snippet};
    use crate::findings::grpc::fixture::{Says, advertising, direct};

    fn told(grpc_url: &str) -> crate::evidence::Evidence {
        advertising(direct(Says::Accepted, Says::Accepted), grpc_url)
    }

    #[test]
    fn another_host_port_or_scheme_leads_new_clients_elsewhere() {
        for url in [
            "grpcs://old.example:8443",
            "grpcs://gw.example:443",
            "grpc://gw.example:8443",
        ] {
            let draft = only(&RULE, &told(url));
            assert!(draft.message.contains(url), "{}", draft.message);
            assert_eq!(snippet(&draft), "GRPC_URL=grpcs://gw.example:8443   # on the gateway");
        }
    }

    #[test]
    fn what_a_stranger_says_is_never_part_of_a_command() {
        let draft = only(&RULE, &told("grpcs://old.example:8443"));
        let commands =
            |draft: &crate::findings::Draft| draft.remedy.snippets.iter().filter(|one| one.language == "sh").count();
        assert!(
            draft.remedy.snippets[1]
                .text
                .contains("--grpc-url grpcs://old.example:8443 ")
        );
        for url in ["grpcs://$(id):8443", "grpcs://a;id:8443", "a b:8443"] {
            assert_eq!(commands(&only(&RULE, &told(url))), commands(&draft) - 1, "{url}");
        }
    }

    #[test]
    fn an_address_that_nobody_can_dial_is_told_as_that() {
        let draft = only(&RULE, &told("grpcs://gw.example"));
        assert!(draft.message.contains("can't be dialled"), "{}", draft.message);
    }

    #[test]
    fn the_same_place_in_other_words_is_the_same() {
        for url in [
            "grpcs://gw.example:8443",
            "https://gw.example:8443",
            "grpcs://GW.Example:8443/path",
            "gw.example:8443",
        ] {
            silent(&RULE, &told(url));
        }
    }

    #[test]
    fn its_own_loopback_is_another_finding() {
        silent(&RULE, &told("grpc://127.0.0.1:8010"));
    }

    #[test]
    fn without_credentials_nothing_is_known() {
        silent(&RULE, &direct(Says::Accepted, Says::Accepted));
    }
}
