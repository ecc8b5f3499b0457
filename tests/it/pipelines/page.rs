//! docs/ci.md shows the files of docs/ci as they are. `UPDATE_CASES=1` puts them into it.

use std::collections::BTreeSet;
use std::env;
use std::fs;

use super::text_of;
use crate::lab::repository;

#[test]
fn the_page_shows_every_file_as_it_is() {
    let page = text_of("docs/ci.md");
    let (now, shown) = filled_in(&page);
    let entries = fs::read_dir(repository().join("docs/ci")).expect("a folder").flatten();
    let there: BTreeSet<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(shown, there, "the page shows {shown:?}");
    if env::var_os("UPDATE_CASES").is_some() {
        fs::write(repository().join("docs/ci.md"), now).expect("the page can be written");
        return;
    }
    assert_eq!(page, now, "UPDATE_CASES=1 writes it anew");
}

/// The page with the files in the blocks that follow their names, and those names.
fn filled_in(page: &str) -> (String, BTreeSet<String>) {
    let (mut now, mut shown) = (String::new(), BTreeSet::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        now += line;
        now.push('\n');
        let Some(name) = line.strip_prefix("<!-- ci/").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "no block follows {line}");
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        assert!(block.iter().all(|line| !line.starts_with("```")));
        let text = text_of(&format!("docs/ci/{name}"));
        now += &format!("{fence}\n{}\n```\n", text.trim_end());
        shown.insert(name.to_owned());
    }
    (now, shown)
}

#[cfg(test)]
mod tests {
    use super::filled_in;

    #[test]
    fn a_block_that_drifted_is_put_right() {
        let (now, shown) = filled_in("a\n<!-- ci/hoop-doctor.timer -->\n```ini\n[Timer]\nOnCalendar=never\n```\nb\n");
        assert!(now.starts_with("a\n<!-- ci/hoop-doctor.timer -->\n```ini\n# /etc/systemd"));
        assert!(now.ends_with("\n```\nb\n") && !now.contains("never"), "{now}");
        assert_eq!(shown.into_iter().collect::<Vec<_>>(), ["hoop-doctor.timer"]);
    }
}
