//! Certificate chains with faults of every kind: our verdict is that of Go's crypto/x509, to the letter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hoop_doctor_probes::x509::{Roots, Verdict, judge};
use serde::{Deserialize, Serialize};

use super::ask;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Numbered {
    number: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Chain {
    certificates: Vec<String>,
    roots: Option<Vec<String>>,
    host: String,
    now: i64,
    text: String,
}

#[test]
fn a_chain_is_judged_as_go_judges_it() {
    let numbers: Vec<_> = (1..=CHAINS).map(|number| Numbered { number }).collect();
    let Some(chains) = ask::<_, Chain>("chains", &numbers) else {
        return;
    };
    let mut wrong = Vec::new();
    let mut trusted = 0;
    for (Numbered { number }, chain) in numbers.iter().zip(&chains) {
        let roots = Roots::from_der(decoded(chain.roots.as_deref().unwrap_or_default()));
        let sent = decoded(&chain.certificates);
        let text = match judge(&sent, &chain.host, &roots, chain.now).verdict {
            Verdict::Trusted(_) => {
                trusted += 1;
                String::new()
            }
            Verdict::Rejected(rejection) => rejection.tls_text(chain.now),
        };
        if text != chain.text {
            wrong.push(format!("chain {number}\n  Go   {:?}\n  ours {text:?}", chain.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {CHAINS} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // A generator that has gone wrong makes nothing but rubbish, or nothing that is wrong.
    assert!((CHAINS / 10..CHAINS / 2).contains(&trusted), "{trusted} are trusted");
}

fn decoded(certificates: &[String]) -> Vec<Vec<u8>> {
    certificates
        .iter()
        .map(|text| STANDARD.decode(text).expect("Go writes base64"))
        .collect()
}

const CHAINS: usize = 2_000;
