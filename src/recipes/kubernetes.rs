//! What the recipes for Kubernetes share.

use super::Asked;

/// The Service of the gateway, in the namespace of what refers to it: what was asked for, where that can be one.
pub(super) fn service(asked: &Asked) -> &str {
    let (name, rest) = asked.gateway.split_once('.').unwrap_or((&asked.gateway, "svc"));
    let is_label = name.starts_with(|char: char| char.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
    let in_cluster = rest == "svc" || rest.contains(".svc");
    match is_label && in_cluster && name != "localhost" {
        true => name,
        false => "hoopgateway",
    }
}
