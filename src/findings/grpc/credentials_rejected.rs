//! HD618: the gateway refuses the token.

use super::credentials::{PAST_THE_PROXY, Tried, Verdict, probe, tried};
use super::logged;
use crate::config::{Mode, TokenKind};
use crate::evidence::Evidence;
use crate::evidence::auth::Judged;
use crate::findings::{Breaks, Code, Confidence, Draft, Rule, Severity};
use crate::plan;

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(618),
    name: "credentials-rejected",
    severity: Severity::Error,
    summary: "the gateway refuses the key or token",
    explain: include_str!("../../../docs/findings/HD618.md"),
    breaks: Breaks::Every,
    explains: &[],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    tried(evidence)
        .iter()
        .filter_map(|tried| rejected(evidence, tried))
        .collect()
}

fn rejected(evidence: &Evidence, tried: &Tried<'_>) -> Option<Draft> {
    if tried.is_unwell {
        return None;
    }
    let grpc = tried.grpc.filter(|grpc| !grpc.is_accepted());
    let rest = tried.rest.filter(|rest| !rest.is_accepted());
    let draft = match (grpc, rest) {
        (Some(grpc), _) if matches!(grpc.judged, Judged::Inactive(_)) => inactive(tried),
        (Some(grpc), Some(rest)) => by_both(tried, &grpc, &rest),
        // What REST takes got lost on the way to gRPC, unless there is another reason.
        (Some(_), None) if tried.rest.is_some() && tried.is_expired => renewed_by_rest(tried),
        (Some(grpc), None) if tried.rest.is_some() && grpc.is_direct => by_grpc_of_two(tried, &grpc),
        (Some(_), None) if tried.rest.is_some() => return None,
        (Some(grpc), None) => by_one(tried, &grpc, "gRPC says \"invalid authentication\""),
        // Lost on the way to REST.
        (None, Some(_)) if tried.grpc.is_some() => return None,
        (None, Some(rest)) => by_one(tried, &rest, "the API answers HTTP 401 \"access denied\""),
        (None, None) => return None,
    };
    let mut draft = remedied(evidence, tried, draft);
    draft.identities = vec![tried.identity];
    for (verdict, call) in [(grpc, "connect-with-token"), (rest, "user-info")] {
        let Some(Verdict {
            index,
            endpoint,
            judged,
            ..
        }) = verdict
        else {
            continue;
        };
        draft.endpoints.push(index);
        draft
            .evidence
            .push(format!("{}/{}", endpoint.id, probe(tried, evidence, call)));
        if let Judged::Refused(answer) | Judged::Inactive(answer) = judged
            && call == "connect-with-token"
        {
            draft.logged_as = logged::by_call(answer);
        }
    }
    Some(draft)
}

fn inactive(tried: &Tried<'_>) -> Draft {
    Draft::new(
        format!(
            "the gateway knows the token in {} and says \"user is not active\"",
            tried.token.source
        ),
        "have an administrator activate the user in the gateway, or use the token of another one",
    )
}

fn by_both(tried: &Tried<'_>, grpc: &Verdict<'_>, rest: &Verdict<'_>) -> Draft {
    let message = format!(
        "the gateway refuses the token in {}: gRPC at {} says \"invalid authentication\", and the API at {} HTTP 401 \"access denied\"",
        tried.token.source,
        grpc.endpoint.target.address(),
        rest.endpoint.target.url
    );
    match grpc.is_direct {
        true => Draft::new(message, ""),
        false => maybe_removed(
            Draft::new(message, ""),
            "a proxy that removes `authorization` from gRPC and REST alike",
        ),
    }
}

fn by_one(tried: &Tried<'_>, one: &Verdict<'_>, says: &str) -> Draft {
    let draft = Draft::new(
        format!(
            "the token in {} is refused at {}: {says}",
            tried.token.source,
            one.endpoint.target.address()
        ),
        "",
    );
    match one.is_direct {
        true => draft,
        false => maybe_removed(draft, "a proxy that removes `authorization`"),
    }
}

/// REST renews an expired token of an identity provider by itself.
fn renewed_by_rest(tried: &Tried<'_>) -> Draft {
    Draft::new(
        format!(
            "gRPC refuses the token in {}, which has expired; REST takes it because it renews it on the gateway's side",
            tried.token.source
        ),
        "",
    )
}

fn by_grpc_of_two(tried: &Tried<'_>, grpc: &Verdict<'_>) -> Draft {
    let draft = Draft::new(
        format!(
            "gRPC at {} refuses the token in {}, which REST takes, and no proxy in between could have removed it",
            grpc.endpoint.target.address(),
            tried.token.source
        ),
        "",
    );
    draft
        .confidence(Confidence::Likely)
        .candidate(19, "a token that has expired without saying so, which REST renews and gRPC doesn't")
        .decide_by_command(
            "hoop login",
            "with the new token gRPC works: it had expired (HD019); it goes on: the gateway takes such a token over REST \
             alone, or another gateway answers gRPC",
        )
}

fn maybe_removed(draft: Draft, why: &str) -> Draft {
    draft
        .confidence(Confidence::Likely)
        .candidate(617, why)
        .decide_by_command(
            PAST_THE_PROXY,
            "401 there too: the token is bad (HD618); 200: the proxy removes `authorization` (HD617)",
        )
}

/// What to do, which depends on where the token came from.
fn remedied(evidence: &Evidence, tried: &Tried<'_>, mut draft: Draft) -> Draft {
    if !draft.remedy.text.is_empty() {
        return draft;
    }
    let mode = plan::identities(&evidence.config)
        .nth(tried.identity)
        .map(|who| who.mode);
    let (text, login) = match (mode, tried.token.kind) {
        (_, TokenKind::ApiKey) => (
            "put an API key there that exists in this gateway; the key of another gateway, or one that was revoked, is refused alike",
            false,
        ),
        (Some(Mode::ConfigFile | Mode::Local), _) => ("log in again, at this gateway", true),
        _ => ("put a new token of this gateway there", false),
    };
    text.clone_into(&mut draft.remedy.text);
    match login {
        true => draft.shell("hoop login"),
        false => draft,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::findings::Confidence;
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::grpc::fixture::{Says, behind_nginx, direct, expired};

    #[test]
    fn what_gateway_and_api_refuse_is_bad() {
        let draft = only(&RULE, &direct(Says::Refused, Says::Refused));
        assert_eq!((draft.confidence, draft.endpoints), (None, vec![0, 1]));
        assert_eq!(
            draft.message,
            "the gateway refuses the token in HOOP_TOKEN: gRPC at gw.example:8443 says \"invalid authentication\", \
             and the API at https://gw.example HTTP 401 \"access denied\""
        );
        assert_eq!(
            draft.evidence,
            ["grpc/auth/client/connect-with-token", "rest/auth/client/user-info"]
        );
        assert_eq!(
            draft.logged_as,
            ["rpc error: code = Unauthenticated desc = invalid authentication"]
        );
    }

    #[test]
    fn behind_a_proxy_it_could_have_been_removed_everywhere() {
        for evidence in [
            behind_nginx(Says::Refused, Says::Refused),
            behind_nginx(Says::Refused, Says::Nothing),
            behind_nginx(Says::Nothing, Says::Refused),
        ] {
            let draft = only(&RULE, &evidence);
            assert_eq!(draft.confidence, Some(Confidence::Likely));
            assert_eq!(draft.candidates[0].code.0, 617);
            assert!(draft.decide.is_some());
        }
    }

    #[test]
    fn a_user_who_is_not_active_is_told_so() {
        let draft = only(&RULE, &behind_nginx(Says::Inactive, Says::Nothing));
        assert!(draft.message.ends_with("\"user is not active\""), "{}", draft.message);
        assert_eq!(
            draft.logged_as,
            ["rpc error: code = Unauthenticated desc = user is not active"]
        );
    }

    #[test]
    fn a_token_that_rest_renews_is_refused_by_grpc() {
        let draft = only(&RULE, &expired(behind_nginx(Says::Refused, Says::Accepted)));
        assert!(draft.message.contains("which has expired"), "{}", draft.message);
    }

    #[test]
    fn what_only_grpc_refuses_without_a_proxy_is_refused() {
        let draft = only(&RULE, &direct(Says::Refused, Says::Accepted));
        assert_eq!(draft.candidates[0].code.0, 19);
    }

    #[test]
    fn what_is_taken_or_lost_or_was_not_judged_is_not_rejected() {
        silent(&RULE, &direct(Says::Accepted, Says::Accepted));
        silent(&RULE, &direct(Says::Accepted, Says::Nothing));
        silent(&RULE, &behind_nginx(Says::Refused, Says::Accepted));
        silent(&RULE, &behind_nginx(Says::Accepted, Says::Refused));
        silent(&RULE, &behind_nginx(Says::Unwell, Says::Refused));
        silent(&RULE, &behind_nginx(Says::Else, Says::Page));
    }
}
