//! The configurations of `tests/lab` with their placeholders filled in: for the tests of readers alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::Text;

/// All configurations of a proxy that are known to be taken by it.
pub(super) fn healthy(proxy: &str) -> Vec<Text> {
    let found: Vec<Text> = ["tests/lab", "tests/lab/ours"]
        .iter()
        .flat_map(|folder| texts(&[folder, "/", proxy].concat()))
        .collect();
    assert!(found.len() > 3, "the lab has configurations of {proxy}");
    found
}

/// All configurations that a proxy refuses.
pub(super) fn broken(proxy: &str) -> Vec<Text> {
    texts(&format!("tests/lab/broken/{proxy}"))
}

fn texts(folder: &str) -> Vec<Text> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| text(path)).collect()
}

fn text(path: &Path) -> Text {
    let mut content = fs::read_to_string(path).expect("a configuration of the lab");
    for (name, value) in [
        ("@LISTEN@", "8443"),
        ("@REST_PORT@", "8009"),
        ("@GRPC_PORT@", "8010"),
        ("@GRPC_TLS_PORT@", "9010"),
        ("@DEAD_PORT@", "9011"),
    ] {
        content = content.replace(name, value);
    }
    // What is left are paths of files.
    let placeholder = regex_lite::Regex::new("@[A-Z_]+@").expect("an expression");
    Text::new(path.display().to_string(), placeholder.replace_all(&content, "/x"))
}
