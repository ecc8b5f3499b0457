//! HD705: the gateway takes smaller messages than Hoop sends.

use hoop_doctor_probes::grpc::MAX_MESSAGE;
use hoop_doctor_probes::http2::Reply;
use hoop_doctor_probes::wire::status::Said;

use crate::evidence::{Evidence, fed};
use crate::findings::{Breaks, Code, Draft, Rule, Severity, for_each_grpc};

pub(in crate::findings) static RULE: Rule = Rule {
    code: Code(705),
    name: "message-limit",
    severity: Severity::Error,
    summary: "a message is larger than the receiver takes",
    explain: include_str!("../../../docs/findings/HD705.md"),
    breaks: Breaks::Some,
    explains: &[Code(701)],
    check,
};

fn check(evidence: &Evidence) -> Vec<Draft> {
    for_each_grpc(evidence, |endpoint| {
        let sent = endpoint.measured.as_ref()?.sent.as_ref()?;
        let (answer, _) = fed(&sent.coarse)?;
        let Reply::Grpc(status) = answer.reply() else {
            return None;
        };
        let max = match status.said {
            Said::MessageTooLarge { max } if max < MAX_MESSAGE => max,
            _ => return None,
        };
        let draft = Draft::new(
            format!(
                "the gateway behind {} takes messages of {max} bytes at most, while agents and clients of today send up to {MAX_MESSAGE}: a large result ends its stream",
                endpoint.target.address()
            ),
            "update the gateway: since 1.31.35 it takes 17 MiB",
        );
        Some(draft.seen_in(endpoint, &["sent-body"]).logs(vec![format!(
            "rpc error: code = ResourceExhausted desc = grpc: received message larger than max ({MAX_MESSAGE} vs. {max})"
        )]))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::evidence::{Evidence, Measured};
    use crate::findings::config::fixture::{only, silent};
    use crate::findings::limits::fixture::{End, RESET, found, leads_back, message, sent};
    use hoop_doctor_probes::wire::status::Status;

    fn refused(end: End) -> Evidence {
        found(Measured {
            sent: message(sent(0, 262_144, 3, end), None),
            ..Measured::default()
        })
    }

    #[test]
    fn a_gateway_that_takes_4_mib_is_an_old_one() {
        let draft = only(
            &RULE,
            &refused(End::Grpc(
                Status::RESOURCE_EXHAUSTED,
                "grpc: received message larger than max (17825792 vs. 4194304)",
            )),
        );
        assert_eq!(
            draft.message,
            "the gateway behind gw.example:8443 takes messages of 4194304 bytes at most, while agents and clients of today \
             send up to 17825792: a large result ends its stream"
        );
        assert_eq!(draft.evidence, ["grpc/sent-body"]);
        leads_back(&RULE, &draft);
    }

    #[test]
    fn todays_limit_and_everything_else_is_none() {
        let todays = "grpc: received message larger than max (17825793 vs. 17825792)";
        silent(&RULE, &refused(End::Grpc(Status::RESOURCE_EXHAUSTED, todays)));
        silent(&RULE, &refused(End::Grpc(Status::OK, "")));
        silent(&RULE, &refused(RESET));
        silent(&RULE, &found(Measured::default()));
    }
}
