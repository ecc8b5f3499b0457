//! The products that inspect TLS, by the issuer that they write into the certificates that they make.
//!
//! Only the issuer's organisation and common name are read: cities are called Palo Alto, too. An authority that a company
//! made itself and loaded into its firewall isn't known here, and is HD306.

use hoop_doctor_probes::x509::CertFacts;

/// A product, by words of the issuer that it comes with.
struct Inspector {
    /// Whole words of the organisation or the common name, in lower case, with a space for whatever separates them.
    words: &'static str,
    /// Whose product it is, as a part of a sentence.
    vendor: &'static str,
    /// An issuer of that kind: organisation and common name.
    #[cfg_attr(not(test), expect(dead_code, reason = "each row brings its own test"))]
    example: (&'static str, &'static str),
}

/// The inspection product that made this certificate, by its issuer.
pub(crate) fn inspector(cert: &CertFacts) -> Option<&'static str> {
    by_names(&cert.issuer_org, &cert.issuer_cn)
}

fn by_names(organisation: &str, common_name: &str) -> Option<&'static str> {
    let names = [words_of(organisation), words_of(common_name)];
    let says = |words: &str| names.iter().any(|name| name.contains(&format!(" {words} ")));
    if NO_INSPECTORS.iter().any(|words| says(words)) {
        return None;
    }
    let found = INSPECTORS.iter().find(|inspector| says(inspector.words))?;
    Some(found.vendor)
}

/// The words of a name in lower case, with one space before and behind each.
fn words_of(name: &str) -> String {
    let mut words = " ".to_owned();
    for word in name
        .split(|one: char| !one.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        words += &word.to_lowercase();
        words.push(' ');
    }
    words
}

/// Authorities with such words that sign no certificates of others.
const NO_INSPECTORS: [&str; 2] = [
    // Blue Coat's own servers, below a public root.
    "blue coat public services",
    // The factory's, which signs what an appliance shows on its own account.
    "fortinet subca2001",
];

/// The rule of the rows: the words are those of the authority that a product makes or brings by itself.
/// mitmproxy's was measured. That Zscaler's intermediate is the issuer says Zscaler Help, "Choosing the CA Certificate for SSL
/// Inspection". The others are what these products are known to call theirs; none of them was in the lab.
const INSPECTORS: &[Inspector] = &[
    row("mitmproxy", "mitmproxy", ("mitmproxy", "mitmproxy")),
    // Cloud services.
    row(
        "zscaler",
        "Zscaler",
        ("Zscaler Inc.", "Zscaler Intermediate Root CA (zscalertwo.net)"),
    ),
    row("netskope", "Netskope", ("Netskope Inc", "caadmin.netskope.com")),
    row("goskope", "Netskope", ("Example Corp", "ca.example.goskope.com")),
    row(
        "cisco umbrella",
        "Cisco Umbrella",
        ("Cisco", "Cisco Umbrella Secondary SubCA fra-SG"),
    ),
    row("opendns", "Cisco Umbrella", ("OpenDNS, Inc.", "OpenDNS Root CA")),
    row(
        "cisco secure access",
        "Cisco Secure Access",
        ("Cisco", "Cisco Secure Access Root CA"),
    ),
    row(
        "gateway ca cloudflare managed",
        "Cloudflare Gateway",
        (
            "Cloudflare, Inc.",
            "Gateway CA - Cloudflare Managed G1 0123456789abcdef",
        ),
    ),
    row(
        "cloudflare for teams",
        "Cloudflare Gateway",
        ("Cloudflare, Inc.", "Cloudflare for Teams ECC Certificate Authority"),
    ),
    row(
        "menlo security",
        "Menlo Security",
        ("Menlo Security", "Menlo Security Root CA"),
    ),
    row("iboss", "iboss", ("iboss, Inc.", "iboss Network Security")),
    row(
        "symantec web security service",
        "Symantec's web gateway",
        ("Symantec Corporation", "Symantec Web Security Service Root CA"),
    ),
    row("forcepoint", "Forcepoint", ("Forcepoint LLC", "Forcepoint Cloud CA")),
    row(
        "websense",
        "Forcepoint",
        ("Websense, Inc.", "Websense Public Primary Certificate Authority"),
    ),
    row("skyhigh", "Skyhigh", ("Skyhigh Security", "Skyhigh Web Gateway")),
    row("trellix", "Trellix", ("Trellix", "Trellix Web Gateway")),
    row(
        "mcafee web gateway",
        "McAfee Web Gateway",
        ("McAfee", "McAfee Web Gateway"),
    ),
    // Firewalls and appliances.
    row(
        "palo alto networks",
        "a Palo Alto firewall",
        ("Palo Alto Networks", "Forward Trust CA"),
    ),
    row("fortinet", "a Fortinet firewall", ("Fortinet", "FG100ETK18000000")),
    row("fortigate", "a Fortinet firewall", ("", "FortiGate CA")),
    row(
        "ironport",
        "a Cisco Secure Web Appliance",
        ("Cisco IronPort", "Web Security Appliance"),
    ),
    row(
        "cisco web security appliance",
        "a Cisco Secure Web Appliance",
        ("Cisco", "Cisco Web Security Appliance"),
    ),
    row("sophos", "a Sophos firewall", ("Sophos", "Sophos SSL CA_C01001ABCDEF")),
    row(
        "securityappliance ssl ca",
        "a Sophos firewall",
        ("Example Corp", "SecurityAppliance_SSL_CA"),
    ),
    row(
        "blue coat",
        "a Blue Coat proxy",
        ("Blue Coat Systems, Inc.", "10.0.0.1"),
    ),
    row("bluecoat", "a Blue Coat proxy", ("", "bluecoat.example.com")),
    row("proxysg", "a Blue Coat proxy", ("Example Corp", "ProxySG CA")),
    row(
        "check point",
        "a Check Point firewall",
        ("Check Point", "Check Point HTTPS Inspection CA"),
    ),
    row(
        "watchguard",
        "a WatchGuard firewall",
        ("WatchGuard_Technologies", "Fireware HTTPS Proxy (SN 80AB0123) CA"),
    ),
    row(
        "sonicwall",
        "a SonicWall firewall",
        ("SonicWALL Inc.", "SonicWALL Firewall DPI-SSL"),
    ),
    row(
        "barracuda networks",
        "a Barracuda gateway",
        ("Barracuda Networks", "Barracuda Web Security Gateway"),
    ),
    row("squid", "a Squid proxy", ("Squid", "squid.example.com")),
    // Programs on this machine.
    row(
        "kaspersky",
        "Kaspersky",
        ("AO Kaspersky Lab", "Kaspersky Anti-Virus Personal Root Certificate"),
    ),
    row("eset", "ESET", ("ESET, spol. s r. o.", "ESET SSL Filter CA")),
    row(
        "avast",
        "Avast",
        ("avast! Web/Mail Shield", "avast! Web/Mail Shield Root"),
    ),
    row("avg", "AVG", ("AVG Web/Mail Shield", "AVG Web/Mail Shield Root")),
    row(
        "bitdefender",
        "Bitdefender",
        ("Bitdefender", "Bitdefender Personal CA.Net-Defender"),
    ),
    row(
        "charles proxy",
        "Charles",
        ("XK72 Ltd", "Charles Proxy CA (19 Jul 2024, example)"),
    ),
    row("fiddlerroot", "Fiddler", ("DO_NOT_TRUST", "DO_NOT_TRUST_FiddlerRoot")),
    row("portswigger", "Burp", ("PortSwigger", "PortSwigger CA")),
];

const fn row(words: &'static str, vendor: &'static str, example: (&'static str, &'static str)) -> Inspector {
    Inspector { words, vendor, example }
}

#[cfg(test)]
mod tests {
    use super::{INSPECTORS, by_names};

    #[test]
    fn each_row_is_known_by_its_own_words() {
        for (index, inspector) in INSPECTORS.iter().enumerate() {
            let (organisation, common_name) = inspector.example;
            let found = by_names(organisation, common_name);
            assert_eq!(found, Some(inspector.vendor), "{organisation}, {common_name}");
            // A row before it that takes its example would leave it untested.
            let words = inspector.words;
            let found = by_names(words, "");
            assert_eq!(found, Some(inspector.vendor), "{words}");
            assert!(
                INSPECTORS[..index].iter().all(|earlier| !words.contains(earlier.words)),
                "{words} is never reached"
            );
        }
    }

    #[test]
    fn authorities_with_such_names_that_inspect_nothing_are_left_alone() {
        for (organisation, common_name) in [
            ("", ""),
            ("Let's Encrypt", "R11"),
            // A vendor's public authority issues for servers, its own and its customers'.
            ("Cloudflare, Inc.", "Cloudflare Inc ECC CA-3"),
            ("SSL Corporation", "Cloudflare TLS Issuing ECC CA 1"),
            ("Cloudflare, Inc.", "CloudFlare Origin Certificate Authority"),
            ("Cisco Systems", "Cisco Root CA 2048"),
            ("Cisco Systems, Inc.", "Cisco XSSL-R2"),
            ("Symantec Corporation", "Symantec Class 3 Secure Server CA - G4"),
            ("Blue Coat Systems, Inc.", "Blue Coat Public Services Intermediate CA"),
            ("Fortinet", "fortinet-subca2001"),
            // Other people's names.
            ("City of Palo Alto", "Issuing CA 1"),
            ("Checkpoint Systems", "Checkpoint Systems CA"),
            ("Charles Schwab", "Charles Schwab Issuing CA"),
            ("Barracuda Drilling", "Barracuda Root"),
            ("Reset Ltd", "Reset CA"),
            ("Squidward Seafood", "Squidward CA"),
            ("McAfee", "McAfee Issuing CA 01"),
        ] {
            assert_eq!(
                by_names(organisation, common_name),
                None,
                "{organisation}, {common_name}"
            );
        }
    }
}
