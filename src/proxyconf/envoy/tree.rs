//! Envoy's messages as YAML and JSON write them: fields in snake or camel case, lists of one without brackets, typed values.

use super::schema::same;
use crate::proxyconf::source::Text;
use crate::proxyconf::yaml::{Key, Node, Value};
use crate::proxyconf::{Place, Setting};

/// A field with its key; `null` is none.
pub(super) fn entry<'a>(node: &'a Node, field: &str) -> Option<(&'a Key, &'a Node)> {
    let own = node.entries().iter().rfind(|(key, _)| same(field, &key.name));
    let found = own
        .map(|(key, value)| (key, value.as_ref()))
        .or_else(|| node.entry(field));
    found.filter(|(_, value)| !value.is_null())
}

/// A field.
pub(super) fn get<'a>(node: &'a Node, field: &str) -> Option<&'a Node> {
    entry(node, field).map(|(_, value)| value)
}

/// What is at the end of a way of fields.
pub(super) fn at<'a>(node: &'a Node, way: &[&str]) -> Option<&'a Node> {
    way.iter().try_fold(node, |node, field| get(node, field))
}

/// The text of a field.
pub(super) fn text<'a>(node: &'a Node, field: &str) -> Option<&'a str> {
    get(node, field)?.text()
}

/// Whether a field says `true`.
pub(super) fn is_true(node: &Node, field: &str) -> bool {
    get(node, field).and_then(Node::truth) == Some(true)
}

/// The values of a list, or the one value that stands for a list.
pub(super) fn items(node: &Node) -> impl Iterator<Item = &Node> {
    let one = (!matches!(node.value, Value::List(_)) && !node.is_null()).then_some(node);
    node.items().chain(one)
}

/// The values of the list of a field.
pub(super) fn list<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = &'a Node> {
    get(node, field).into_iter().flat_map(items)
}

/// The message that a typed value is: `envoy.extensions.filters.http.router.v3.Router`.
pub(super) fn type_name(typed: &Node) -> Option<&str> {
    let url = typed.text_of("@type")?;
    url.rsplit('/').next()
}

/// The typed value of an extension and what it is. A `TypedStruct`, as Istio writes them, is looked into; without a type it is
/// known by its name, as in configurations before there were types.
pub(super) fn typed(extension: &Node) -> (&str, &Node) {
    let name = text(extension, "name").unwrap_or_default();
    let config = get(extension, "typed_config").or_else(|| get(extension, "config"));
    let config = config.unwrap_or(extension);
    unwrapped(config).unwrap_or((name, config))
}

/// A typed value and what it is.
pub(super) fn unwrapped(config: &Node) -> Option<(&str, &Node)> {
    let name = type_name(config)?;
    if !name.ends_with(".TypedStruct") {
        return Some((name, config));
    }
    let url = text(config, "type_url")?;
    Some((url.rsplit('/').next()?, get(config, "value").unwrap_or(config)))
}

/// Milliseconds of a duration: `300s`, `0.5s`, or as `config_dump` writes none, `0s`.
pub(super) fn milliseconds(node: &Node) -> Option<u64> {
    let seconds: f64 = node.text()?.strip_suffix('s')?.parse().ok()?;
    // Saturates where nobody would wait for it.
    (seconds >= 0.0).then_some((seconds * 1000.0) as u64)
}

/// Milliseconds of a field, placed at its value; zero, which is no limit, is told apart from no such field.
pub(super) fn duration(text: &Text, node: &Node, field: &str) -> Option<Setting<u64>> {
    let value = get(node, field)?;
    Some(Setting::written(milliseconds(value)?, field, value.place(text)))
}

/// A number of a field, placed at its value.
pub(super) fn number(text: &Text, node: &Node, field: &str) -> Option<Setting<u64>> {
    let value = get(node, field)?;
    Some(Setting::written(value.number()?, field, value.place(text)))
}

/// Where a field is named.
pub(super) fn place(text: &Text, node: &Node, field: &str) -> Option<Place> {
    entry(node, field).map(|(key, _)| key.place(text))
}
