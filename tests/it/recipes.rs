//! Recipes: `lint` has nothing to say of any, and behind each real proxy that takes one `check --deep` finds no error.

mod live;

use clap::ValueEnum;
use hoop_doctor::proxyconf::source::Text;
use hoop_doctor::recipes::{Asked, Recipe};

use crate::lint::{lint, told};

/// What a recipe can be filled in with.
fn variants() -> Vec<Asked> {
    let plain = Asked::default();
    vec![
        plain.clone(),
        Asked {
            grpc_host: Some("grpc.example.com".to_owned()),
            ..plain.clone()
        },
        Asked {
            tls_upstream: true,
            ..plain.clone()
        },
        Asked {
            certificate: Some("hoop-tls".to_owned()),
            gateway: "hoopgateway".to_owned(),
            ..plain
        },
    ]
}

#[test]
fn lint_has_nothing_to_say_of_a_recipe() {
    let mut wrong = Vec::new();
    for recipe in Recipe::value_variants() {
        // Terraform's language is read after planning.
        if *recipe == Recipe::AlbTerraform {
            continue;
        }
        for asked in variants() {
            let text = recipe.text(&asked);
            // As it is, and with a gateway whose ports are mapped to others.
            let mapped = text.replace("8010", "31010").replace("8009", "31009");
            for text in [text, mapped] {
                let report = lint(vec![Text::new("recipe", text)], None);
                if !report.findings.is_empty() {
                    wrong.push(format!("{recipe:?} {asked:?}\n{}", told(&report)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_value_stands_in_the_text() {
    let asked = Asked {
        host: "web.example.net".to_owned(),
        grpc_host: Some("agents.example.net".to_owned()),
        certificate: Some("the-certificate".to_owned()),
        gateway: "gateway.internal".to_owned(),
        tls_upstream: false,
    };
    for recipe in Recipe::value_variants() {
        let text = recipe.text(&asked);
        for value in ["web.example.net", "agents.example.net", "the-certificate"] {
            assert!(text.contains(value), "{recipe:?} lacks {value}\n{text}");
        }
    }
}
