//! Forward proxies: which one Go goes through, for thousands of addresses and variables.

use hoop_doctor::gourl::proxy::{Proxies, Proxy, RefusedInCgi, Variables};
use serde::{Deserialize, Serialize};

use super::{Dice, ask};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    scheme: &'static str,
    host: String,
    #[serde(rename = "HTTP")]
    http: String,
    #[serde(rename = "HTTPS")]
    https: String,
    #[serde(rename = "NO")]
    no: String,
    #[serde(rename = "CGI")]
    cgi: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    used: bool,
    scheme: String,
    host: String,
    login: String,
    error: String,
}

#[test]
fn go_takes_the_forward_proxy_that_we_say_it_does() {
    let asked = questions();
    let Some(answers) = ask::<_, Answer>("proxies", &asked) else {
        return;
    };
    let mut wrong = Vec::new();
    for (asked, go) in asked.iter().zip(&answers) {
        let ours = asked.answer();
        if ours != *go {
            wrong.push(format!("{asked:?}\n  Go   {go:?}\n  ours {ours:?}"));
        }
    }
    let count = asked.len();
    assert!(
        wrong.is_empty(),
        "{} of {count} differ\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    // Neither answer is rare, or the questions have gone wrong.
    let used = answers.iter().filter(|answer| answer.used).count();
    assert!(
        (count / 5..count * 4 / 5).contains(&used),
        "{used} of {count} are proxied"
    );
}

impl Asked {
    fn answer(&self) -> Answer {
        let proxies = Proxies::new(Variables {
            http: &self.http,
            https: &self.https,
            no: &self.no,
            cgi: self.cgi,
        });
        let proxy = match self.scheme {
            "https" => Ok(proxies.for_https(&self.host)),
            _ => proxies.for_http(&self.host),
        };
        let of = |proxy: &Proxy| Answer {
            used: true,
            scheme: proxy.scheme.clone(),
            host: proxy.host.clone(),
            login: proxy.login.as_ref().map_or("", |login| login.expose()).to_owned(),
            error: String::new(),
        };
        let none = |error: Option<RefusedInCgi>| Answer {
            used: false,
            scheme: String::new(),
            host: String::new(),
            login: String::new(),
            error: error.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        match proxy {
            Ok(Some(proxy)) => of(proxy),
            Ok(None) => none(None),
            Err(error) => none(Some(error)),
        }
    }
}

fn questions() -> Vec<Asked> {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let proxy = |dice: &mut Dice| match dice.roll(3) {
        0 => dice.pick(PROXIES).to_owned(),
        _ => "http://proxy.test:3128".to_owned(),
    };
    (0..QUESTIONS)
        .map(|_| Asked {
            scheme: dice.pick(&["https", "https", "http"]),
            host: dice.pick(HOSTS).to_owned() + dice.pick(&["", ":443", ":80", ":8443", ":8443", ":", ":x", ":08443"]),
            http: proxy(&mut dice),
            https: proxy(&mut dice),
            no: no_proxy(&mut dice),
            cgi: dice.roll(8) == 0,
        })
        .collect()
}

/// A few entries, most of which have something to do with one of the hosts.
fn no_proxy(dice: &mut Dice) -> String {
    let mut entries = Vec::new();
    for _ in 0..dice.roll(4) {
        let entry = match dice.roll(3) {
            0 => dice.pick(HOSTS),
            1 => dice.pick(ENTRIES),
            _ => dice.pick(DOMAINS),
        };
        let before = dice.pick(&["", "", "", ".", "*.", " ", "*"]);
        let after = dice.pick(&["", "", "", ":8443", ":443", ":", " ", "/24", "/8", "/0"]);
        entries.push(format!("{before}{entry}{after}"));
    }
    entries.join(dice.pick(&[",", ", ", ",,", " "]))
}

const QUESTIONS: usize = 20_000;

const HOSTS: &[&str] = &[
    "gw.example.com",
    "GW.Example.com",
    "gw.example.com.",
    "example.com",
    "notexample.com",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.1.2.3",
    "127.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.1.2.3]",
    "10.1.2.3",
    "10.1.2.4",
    "010.1.2.3",
    "192.168.0.1",
    "0.0.0.0",
    "[fd00::1]",
    "[fd00::1%eth0]",
    "[fe80::1%25eth0]",
    "[::]",
    "::1",
    "fd00::1",
    "[example.com]",
    "exa[mple.com",
    "example]",
    "a b.example.com",
    " example.com",
    "com",
    "",
    ".",
    "1",
    "a_b.example.com",
];
const DOMAINS: &[&str] = &[
    "example.com",
    "EXAMPLE.com",
    "xample.com",
    "com",
    "w.example.com",
    "example.com.",
    "localhost",
    "com:8443",
    ".com",
    "*.com",
    "**.com",
];
const ENTRIES: &[&str] = &[
    "*",
    "10.0.0.0/8",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "10.1.2.3/33",
    "10.1.2.3/08",
    "10.1.2.3/+8",
    "10.1.2.3/",
    "010.0.0.0/8",
    "::ffff:10.0.0.0/104",
    "::ffff:10.0.0.0/90",
    "::/0",
    "0.0.0.0/0",
    "fd00::/8",
    "fd00::1",
    "[fd00::1]",
    "[fd00::1]:8443",
    "fe80::/10",
    "fe80::1%eth0/64",
    "10.1.2.3:8443",
    "10.1.2.3:08443",
    "::ffff:10.1.2.3",
    ":8443",
    "[]:8443",
    "[",
    "10.1.2",
    "192.168.*",
    "",
];
const PROXIES: &[&str] = &[
    "",
    "proxy.test",
    "proxy.test:3128",
    "PROXY.test:3128",
    "HTTP://proxy.test",
    "https://proxy.test:3129",
    "socks5://proxy.test",
    "socks5h://u:p@proxy.test:1080",
    "http://user:pass@proxy.test:3128",
    "user:pass@proxy.test:3128",
    "http://us%40er:p%3Aw@proxy.test:3128",
    "http://user@proxy.test:3128",
    "http://:pass@proxy.test",
    "http://u:p@ss@proxy.test:3128",
    "http://u:p w@proxy.test:3128",
    "http://u:p/w@proxy.test:3128",
    "http://proxy.test:3128/path?query",
    "http://[::1]:3128",
    "[::1]:3128",
    "::1",
    "http://",
    "http:",
    "/",
    ":3128",
    "http://:3128",
    "http://proxy.test:",
    "http://proxy.test:port",
    "proxy test",
    " http://proxy.test",
    "http://proxy.test ",
    "\"http://proxy.test\"",
    "%zz",
    "10.0.0.1",
    "10.0.0.1:3128",
    "unix:///run/proxy",
    "direct",
    "http//proxy.test",
];
