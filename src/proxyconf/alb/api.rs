//! Resources in the words of AWS's API, which templates and `describe` share.

use super::stack::{Act, Asked, Attributes, Balancer, Check, Entrance, Group, Names, Rule, Target, Told, Weighted};
use super::template::{Template, as_written};
use crate::proxyconf::yaml::Node;
use crate::proxyconf::{From, Place};

/// A load balancer.
pub(super) fn balancer<'a>(from: &Template<'a>, names: Names, at: Place, node: &'a Node) -> Balancer {
    Balancer {
        names,
        at,
        kind: from.told(node, "Type"),
        attributes: attributes(from, from.list(node, "LoadBalancerAttributes")),
    }
}

/// A listener.
pub(super) fn listener<'a>(from: &Template<'a>, names: Names, at: Place, node: &'a Node) -> Entrance {
    Entrance {
        names,
        at,
        balancer: from.told(node, "LoadBalancerArn"),
        port: from.told(node, "Port"),
        protocol: from.told(node, "Protocol"),
        policy: from.told(node, "SslPolicy"),
        alpn: alpn(from, node),
        certificates: certificates(from, node),
        more_certificates: Vec::new(),
        mutual: node
            .get("MutualAuthentication")
            .and_then(|mutual| from.told(mutual, "Mode")),
        attributes: attributes(from, from.list(node, "ListenerAttributes")),
        actions: actions(from, node, "DefaultActions"),
    }
}

/// The policy is a list of one.
fn alpn<'a>(from: &Template<'a>, node: &'a Node) -> Option<Told<String>> {
    match from.list(node, "AlpnPolicy")?.first() {
        Some(first) => from.told_as(first, "AlpnPolicy"),
        None => None,
    }
}

/// The certificates of a listener, by their parameter where their ARN can't be known.
pub(super) fn certificates<'a>(from: &Template<'a>, node: &'a Node) -> Vec<Told<String>> {
    let Some(all) = from.list(node, "Certificates") else {
        return node
            .get("Certificates")
            .map(|some| unknown(from, some))
            .into_iter()
            .collect();
    };
    let named = all.into_iter().filter_map(|one| {
        let arn = one.get("CertificateArn")?;
        let told = from.told_as(arn, "CertificateArn")?;
        let value = told.value.or_else(|| Some(as_written(arn)));
        Some(Told { value, ..told })
    });
    named.collect()
}

fn unknown(from: &Template<'_>, node: &Node) -> Told<String> {
    Told {
        value: Some(as_written(node)),
        name: "Certificates".to_owned(),
        from: From::Written,
        at: node.place(from.text),
    }
}

/// A rule of a listener.
pub(super) fn rule<'a>(from: &Template<'a>, at: Place, node: &'a Node) -> Rule {
    let conditions = from.list(node, "Conditions");
    let conditions = match conditions {
        Some(all) => all.into_iter().map(|one| condition(from, one)).collect(),
        None => vec![Asked {
            field: None,
            header: None,
            values: Vec::new(),
            is_regex: false,
        }],
    };
    Rule {
        at,
        listener: from.told(node, "ListenerArn"),
        priority: from.told(node, "Priority"),
        conditions,
        actions: actions(from, node, "Actions"),
        rewrites: rewrites(from, node),
        is_conditional: false,
    }
}

/// The transformation that changes the path; the other one changes the host.
fn rewrites<'a>(from: &Template<'a>, node: &'a Node) -> Option<Place> {
    let all = from.list(node, "Transforms")?;
    let changes_path = |one: &&Node| one.text_of("Type") == Some("url-rewrite");
    all.into_iter().find(changes_path).map(|one| one.place(from.text))
}

fn condition<'a>(from: &Template<'a>, node: &'a Node) -> Asked {
    let field = from.text_of(node, "Field");
    let config = match field.as_deref() {
        Some("path-pattern") => "PathPatternConfig",
        Some("host-header") => "HostHeaderConfig",
        Some("http-header") => "HttpHeaderConfig",
        Some("http-request-method") => "HttpRequestMethodConfig",
        Some("source-ip") => "SourceIpConfig",
        Some(_) | None => "QueryStringConfig",
    };
    let block = node.get(config).unwrap_or(node);
    let (values, is_regex) = match (block.get("RegexValues"), block.get("Values")) {
        (Some(_), None) => ("RegexValues", true),
        _ => ("Values", false),
    };
    let block = match block.get(values) {
        Some(_) => block,
        None => node,
    };
    let told = match from.list(block, values) {
        // A query string has keys beside its values.
        Some(all) => all
            .into_iter()
            .filter_map(|one| from.told_as(one.get("Value").unwrap_or(one), values))
            .collect(),
        None => Vec::new(),
    };
    Asked {
        field,
        header: from.text_of(block, "HttpHeaderName"),
        values: told,
        is_regex,
    }
}

fn actions<'a>(from: &Template<'a>, node: &'a Node, key: &str) -> Option<Vec<Act>> {
    let all = from.list(node, key)?;
    Some(all.into_iter().map(|one| action(from, one)).collect())
}

fn action<'a>(from: &Template<'a>, node: &'a Node) -> Act {
    let config = |name: &str| node.get(name).unwrap_or(node);
    let mut groups: Vec<Weighted> = Vec::new();
    for one in from.list(config("ForwardConfig"), "TargetGroups").into_iter().flatten() {
        if let Some(group) = from.told(one, "TargetGroupArn") {
            let weight = from.text_of(one, "Weight").and_then(|text| text.parse().ok());
            groups.push(Weighted {
                group,
                weight: weight.unwrap_or(1),
            });
        }
    }
    // What `describe` shows says the one group of an action twice.
    if let Some(group) = from.told(node, "TargetGroupArn").filter(|_| groups.is_empty()) {
        groups.push(Weighted { group, weight: 1 });
    }
    let redirect = config("RedirectConfig");
    let part = |key: &str| from.text_of(redirect, key);
    let on_unauthenticated = ["AuthenticateOidcConfig", "AuthenticateCognitoConfig"]
        .into_iter()
        .find_map(|name| from.text_of(node.get(name)?, "OnUnauthenticatedRequest"));
    Act {
        at: node.place(from.text),
        kind: from.text_of(node, "Type"),
        order: from
            .text_of(node, "Order")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        groups,
        redirect: super::stack::redirect(
            part("Protocol"),
            part("Host"),
            part("Port"),
            part("Path"),
            part("Query"),
        ),
        status: from.text_of(config("FixedResponseConfig"), "StatusCode"),
        on_unauthenticated,
    }
}

/// A target group.
pub(super) fn group<'a>(from: &Template<'a>, names: Names, name: String, at: Place, node: &'a Node) -> Group {
    let matcher = node.get("Matcher").and_then(|matcher| {
        from.told(matcher, "GrpcCode")
            .or_else(|| from.told(matcher, "HttpCode"))
    });
    let targets = from.list(node, "Targets").filter(|all| !all.is_empty());
    Group {
        names,
        name,
        at,
        protocol: from.told(node, "Protocol"),
        version: from.told(node, "ProtocolVersion"),
        port: from.told(node, "Port"),
        kind: from.told(node, "TargetType"),
        check: Check {
            enabled: from.told(node, "HealthCheckEnabled"),
            protocol: from.told(node, "HealthCheckProtocol"),
            port: from.told(node, "HealthCheckPort"),
            path: from.told(node, "HealthCheckPath"),
            matcher,
        },
        attributes: attributes(from, from.list(node, "TargetGroupAttributes")),
        targets: targets.map(|all| all.into_iter().map(|one| target(from, one)).collect()),
        targets_at: None,
    }
}

/// A target, as it is registered.
pub(super) fn target<'a>(from: &Template<'a>, node: &'a Node) -> Target {
    let id = node.get("Id").unwrap_or(node);
    Target {
        at: id.place(from.text),
        host: from.text_of(node, "Id").unwrap_or_else(|| as_written(id)),
        port: from.told(node, "Port"),
        down: None,
    }
}

/// Attributes, which are lists of keys and values.
pub(super) fn attributes<'a>(from: &Template<'a>, list: Option<Vec<&'a Node>>) -> Attributes {
    let mut found = Attributes {
        is_complete: list.is_some(),
        ..Attributes::default()
    };
    for one in list.into_iter().flatten() {
        match (from.text_of(one, "Key"), one.get("Value")) {
            (Some(key), Some(value)) => {
                found.all.extend(from.told_as(value, &key).map(|told| (key, told)));
            }
            _ => found.is_complete = false,
        }
    }
    found
}
