//! Addresses and keys, most of them odd: Hoop's four readers make of them what we say that they do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hoop_doctor::config::{Asked, Environment, Identity, Rule, Security, discover};
use hoop_doctor::gourl;
use serde::{Deserialize, Serialize};

use super::{Dice, ask};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Reader {
    Client,
    Key,
    Spiffe,
    Legacy,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configured {
    reader: Reader,
    text: String,
    insecure: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reading {
    unreadable: String,
    refused: String,
    #[serde(rename = "TLS")]
    tls: bool,
    /// Base64: a host may be any bytes.
    target: Option<String>,
    dial: Dial,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dial {
    host: String,
    port: u16,
    /// A resolver of grpc-go's own would ask for the address, so the dialer has none yet.
    asked: bool,
    error: String,
}

#[test]
fn an_address_is_read_as_hoop_reads_it() {
    let configured = configured();
    let Some(readings) = ask::<_, Reading>("addresses", &configured) else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder for a home can be made");
    let jwt = home.path().join("agent.jwt");
    fs::write(&jwt, "e30.e30.c2lnbmF0dXJl").expect("the home is writable");

    let mut wrong = Vec::new();
    let mut dialled = 0;
    for (configured, reading) in configured.iter().zip(&readings) {
        let ours = configured.identity(&jwt);
        dialled += usize::from(ours.grpc.is_some());
        if let Err(why) = same(configured, &ours, reading) {
            wrong.push(format!(
                "{configured:?}\n  {why}\n  Go   {reading:?}\n  ours {:?}",
                ours.problems
            ));
        }
    }
    let count = configured.len();
    assert!(
        wrong.is_empty(),
        "{} of {count} differ\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    // A generator that has gone wrong makes nothing but rubbish, or nothing that is odd.
    assert!(
        (count / 20..count / 2).contains(&dialled),
        "{dialled} of {count} can be dialled"
    );
}

impl Configured {
    /// Who it makes, in our reading.
    fn identity(&self, jwt: &Path) -> Identity {
        let mut variables = match self.reader {
            Reader::Client => vec![
                ("HOOP_GRPCURL", &*self.text),
                ("HOOP_APIURL", "http://127.0.0.1:8009"),
                ("HOOP_TOKEN", "xapi-token"),
            ],
            Reader::Key => vec![("HOOP_KEY", &*self.text)],
            Reader::Spiffe => vec![
                ("HOOP_GRPCURL", &*self.text),
                (
                    "HOOP_SPIFFE_KEY_FILE",
                    jwt.to_str().expect("temporary folders have plain names"),
                ),
            ],
            Reader::Legacy => vec![("HOOP_GRPCURL", &*self.text), ("TOKEN", "x-agt-token")],
        };
        if self.insecure {
            variables.push(("HOOP_GRPC_INSECURE", "true"));
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let asked = Asked {
            rule: Some(match self.reader {
                Reader::Client => Rule::Client,
                Reader::Key | Reader::Spiffe | Reader::Legacy => Rule::Agent,
            }),
            ..Asked::default()
        };
        let found =
            discover(&Environment::new(variables, PathBuf::from("/"), now), &asked).expect("no file is asked for");
        found
            .identities
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("nobody reads {self:?}"))
    }
}

/// Whether both readings are the same; if not, the first thing in which they differ.
fn same(configured: &Configured, ours: &Identity, go: &Reading) -> Result<(), String> {
    let text = &configured.text;
    let unreadable = match configured.reader {
        Reader::Key => gourl::parse_key(text).err(),
        Reader::Client | Reader::Spiffe | Reader::Legacy => gourl::parse(text).err(),
    };
    let unreadable = unreadable.map(|error| error.exact().expose().to_owned());
    equal(
        "what can't be read",
        unreadable.as_deref().unwrap_or_default(),
        &*go.unreadable,
    )?;

    let printed = || ours.problems.iter().filter_map(|problem| problem.printed_by_hoop());
    if !go.refused.is_empty() {
        // What can't be read was compared above; here it is without its secret.
        let is_said = go.refused == go.unreadable || printed().any(|said| said.ends_with(&go.refused));
        return match ours.grpc {
            None if is_said => Ok(()),
            None => Err("Hoop's refusal is not what we say it prints".to_owned()),
            Some(_) => Err("Hoop refuses it, we don't".to_owned()),
        };
    }
    let tls = ours.tls.as_ref().map(|tls| tls.security == Security::Tls);
    equal("TLS", tls, Some(go.tls))?;
    let Some(grpc) = &ours.grpc else {
        // Nothing listens on port 0, and without a host it is this machine that is dialled.
        let useless = go.dial.port == 0 || go.dial.host.is_empty();
        return match &*go.dial.error {
            "" if useless => Ok(()),
            "" => Err("Go dials it, we don't".to_owned()),
            error if printed().any(|said| said.contains(HIDDEN) || error.contains(&said)) => Ok(()),
            // Where a secret may be in it, what we print isn't what Go prints.
            _ => Err("the dialer's refusal is not what we say it prints".to_owned()),
        };
    };
    let target = STANDARD
        .decode(go.target.as_deref().unwrap_or_default())
        .expect("Go writes base64");
    equal("the target", grpc.target.expose(), &*String::from_utf8_lossy(&target))?;
    if go.dial.asked {
        return Ok(());
    }
    equal("why it isn't dialled", "", &*go.dial.error)?;
    equal(
        "what is dialled",
        (&*grpc.host, grpc.port),
        (&*go.dial.host, go.dial.port),
    )
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, go: T) -> Result<(), String> {
    if ours == go {
        Ok(())
    } else {
        Err(format!("{what}: {go:?}, not {ours:?}"))
    }
}

/// Every text for every reader.
fn configured() -> Vec<Configured> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut texts: BTreeSet<String> = ["127.0.0.1:8010", "localhost:8010", "host", ":8010", "::1", "[::1]:8010"]
        .map(str::to_owned)
        .into();
    while texts.len() < TEXTS {
        texts.insert(match dice.roll(5) {
            0 => soup(&mut dice),
            1 => bracketed(&mut dice),
            _ => address(&mut dice),
        });
    }
    // An empty variable is an unset one.
    texts.remove("");
    let mut configured = Vec::new();
    for text in texts {
        for reader in [Reader::Client, Reader::Key, Reader::Spiffe, Reader::Legacy] {
            let insecure = dice.roll(4) == 0;
            configured.push(Configured {
                reader,
                text: text.clone(),
                insecure,
            });
        }
    }
    configured
}

/// Something that has the parts of an address or a key, few of them odd.
fn address(dice: &mut Dice) -> String {
    let user = match dice.roll(2) {
        0 => "",
        _ => part(dice, "n:s@", USERS),
    };
    let scheme = dice.pick(&["grpcs://", "grpc://", "https://", "http://", ""]);
    let parts = [
        part(dice, scheme, SCHEMES),
        user,
        part(dice, "gw.example.com", HOSTS),
        part(dice, ":8010", PORTS),
        part(dice, "", TAILS),
    ];
    parts.concat()
}

fn part<'a>(dice: &mut Dice, plain: &'a str, odd: &[&'a str]) -> &'a str {
    match dice.roll(3) {
        0 => dice.pick(odd),
        _ => plain,
    }
}

/// An IPv6 address, or what somebody took for one.
fn bracketed(dice: &mut Dice) -> String {
    let mut text = dice.pick(&["grpcs://", "http://n:s@", "grpc://n:s@", ""]).to_owned() + "[";
    for part in 0..=dice.roll(9) {
        if part > 0 {
            text += dice.pick(&[":", ":", ":", "::", "."]);
        }
        text += dice.pick(&["0", "1", "ffff", "12345", "1.2.3.4", "a", "", "0db8", "255", "g"]);
    }
    text + dice.pick(&["]:8010", "]:8010", "]", "%25e]:1", "%25]", "%eth0]:1", ":1", "]x"])
}

/// Pieces of addresses without any order.
fn soup(dice: &mut Dice) -> String {
    (0..=dice.roll(7)).map(|_| dice.pick(PIECES)).collect()
}

const HIDDEN: &str = "••••";
const TEXTS: usize = 4_000;

const SCHEMES: &[&str] = &[
    "wss://",
    "ws://",
    "tls://",
    "tcp://",
    "GRPC://",
    "GRPCS://",
    "Http://",
    "//",
    "",
    "dns:///",
    "dns:",
    "passthrough:///",
    "unix://",
    "unix:",
    "grpc:",
    "x+y.z://",
    "1a://",
    " grpcs://",
    "\"grpcs://",
    "HOOP_KEY=grpcs://",
    "://",
];
const USERS: &[&str] = &[
    "agent:xagt-0123456789abcdef@",
    "n@",
    ":s@",
    "n:@",
    "a%20b:c%2Bd@",
    "n:s@t@",
    "n:s e@",
    "n:s/t@",
    "n:12/t@",
    "n:s?t@",
    "n:s#t@",
    "n:s%zz@",
    "n:s\"@",
    "n:sé@",
    "n:s+t@",
    "n:s\n@",
];
const HOSTS: &[&str] = &[
    "host",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "::1",
    "a_b.c",
    "-a.b",
    "a-.b",
    "a..b",
    "1.2.3",
    "999",
    "",
    "ü.de",
    "h%c3%a9",
    "h%e9",
    "h%41",
    "a.",
    "a b",
    "h\t",
];
const PORTS: &[&str] = &[
    ":443",
    "",
    ":",
    ":0",
    ":65535",
    ":65536",
    ":70000",
    ":99999999999",
    ":abc",
    ":https",
    ":+1",
    ":-1",
    ":8010 ",
    ":8010\n",
    ":٣",
    ":80:80",
];
const TAILS: &[&str] = &[
    "/",
    "/api",
    "?mode=embedded",
    "?mode=standard",
    "?mode=embedded&mode=x",
    "?a;b&mode=standard",
    "#f",
    "#%zz",
    "?x=%zz&mode=y",
    "?mode=%65mbedded",
    "/%zz",
    "/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    " ",
    "\"",
];
const PIECES: &[&str] = &[
    "grpcs",
    "grpc",
    "http",
    "https",
    "ws",
    "HTTP",
    "://",
    "//",
    "/",
    ":",
    ":",
    ":",
    "@",
    "?",
    "#",
    "[",
    "]",
    "%",
    "%25",
    "%zz",
    "%41",
    "%e9",
    "%2",
    "::1",
    "fe80::1",
    "127.0.0.1",
    "::ffff:1.2.3.4",
    "1.2.3",
    "01.2.3.4",
    "host",
    "gw.example.com",
    "name",
    "secret",
    "8443",
    "8010",
    "0",
    "70000",
    "99999999999",
    "+80",
    "-1",
    "&",
    "=",
    "a b",
    " ",
    "\n",
    "\t",
    "\u{7f}",
    "é",
    "日本",
    "\u{200b}",
    "\u{a0}",
    "\"",
    "'",
    "<",
    ">",
    "\\",
    "^",
    "`",
    "{",
    "}",
    "|",
    "!",
    "$",
    "(",
    ")",
    "*",
    "+",
    ",",
    ";",
    "~",
    ".",
    "_",
    "-",
    "%25eth0",
    "dns",
    "passthrough",
    "unix",
    "///",
    "a:b:c",
];
