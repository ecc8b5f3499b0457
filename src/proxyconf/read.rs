//! Whose configuration a file is, and the reader for it.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use clap::ValueEnum;

use super::source::{Includes, Text};
use super::yaml::{Documents, Node, documents};
use super::{FileRead, ProxyConf, alb, apache, caddy, envoy, haproxy, kubernetes, nginx, traefik};
use crate::proxies::Proxy;

/// A language of configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// nginx.
    Nginx,
    /// Kubernetes manifests: Ingress, Gateway API, Istio.
    Kubernetes,
    /// CloudFormation, a Terraform plan as JSON, or what `aws elbv2 describe-…` prints.
    Alb,
    /// Envoy's bootstrap or `config_dump`.
    Envoy,
    /// HAProxy.
    Haproxy,
    /// Caddyfile or Caddy's JSON.
    Caddy,
    /// Apache httpd.
    Apache,
    /// Traefik: static, dynamic or labels.
    Traefik,
}

/// A file whose language can't be told. Displays what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrecognised {
    /// Nothing known is in it.
    Unknown(String),
    /// It is Terraform's language, of which only the plan can be read.
    Terraform(String),
}

impl fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "{name} is the configuration of no proxy that is known here; if it is one, say whose with --proxy"
            ),
            Self::Terraform(name) => write!(
                f,
                "{name} is Terraform's language, whose values are known after planning: give the output of `terraform show -json PLAN`"
            ),
        }
    }
}

/// A text with the documents that it has, where it is YAML or JSON.
struct Read {
    text: Text,
    documents: Documents,
    dialect: Dialect,
}

/// Reads texts together: manifests and descriptions may refer to each other.
///
/// # Errors
/// A file that is nobody's configuration.
pub fn read(texts: Vec<Text>, asked: Option<Dialect>) -> Result<ProxyConf, Unrecognised> {
    let mut all = Vec::new();
    for text in texts {
        let documents = match is_marked_up(&text) {
            true => documents(&text),
            false => Documents::default(),
        };
        let dialect = match asked
            .or_else(|| of_documents(&documents.all))
            .or_else(|| of_text(&text))
        {
            Some(dialect) => dialect,
            None if alb::looks_like_hcl(&text.content) => return Err(Unrecognised::Terraform(text.name)),
            None => return Err(Unrecognised::Unknown(text.name)),
        };
        // TOML is Traefik's alone.
        let documents = match dialect {
            Dialect::Traefik if !is_marked_up(&text) => traefik::toml(&text),
            _ => documents,
        };
        all.push(Read {
            text,
            documents,
            dialect,
        });
    }
    let mut conf = ProxyConf::default();
    for one in &all {
        conf.allowed.extend(one.text.allowed());
        single(one, &mut conf);
    }
    let of = |dialect: Dialect| -> Vec<(&Text, &[Rc<Node>])> {
        let own = all
            .iter()
            .filter(|one| one.dialect == dialect && one.documents.problem.is_none());
        own.map(|one| (&one.text, one.documents.all.as_slice())).collect()
    };
    kubernetes::read(&of(Dialect::Kubernetes), &mut conf);
    alb::read(&of(Dialect::Alb), &mut conf);
    traefik::read(&of(Dialect::Traefik), &mut conf);
    Ok(conf)
}

/// What is read a file at a time; and what keeps the others from being read at all.
fn single(one: &Read, conf: &mut ProxyConf) {
    let Read {
        text,
        documents,
        dialect,
    } = one;
    let mut includes = Includes::default();
    match dialect {
        Dialect::Nginx => nginx::read(text, &mut includes, conf),
        Dialect::Haproxy => haproxy::read(text, conf),
        Dialect::Caddy => caddy::read(text, &mut includes, conf),
        Dialect::Apache => apache::read(text, &mut includes, conf),
        Dialect::Envoy if documents.problem.is_none() => envoy::read(text, &documents.all, conf),
        Dialect::Envoy => refused(one, Proxy::Envoy, conf),
        Dialect::Kubernetes => refused(one, Proxy::IngressNginx, conf),
        Dialect::Alb => refused(one, Proxy::AwsAlb, conf),
        Dialect::Traefik => refused(one, Proxy::Traefik, conf),
    }
}

/// A file that isn't YAML, JSON or TOML, where it has to be: nothing in it is judged.
fn refused(one: &Read, proxy: Proxy, conf: &mut ProxyConf) {
    let Some(problem) = one.documents.problem.clone() else {
        return;
    };
    // A template is no YAML yet, whatever a parser says of it.
    let unrendered = kubernetes::unrendered(&one.text).filter(|_| one.dialect == Dialect::Kubernetes);
    conf.problems.push(unrendered.unwrap_or(problem));
    conf.files.push(FileRead {
        name: one.text.name.clone(),
        proxy,
        lines: one.text.lines(),
    });
}

/// Whether it is YAML or JSON, by its name or its first word.
fn is_marked_up(text: &Text) -> bool {
    let name = text.name.to_ascii_lowercase();
    if [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let first = statements(&text.content).next().unwrap_or_default();
    let is_key = |line: &str| {
        let key = line
            .split_once(':')
            .map(|(key, rest)| (key, rest.is_empty() || rest.starts_with(' ')));
        key.is_some_and(|(key, ends)| {
            ends && !key.is_empty()
                && key
                    .chars()
                    .all(|char| char.is_ascii_alphanumeric() || "_-\"'".contains(char))
        })
    };
    first == "---"
        || first.starts_with("{\"")
        || first == "{" && text.content.contains("\":")
        || first == "["
        || is_key(first)
}

/// Lines that say something, without the white space around them.
fn statements(content: &str) -> impl Iterator<Item = &str> {
    content
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn of_documents(all: &[Rc<Node>]) -> Option<Dialect> {
    type IsMine = fn(&Node) -> bool;
    const OWNERS: [(Dialect, IsMine); 5] = [
        (Dialect::Kubernetes, kubernetes::is_mine),
        (Dialect::Alb, alb::is_mine),
        (Dialect::Envoy, envoy::is_mine),
        (Dialect::Traefik, traefik::is_mine),
        (Dialect::Caddy, |node| node.at(&["apps", "http"]).is_some()),
    ];
    let owner = |node: &Node| {
        OWNERS
            .iter()
            .find(|(_, is_mine)| is_mine(node))
            .map(|(dialect, _)| *dialect)
    };
    all.iter().find_map(|node| owner(node))
}

/// Words that begin statements of one language and hardly of another.
const WORDS: &[(Dialect, &[&str])] = &[
    (
        Dialect::Nginx,
        &[
            "server {",
            "location ",
            "http {",
            "events {",
            "upstream ",
            "stream {",
            "worker_processes ",
            "server_name ",
            "proxy_pass ",
            "grpc_pass ",
            "user ",
            "proxy_set_header ",
            "ssl_certificate ",
            "listen ",
        ],
    ),
    (
        Dialect::Haproxy,
        &[
            "global",
            "defaults",
            "frontend ",
            "backend ",
            "listen ",
            "bind ",
            "default_backend ",
            "use_backend ",
            "mode ",
        ],
    ),
    (
        Dialect::Apache,
        &[
            "<VirtualHost",
            "<Location",
            "<IfModule",
            "<Directory",
            "LoadModule ",
            "ProxyPass ",
            "Listen ",
            "ServerName ",
            "SSLEngine ",
            "RewriteRule ",
            "Protocols ",
            "ServerRoot ",
        ],
    ),
    (
        Dialect::Caddy,
        &[
            "reverse_proxy ",
            "auto_https",
            "handle ",
            "handle_path ",
            "encode ",
            "tls ",
            "file_server",
            "import ",
            "respond ",
            "redir ",
            "route ",
        ],
    ),
    (
        Dialect::Traefik,
        &[
            "[entryPoints",
            "[http.routers",
            "[http.services",
            "[providers",
            "[tcp.routers",
            "[certificatesResolvers",
            "[tls",
        ],
    ),
    (Dialect::Kubernetes, &["apiVersion:", "kind:", "metadata:"]),
    (
        Dialect::Envoy,
        &[
            "static_resources:",
            "filter_chains:",
            "typed_config:",
            "- name: envoy.",
            "\"static_resources\"",
        ],
    ),
    (
        Dialect::Alb,
        &[
            "AWSTemplateFormatVersion",
            "Type: AWS::",
            "\"Type\": \"AWS::",
            "\"LoadBalancerArn\"",
            "\"ListenerArn\"",
            "\"TargetGroupArn\"",
        ],
    ),
];

/// Names that files of a proxy go by.
const NAMES: &[(Dialect, &[&str])] = &[
    (Dialect::Nginx, &["nginx"]),
    (Dialect::Haproxy, &["haproxy"]),
    (Dialect::Apache, &["httpd", "apache"]),
    (Dialect::Caddy, &["caddyfile", "caddy"]),
    (Dialect::Envoy, &["envoy"]),
    (Dialect::Traefik, &["traefik"]),
];

/// By its words, or by its name where those say nothing: a broken file is somebody's too.
fn of_text(text: &Text) -> Option<Dialect> {
    let count = |words: &[&str]| {
        let begins = |line: &&str| {
            words
                .iter()
                .any(|word| line.starts_with(word) || line.trim() == word.trim())
        };
        statements(&text.content).filter(begins).count()
    };
    let ends = text
        .content
        .lines()
        .filter(|line| line.trim_end().ends_with(';'))
        .count();
    let counted = WORDS.iter().map(|(dialect, words)| match dialect {
        // No other language here ends its statements with a semicolon.
        Dialect::Nginx => (count(words) + ends, *dialect),
        _ => (count(words), *dialect),
    });
    // The first of equals is the commoner language.
    let best = counted
        .rev()
        .max_by_key(|(count, _)| *count)
        .filter(|(count, _)| *count > 0);
    let file = Path::new(&text.name)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let by_name = || {
        NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|name| file.contains(name)))
            .map(|(dialect, _)| *dialect)
    };
    best.map(|(_, dialect)| dialect).or_else(by_name)
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Unrecognised, documents, is_marked_up, of_documents, of_text, read};
    use crate::proxyconf::source::Text;

    fn dialect(name: &str, content: &str) -> Option<Dialect> {
        let text = Text::new(name, content);
        let by_documents = is_marked_up(&text)
            .then(|| of_documents(&documents(&text).all))
            .flatten();
        by_documents.or_else(|| of_text(&text))
    }

    #[test]
    fn a_language_is_told_by_its_words() {
        for (content, expected) in [
            ("server { listen 80; }", Dialect::Nginx),
            ("# a comment\n\nuser www-data;\nevents {", Dialect::Nginx),
            ("upstream gateway {\n  server a:1;\n}", Dialect::Nginx),
            ("global\n  maxconn 10\n", Dialect::Haproxy),
            ("listen stats\n  bind *:80\n  log-format \"%{+Q}o\"\n", Dialect::Haproxy),
            ("<VirtualHost *:443>\n", Dialect::Apache),
            ("gw.example.com {\n  reverse_proxy localhost:8009\n}", Dialect::Caddy),
            ("{\n  auto_https off\n}\n:80 {\n  respond 404\n}", Dialect::Caddy),
            ("{\"apps\": {\"http\": {}}}", Dialect::Caddy),
            (
                "apiVersion: v1\nkind: ConfigMap\ndata:\n  nginx.conf: |\n    server { listen 80; }",
                Dialect::Kubernetes,
            ),
            ("apiVersion: v1\nkind: {{ .Values.kind }}\n", Dialect::Kubernetes),
            ("static_resources:\n  listeners: []\n", Dialect::Envoy),
            ("static_resources:\n  listeners: [\n", Dialect::Envoy),
            ("http:\n  routers:\n    a: {rule: Host(`a`)}\n", Dialect::Traefik),
            ("[entryPoints.web]\naddress = \":80\"\n", Dialect::Traefik),
            (
                "Resources:\n  L:\n    Type: AWS::ElasticLoadBalancingV2::Listener\n",
                Dialect::Alb,
            ),
            (
                "{\"Listeners\": [{\"ListenerArn\": \"a\", \"Port\": 443}]}",
                Dialect::Alb,
            ),
        ] {
            assert_eq!(dialect("-", content), Some(expected), "{content}");
        }
    }

    #[test]
    fn what_is_broken_is_told_by_the_files_name() {
        assert_eq!(dialect("/etc/nginx/nginx.conf", "sever"), Some(Dialect::Nginx));
        assert_eq!(dialect("haproxy.cfg", ""), Some(Dialect::Haproxy));
        assert_eq!(dialect("notes.txt", "Dear all"), None);
    }

    #[test]
    fn terraforms_language_gets_its_own_advice() {
        let main = Text::new("main.tf", "resource \"aws_lb\" \"hoop\" {\n}\n");
        assert_eq!(
            read(vec![main], None),
            Err(Unrecognised::Terraform("main.tf".to_owned()))
        );
    }
}
