//! The indexes of the pages, by symptom and by proxy: written from the pages and the table of messages, and compared.
//!
//! `UPDATE_CASES=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io;

use hoop_doctor::explain::messages::{MESSAGES, Message, Weight};
use hoop_doctor::explain::{PAGES, Runbook, page};
use hoop_doctor::logs::signs::FIELDS;
use hoop_doctor::proxies::Proxy;

use super::pages::fixes;
use crate::lab::repository;

#[test]
fn the_index_by_symptom_has_every_message() -> io::Result<()> {
    check("docs/symptoms.md", &by_symptom())
}

#[test]
fn the_index_by_proxy_has_every_fix() -> io::Result<()> {
    check("docs/proxies.md", &by_proxy())
}

/// Compares a file with what it should be, or writes it.
#[track_caller]
fn check(file: &str, now: &str) -> io::Result<()> {
    let path = repository().join(file);
    if env::var_os("UPDATE_CASES").is_some() {
        return fs::write(path, now);
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    let (kept_lines, now_lines): (BTreeSet<&str>, BTreeSet<&str>) = (kept.lines().collect(), now.lines().collect());
    let missing = now_lines
        .difference(&kept_lines)
        .map(|line| format!("{file} lacks {line}"));
    let stale = kept_lines
        .difference(&now_lines)
        .map(|line| format!("{file} still has {line}"));
    let wrong: Vec<String> = missing.chain(stale).collect();
    assert!(wrong.is_empty(), "{}\nUPDATE_CASES=1 writes it anew", wrong.join("\n"));
    assert!(
        kept == now,
        "the lines of {file} stand in another order; UPDATE_CASES=1 writes it anew"
    );
    Ok(())
}

/// Every message with what it can mean.
fn by_symptom() -> String {
    let mut text = "# Findings by symptom\n\n\
                    Look here for the message that an agent, a client or a proxy logs; what it can mean stands beside it, the likeliest first.\n\
                    `hoop-doctor explain TEXT` looks a message up, whatever the names and numbers in it are, and `hoop-doctor check` decides.\n\
                    The order of messages is that of the alphabet, without `rpc error: code = … desc =` and `transport:` in front.\n\n\
                    This file is written by `UPDATE_CASES=1 cargo test --test it indexes`.\n"
        .to_owned();
    for (weight, title) in [
        (Weight::Says, "Messages"),
        (Weight::Hints, "Words that many texts have in them"),
    ] {
        let mut messages: Vec<&Message> = MESSAGES.iter().filter(|message| message.weight == weight).collect();
        messages.sort_by_key(|message| (key(message.sample), message.sample));
        text += &table(title, &messages);
    }
    let fields: Vec<&Message> = FIELDS.iter().filter(|sign| !sign.codes.is_empty()).collect();
    text += &table("Access logs and dumps of frames, by their fields", &fields);
    text
}

/// Messages with links to the pages of what they can mean.
fn table(title: &str, messages: &[&Message]) -> String {
    let mut text = format!("\n## {title}\n\n| message | it can mean |\n|---|---|\n");
    for message in messages {
        let pages = message.codes.iter().filter_map(|code| page(&code.to_string()));
        let links: Vec<String> = pages.map(link).collect();
        text += &format!("| `{}` | {} |\n", message.sample.replace('|', "\\|"), links.join(", "));
    }
    text
}

/// What a message is sorted by: what others wrap around it comes off.
fn key(sample: &str) -> String {
    let inner = match sample.split_once(" desc = ") {
        Some((wrapper, inner)) if wrapper.starts_with("rpc error: ") => inner,
        _ => sample,
    };
    let inner = inner.trim_start_matches("transport: ");
    let is_word = |char: char| char.is_alphanumeric();
    inner.trim_start_matches(|char| !is_word(char)).to_lowercase()
}

/// Every heading below "How to fix", and the pages that have it.
fn by_proxy() -> String {
    let mut pages: BTreeMap<&str, Vec<&Runbook>> = BTreeMap::new();
    for page in PAGES {
        for heading in fixes(page) {
            pages.entry(heading).or_default().push(page);
        }
    }
    let mut text = "# Findings by proxy\n\n\
                    What can be wrong with each proxy, and has a fix in its own words.\n\n\
                    This file is written by `UPDATE_CASES=1 cargo test --test it indexes`.\n"
        .to_owned();
    for proxy in Proxy::ALL {
        let Some(found) = pages.remove(proxy.name()) else {
            continue;
        };
        text += &format!("\n## {}\n\n", proxy.name());
        for page in found {
            text += &format!("- {}: {}\n", link(page), page.summary());
        }
    }
    text += "\n## Everything else\n\n| what | findings |\n|---|---|\n";
    for (heading, found) in pages {
        let links: Vec<String> = found.into_iter().map(link).collect();
        text += &format!("| {heading} | {} |\n", links.join(", "));
    }
    text
}

fn link(page: &Runbook) -> String {
    format!("[{page}](findings/{}.md)", page.code)
}
