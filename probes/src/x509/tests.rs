//! Chains made on the spot, and what Go says to each. The texts were compared with crypto/x509 itself when this was
//! written; these tests keep them.

use proptest::prelude::{any, prop, proptest};
use proptest::sample::Index;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};

use super::*;

/// 2026-03-01T12:00:00Z.
const NOW: i64 = 1_772_366_400;
const HOST: &str = "gw.example";

/// An authority with its key.
struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn root(common_name: &str) -> Ca {
        Ca::root_with(common_name, |_| {})
    }

    fn root_with(common_name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Ca {
        Ca::root_of_key(common_name, key(), edit)
    }

    fn root_of_key(common_name: &str, key: KeyPair, edit: impl FnOnce(&mut CertificateParams)) -> Ca {
        let issuer = CertifiedIssuer::self_signed(authority(common_name, edit), key);
        Ca(issuer.expect("a root"))
    }

    fn sub(&self, common_name: &str) -> Ca {
        self.sub_with(common_name, |_| {})
    }

    fn sub_with(&self, common_name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Ca {
        self.sub_of_key(common_name, key(), edit)
    }

    fn sub_of_key(&self, common_name: &str, key: KeyPair, edit: impl FnOnce(&mut CertificateParams)) -> Ca {
        let issuer = CertifiedIssuer::signed_by(authority(common_name, edit), key, &self.0);
        Ca(issuer.expect("an intermediate"))
    }

    fn leaf(&self) -> Vec<u8> {
        self.leaf_with(|_| {})
    }

    fn leaf_with(&self, edit: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = params(HOST);
        params.subject_alt_names = vec![dns(HOST)];
        edit(&mut params);
        params.signed_by(&key(), &self.0).expect("a leaf").der().to_vec()
    }

    fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn copy(key: &KeyPair) -> KeyPair {
    KeyPair::from_pem(&key.serialize_pem()).expect("the same key")
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(common_name: &str, edit: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    edit(&mut params);
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

fn organization(name: &'static str) -> impl Fn(&mut CertificateParams) {
    move |params| params.distinguished_name.push(DnType::OrganizationName, name)
}

fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2026, 2, 28);
}

fn extension(oid: &[u64], value: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, value.to_vec())
}

fn roots(anchors: &[&Ca]) -> Roots {
    Roots::from_der(anchors.iter().map(|anchor| anchor.der()))
}

fn judge_for(host: &str, chain: &[Vec<u8>], anchors: &[&Ca]) -> ChainFacts {
    judge(chain, host, &roots(anchors), NOW)
}

/// The text of the refusal, empty if there is none.
fn text(facts: &ChainFacts) -> String {
    match &facts.verdict {
        Verdict::Trusted(_) => String::new(),
        Verdict::Rejected(rejection) => rejection.go_text(NOW),
    }
}

/// Judges a chain and compares Go's text.
fn check(chain: &[Vec<u8>], anchors: &[&Ca], expected: &str) {
    check_host(HOST, chain, anchors, expected);
}

fn check_host(host: &str, chain: &[Vec<u8>], anchors: &[&Ca], expected: &str) {
    assert_eq!(text(&judge_for(host, chain, anchors)), expected, "{host}");
}

/// Judges a leaf with these names and compares Go's text.
fn check_names(names: &[SanType], host: &str, expected: &str) {
    let root = Ca::root("Lab Root CA");
    let leaf = root.leaf_with(|leaf| leaf.subject_alt_names = names.to_vec());
    check_host(host, &[leaf], &[&root], expected);
}

const TRUSTED: &str = "";
const UNKNOWN: &str = "x509: certificate signed by unknown authority";

#[test]
fn a_chain_to_an_anchor_is_trusted_and_says_how() {
    let root = Ca::root_with("Lab Root CA", organization("Lab"));
    let sub = root.sub("Lab Intermediate CA");
    let facts = judge_for(HOST, &[sub.leaf(), sub.der()], &[&root]);
    let anchor = "O=Lab,CN=Lab Root CA".to_owned();
    assert_eq!(
        facts.verdict,
        Verdict::Trusted(Trust::Chain {
            sent: vec![0, 1],
            anchor,
            has_assumed: false
        })
    );
    assert_eq!((facts.ends_at, facts.order), (1, Order::Right));
    assert_eq!(facts.missing_intermediate, MissingIntermediate::No);
}

#[test]
fn the_leaf_is_trusted_by_itself_if_it_is_an_anchor() {
    let stranger = Ca::root("Stranger");
    let leaf = stranger.leaf();
    let facts = judge(&[&leaf], HOST, &Roots::from_der([&leaf]), NOW);
    assert_eq!(facts.verdict, Verdict::Trusted(Trust::Pinned));
}

#[test]
fn an_authority_can_be_a_leaf() {
    let pinned = Ca::root_with(HOST, |params| params.subject_alt_names = vec![dns(HOST)]);
    check(&[pinned.der()], &[&pinned], TRUSTED);
    let root = Ca::root("Lab Root CA");
    let marked = root.leaf_with(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    check(&[marked], &[&root], TRUSTED);
}

#[test]
fn dates_are_judged_first_and_to_the_second() {
    let root = Ca::root("Lab Root CA");
    let old = root.leaf_with(|leaf| {
        expired(leaf);
        leaf.subject_alt_names = vec![dns("other.example")];
    });
    let prefix = "x509: certificate has expired or is not yet valid: current time 2026-03-01T12:00:00Z is";
    check(
        std::slice::from_ref(&old),
        &[],
        &format!("{prefix} after 2026-02-28T00:00:00Z"),
    );
    let young = root.leaf_with(|leaf| leaf.not_before = date_time_ymd(2026, 3, 2));
    check(&[young], &[&root], &format!("{prefix} before 2026-03-02T00:00:00Z"));

    let edge = root.leaf_with(|leaf| leaf.not_after = date_time_ymd(2026, 3, 1));
    let midnight = NOW - 12 * 3600;
    let verdict = |now| judge(&[&edge], HOST, &roots(&[&root]), now).verdict;
    assert!(matches!(verdict(midnight), Verdict::Trusted(_)));
    assert!(
        matches!(verdict(midnight + 1), Verdict::Rejected(Rejection::Expired { not_after, .. }) if not_after == midnight)
    );
}

#[test]
fn an_issuer_that_every_chain_needs_can_be_the_expired_one() {
    let root = Ca::root("Lab Root CA");
    let sub = root.sub_with("Lab Intermediate CA", expired);
    let facts = judge_for(HOST, &[sub.leaf(), sub.der()], &[&root]);
    let not_after = NOW - 36 * 3600;
    let certificate = Holder::Sent(1);
    assert_eq!(
        facts.verdict,
        Verdict::Rejected(Rejection::Expired { certificate, not_after })
    );

    let root = Ca::root_with("Lab Root CA", expired);
    let facts = judge_for(HOST, &[root.leaf()], &[&root]);
    let certificate = Holder::Anchor("CN=Lab Root CA".to_owned());
    assert_eq!(
        facts.verdict,
        Verdict::Rejected(Rejection::Expired { certificate, not_after })
    );
}

#[test]
fn an_expired_root_is_no_matter_if_another_way_is_open() {
    let shared = key();
    let old = Ca::root_of_key("Lab Root CA", copy(&shared), expired);
    let new = Ca::root_of_key("Lab Root CA", copy(&shared), |_| {});
    check(&[old.leaf()], &[&old, &new], TRUSTED);

    // The same key, cross-signed by a root that is trusted.
    let other = Ca::root("Other Root CA");
    let cross = other.sub_of_key("Lab Root CA", shared, |_| {});
    check(&[old.leaf(), cross.der()], &[&old, &other], TRUSTED);
    check(&[old.leaf(), old.der(), cross.der(), cross.der()], &[&other], TRUSTED);
}

#[test]
fn names_match_as_go_matches_them() {
    for (name, host) in [
        ("gw.example", "GW.Example."),
        ("*.example", "gw.example"),
        ("GW.EXAMPLE", "gw.example"),
        ("a b", "A B"),
        ("localhost", "localhost"),
    ] {
        check_names(&[dns(name)], host, TRUSTED);
    }
    for (name, host) in [
        ("*.example", "a.gw.example"),
        ("*.example", "example"),
        ("gw.*", "gw.example"),
        ("*", "localhost"),
        ("10.0.0.1x", "gw.example"),
        ("gw.example.", "gw.example"),
    ] {
        check_names(
            &[dns(name)],
            host,
            &format!("x509: certificate is valid for {name}, not {host}"),
        );
    }
}

#[test]
fn addresses_match_addresses_only() {
    let v4 = SanType::IpAddress([10, 0, 0, 1].into());
    let v6 = SanType::IpAddress("2001:db8::1".parse().expect("an address"));
    let both = [v4.clone(), v6, dns("10.0.0.2")];
    for host in [
        "10.0.0.1",
        "[10.0.0.1]",
        "::ffff:10.0.0.1",
        "2001:db8::1",
        "[2001:DB8:0::1]",
    ] {
        check_names(&both, host, TRUSTED);
    }
    check_names(
        &both,
        "[10.0.0.2]",
        "x509: certificate is valid for 10.0.0.1, 2001:db8::1, not 10.0.0.2",
    );
    check_names(
        &[dns("10.0.0.1")],
        "10.0.0.1",
        "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
    );
    check_names(
        &[v4],
        HOST,
        "x509: certificate is not valid for any names, but wanted to match gw.example",
    );
}

#[test]
fn a_common_name_is_no_name() {
    let root = Ca::root("Lab Root CA");
    let unnamed = root.leaf_with(|leaf| leaf.subject_alt_names.clear());
    let legacy = "x509: certificate relies on legacy Common Name field, use SANs instead";
    check(std::slice::from_ref(&unnamed), &[&root], legacy);
    check_host(
        "api.example",
        &[unnamed],
        &[&root],
        "x509: certificate is not valid for any names, but wanted to match api.example",
    );
}

#[test]
fn from_a_hundred_names_on_their_number_is_printed() {
    let names = |count: usize| (0..count).map(|i| dns(&format!("n{i}"))).collect::<Vec<_>>();
    let expected = "x509: certificate is valid for 100 names, but none matched gw.example";
    check_names(&names(100), HOST, expected);
    let listed = (0..99).map(|i| format!("n{i}")).collect::<Vec<_>>().join(", ");
    check_names(
        &names(99),
        HOST,
        &format!("x509: certificate is valid for {listed}, not gw.example"),
    );
}

#[test]
fn an_unknown_issuer_is_unknown_and_a_wrong_one_is_hinted_at() {
    let (known, stranger) = (Ca::root("Lab \"Root\" CA\n"), Ca::root("Corp CA"));
    check(&[stranger.leaf()], &[&known], UNKNOWN);
    check(&[stranger.leaf(), stranger.der()], &[&known], UNKNOWN);

    let renewed = Ca::root("Lab \"Root\" CA\n");
    let failure = "x509: ECDSA verification failure";
    let candidate = r#""Lab \"Root\" CA\n""#;
    let because = |fault: &str, candidate: &str| {
        format!(
            "{UNKNOWN} (possibly because of \"{fault}\" while trying to verify candidate authority certificate {candidate})"
        )
    };
    check(&[renewed.leaf()], &[&known], &because(failure, candidate));

    // No authority, and one that may not sign certificates.
    let cannot = "x509: invalid signature: parent certificate cannot sign this kind of certificate";
    let plain = known.sub_with("Lab Intermediate CA", |params| params.is_ca = IsCa::ExplicitNoCa);
    check(
        &[plain.leaf(), plain.der()],
        &[&known],
        &because(cannot, "\"Lab Intermediate CA\""),
    );
    let limited = known.sub_with("Lab Intermediate CA", |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    check(
        &[limited.leaf(), limited.der()],
        &[&known],
        &because(cannot, "\"Lab Intermediate CA\""),
    );

    // ecdsa-with-SHA256, inside and outside, becomes something that nobody knows.
    let mut unknown_algorithm = renewed.leaf();
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    while let Some(at) = unknown_algorithm.windows(oid.len()).position(|window| window == oid) {
        unknown_algorithm[at + oid.len() - 1] = 0x09;
    }
    let unimplemented = "x509: cannot verify signature: algorithm unimplemented";
    check(&[unknown_algorithm], &[&renewed], &because(unimplemented, candidate));
}

#[test]
fn every_usual_kind_of_key_can_sign() {
    let kinds = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "ECDSA P-256", "ECDSA-SHA256"),
        (&rcgen::PKCS_ECDSA_P521_SHA384, "ECDSA P-521", "ECDSA-SHA384"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "ECDSA P-384", "ECDSA-SHA384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "ECDSA P-521", "ECDSA-SHA512"),
        (&rcgen::PKCS_ED25519, "Ed25519", "Ed25519"),
        (&rcgen::PKCS_RSA_SHA256, "RSA 2048", "SHA256-RSA"),
    ];
    for (algorithm, key, signature) in kinds {
        let root = Ca::root_of_key("Lab Root CA", KeyPair::generate_for(algorithm).expect("a key"), |_| {});
        let facts = judge_for(HOST, &[root.leaf(), root.der()], &[&root]);
        assert_eq!(text(&facts), TRUSTED, "{key}");
        assert_eq!(
            (facts.certs[1].key.as_str(), facts.certs[0].signature_algorithm.as_str()),
            (key, signature)
        );

        let mut broken = root.leaf();
        *broken.last_mut().expect("a signature") ^= 1;
        assert!(
            text(&judge_for(HOST, &[broken], &[&root])).contains("verification"),
            "{key}"
        );
    }
}

#[test]
fn issuers_limit_what_is_below_them() {
    let root = Ca::root("Lab Root CA");
    let short = root.sub_with("A", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    check(&[short.leaf(), short.der()], &[&root], TRUSTED);
    let below = short.sub("B");
    let chain = [below.leaf(), below.der(), short.der()];
    check(
        &chain,
        &[&root],
        "x509: too many intermediates for path length constraint",
    );

    let client_only = root.sub_with("C", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let incompatible = "x509: certificate specifies an incompatible key usage";
    check(&[client_only.leaf(), client_only.der()], &[&root], incompatible);
    let usages = |usages: &[ExtendedKeyUsagePurpose]| root.leaf_with(|leaf| leaf.extended_key_usages = usages.to_vec());
    check(
        &[usages(&[ExtendedKeyUsagePurpose::ClientAuth])],
        &[&root],
        incompatible,
    );
    check(&[usages(&[ExtendedKeyUsagePurpose::Any])], &[&root], TRUSTED);
    check(
        &[usages(&[
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ])],
        &[&root],
        TRUSTED,
    );
}

#[test]
fn name_constraints_hold_for_every_name_of_the_leaf() {
    let constrained = |permitted: &[&str], excluded: &[&str]| {
        let subtrees = |names: &[&str]| {
            names
                .iter()
                .map(|name| GeneralSubtree::DnsName((*name).to_owned()))
                .collect()
        };
        let constraints = NameConstraints {
            permitted_subtrees: subtrees(permitted),
            excluded_subtrees: subtrees(excluded),
        };
        Ca::root_with("Lab Root CA", |params| params.name_constraints = Some(constraints))
    };
    let prefix = "x509: a root or intermediate certificate is not authorized to sign for this name: DNS name";

    let root = constrained(&["example"], &[]);
    check(&[root.leaf()], &[&root], TRUSTED);
    let second = root.leaf_with(|leaf| leaf.subject_alt_names.push(dns("gw.test")));
    check(
        &[second],
        &[&root],
        &format!("{prefix} \"gw.test\" is not permitted by any constraint"),
    );

    let root = constrained(&[], &["Gw.example"]);
    check(
        &[root.leaf()],
        &[&root],
        &format!("{prefix} \"gw.example\" is excluded by constraint \"Gw.example\""),
    );
    let wildcard = root.leaf_with(|leaf| leaf.subject_alt_names = vec![dns("*.example")]);
    check(
        &[wildcard],
        &[&root],
        &format!("{prefix} \"*.example\" is excluded by constraint \"gw.example\""),
    );

    let root = constrained(&[".gw.example"], &[]);
    check(
        &[root.leaf()],
        &[&root],
        &format!("{prefix} \"gw.example\" is not permitted by any constraint"),
    );
}

#[test]
fn constraints_of_addresses_and_mailboxes_hold_too() {
    let address = |octets: [u8; 4]| SanType::IpAddress(octets.into());
    let mailbox = |text: &str| SanType::Rfc822Name(text.try_into().expect("ASCII"));
    let network = |octets, prefix| GeneralSubtree::IpAddress(rcgen::CidrSubnet::from_v4_prefix(octets, prefix));
    let mailboxes = |text: &str| GeneralSubtree::Rfc822Name(text.to_owned());
    let permitted_subtrees = vec![
        network([10, 0, 0, 0], 8),
        mailboxes("example"),
        mailboxes("ops@lab.test"),
    ];
    let excluded_subtrees = vec![network([10, 1, 0, 0], 16), network([10, 1, 2, 0], 24)];
    let root = Ca::root_with("Lab Root CA", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees,
            excluded_subtrees,
        });
    });
    let check = |name: SanType, expected: &str| {
        let leaf = root.leaf_with(|leaf| leaf.subject_alt_names.push(name));
        let prefix = "x509: a root or intermediate certificate is not authorized to sign for this name: ";
        let refused = text(&judge_for(HOST, &[leaf], &[&root]));
        assert_eq!(refused.strip_prefix(prefix).unwrap_or(&refused), expected);
    };
    check(address([10, 2, 0, 1]), TRUSTED);
    check(
        address([11, 0, 0, 1]),
        "IP address \"11.0.0.1\" is not permitted by any constraint",
    );
    check(
        address([10, 1, 2, 3]),
        "IP address \"10.1.2.3\" is excluded by constraint \"10.1.0.0/16\"",
    );
    check(mailbox("anybody@gw.Example"), TRUSTED);
    check(mailbox("ops@LAB.test"), TRUSTED);
    check(
        mailbox("dev@lab.test"),
        "email address \"dev@lab.test\" is not permitted by any constraint",
    );
    check(mailbox("nobody"), "cannot parse rfc822Name \"nobody\"");
}

#[test]
fn policies_can_be_demanded() {
    let demand = |params: &mut CertificateParams| {
        params
            .custom_extensions
            .push(extension(&[2, 5, 29, 36], &[0x30, 0x03, 0x80, 0x01, 0x00]));
    };
    let root = Ca::root("Lab Root CA");
    let sub = root.sub_with("Lab Intermediate CA", demand);
    let refused = "x509: no valid chains built: 1 candidate chains with invalid policies";
    check(&[sub.leaf(), sub.der()], &[&root], refused);

    let policy = [0x30, 0x06, 0x30, 0x04, 0x06, 0x02, 0x2a, 0x03];
    let state = |params: &mut CertificateParams| params.custom_extensions.push(extension(&[2, 5, 29, 32], &policy));
    let sub = root.sub_with("Lab Intermediate CA", |params| {
        demand(params);
        state(params);
    });
    check(&[sub.leaf_with(state), sub.der()], &[&root], TRUSTED);
}

#[test]
fn unknown_extensions_matter_only_if_they_are_critical() {
    let root = Ca::root("Lab Root CA");
    let with = |critical: bool| {
        root.leaf_with(|leaf| {
            let mut unknown = extension(&[1, 2, 3, 4], &[0x05, 0x00]);
            unknown.set_criticality(critical);
            leaf.custom_extensions = vec![unknown];
        })
    };
    check(&[with(false)], &[&root], TRUSTED);
    check(&[with(true)], &[&root], "x509: unhandled critical extension");
}

#[test]
fn what_cannot_be_read_is_refused_wherever_it_stands() {
    let root = Ca::root("Lab Root CA");
    let facts = judge_for(HOST, &[root.leaf(), b"garbage".to_vec(), root.der()], &[&root]);
    let reason = "x509: malformed certificate".to_owned();
    let rejection = Rejection::Unreadable { index: 1, reason };
    let logged = "tls: failed to parse certificate from server: x509: malformed certificate";
    assert_eq!(rejection.tls_text(NOW), logged);
    assert_eq!(facts.verdict, Verdict::Rejected(rejection));
    assert_eq!(facts.certs.len(), 1);

    let twice = root.leaf_with(|leaf| leaf.custom_extensions = vec![extension(&[1, 2, 3], &[5, 0]); 2]);
    check(
        &[twice],
        &[&root],
        "x509: certificate contains duplicate extension with OID \"1.2.3\"",
    );
    let trailing = [root.leaf(), vec![0]].concat();
    check(&[trailing], &[&root], "x509: trailing data");
    check(&[], &[&root], "tls: received empty certificates message");
}

#[test]
fn the_search_gives_up_where_go_does() {
    let (root, signer) = (Ca::root("Lab Root CA"), Ca::root("Lab Intermediate CA"));
    let decoys: Vec<_> = (0..100).map(|_| root.sub("Lab Intermediate CA").der()).collect();
    let chain = |decoys: &[Vec<u8>]| [&[signer.leaf()], decoys].concat();
    let limit = "x509: signature check attempts limit reached while verifying certificate chain";
    assert!(text(&judge_for(HOST, &chain(&decoys), &[&root])).contains("ECDSA verification failure"));
    let decoys = [decoys, vec![root.sub("Lab Intermediate CA").der()]].concat();
    check(&chain(&decoys), &[&root], limit);
}

#[test]
fn the_log_line_has_the_prefix_of_the_tls_client() {
    let rejection = Rejection::NoNames { host: HOST.to_owned() };
    let expected = "tls: failed to verify certificate: \
                    x509: certificate is not valid for any names, but wanted to match gw.example";
    assert_eq!(rejection.tls_text(NOW), expected);
}

/// Judges whether an intermediate is missing from `chain`.
fn missing(chain: &[Vec<u8>], anchors: &[&Ca]) -> MissingIntermediate {
    judge_for(HOST, chain, anchors).missing_intermediate
}

fn likely(because: Sign) -> MissingIntermediate {
    MissingIntermediate::Likely { because }
}

#[test]
fn a_forgotten_intermediate_shows_in_the_names() {
    let root = Ca::root("Acme Lab Root CA");
    let telling = |name: &str| missing(&[root.sub(name).leaf()], &[&root]);
    assert_eq!(
        telling("Acme Lab Intermediate CA"),
        likely(Sign::CallsItselfIntermediate)
    );
    assert_eq!(telling("Whatever Issuing CA 2"), likely(Sign::CallsItselfIntermediate));
    assert_eq!(telling("Acme Lab Server CA G2"), likely(Sign::SharesNameWords));
    assert_eq!(telling("Acme"), likely(Sign::SharesNameWords));
    assert_eq!(telling("Lab Network CA"), likely(Sign::SharesNameWords));
    assert_eq!(telling("Acme West Server CA"), MissingIntermediate::Unlikely);
    assert_eq!(telling("R11"), MissingIntermediate::Unlikely);

    let root = Ca::root_with("Trust Anchor 1", organization("Acme Ltd"));
    let sub = root.sub_with("R11", organization("ACME Ltd"));
    assert_eq!(missing(&[sub.leaf()], &[&root]), likely(Sign::SharesOrganisation));
}

#[test]
fn an_unrelated_authority_is_no_missing_intermediate() {
    let roots = ["Lab Root CA", "Example Network CA", "Public Root 2"].map(Ca::root);
    let anchors = roots.iter().collect::<Vec<_>>();
    let corp = Ca::root("Corp CA");
    assert_eq!(missing(&[corp.leaf()], &anchors), MissingIntermediate::Unlikely);
    assert_eq!(
        missing(&[Ca::root("Network CA").leaf()], &anchors),
        MissingIntermediate::Unlikely
    );
    // It says itself that it is a root, whatever else it shares.
    let renewed = Ca::root("Lab Root CA 2030");
    assert_eq!(missing(&[renewed.leaf()], &anchors), MissingIntermediate::Unlikely);

    assert_eq!(missing(&[corp.leaf(), corp.der()], &anchors), MissingIntermediate::No);
    let own = Ca::root_with(HOST, |params| params.subject_alt_names = vec![dns(HOST)]);
    assert_eq!(missing(&[own.der()], &anchors), MissingIntermediate::No);
}

/// Authority information access: caIssuers at this URL.
fn issuer_download(url: &str) -> CustomExtension {
    let length = |extra: usize| u8::try_from(url.len() + extra).expect("short");
    let head = [
        0x30,
        length(14),
        0x30,
        length(12),
        0x06,
        0x08,
        0x2b,
        0x06,
        0x01,
        0x05,
        0x05,
        0x07,
        0x30,
        0x02,
        0x86,
    ];
    extension(
        &[1, 3, 6, 1, 5, 5, 7, 1, 1],
        &[&head[..], &[length(0)], url.as_bytes()].concat(),
    )
}

#[test]
fn a_download_of_the_issuer_speaks_for_a_missing_intermediate_only_in_a_leaf() {
    let anchor = Ca::root("Lab Root CA");
    let public = Ca::root("Public CA X1");
    let sub = public.sub_with("R11", |params| {
        params.custom_extensions = vec![issuer_download("http://x1.test/")]
    });
    let leaf = sub.leaf_with(|leaf| leaf.custom_extensions = vec![issuer_download("http://r11.test/")]);
    assert_eq!(
        missing(std::slice::from_ref(&leaf), &[&anchor]),
        likely(Sign::NamesIssuerDownload)
    );
    // With the intermediate, the chain is whole: its issuer is a root that isn't trusted here.
    assert_eq!(
        missing(&[leaf.clone(), sub.der()], &[&anchor]),
        MissingIntermediate::Unlikely
    );
    assert_eq!(
        judge_for(HOST, &[leaf], &[&anchor]).certs[0].issuer_urls,
        ["http://r11.test/"]
    );
    let directory = Ca::root("DC01").leaf_with(|leaf| leaf.custom_extensions = vec![issuer_download("ldap:///x")]);
    assert_eq!(missing(&[directory], &[&anchor]), MissingIntermediate::Unlikely);
}

#[test]
fn the_intermediate_of_another_certificate_speaks_for_a_missing_one() {
    let root = Ca::root("Lab Root CA");
    let (old, new) = (root.sub("R3"), root.sub("R11"));
    assert_eq!(
        missing(&[new.leaf(), old.der()], &[&root]),
        likely(Sign::SendsAnotherIssuer)
    );
    assert_eq!(
        missing(&[new.leaf(), root.der()], &[&root]),
        likely(Sign::SendsAnotherIssuer)
    );
    assert_eq!(
        missing(&[new.leaf(), Ca::root("Other").der()], &[&root]),
        MissingIntermediate::Unlikely
    );
}

/// An authority key identifier that names the issuer of the issuer's certificate by its common name.
fn authority_issuer(common_name: &str) -> CustomExtension {
    let wrap = |tag: u8, content: Vec<u8>| [vec![tag, u8::try_from(content.len()).expect("short")], content].concat();
    let text = wrap(0x0c, common_name.as_bytes().to_vec());
    let attribute = wrap(0x30, [vec![0x06, 0x03, 0x55, 0x04, 0x03], text].concat());
    let name = wrap(0x30, wrap(0x31, attribute));
    extension(&[2, 5, 29, 35], &wrap(0x30, wrap(0xa1, wrap(0xa4, name))))
}

#[test]
fn the_authority_key_identifier_can_prove_it_either_way() {
    let root = Ca::root("Lab Root CA");
    let named = |issuer: &Ca, by: &str| {
        issuer.leaf_with(|leaf| {
            leaf.use_authority_key_identifier_extension = false;
            leaf.custom_extensions = vec![authority_issuer(by)];
        })
    };
    let sub = root.sub("R11");
    let proven = |by| MissingIntermediate::Proven { by };
    assert_eq!(
        missing(&[named(&sub, "Lab Root CA")], &[&root]),
        proven(Proof::AuthorityIssuer)
    );
    assert_eq!(
        missing(&[named(&sub, "Unrelated CA")], &[&root]),
        MissingIntermediate::Unlikely
    );
    // The issuer is its own issuer: a root, even if it calls itself something else.
    let corp = Ca::root("Lab Intermediate CA");
    assert_eq!(
        missing(&[named(&corp, "Lab Intermediate CA")], &[&root]),
        MissingIntermediate::Unlikely
    );
}

#[test]
fn an_anchors_key_under_another_name_proves_it() {
    let shared = key();
    let anchor = Ca::root_of_key("Lab Root CA", copy(&shared), |_| {});
    let renamed = Ca::root_of_key("Lab CA of 2020", shared, |_| {});
    let expected = MissingIntermediate::Proven { by: Proof::AnchorKey };
    assert_eq!(missing(&[renamed.leaf()], &[&anchor]), expected);

    // The same identifier alone proves nothing: tools hand out constants.
    let constant = |params: &mut CertificateParams| {
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1, 2, 3]);
    };
    let (anchor, other) = (Ca::root_with("Lab Root CA", constant), Ca::root_with("R11", constant));
    assert_eq!(missing(&[other.leaf()], &[&anchor]), MissingIntermediate::Unlikely);
}

#[test]
fn the_order_is_judged_by_names() {
    let root = Ca::root("Lab Root CA");
    let (a, stray) = (root.sub("A"), Ca::root("Stray"));
    let b = a.sub("B");
    let order = |chain: &[Vec<u8>]| judge_for(HOST, chain, &[&root]).order;
    assert_eq!(order(&[b.leaf(), b.der(), a.der(), root.der()]), Order::Right);
    assert_eq!(order(&[b.leaf(), b.der(), stray.der()]), Order::Right);
    assert_eq!(order(&[b.leaf(), a.der(), b.der()]), Order::Wrong);
    assert_eq!(order(&[b.leaf(), stray.der(), b.der()]), Order::Wrong);
    assert_eq!(order(&[b.der(), a.der(), b.leaf()]), Order::LeafNotFirst { leaf: 2 });
    // Go doesn't mind, as long as the leaf is the first.
    check(
        &[b.leaf(), root.der(), a.der(), stray.der(), b.der()],
        &[&root],
        TRUSTED,
    );
}

#[test]
fn facts_keep_the_text_of_strangers_as_it_is_and_bounded() {
    let root = Ca::root("\u{1b}[31mRoot\u{7}");
    let leaf = root.leaf_with(|leaf| {
        leaf.distinguished_name.push(DnType::OrganizationName, "é".repeat(300));
        leaf.subject_alt_names = (0..150).map(|i| dns(&format!("n{i}"))).collect();
        leaf.subject_alt_names
            .push(SanType::URI("spiffe://x".try_into().expect("ASCII")));
        leaf.serial_number = Some(vec![0x00, 0xab, 0xcd].into());
    });
    let facts = judge_for("n7", &[leaf, root.der()], &[&root]);
    let [leaf, root] = facts.certs.as_slice() else {
        panic!("two certificates")
    };
    assert_eq!(leaf.issuer_cn, "\u{1b}[31mRoot\u{7}");
    assert_eq!((leaf.subject_org.chars().count(), leaf.dns_names.len()), (256, 100));
    assert_eq!(
        (leaf.serial.as_str(), leaf.version, leaf.other_names),
        ("abcd", 3, true)
    );
    assert_eq!(
        (leaf.is_ca, leaf.self_issued, root.is_ca, root.self_issued),
        (false, false, true, true)
    );
    assert_eq!((&leaf.authority_key_id, leaf.sha256.len()), (&root.subject_key_id, 64));
    assert_eq!((leaf.not_before, leaf.ip_addresses.len()), (157_766_400, 0));
}

#[test]
fn a_trust_store_takes_what_it_can_read() {
    let (a, b) = (Ca::root("A"), Ca::root("B"));
    assert_eq!(
        Roots::from_der([a.der(), b"garbage".to_vec(), b.der(), a.der()]).len(),
        2
    );

    let key = key().serialize_pem();
    let text = format!("# A\n{}{key}{}", a.0.pem(), b.0.pem().replace('\n', "\r\n"));
    assert_eq!(Roots::from_pem(text.as_bytes()).map(|roots| roots.len()), Ok(2));
    let headed = a.0.pem().replacen('\n', "\nProc-Type: 4\n\n", 1);
    for none in [key, headed, "/etc/ssl/ca.pem".to_owned(), String::new()] {
        assert_eq!(
            Roots::from_pem(none.as_bytes()).map(|roots| roots.len()),
            Err(NoCertificate)
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_verdict(
        chain in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
        host in any::<String>(),
        now in any::<i64>(),
        pem in any::<Vec<u8>>(),
    ) {
        let facts = judge(&chain, &host, &Roots::from_pem(&pem).unwrap_or_default(), now);
        assert!(matches!(facts.verdict, Verdict::Rejected(_)));
        text(&facts);
    }

    #[test]
    fn any_text_is_a_uri_or_not(text in "\\PC{0,12}", scheme in "(x:|http:|)(//|)(\\[|)") {
        let text: String = scheme.chars().chain(text.chars()).filter(char::is_ascii).collect();
        let _ = uri::Uri::read(&text);
    }
}

#[test]
fn mutated_certificates_give_a_verdict() {
    let root = Ca::root_with("Lab Root CA", |params| {
        let email = GeneralSubtree::Rfc822Name("a@example".to_owned());
        let address = GeneralSubtree::IpAddress(rcgen::CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8));
        let permitted_subtrees = vec![GeneralSubtree::DnsName("example".to_owned()), email, address];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees,
            excluded_subtrees: Vec::new(),
        });
    });
    let sub = root.sub("Lab Intermediate CA");
    let leaf = sub.leaf_with(|leaf| {
        leaf.subject_alt_names.push(SanType::IpAddress([10, 0, 0, 1].into()));
        leaf.subject_alt_names
            .push(SanType::Rfc822Name("a@example".try_into().expect("ASCII")));
        leaf.custom_extensions = vec![
            issuer_download("http://r11.test/"),
            extension(&[2, 5, 29, 54], &[2, 1, 0]),
        ];
    });
    let whole = [leaf, sub.der(), root.der()];
    let anchors = roots(&[&root]);
    let change = (any::<Index>(), any::<Index>(), any::<u8>());
    proptest!(|(changes in prop::collection::vec(change, 1..4), truncate in any::<Option<Index>>())| {
        let mut chain = whole.clone();
        for (which, at, byte) in changes {
            let certificate = &mut chain[which.index(whole.len())];
            let at = at.index(certificate.len());
            certificate[at] = byte;
        }
        if let Some(at) = truncate {
            let at = at.index(chain[0].len());
            chain[0].truncate(at);
        }
        let facts = judge(&chain, HOST, &anchors, NOW);
        text(&facts);
        text(&judge(&chain, HOST, &Roots::from_der(&chain), NOW));
    });
}
