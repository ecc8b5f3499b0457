//! Recipes and the lab's manifests against what Gateway API, Istio and Kubernetes publish: `tests/oracle/schemas`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;

use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::proxyconf::{ProxyConf, kubernetes, yaml};
use hoop_doctor::recipes::{Asked, Recipe};
use serde::{Deserialize, Serialize};

use crate::lab::repository;

#[derive(Serialize)]
struct Question<'a> {
    manifest: &'a str,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) objects: Vec<String>,
    pub(crate) problems: Vec<String>,
}

/// All recipes for Kubernetes with everything that can be asked for.
fn recipes() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for grpc_host in [None, Some("grpc.gateway.example.com")] {
        for certificate in [None, Some("wildcard-tls")] {
            for gateway in ["127.0.0.1", "hoopgateway.hoopdev.svc.cluster.local"] {
                for tls_upstream in [false, true] {
                    let asked = Asked {
                        host: "gateway.example.com".to_owned(),
                        grpc_host: grpc_host.map(str::to_owned),
                        certificate: certificate.map(str::to_owned),
                        gateway: gateway.to_owned(),
                        tls_upstream,
                    };
                    all.push((format!("ingress-nginx {asked:?}"), Recipe::IngressNginx.text(&asked)));
                    all.push((format!("gateway-api {asked:?}"), Recipe::GatewayApi.text(&asked)));
                    all.push((format!("istio {asked:?}"), Recipe::Istio.text(&asked)));
                }
            }
        }
    }
    all
}

#[test]
fn recipes_for_kubernetes_are_what_their_apis_take() {
    let recipes = recipes();
    let manifests: Vec<&str> = recipes.iter().map(|(_, text)| text.as_str()).collect();
    let Some(answers) = judge(&manifests) else { return };
    for ((name, text), answer) in recipes.iter().zip(&answers) {
        assert_eq!(answer.problems, [""; 0], "{name}:\n{text}");
        assert!(answer.objects.len() >= 3, "{name}: {:?}", answer.objects);
    }
}

#[test]
fn a_misspelt_field_and_a_wrong_value_are_refused() {
    let asked = Asked {
        host: "gateway.example.com".to_owned(),
        grpc_host: None,
        certificate: None,
        gateway: "hoopgateway".to_owned(),
        tls_upstream: true,
    };
    let (ingress, gateway, istio) = (
        Recipe::IngressNginx.text(&asked),
        Recipe::GatewayApi.text(&asked),
        Recipe::Istio.text(&asked),
    );
    // What is broken, and a word of what has to be said of it.
    let broken = [
        (ingress.replacen("pathType: Prefix", "pathtype: Prefix", 1), "pathtype"),
        (
            ingress.replacen("pathType: Prefix", "pathType: prefix", 1),
            "pathType prefix",
        ),
        (ingress.replacen("\"3600\"", "3600", 1), "cannot unmarshal number"),
        (
            gateway.replacen("certificateRefs", "certificateRef", 1),
            ".certificateRef",
        ),
        (gateway.replacen("mode: Terminate", "mode: terminate", 1), "mode"),
        (gateway.replacen("type: PathPrefix", "type: Prefix", 1), "type"),
        (gateway.replacen("    hostname: hoopgateway\n", "", 1), "hostname"),
        (istio.replacen("credentialName", "credentialname", 1), ".credentialname"),
        (istio.replacen("mode: SIMPLE", "mode: simple", 1), "mode"),
        (
            istio.replacen("h2UpgradePolicy: UPGRADE", "h2UpgradePolicy: YES", 1),
            "h2UpgradePolicy",
        ),
        (
            istio.replacen("    retries:", "    timeout: 0s\n    retries:", 1),
            "greater than 1ms",
        ),
        (
            istio.replacen(
                "      credentialName",
                "      credentialNames: [b]\n      credentialName",
                1,
            ),
            "only one of",
        ),
    ];
    let manifests: Vec<&str> = broken.iter().map(|(text, _)| text.as_str()).collect();
    let Some(answers) = judge(&manifests) else { return };
    for ((text, word), answer) in broken.iter().zip(&answers) {
        let said = answer.problems.iter().any(|problem| problem.contains(word));
        assert!(said, "{word}: {:?}\n{text}", answer.problems);
    }
}

#[test]
fn what_the_apis_refuse_is_what_lint_cannot_read() {
    let folder = repository().join("tests/lab/kubernetes");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the lab is there")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).expect("a text")))
        // The schemas are of single objects, and Istio's webhook asks for more than its schema does.
        .filter(|(name, text)| !text.contains("kind: List") && !name.ends_with("istio-https-without-tls.yaml"))
        .collect();
    files.sort();
    let manifests: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    let Some(answers) = judge(&manifests) else { return };
    let mut refused = 0;
    for ((name, content), answer) in files.iter().zip(&answers) {
        let text = Text::new(name, content);
        let documents = yaml::documents(&text);
        let mut conf = ProxyConf::default();
        conf.problems.extend(documents.problem);
        kubernetes::read(&[(&text, &documents.all)], &mut conf);
        let unreadable = conf.problems.iter().any(|problem| !problem.starts);
        assert_eq!(
            unreadable,
            !answer.problems.is_empty(),
            "{name}: {:?} {:?}",
            conf.problems,
            answer.problems
        );
        refused += usize::from(unreadable);
    }
    assert!(refused >= 7, "{refused}");
}

/// What the published schemas say of manifests; `None`, said aloud, where there is no Go.
pub(crate) fn judge(manifests: &[&str]) -> Option<Vec<Answer>> {
    // The other oracle is built first: where Go is missing, it says so or fails, whichever is right here.
    crate::oracle::program()?;
    let program = build();
    let definitions = ["sigs.k8s.io/gateway-api", "istio.io/api"].map(directory);
    let mut schemas = Command::new(program)
        .arg(definitions[0].join("config/crd/standard"))
        .arg(definitions[1].join("kubernetes/customresourcedefinitions.gen.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was built a moment ago");
    let mut lines = Vec::new();
    for manifest in manifests {
        serde_json::to_writer(&mut lines, &Question { manifest }).expect("questions are JSON");
    }
    let mut stdin = schemas.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(&lines));
    let output = schemas.wait_with_output().expect("its output is readable");
    writer
        .join()
        .expect("writing doesn't panic")
        .expect("it reads everything");
    assert!(output.status.success(), "schemas: {}", output.status);
    let answers: Vec<Answer> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("answers are JSON");
    assert_eq!(answers.len(), manifests.len());
    Some(answers)
}

/// The program, built once for all tests.
fn build() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas");
        let output = go(&["build", "-trimpath", "-o", &program.display().to_string(), "./schemas"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program
    })
}

/// Where a module of the oracle's lies.
fn directory(module: &str) -> PathBuf {
    let output = go(&["list", "-m", "-f", "{{.Dir}}", module]);
    let place = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        !place.is_empty(),
        "{module}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(place)
}

fn go(arguments: &[&str]) -> Output {
    Command::new("go")
        .args(arguments)
        .current_dir(repository().join("tests/oracle"))
        .env("CGO_ENABLED", "0")
        .output()
        .expect("the oracle was built with it")
}
