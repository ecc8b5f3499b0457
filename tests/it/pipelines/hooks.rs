//! The hooks in a real pre-commit, in a repository that has proxy configuration among other files.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::{NOBODY, command, commit, nginx_fine_and_broken, run, said, text_of, tool};

/// `pre-commit try-repo` of the hook that takes the program from the path, over all of `files`.
fn try_hook(files: &[(&str, &str)]) -> Option<Output> {
    let pre_commit = tool("pre-commit")?;
    let folder = TempDir::with_prefix("hoop-doctor-hooks-").expect("a folder");
    let (hooks, user) = (folder.path().join("hooks"), folder.path().join("user"));
    let put = |folder: &Path, name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    put(&hooks, ".pre-commit-hooks.yaml", &text_of(".pre-commit-hooks.yaml"));
    commit(&hooks);
    for (name, text) in files {
        put(&user, name, text);
    }
    commit(&user);
    let mut hook = command(pre_commit, &user);
    hook.arg("try-repo")
        .arg(&hooks)
        .args([
            "hoop-doctor-lint-system",
            "--all-files",
            "--verbose",
            "--color",
            "never",
        ])
        .envs(NOBODY)
        .env("PRE_COMMIT_HOME", folder.path().join("cache"));
    Some(run(hook))
}

/// Files that are no configuration of a proxy, or of one that has nothing to do with Hoop.
const OTHERS: [(&str, &str); 5] = [
    ("README.md", "# About\n"),
    ("values.yaml", "replicas: 1\n"),
    (
        "templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n",
    ),
    ("nginx.txt", "notes about nginx\n"),
    (
        "shop/nginx.conf",
        "events {}\nhttp {\n  server {\n    listen 80;\n    server_name shop.example.com;\n    location / { proxy_pass http://shop:3000; }\n  }\n}\n",
    ),
];

#[test]
fn a_fine_file_passes_and_a_broken_one_is_refused_with_its_line() {
    let (fine, broken) = nginx_fine_and_broken();
    let name = "deploy/nginx.conf";

    let Some(output) = try_hook(&[&OTHERS[..], &[(name, &fine)]].concat()) else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("Passed"), "{}", said(&output));

    let output = try_hook(&[&OTHERS[..], &[(name, &broken)]].concat()).expect("it was there a moment ago");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("exit code: 1") && said.contains("HD401"), "{said}");
    assert!(said.contains("deploy/nginx.conf:"), "{said}");
    // All files went to one run.
    assert_eq!(said.matches("HD401 http2-not-enabled").count(), 1, "{said}");
}

#[test]
fn files_without_a_gateway_pass_and_others_are_not_read() {
    let Some(output) = try_hook(&OTHERS) else { return };
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("HD808") && said.contains("shop/nginx.conf"), "{said}");
    let Some(output) = try_hook(&OTHERS[..4]) else { return };
    let said = super::said(&output);
    assert!(output.status.success() && said.contains("no files to check"), "{said}");
}
