//! Each experiment decides something: without it, the case that is named here has another cause or none.

use hoop_doctor::evidence::{Endpoint, Evidence, Kind};
use hoop_doctor::experiments::{Experiment, choose};
use hoop_doctor::findings::diagnose;

use crate::cases::Case;

/// Where an experiment decides.
struct Proof {
    /// The case in which it was made.
    case: &'static str,
    /// What the bare conversation makes `check` try, this experiment among it.
    chosen: &'static [Experiment],
    /// How the list of findings starts; how sure each is only where that is what the experiment decides.
    with: &'static str,
    /// How it would start.
    without: &'static str,
}

/// A new experiment needs a row, and a test that is named after what it tells apart.
fn proof(experiment: Experiment) -> Proof {
    use Experiment::{
        ConnectEnded, Listen, NamelessHello, OfferBoth, OldHello, OppositeScheme, OtherAddress, OtherWay,
        PrefaceWithoutAlpn, ProxyLine, Repeat, RestHere, SmallHello, SmallSegments,
    };
    let after_closed_tls = &[
        OppositeScheme,
        OfferBoth,
        SmallHello,
        NamelessHello,
        ProxyLine,
        Listen,
        Repeat,
    ];
    let after_closed_plaintext = &[OppositeScheme, ProxyLine, Listen, RestHere, Repeat];
    match experiment {
        OppositeScheme => Proof {
            case: "fault-plaintext-to-tls",
            chosen: after_closed_plaintext,
            with: "HD301",
            without: "nothing",
        },
        OfferBoth => Proof {
            case: "edited-h2-alone-closed",
            chosen: after_closed_tls,
            with: "HD401",
            without: "HD318",
        },
        SmallHello => Proof {
            case: "fault-large-hello-blocked",
            chosen: after_closed_tls,
            with: "HD316",
            without: "HD318",
        },
        ProxyLine => Proof {
            case: "fault-proxy-protocol-expected",
            chosen: after_closed_tls,
            with: "HD213",
            without: "HD318",
        },
        PrefaceWithoutAlpn => Proof {
            case: "fault-alpn-missing",
            chosen: &[PrefaceWithoutAlpn],
            with: "HD402",
            without: "nothing",
        },
        Listen => Proof {
            case: "told-grpcs-closed-at-once",
            chosen: after_closed_tls,
            with: "HD204",
            without: "HD318",
        },
        ConnectEnded => Proof {
            case: "fault-request-buffered",
            chosen: &[ConnectEnded, RestHere],
            with: "HD612",
            without: "nothing",
        },
        RestHere => Proof {
            case: "fault-grpc-url-is-rest-port",
            chosen: after_closed_plaintext,
            with: "HD602",
            without: "HD403",
        },
        Repeat => Proof {
            case: "edited-first-calls-refused",
            chosen: &[Repeat],
            with: "HD620",
            without: "HD607",
        },
        NamelessHello => Proof {
            case: "edited-name-filtered",
            chosen: after_closed_tls,
            with: "HD315",
            without: "HD318",
        },
        OtherAddress => Proof {
            case: "edited-works-at-another-address",
            chosen: &[OppositeScheme, OtherAddress],
            with: "HD302 Certain, HD902",
            without: "HD302",
        },
        SmallSegments => Proof {
            case: "edited-mtu-black-hole",
            chosen: &[OppositeScheme, SmallHello, NamelessHello, Listen, SmallSegments],
            with: "HD206 Certain",
            without: "HD212",
        },
        OtherWay => Proof {
            case: "edited-forward-proxy-unreachable",
            chosen: &[OtherWay],
            with: "HD209 Certain, HD211 Certain",
            without: "HD209 Certain",
        },
        OldHello => Proof {
            case: "lab-nginx-tls12-bad-ciphers",
            chosen: &[OldHello],
            with: "HD310 Certain",
            without: "HD310 Likely",
        },
    }
}

#[test]
fn the_opposite_scheme_tells_a_wrong_scheme_from_a_dead_service() {
    decides(Experiment::OppositeScheme);
}

#[test]
fn offering_both_protocols_tells_http2_that_is_off_from_tls_that_is_refused() {
    decides(Experiment::OfferBoth);
}

#[test]
fn a_small_hello_tells_a_hop_that_drops_large_ones_from_a_closed_port() {
    decides(Experiment::SmallHello);
}

#[test]
fn a_proxy_line_tells_a_listener_that_waits_for_it_from_a_closed_port() {
    decides(Experiment::ProxyLine);
}

#[test]
fn a_preface_without_alpn_tells_missing_alpn_from_missing_http2() {
    decides(Experiment::PrefaceWithoutAlpn);
}

#[test]
fn listening_tells_a_hop_that_closes_at_once_from_one_that_dislikes_the_hello() {
    decides(Experiment::Listen);
}

#[test]
fn a_call_that_ends_tells_buffering_from_silence() {
    decides(Experiment::ConnectEnded);
}

#[test]
fn asking_for_rest_tells_the_rest_port_from_a_listener_without_http2() {
    decides(Experiment::RestHere);
}

#[test]
fn repeating_tells_refusals_of_a_moment_from_a_proxy_without_a_gateway() {
    decides(Experiment::Repeat);
}

#[test]
fn an_old_hello_tells_a_missing_cipher_from_another_refusal() {
    decides(Experiment::OldHello);
}

#[test]
fn a_hello_without_a_name_tells_a_name_that_is_filtered_from_a_closed_port() {
    decides(Experiment::NamelessHello);
}

#[test]
fn another_address_tells_one_broken_server_from_all_of_them() {
    decides(Experiment::OtherAddress);
}

#[test]
fn small_segments_tell_large_packets_that_vanish_from_a_server_that_is_silent() {
    decides(Experiment::SmallSegments);
}

#[test]
fn the_direct_way_tells_a_proxy_that_is_to_be_gone_past_from_one_that_is_needed() {
    decides(Experiment::OtherWay);
}

/// The limit for experiments is nothing that a healthy endpoint knows of.
#[test]
fn a_healthy_endpoint_asks_for_none() -> std::io::Result<()> {
    for name in [
        "healthy-plaintext",
        "healthy-tls",
        "lab-nginx-ok-prefix",
        "lab-envoy-ok",
        "lab-caddy-ok",
    ] {
        let endpoints = Case::named(name)?.evidence.wire.endpoints;
        let kinds: Vec<Kind> = endpoints.iter().map(|endpoint| endpoint.target.kind).collect();
        assert_eq!(kinds, [Kind::Grpc, Kind::Rest], "{name}");
        for endpoint in &endpoints {
            assert_eq!(choose(endpoint), [], "{name} {}", endpoint.id);
            assert!(endpoint.trials.is_empty(), "{name} {}", endpoint.id);
        }
    }
    Ok(())
}

/// Our packets end at the forward proxy, and it is the proxy that picks an address.
#[test]
fn behind_a_forward_proxy_neither_packet_sizes_nor_other_addresses_are_tried() -> std::io::Result<()> {
    use Experiment::{Listen, NamelessHello, OppositeScheme, OtherWay, SmallHello};
    let silent = Case::named("edited-mtu-black-hole")?.evidence.wire.endpoints;
    let through = Case::named("edited-forward-proxy-open")?.evidence.wire.endpoints;
    let (Some(silent), Some(mut through)) = (silent.into_iter().next(), through.into_iter().next()) else {
        panic!("both cases look at gRPC");
    };
    through.base = silent.base;
    through.trials.clear();
    assert_eq!(
        choose(&through),
        [OppositeScheme, SmallHello, NamelessHello, Listen, OtherWay]
    );
    Ok(())
}

/// The bare conversation asks for it, its result is what the cause rests on, and nothing is asked twice.
#[track_caller]
fn decides(experiment: Experiment) {
    let name = experiment.name();
    let proof = proof(experiment);
    let case = Case::named(proof.case).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(
        proof.chosen.contains(&experiment),
        "{name} is not among what its own proof chooses"
    );
    let with = findings(&case.evidence);
    assert!(
        with.starts_with(proof.with),
        "{name}: {with} with all experiments, not {}",
        proof.with
    );

    let mut bare = case.evidence.clone();
    trials_of(&mut bare, |_| false);
    let asked: Vec<Vec<Experiment>> = bare
        .wire
        .endpoints
        .iter()
        .map(choose)
        .filter(|all| !all.is_empty())
        .collect();
    assert_eq!(asked, [proof.chosen], "{name}: what the bare conversation asks for");

    let mut without = case.evidence;
    trials_of(&mut without, |other| other != experiment);
    let without = findings(&without);
    assert_ne!(with, without, "{name} changes nothing");
    assert!(
        without.starts_with(proof.without),
        "{name}: {without} without it, not {}",
        proof.without
    );
}

fn trials_of(evidence: &mut Evidence, keep: impl Fn(Experiment) -> bool) {
    for Endpoint { trials, .. } in &mut evidence.wire.endpoints {
        trials.retain(|trial| keep(trial.experiment));
    }
}

/// Codes and confidences, the cause first.
fn findings(evidence: &Evidence) -> String {
    let found = diagnose(evidence);
    let shown: Vec<String> = found
        .iter()
        .map(|one| format!("{} {:?}", one.rule.code, one.confidence()))
        .collect();
    match shown.is_empty() {
        true => "nothing".to_owned(),
        false => shown.join(", "),
    }
}
