//! What `apache2 -t` refuses. Apache stops at the first mistake, and so does this.

use super::table::{FOREIGN, Place, known, names};
use super::tree::{Directive, Files, Refused};
use crate::config::file::edits;

/// No name that is known is longer.
const LONGEST: usize = 60;

/// The section that a directive stands in.
#[derive(Clone, Copy)]
struct Within<'a> {
    /// The name of the innermost section other than `<VirtualHost>`; none outside of all.
    section: Option<&'a str>,
    host: bool,
}

/// The first mistake.
pub(super) fn first(body: &[Directive], files: &Files<'_, '_>) -> Result<(), Refused> {
    walk(
        body,
        Within {
            section: None,
            host: false,
        },
        files,
    )
}

fn walk(body: &[Directive], within: Within<'_>, files: &Files<'_, '_>) -> Result<(), Refused> {
    for directive in body {
        one(directive, within, files).map_err(|what| Refused {
            file: directive.file,
            line: directive.line,
            what,
        })?;
        if directive.inner.is_none() || directive.is("Macro") {
            continue;
        }
        let inside = match directive.is("VirtualHost") {
            true => Within { host: true, ..within },
            false => Within {
                section: Some(&directive.name),
                ..within
            },
        };
        walk(directive.inner(), inside, files)?;
    }
    Ok(())
}

fn one(directive: &Directive, within: Within<'_>, files: &Files<'_, '_>) -> Result<(), String> {
    let name = directive.name.as_str();
    let is_section = directive.inner.is_some();
    let shown = if is_section {
        format!("<{name}")
    } else {
        name.to_owned()
    };
    let all = known(name);
    let loaded: Vec<_> = all.iter().filter(|known| files.has(known.module)).collect();
    if loaded.is_empty() {
        let lower = name.to_ascii_lowercase();
        let foreign = files.foreign || FOREIGN.iter().any(|start| lower.starts_with(start)) || lower.contains('$');
        // Without a list of modules, a directive may come with any of them.
        return match (all.first(), foreign) {
            (None, true) => Ok(()),
            (None, false) => Err(format!(
                "Invalid command '{shown}': misspelled, or of a module that isn't there{}",
                meant(&lower)
            )),
            (Some(known), _) => Err(format!(
                "Invalid command '{shown}': its module, {}, isn't loaded",
                known.module
            )),
        };
    }
    if is_section && !directive.closed {
        return Err(format!("<{name}> directive missing closing '>'"));
    }
    if directive.is("VirtualHost") && (within.host || within.section.is_some()) {
        return Err(format!(
            "<{name}> cannot occur within <{}> section",
            within.section.unwrap_or("VirtualHost")
        ));
    }
    let places: Vec<Place> = loaded.iter().map(|known| known.place).collect();
    match within.section {
        Some(section)
            if is_directory(section) && !is_section && places.iter().all(|place| *place == Place::Outside) =>
        {
            return Err(format!("{name} not allowed in <{section}> context"));
        }
        None if !is_section && places.iter().all(|place| *place == Place::Inside) => {
            return Err(format!("{name} not allowed here"));
        }
        _ => {}
    }
    if directive.words.iter().any(|word| word.varies) {
        return Ok(());
    }
    arguments(directive, within)
}

/// Sections whose contents count for requests. `<Macro>` and others may hold anything.
fn is_directory(section: &str) -> bool {
    let all = [
        "Directory",
        "DirectoryMatch",
        "Files",
        "FilesMatch",
        "Location",
        "LocationMatch",
        "If",
        "ElseIf",
        "Else",
    ];
    all.iter().any(|name| name.eq_ignore_ascii_case(section))
}

fn arguments(directive: &Directive, within: Within<'_>) -> Result<(), String> {
    let name = directive.name.as_str();
    let count = directive.words.len();
    let flag =
        |words: &[&str]| match words.iter().any(|word| word.eq_ignore_ascii_case(directive.word(0))) && count == 1 {
            true => Ok(()),
            false => Err(format!("{name} must be {}", words.join(" or "))),
        };
    let takes = |least: usize, most: usize| match (least..=most).contains(&count) {
        true => Ok(()),
        false if least == most => Err(format!(
            "{name} takes {least} argument{}",
            if least == 1 { "" } else { "s" }
        )),
        false => Err(format!("{name} takes {least} to {most} arguments")),
    };
    let in_location = within
        .section
        .is_some_and(|section| section.to_ascii_lowercase().starts_with("location"));
    match name.to_ascii_lowercase().as_str() {
        "virtualhost" | "location" | "locationmatch" | "directory" | "proxy" | "proxymatch" | "files"
        | "filesmatch"
            if count == 0 =>
        {
            Err(format!("<{name}> directive requires additional arguments"))
        }
        "sslengine" => flag(&["On", "Off", "Optional"]),
        "proxypreservehost"
        | "sslproxyengine"
        | "rewriteengine"
        | "h2direct"
        | "h2upgrade"
        | "proxyrequests"
        | "keepalive"
        | "sslhonorcipherorder"
        | "sslcompression"
        | "sslsessiontickets" => flag(&["On", "Off"]),
        "servername"
        | "documentroot"
        | "sslcertificatefile"
        | "sslcacertificatefile"
        | "sslcertificatechainfile"
        | "limitrequestfieldsize"
        | "h2maxsessionstreams"
        | "errorlog"
        | "pidfile"
        | "serverroot" => takes(1, 1),
        "sslcertificatekeyfile" => takes(1, 1),
        "loadmodule" => takes(2, 2),
        "protocols" | "serveralias" | "sslprotocol" if count == 0 => {
            Err(format!("{name} requires at least one argument"))
        }
        "sslprotocol" => ssl_protocol(directive),
        "sslverifyclient" => {
            let known = ["none", "optional", "require", "optional_no_ca"];
            match known.iter().any(|level| level.eq_ignore_ascii_case(directive.word(0))) {
                true => Ok(()),
                false => Err(format!("SSLVerifyClient: invalid argument '{}'", directive.word(0))),
            }
        }
        "listen" => {
            takes(1, 2)?;
            let address = directive.word(0);
            let port = address.rsplit_once(':').map_or(address, |(_, port)| port);
            match port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() {
                true if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
                true => Err("Invalid address or port".to_owned()),
                false => Err("Port must be specified".to_owned()),
            }
        }
        "proxypass" | "proxypassmatch" => proxy_pass(directive, in_location),
        "rewriterule" | "rewritecond" => {
            takes(2, 3)?;
            let flags = directive.word(2);
            match flags.is_empty() || flags.starts_with('[') && flags.ends_with(']') {
                true => Ok(()),
                false => Err(format!("{name}: bad flag delimiters")),
            }
        }
        "require" => require(directive),
        _ => Ok(()),
    }
}

fn ssl_protocol(directive: &Directive) -> Result<(), String> {
    let known = ["all", "sslv2", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];
    let bad = directive.words.iter().find(|word| {
        let name = word.text.trim_start_matches(['+', '-']);
        !known.iter().any(|known| known.eq_ignore_ascii_case(name))
    });
    match bad {
        Some(word) => Err(format!("SSLProtocol: Illegal protocol '{}'", word.text)),
        None => Ok(()),
    }
}

fn proxy_pass(directive: &Directive, in_location: bool) -> Result<(), String> {
    let name = &directive.name;
    let mut positional = 0;
    for word in &directive.words {
        let text = word.text.as_str();
        let option = text.starts_with("interpolate") || text.starts_with("noquery");
        if option {
            continue;
        }
        // The path, then the URL; in a section the path is that of the section.
        let wanted = if in_location { 1 } else { 2 };
        if positional < wanted {
            positional += 1;
            continue;
        }
        if in_location && positional == 1 && !text.contains('=') && text.contains("://") {
            return Err(format!("{name} can not have a path when defined in a location"));
        }
        if !text.contains('=') {
            return Err(format!(
                "Invalid {name} parameter. Parameter must be in the form 'key=value'"
            ));
        }
    }
    match (in_location, positional) {
        (false, 2) | (true, 1) => Ok(()),
        (false, _) => Err(format!("{name} needs a path when not defined in a location")),
        (true, _) => Err(format!("{name} needs a URL")),
    }
}

fn require(directive: &Directive) -> Result<(), String> {
    let name = match directive.word(0) {
        "not" => directive.word(1),
        name => name,
    };
    let known = [
        "all",
        "env",
        "method",
        "expr",
        "user",
        "group",
        "valid-user",
        "ip",
        "host",
        "forward-dns",
        "local",
        "file-owner",
        "file-group",
    ];
    let is_slip = name.len() < LONGEST && !known.contains(&name) && known.iter().any(|other| edits(name, other) == 1);
    match is_slip {
        true => Err(format!("Unknown Authz provider: {name}")),
        false => Ok(()),
    }
}

/// The directive that may be meant.
fn meant(name: &str) -> String {
    if name.len() > LONGEST {
        return String::new();
    }
    let near = names()
        .map(|known| (edits(name, &known.to_ascii_lowercase()), known))
        .min();
    match near {
        Some((distance, known)) if distance <= 1 + known.len() / 6 => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}
