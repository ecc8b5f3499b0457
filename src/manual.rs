//! The manual pages: one for the program and one for each of its commands, made from the command line itself.
//!
//! What `--help` says is said there alone. Here is what only a manual has: the variables and files that are read, what
//! the exit codes are, and where to go on.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::built;
use crate::cli::Cli;

/// One page of section 1, in roff.
#[derive(Clone, Debug)]
pub struct Page {
    /// The command that it is about; `None`: the program.
    pub command: Option<String>,
    /// What `man` reads.
    pub text: String,
}

impl Page {
    /// What the page is called in a folder of manual pages.
    pub fn file_name(&self) -> String {
        match &self.command {
            None => format!("{PROGRAM}.1"),
            Some(command) => format!("{PROGRAM}-{command}.1"),
        }
    }
}

/// The program's page, then those of its commands in the order of the help.
pub fn pages() -> Vec<Page> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let others: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
    let first = Page {
        command: None,
        text: page(&program, &others),
    };
    let rest = program.get_subcommands().map(|command| Page {
        command: Some(command.get_name().to_owned()),
        text: page(command, &[]),
    });
    std::iter::once(first).chain(rest).collect()
}

/// A page, in the order of man-pages(7). Only the program's has `commands`.
fn page(command: &Command, commands: &[&str]) -> String {
    let man = Man::new(command.clone());
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let help = Help::of(&help);
    let codes = match commands {
        [] => PRINTED,
        [..] => REPORTED,
    };
    let (variables, files) = read_by(command.get_name());

    let mut roff = Roff::new();
    exit_status(&mut roff, help.exit_codes.unwrap_or(codes));
    list(&mut roff, "ENVIRONMENT", &variables.concat());
    list(&mut roff, "FILES", files);
    if !help.notes.is_empty() {
        roff.control("SH", ["NOTES"]);
        as_written(&mut roff, &help.notes);
    }
    if !help.examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
        as_written(&mut roff, &help.examples);
    }
    see_also(&mut roff, commands);

    let mut text = title(command).into_bytes();
    let written = man
        .render_name_section(&mut text)
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| match commands {
            [] => Ok(()),
            [..] => man.render_subcommands_section(&mut text),
        })
        .and_then(|()| roff.to_writer(&mut text));
    written.expect("memory can be written to");
    let text = String::from_utf8(text).expect("what clap and roff write is UTF-8");
    // An empty line between two breaks is what clap_mangen puts before a list of values; roff has a word for it.
    text.replace("\n.br\n\n.br\n", "\n.sp\n")
}

/// The head of the page. It is written here because roff's own writer leaves out an argument that is empty.
fn title(command: &Command) -> String {
    let name = command.get_display_name().unwrap_or(PROGRAM).to_uppercase();
    format!(
        ".TH {name} 1 \"{}\" \"{PROGRAM} {}\" \"User Commands\"\n",
        built::DATE,
        env!("CARGO_PKG_VERSION")
    )
}

/// What stands below the options in `--help`, taken apart.
#[derive(Default)]
struct Help<'a> {
    exit_codes: Option<&'a str>,
    notes: Vec<&'a str>,
    examples: Vec<&'a str>,
}

impl<'a> Help<'a> {
    fn of(text: &'a str) -> Self {
        let mut help = Self::default();
        for paragraph in text.split("\n\n") {
            if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
                help.examples.extend(examples.lines());
                continue;
            }
            for line in paragraph.lines() {
                match line.strip_prefix("Exit codes: ") {
                    Some(codes) => help.exit_codes = Some(codes),
                    None => help.notes.push(line),
                }
            }
        }
        help
    }
}

/// `0 this; 1 that.` as a list.
fn exit_status(roff: &mut Roff, codes: &str) {
    roff.control("SH", ["EXIT STATUS"]);
    for meaning in codes.trim_end_matches('.').split("; ") {
        let (code, meaning) = meaning.split_once(' ').unwrap_or((meaning, ""));
        roff.control("TP", []).text([bold(code)]).text([roman(meaning)]);
    }
}

/// What a command reads unasked: variables, by what they are about, and files.
fn read_by(command: &str) -> (&'static [Entries], Entries) {
    match command {
        PROGRAM | "check" => (&[DISCOVERY, SUMMARY, LOOK, LOCALE], FILES),
        "logs" | "lint" | "replay" | "demo" => (&[SUMMARY, LOOK, LOCALE], &[]),
        "explain" => (&[LOOK, LOCALE], &[]),
        "diff" => (&[LOCALE], &[]),
        _ => (&[], &[]),
    }
}

/// Names, and what is to be known of them.
type Entries = &'static [(&'static str, &'static str)];

fn list(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    if entries.is_empty() {
        return;
    }
    roff.control("SH", [heading]);
    for (name, text) in entries {
        roff.control("TP", []).text([bold(*name)]).text([roman(*text)]);
    }
}

/// Indented lines are to be typed, and keep their form; the others are sentences.
fn as_written(roff: &mut Roff, lines: &[&str]) {
    for group in lines.chunk_by(|one, next| is_typed(one) == is_typed(next)) {
        if group.iter().any(|line| is_typed(line)) {
            roff.control("RS", ["4"]).control("nf", []);
            for line in group {
                roff.text([roman(line.trim_start())]);
            }
            roff.control("fi", []).control("RE", []);
        } else {
            for line in group {
                roff.text([roman(*line)]);
            }
        }
    }
}

fn is_typed(line: &str) -> bool {
    line.starts_with(' ')
}

fn see_also(roff: &mut Roff, commands: &[&str]) {
    roff.control("SH", ["SEE ALSO"]);
    if commands.is_empty() {
        roff.text([bold(PROGRAM), roman("(1)")]);
    }
    for (index, command) in commands.iter().enumerate() {
        let end = if index + 1 < commands.len() { "(1)," } else { "(1)" };
        roff.text([bold(format!("{PROGRAM}-{command}")), roman(end)]);
    }
    roff.control("PP", []);
    roff.text([
        roman("The runbook of every finding, as "),
        italic(format!("{PROGRAM} explain")),
        roman(concat!(
            " prints it: ",
            env!("CARGO_PKG_REPOSITORY"),
            "/tree/main/docs/findings"
        )),
    ]);
}

const PROGRAM: &str = "hoop-doctor";

/// The exit codes of a command that says nothing of them, which only prints.
const PRINTED: &str = "0 printed; 2 usage";
/// Those of the program, which are those of the commands that report.
const REPORTED: &str = "0 nothing at or above --fail-on, which is error by default; 1 findings; 2 usage, or a file that \
    was given and can't be read or written; 3 could not find out";

const FILES: Entries = &[
    (
        "~/.hoop/config.toml",
        "The client's configuration. It is read and never written.",
    ),
    (
        "/etc/resolv.conf, /etc/hosts",
        "What each resolver and the hosts file say by themselves, where a name has no address that works.",
    ),
];

/// What discovery reads.
const DISCOVERY: Entries = &[
    (
        "HOOP_KEY",
        "The agent's key, a URL with the gateway's address and a secret. HOOP_DSN is its old name.",
    ),
    (
        "HOOP_SPIFFE_KEY_FILE",
        "The key of an agent with a SPIFFE identity, whose gateway is in HOOP_GRPCURL. HOOP_SPIFFE_NAME is its name.",
    ),
    (
        "HOOP_GRPC_INSECURE",
        "true: an agent with a SPIFFE identity doesn't speak TLS.",
    ),
    (
        "TOKEN",
        "The token of an agent of the oldest kind, whose gateway is in HOOP_GRPCURL.",
    ),
    (
        "HOOP_GATEWAY_URL",
        "Where the part of an agent that serves RDP finds the API; it isn't started without.",
    ),
    (
        "HOOP_GRPCURL, HOOP_APIURL, HOOP_TOKEN",
        "The client's configuration, if all three are set; it then counts before the file.",
    ),
    (
        "HOOP_TLSCA",
        "The certificates to trust: PEM, base64://BASE64 or file://PATH.",
    ),
    ("HOOP_TLSSERVERNAME", "The name that the gRPC certificate must have."),
    ("HOOP_TLS_SKIP_VERIFY", "true: certificates are not verified."),
    (
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        "The forward proxy, by Go's rules; https_proxy, http_proxy and no_proxy count as well. REQUEST_METHOD switches \
         HTTP_PROXY off.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Where the system's certificates are, if not where they usually are.",
    ),
    ("HOME", "Where .hoop is looked for; on Windows USERPROFILE says it."),
];

/// What a report goes to besides where `-o` sends it.
const SUMMARY: Entries = &[(
    "GITHUB_STEP_SUMMARY",
    "The file that GitHub Actions shows as the summary of a step; -o github adds the report to it as Markdown.",
)];

/// How text for people looks.
const LOOK: Entries = &[
    (
        "NO_COLOR, CLICOLOR_FORCE, TERM",
        "What --color auto goes by: the first forbids colours, the second wants them in pipes too, and a dumb terminal \
         gets none.",
    ),
    ("COLUMNS", "How wide output is, if not as the terminal."),
];

/// Which characters it is made of.
const LOCALE: Entries = &[(
    "LC_ALL, LC_CTYPE, LANG",
    "The first that is set says whether output may have other characters than ASCII.",
)];

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::{DISCOVERY, pages};
    use crate::cli::Cli;
    use crate::config::environment::NAMES;

    #[test]
    fn every_variable_that_is_read_is_described() {
        let described: Vec<&str> = DISCOVERY
            .iter()
            .flat_map(|(names, text)| names.split(", ").chain(text.split([' ', ',', ';'])))
            .collect();
        for name in NAMES {
            assert!(described.contains(name), "{name}");
        }
    }

    #[track_caller]
    fn page(command: &str) -> String {
        let pages = pages();
        let page = pages.iter().find(|page| page.command.as_deref() == Some(command));
        page.expect("there is such a page").text.replace('\\', "")
    }

    /// The names in a section, in its order.
    fn names(command: &str, section: &str) -> Vec<String> {
        let page = page(command);
        let Some((_, rest)) = page.split_once(&format!(".SH {section}\n")) else {
            return Vec::new();
        };
        let (section, _) = rest.split_once(".SH").expect("SEE ALSO is the last");
        section
            .split(".TP\n")
            .filter_map(|entry| entry.strip_prefix("fB")?.split_once("fR"))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    #[test]
    fn help_is_taken_apart() {
        let text = page("check");
        assert!(
            text.contains(".SH NOTES\nA secret never comes as an argument"),
            "{text}"
        );
        assert_eq!(names("check", "\"EXIT STATUS\""), ["0", "1", "2", "3"]);
    }

    #[test]
    fn only_what_reports_has_the_exit_codes_of_a_report() {
        for command in ["check", "logs", "replay", "demo"] {
            assert_eq!(names(command, "\"EXIT STATUS\""), ["0", "1", "2", "3"], "{command}");
        }
        for command in ["schema", "completions", "recipe", "man", "stand-in"] {
            assert_eq!(names(command, "\"EXIT STATUS\""), ["0", "2"], "{command}");
        }
    }

    #[test]
    fn the_environment_is_what_the_command_reads() {
        let look = ["NO_COLOR, CLICOLOR_FORCE, TERM", "COLUMNS", "LC_ALL, LC_CTYPE, LANG"];
        let program = Cli::command();
        let reports = |command: &&Command| command.get_arguments().any(|arg| arg.get_id() == "verbose");
        let reporting: Vec<&str> = program
            .get_subcommands()
            .filter(reports)
            .map(Command::get_name)
            .collect();
        assert_eq!(reporting, ["check", "logs", "lint", "replay", "demo"]);
        for command in reporting {
            let variables = names(command, "ENVIRONMENT");
            let (before, of_reports) = variables.split_at(variables.len() - 1 - look.len());
            assert_eq!(of_reports[0], "GITHUB_STEP_SUMMARY", "{command}");
            assert_eq!(of_reports[1..], look, "{command}");
            assert_eq!(before.is_empty(), command != "check", "{command}: {before:?}");
        }
        assert_eq!(names("explain", "ENVIRONMENT"), look);
        assert_eq!(names("diff", "ENVIRONMENT"), look[2..]);
        for command in ["schema", "completions", "recipe", "man", "stand-in"] {
            assert_eq!(names(command, "ENVIRONMENT"), [""; 0], "{command}");
        }
    }
}
