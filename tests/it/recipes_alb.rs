//! The recipes for AWS in the hands of others: cfn-lint and Terraform's parser take them, AWS's CLI makes them in a mock of
//! AWS, and the reader of its `describe` output finds in it what the recipe says.
//!
//! The recipes themselves are files in `tests/alb`, which the recipes' own test keeps as they are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::proxyconf::yaml::{self, Documents};
use hoop_doctor::proxyconf::{Action, Http2, Listener, ProxyConf, Speaks, Tls, alb};

use crate::lab::proxy::program;
use crate::lab::{repository, say};

/// The folder of the programs; `None`, said aloud, where they aren't installed, which is a failure in CI.
fn tools() -> Option<PathBuf> {
    let found = program("moto", "moto_server").and_then(|server| server.parent().map(Path::to_owned));
    if found.is_none() {
        assert!(
            env::var_os("CI").is_none(),
            "cfn-lint, moto and AWS's CLI are not installed"
        );
        say("not run: cfn-lint, moto and AWS's CLI are not installed");
    }
    found
}

fn recipe(name: &str) -> PathBuf {
    repository().join("tests/alb").join(name)
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn run(program: PathBuf, arguments: &[&Path]) -> Output {
    let output = Command::new(&program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

#[test]
fn cfn_lint_takes_the_templates_and_refuses_what_is_broken() {
    let Some(tools) = tools() else { return };
    let lint = |file: &Path| run(tools.join("cfn-lint"), &[file]);
    for name in ["recipe.yaml", "recipe-two-hosts-tls.yaml"] {
        let output = lint(&recipe(name));
        assert!(output.status.success(), "{}", said(&output));
    }
    let broken = repository().join("tests/lab/alb/missing-group.yaml");
    assert!(!lint(&broken).status.success());
}

#[test]
fn terraform_takes_the_modules_as_they_are_and_refuses_what_is_broken() {
    let Some(tools) = tools() else { return };
    let check = |file: &Path| run(tools.join("python3"), &[&recipe("terraform.py"), file]);
    for name in ["recipe.tf", "recipe-two-hosts-tls.tf"] {
        let output = check(&recipe(name));
        assert!(output.status.success(), "{}", said(&output));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.tf");
    let text = fs::read_to_string(recipe("recipe.tf")).expect("the recipe is there");
    fs::write(
        &broken,
        text.replacen("\"aws_lb\" \"hoop\" {", "\"aws_lb\" \"hoop\"", 1),
    )
    .expect("a file");
    let output = check(&broken);
    assert!(!output.status.success());
    assert!(said(&output).contains("Invalid block definition"), "{}", said(&output));
}

#[test]
fn what_is_deployed_is_described_as_the_recipe_says() {
    let Some(tools) = tools() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(
        tools.join("python3"),
        &[&recipe("deploy.py"), &recipe("recipe.yaml"), folder.path()],
    );
    assert!(output.status.success(), "{}", said(&output));

    let described = read(folder.path());
    let [listener] = described.listeners.as_slice() else {
        panic!("{:?}", described.listeners)
    };
    assert_eq!(
        (described.files.len(), described.problems.as_slice()),
        (7, [].as_slice())
    );
    assert_eq!(listener.port, Some(443));
    assert_eq!(listener.http2.as_ref().map(|http2| http2.value), Some(Http2::Spoken));
    assert_eq!(listener.limits.idle.first().map(|idle| idle.value), Some(4_000_000));
    assert_eq!(listener.limits.age.as_ref().map(|age| age.value), Some(604_800_000));
    let Tls::Ended(tls) = &listener.tls else {
        panic!("{:?}", listener.tls)
    };
    assert_eq!(tls.newest.as_ref().map(|newest| newest.value.as_str()), Some("1.3"));

    // The template and what came of it mean the same.
    let template = fs::read_to_string(recipe("recipe.yaml")).expect("the recipe is there");
    let written = conf_of(&[Text::new("recipe.yaml", template)]);
    let [own] = written.listeners.as_slice() else {
        panic!("{:?}", written.listeners)
    };
    assert_eq!(meaning(listener), meaning(own));
    assert_eq!(
        meaning(listener),
        [
            "Glob(\"/protobuf.Transport/*\"): Http2 to 8010, asked for /protobuf.Transport/HealthCheck and 0",
            "All: Http1 to 8009, asked for /api/healthz and 200",
        ]
    );
}

/// What becomes of requests, without names and places.
fn meaning(listener: &Listener) -> Vec<String> {
    let route = |route: &hoop_doctor::proxyconf::Route| {
        let Action::Forward(to) = &route.action else {
            panic!("{:?}", route.action)
        };
        let speaks: Speaks = to.speaks.value;
        let ports: Vec<String> = to
            .servers
            .iter()
            .map(|server| server.port.map_or("?".to_owned(), |port| port.to_string()))
            .collect();
        let check = to.check.as_ref().expect("a group is checked");
        let value = |setting: &Option<hoop_doctor::proxyconf::Setting<String>>| {
            setting.as_ref().map(|one| one.value.clone()).unwrap_or_default()
        };
        format!(
            "{:?}: {speaks:?} to {}, asked for {} and {}",
            route.path,
            ports.join(" "),
            value(&check.path),
            value(&check.expects)
        )
    };
    listener.routes.iter().map(route).collect()
}

/// All files of a folder, read together.
fn read(folder: &Path) -> ProxyConf {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let texts: Vec<Text> = paths.iter().map(|path| Text::open(path).expect("a text")).collect();
    conf_of(&texts)
}

fn conf_of(texts: &[Text]) -> ProxyConf {
    let docs: Vec<Documents> = texts.iter().map(yaml::documents).collect();
    let all: Vec<_> = texts
        .iter()
        .zip(&docs)
        .map(|(text, docs)| (text, docs.all.as_slice()))
        .collect();
    let mut conf = ProxyConf::default();
    alb::read(&all, &mut conf);
    conf
}
