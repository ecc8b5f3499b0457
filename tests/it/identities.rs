//! Agent and client on one machine: probed once where they go the same way, side by side in the report where they don't.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use hoop_doctor::config::{Asked, Environment, discover};
use hoop_doctor::evidence::{Evidence, Wire};
use hoop_doctor::plan::{Plan, plan};
use hoop_doctor::report::human::{Detail, Glyphs, Look, Paint, render};
use hoop_doctor::report::{Filter, Report, report};
use rcgen::generate_simple_self_signed;
use tempfile::TempDir;

/// An agent and a client, as variables and a file describe them.
struct Machine {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(key: &str, config: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder for a home can be made");
        let folder = home.path().join(".hoop");
        fs::create_dir(&folder).expect("the home is writable");
        fs::write(folder.join("config.toml"), config).expect("the home is writable");
        Self {
            home,
            variables: vec![("HOOP_KEY", key.to_owned())],
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// What would be probed, and the report of a run that ended before anything was.
    fn look(&self) -> (Plan, Report) {
        let home = ("HOME", self.home.path().to_str().expect("its name is UTF-8").to_owned());
        let variables = self.variables.iter().cloned().chain([home]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let environment = Environment::new(variables, PathBuf::from("/"), now);
        let config = discover(&environment, &Asked::default()).expect("nothing is asked for");
        let plan = plan(&config, &[]);
        let wire = Wire {
            started_at: 1_800_000_000,
            endpoints: plan.endpoints.iter().map(|planned| planned.endpoint()).collect(),
            ..Wire::default()
        };
        (
            plan,
            report(
                &Evidence {
                    config,
                    wire,
                    logs: None,
                    proxyconf: None,
                },
                &Filter::default(),
            ),
        )
    }

    /// Which identities each gRPC endpoint serves.
    fn grpc(&self) -> Vec<Vec<usize>> {
        let (plan, _) = self.look();
        let grpc = plan
            .endpoints
            .into_iter()
            .filter(|planned| planned.id.starts_with("grpc"));
        grpc.map(|planned| planned.identities).collect()
    }

    fn disagreements(&self) -> Vec<String> {
        let path = self.home.path().join(".hoop/config.toml");
        let (_, report) = self.look();
        let disagreements = report.disagreements.into_iter();
        disagreements
            .map(|sentence| sentence.replace(&path.display().to_string(), "config.toml"))
            .collect()
    }

    /// The part of the report that says who was checked.
    fn who(&self) -> String {
        let look = Look {
            detail: Detail::Normal,
            paint: Paint::Plain,
            glyphs: Glyphs::Unicode,
            width: 400,
        };
        let (_, mut report) = self.look();
        // Lines are wrapped by their length, and the folder's name has another one on every machine.
        for identity in &mut report.identities {
            identity.source = identity.source.replace(&self.home.path().display().to_string(), "~");
        }
        let text = render(&report, look);
        let start = text.find("who ").expect("there are identities");
        let end = text[start..].find("\n\n").expect("the ladders come after it");
        text[start..start + end].to_owned()
    }
}

const KEY: &str = "grpcs://agent:xagt-secret@gw.example:8443?mode=standard";
const ONE_GATEWAY: [[usize; 2]; 1] = [[0, 1]];
const TWO_WAYS: [[usize; 1]; 2] = [[0], [1]];

fn ca() -> String {
    let made = generate_simple_self_signed(Vec::new()).expect("a certificate can be made");
    made.cert.pem()
}

#[test]
fn one_gateway_is_probed_once_however_its_address_is_written() {
    for client in [
        "grpcs://gw.example:8443",
        "gw.example:8443",
        "https://GW.example:8443",
        "wss://gw.example:8443",
    ] {
        let machine = Machine::new(KEY, &format!("grpc_url = '{client}'\n"));
        assert_eq!(machine.grpc(), ONE_GATEWAY, "{client}");
        assert_eq!(machine.disagreements(), [""; 0], "{client}");
    }
}

#[test]
fn without_tls_nobody_minds_how_certificates_are_checked() {
    let config = "grpc_url = 'grpc://gw.example:8010'\nskip_tls_verify = true\n";
    let machine = Machine::new("grpc://agent:xagt-secret@gw.example:8010", config);
    assert_eq!(machine.grpc(), ONE_GATEWAY);
    assert_eq!(machine.disagreements(), [""; 0]);
}

#[test]
fn the_readings_of_one_scheme_stand_side_by_side() {
    let machine = Machine::new(
        "ws://agent:xagt-secret@gw.example:8443?mode=standard",
        "grpc_url = 'ws://gw.example:8443'\n",
    );
    assert_eq!(machine.grpc(), TWO_WAYS);
    insta::assert_snapshot!(machine.who(), @"
    who    agent (HOOP_KEY): ws://gw.example:8443; an agent uses plaintext for ws://, as for all but grpcs://,
           https:// and wss://
           client (~/.hoop/config.toml): ws://gw.example:8443; a client uses TLS for ws://, as for all but grpc://
           and http://
           ! agent and client disagree about gw.example:8443: the agent uses plaintext, the client TLS
    ");
}

#[test]
fn two_gateways_are_no_disagreement() {
    let machine = Machine::new(KEY, "grpc_url = 'grpc://gw.example:8010'\n");
    assert_eq!(machine.grpc(), TWO_WAYS);
    assert_eq!(machine.disagreements(), [""; 0]);
}

#[test]
fn checks_that_the_file_switches_off_are_on_for_the_agent() {
    let machine = Machine::new(KEY, "grpc_url = 'gw.example:8443'\nskip_tls_verify = true\n");
    assert_eq!(machine.grpc(), TWO_WAYS);
    assert_eq!(
        machine.disagreements(),
        ["agent and client disagree about gw.example:8443: the agent checks the certificate, the client does not"]
    );
    let both = machine.with("HOOP_TLS_SKIP_VERIFY", "true");
    assert_eq!(both.grpc(), ONE_GATEWAY);
}

#[test]
fn a_ca_in_the_file_is_the_clients_alone() {
    let encode = |pem: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    let (one, other) = (ca(), ca());
    let config = format!("grpc_url = 'gw.example:8443'\ntls_ca = '{}'\n", encode(&one));
    let machine = Machine::new(KEY, &config);
    assert_eq!(machine.grpc(), TWO_WAYS);
    assert_eq!(
        machine.disagreements(),
        ["agent and client disagree about gw.example:8443: \
          the agent trusts the system's authorities, the client those of config.toml:2:1"]
    );
    let another = Machine::new(KEY, &config).with("HOOP_TLSCA", other);
    assert_eq!(another.grpc(), TWO_WAYS);
    assert_eq!(
        another.disagreements(),
        ["agent and client disagree about gw.example:8443: \
          the agent trusts those of HOOP_TLSCA, the client those of config.toml:2:1"]
    );
    let unchecked = another.with("HOOP_TLS_SKIP_VERIFY", "true");
    assert_eq!(unchecked.disagreements(), [""; 0]);
    let same = machine.with("HOOP_TLSCA", one);
    assert_eq!(same.grpc(), ONE_GATEWAY);
    assert_eq!(same.disagreements(), [""; 0]);
}

#[test]
fn a_server_name_is_for_both() {
    let machine = Machine::new(KEY, "grpc_url = 'gw.example:8443'\n").with("HOOP_TLSSERVERNAME", "gateway.example");
    assert_eq!(machine.grpc(), ONE_GATEWAY);
    assert_eq!(machine.disagreements(), [""; 0]);
}
