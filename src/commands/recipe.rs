//! `recipe`: prints configuration that is known to work.

use anyhow::bail;

use super::{Exit, output, save};
use crate::cli::Recipe;
use crate::evidence::{Evidence, Kind};
use crate::recipes::Asked;

pub(super) fn run(args: &Recipe) -> anyhow::Result<Exit> {
    let from = args.from.as_deref().map(save::read).transpose()?;
    let mut asked = from.map(|saved| seen(&saved.evidence)).unwrap_or_default();
    // What is said counts more than what was seen.
    let given = [(&args.host, &mut asked.host), (&args.gateway, &mut asked.gateway)];
    for (given, asked) in given {
        if let Some(given) = given {
            asked.clone_from(given);
        }
    }
    asked.grpc_host = args.grpc_host.clone().or(asked.grpc_host);
    asked.certificate = args.cert.clone().or(asked.certificate);
    asked.tls_upstream |= args.tls_upstream;
    check(&asked)?;
    output::print(&args.proxy.text(&asked)).map(|()| Exit::Fine)
}

/// What a saved case tells of the names in use.
fn seen(evidence: &Evidence) -> Asked {
    let host = |kind: Kind| {
        let mut endpoints = evidence.wire.endpoints.iter();
        let endpoint = endpoints.find(|endpoint| endpoint.target.kind == kind)?;
        Some(endpoint.target.server_name.clone())
    };
    let (rest, grpc) = (host(Kind::Rest), host(Kind::Grpc));
    let own = Asked::default();
    let host = rest.or(grpc.clone()).unwrap_or(own.host);
    Asked {
        grpc_host: grpc.filter(|grpc| *grpc != host),
        host,
        ..Asked::default()
    }
}

/// What goes into a recipe becomes configuration: a name is a name.
fn check(asked: &Asked) -> anyhow::Result<()> {
    let named = [
        ("--host", Some(&asked.host)),
        ("--grpc-host", asked.grpc_host.as_ref()),
        ("--gateway", Some(&asked.gateway)),
    ];
    for (flag, name) in named {
        let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
        if let Some(name) = name
            && (name.is_empty() || !name.chars().all(is_name))
        {
            bail!("{flag} {name:?} is no host name: letters, digits, dots and dashes, without scheme or port");
        }
    }
    let is_path = |char: char| {
        !char.is_control()
            && !char.is_whitespace()
            && !matches!(char, '"' | '\'' | ';' | '{' | '}' | '#' | '`' | '$' | '\\')
    };
    match &asked.certificate {
        Some(certificate) if certificate.is_empty() || !certificate.chars().all(is_path) => {
            bail!("--cert {certificate:?} is no file name, secret or ARN without spaces and quotes")
        }
        Some(_) | None => Ok(()),
    }
}
