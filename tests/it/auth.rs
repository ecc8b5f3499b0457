//! `check --auth`: what is asked with a token, and that the token goes nowhere else.

mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hoop_doctor_probes::auth::{Authenticated, Bearer, Channel, Withheld};
use hoop_doctor_probes::conversation::{
    Budget, Conversation, Heard, Notebook, Peer, Prelude, Security, Speech, converse,
};
use hoop_doctor_probes::cx::Cx;
use hoop_doctor_probes::tcp;
use hoop_doctor_probes::tls::{Alpn, Offer, Trust};
use hoop_doctor_standin::{Options, StandIn, Tls, start};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::lab::certificates::{Certificates, GATEWAY};
use servers::Server;

/// Long enough that none of it comes up by chance.
const TOKEN: &str = "hpk_n0b0dy-else-says-this-0123456789";

/// One connection that a token is to be said on.
struct Way {
    /// The server's certificate, by its placeholder in the lab; `None` for cleartext.
    certificate: Option<&'static str>,
    /// Whether we speak TLS.
    security: Security,
    /// What the configuration says.
    channel: Channel,
    /// Why nothing may be said.
    withheld: Option<Withheld>,
}

#[test]
fn a_token_is_said_only_on_the_connection_that_the_configuration_means() -> io::Result<()> {
    use Channel::{AnyTls, Plaintext, VerifiedTls};
    let tls = Security::Tls(Offer::of(Alpn::H2AndHttp11));
    let way = |certificate, security, channel, withheld| Way {
        certificate,
        security,
        channel,
        withheld,
    };
    let refused = Some(Withheld::Certificate);
    let ways = [
        way(Some("CERT"), tls, VerifiedTls, None),
        way(Some("CERT_SELF"), tls, AnyTls, None),
        way(None, Security::Plaintext, Plaintext, None),
        way(Some("CERT_SELF"), tls, VerifiedTls, refused),
        way(Some("CERT_OTHER"), tls, VerifiedTls, refused),
        way(Some("CERT_EXPIRED"), tls, VerifiedTls, refused),
        way(Some("CERT_CNONLY"), tls, VerifiedTls, refused),
        way(None, Security::Plaintext, VerifiedTls, Some(Withheld::Channel)),
        way(None, Security::Plaintext, AnyTls, Some(Withheld::Channel)),
        way(Some("CERT"), tls, Plaintext, Some(Withheld::Channel)),
    ];
    let folder = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&folder.path().join("certificates"))?;
    let runtime = runtime()?;
    for way in &ways {
        for grpc in [true, false] {
            let server = recorder(&certificates, way.certificate)?;
            let bearer = Bearer::new(TOKEN).expect("a token");
            let said = match grpc {
                true => Authenticated::connect(bearer, way.channel),
                false => Authenticated::rest("", bearer, way.channel),
            };
            let heard = runtime.block_on(say(&server, &certificates, way.security, said));
            let told = format!("{:?} as {:?}, gRPC {grpc}", way.certificate, way.channel);
            assert_eq!(heard.withheld, way.withheld, "{told}");
            assert_eq!(server.connections(), 1, "{told}");
            assert_eq!(server.was_told(TOKEN), way.withheld.is_none(), "{told}");
            assert_eq!(server.was_told("authorization"), way.withheld.is_none(), "{told}");
        }
    }
    Ok(())
}

#[test]
fn a_token_that_is_said_back_is_in_no_output() -> io::Result<()> {
    let (grpc, rest) = (Server::echoing_grpc()?, Server::echoing_rest()?);
    let home = tempfile::tempdir()?;
    let saved = home.path().join("saved.json");
    let variables = [
        ("HOOP_GRPCURL", format!("grpc://{}", grpc.address())),
        ("HOOP_APIURL", format!("http://{}", rest.address())),
        ("HOOP_TOKEN", TOKEN.to_owned()),
    ];
    let save = format!("--save={}", saved.display());
    for output in ["-vvohuman", "-ojson", "-oshort"] {
        let said = run(&home, &variables, &["check", "--auth", output, &save])?;
        assert!(said.contains("HD617"), "{said}");
        for text in [said, fs::read_to_string(&saved)?] {
            for part in [TOKEN, &TOKEN[..9], "person@example.test"] {
                assert!(!text.contains(part), "{output}: {part} in {text}");
            }
        }
    }
    assert!(grpc.was_told(TOKEN) && rest.was_told(TOKEN));
    let replayed = run(&home, &[], &["replay", &saved.display().to_string(), "-ojson"])?;
    assert_eq!(codes(&replayed), ["HD617", "HD903", "HD508"], "{replayed}");
    Ok(())
}

#[test]
fn a_redirect_is_not_followed_with_a_token() -> io::Result<()> {
    let elsewhere = Server::recorder(None)?;
    let rest = Server::redirecting_rest(elsewhere.address())?;
    let home = tempfile::tempdir()?;
    let key = key_file(home.path(), TOKEN)?;
    let api = format!("--api-url=http://{}", rest.address());
    run(&home, &[], &["check", "--auth", &api, &key, "-ojson"])?;
    assert!(rest.was_told(TOKEN));
    assert!(!elsewhere.was_visited());
    Ok(())
}

/// The base conversation reaches the gateway, and the next connection somebody else.
#[test]
fn an_impostor_on_the_second_connection_hears_no_token() -> io::Result<()> {
    let gateway = Gateway::start(true)?;
    let folder = tempfile::tempdir()?;
    let certificates = Certificates::write_to(&folder.path().join("certificates"))?;
    let impostor = recorder(&certificates, Some("CERT"))?;
    let key = key_file(gateway.home.path(), "good")?;
    let ca = format!("--ca={}", gateway.ca.display());
    for (flag, scheme, real) in [
        ("--grpc-url", "grpcs", gateway.stand_in.grpc_addr()),
        ("--api-url", "https", gateway.stand_in.rest_addr()),
    ] {
        let proxy = Server::astray(real, impostor.address())?;
        // Go takes no proxy to localhost, which it knows in small letters alone.
        let url = format!("{flag}={scheme}://LOCALHOST:{}", real.port());
        let variables = [("HTTPS_PROXY", format!("http://{}", proxy.address()))];
        let said = run(
            &gateway.home,
            &variables,
            &["check", "--auth", &url, &key, &ca, "-ojson"],
        )?;
        assert_eq!(
            auth(&said),
            [("not_tried".to_owned(), "certificate".to_owned())],
            "{said}"
        );
    }
    assert_eq!(impostor.connections(), 2);
    assert!(!impostor.was_told("authorization") && !impostor.was_told("Bearer"));
    Ok(())
}

#[test]
fn without_the_flag_nothing_is_asked_with_a_token() -> io::Result<()> {
    for tls in [true, false] {
        let gateway = Gateway::start(tls)?;
        gateway.check("good", &["-ojson"])?;
        let (grpc, rest) = gateway.requests();
        let said = gateway.check("good", &["--auth", "-ojson"])?;
        assert_eq!(gateway.requests(), (2 * grpc + 1, 2 * rest + 2), "{said}");
        assert_eq!(codes(&said), [""; 0], "{said}");
    }
    Ok(())
}

#[test]
fn a_token_that_the_gateway_does_not_know_is_refused_for_certain() -> io::Result<()> {
    let gateway = Gateway::start(true)?;
    let said = gateway.check("bad", &["--auth", "-ojson"])?;
    assert_eq!(codes(&said), ["HD618"], "{said}");
    let report: Value = serde_json::from_str(&said)?;
    let finding = &report["findings"][0];
    assert_eq!(finding["confidence"], "certain", "{said}");
    assert_eq!(finding["endpoints"], serde_json::json!(["grpc", "rest"]), "{said}");
    Ok(())
}

/// An agent's key, wherever it stands, a broken token and none at all: each is told, and nothing is sent.
#[test]
fn what_is_no_users_token_is_not_tried() -> io::Result<()> {
    let gateway = Gateway::start(false)?;
    let (grpc, rest) = (gateway.stand_in.grpc_addr(), gateway.stand_in.rest_addr());
    let key = format!("grpc://agent:secret@{grpc}?mode=standard");
    let home = &gateway.home;
    let agent = run(home, &[("HOOP_KEY", key.clone())], &["check", "--auth", "-ojson"])?;
    assert_eq!(
        auth(&agent),
        [("not_tried".to_owned(), "agent_key".to_owned())],
        "{agent}"
    );
    let asked = gateway.requests();
    let human = run(home, &[("HOOP_KEY", key.clone())], &["check", "--auth"])?;
    assert!(
        human.contains("agent not tried: nothing that an agent's key can do"),
        "{human}"
    );
    let legacy = [("HOOP_TOKEN", "good".to_owned()), ("HOOP_GRPCURL", grpc.to_string())];
    let legacy = run(home, &legacy, &["check", "--auth", "--as=agent", "-ojson"])?;
    assert!(
        auth(&legacy).iter().all(|(outcome, _)| outcome == "not_tried"),
        "{legacy}"
    );
    let mut before = gateway.requests();
    assert!(before.0 > asked.0);
    for (token, why) in [
        (key.as_str(), "agent_key"),
        ("a b", "malformed_token"),
        ("", "no_token"),
    ] {
        let config = format!("grpc_url = \"grpc://{grpc}\"\napi_url = \"http://{rest}\"\ntoken = \"{token}\"\n");
        let file = home.path().join("config.toml");
        fs::write(&file, config)?;
        let config = format!("--config={}", file.display());
        let said = run(home, &[], &["check", "--auth", "--as=client", &config, "-ojson"])?;
        let expected = ("not_tried".to_owned(), why.to_owned());
        assert_eq!(auth(&said), [expected.clone(), expected], "{said}");
        let after = gateway.requests();
        assert_eq!((after.0 - before.0, after.1 - before.1), (6, 3));
        before = after;
    }
    Ok(())
}

/// What came of the tokens: outcome and reason of each observation that has one.
fn auth(json: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(json).expect("a report");
    let all = report["observations"].as_array().expect("observations").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reasons = all.filter(|one| !one["facts"]["why"].is_null() && text(&one["probe"]).starts_with("auth "));
    reasons
        .map(|one| (text(&one["outcome"]), text(&one["facts"]["why"])))
        .collect()
}

fn codes(json: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(json).expect("a report");
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|one| one["code"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// A healthy stand-in, and a home for whoever checks it.
struct Gateway {
    home: TempDir,
    ca: PathBuf,
    stand_in: StandIn,
    _runtime: Runtime,
}

impl Gateway {
    fn start(tls: bool) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let runtime = runtime()?;
        let options = Options {
            tls: tls.then(|| Tls::generated(&["localhost", "127.0.0.1"]).0),
            ..Options::default()
        };
        let stand_in = runtime.block_on(start(options))?;
        let ca = home.path().join("ca.pem");
        fs::write(&ca, stand_in.urls().ca_pem.as_deref().unwrap_or_default())?;
        Ok(Self {
            home,
            ca,
            stand_in,
            _runtime: runtime,
        })
    }

    /// Checks it as a client whose variables name it.
    fn check(&self, token: &str, args: &[&str]) -> io::Result<String> {
        let urls = self.stand_in.urls();
        let mut variables = BTreeMap::from([
            ("HOOP_GRPCURL", urls.grpc.clone()),
            ("HOOP_APIURL", urls.api.clone()),
            ("HOOP_TOKEN", token.to_owned()),
        ]);
        variables.extend(urls.ca_pem.clone().map(|pem| ("HOOP_TLSCA", pem)));
        let variables: Vec<_> = variables.into_iter().collect();
        run(&self.home, &variables, &[&["check"], args].concat())
    }

    /// How many requests came to gRPC and to REST.
    fn requests(&self) -> (usize, usize) {
        (self.stand_in.grpc_calls().requests, self.stand_in.rest_calls().requests)
    }
}

/// What the program prints.
fn run(home: &TempDir, variables: &[(&str, String)], args: &[&str]) -> io::Result<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-doctor"));
    command.args(args).env_clear().env("HOME", home.path());
    command.envs(variables.iter().map(|(name, value)| (*name, value)));
    let output = command.output()?;
    let said = String::from_utf8(output.stdout).map_err(io::Error::other)?;
    let aside = String::from_utf8_lossy(&output.stderr);
    assert!(!aside.contains(TOKEN) && !said.is_empty(), "{aside}");
    Ok(said)
}

/// The flag that names a file with this token.
fn key_file(folder: &Path, token: &str) -> io::Result<String> {
    let file = folder.join("token");
    fs::write(&file, token)?;
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(format!("--key-file={}", file.display()))
}

fn recorder(certificates: &Certificates, certificate: Option<&str>) -> io::Result<Server> {
    let files: BTreeMap<String, PathBuf> = certificates.placeholders().collect();
    let file = |name: String| files.get(&name).unwrap_or_else(|| panic!("{name} is no certificate"));
    match certificate {
        None => Server::recorder(None),
        Some(name) => {
            let (chain, key) = (format!("@{name}@"), format!("@{}@", name.replacen("CERT", "KEY", 1)));
            Server::recorder(Some((file(chain), file(key))))
        }
    }
}

/// Says it, and waits a moment for an answer that doesn't come.
async fn say(server: &Server, certificates: &Certificates, security: Security, said: Authenticated) -> Heard {
    let (cx, _cancel) = Cx::new(Duration::from_secs(20), today());
    let ca = CertificateDer::from_pem_file(certificates.ca()).expect("the lab's root");
    let peer = Peer {
        server_name: GATEWAY.to_owned(),
        authority: GATEWAY.to_owned(),
        trust: Trust::only(vec![ca.to_vec()]),
        relay: None,
    };
    let (_, stream) = tcp::connect(&cx, server.address(), Duration::from_secs(5)).await;
    let conversation = Conversation {
        prelude: Prelude::None,
        security,
        speech: Speech::Authenticated(said),
    };
    let budget = Budget {
        connect_by: Instant::now() + Duration::from_secs(3),
        answer: Duration::from_millis(200),
        quiet: Duration::from_millis(100),
    };
    let notes = Notebook::default();
    converse(
        &cx,
        &peer,
        &conversation,
        stream.expect("the server listens"),
        budget,
        &notes,
    )
    .await;
    notes.read()
}

fn today() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a time of this century")
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}
