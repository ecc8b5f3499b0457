//! What the notations have in common: balancers, listeners, rules and target groups in AWS's own terms, joined by names.
//!
//! A name is whatever the notation refers with: an ARN, a template's logical name, an address of Terraform.

use std::collections::{BTreeMap, HashMap};

use crate::proxyconf::{From, Place, Problem, Setting};

/// Resources that refer to each other: those of a template, of a plan, or of all outputs of `describe`.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pub(super) balancers: Vec<Balancer>,
    pub(super) listeners: Vec<Entrance>,
    pub(super) rules: Vec<Rule>,
    pub(super) groups: Vec<Group>,
    pub(super) services: Vec<Service>,
    /// More certificates of a listener, by its name.
    pub(super) certificates: Vec<(String, Vec<Told<String>>)>,
    /// Targets that are registered apart from their group, by its name.
    pub(super) attached: Vec<(String, Target)>,
    /// Attributes of the only balancer, which isn't among the files itself.
    pub(super) attributes: Option<Attributes>,
    pub(super) problems: Vec<Problem>,
    /// Whether AWS has yet to accept it: what `describe` shows, it has accepted.
    pub(super) is_planned: bool,
    /// What [`Stack::join`] has found.
    pub(super) index: Index,
}

/// Who goes by which name: places in the lists of a stack.
#[derive(Debug, Default)]
pub(super) struct Index {
    balancers: HashMap<String, usize>,
    groups: HashMap<String, usize>,
    /// The rules of a listener.
    rules: HashMap<String, Vec<usize>>,
    /// The services that join a group, and which of their groups it is.
    joins: HashMap<String, Vec<(usize, usize)>>,
}

/// A value that is written.
#[derive(Clone, Debug)]
pub(super) struct Told<T> {
    /// `None` where it is known only once it is deployed.
    pub(super) value: Option<T>,
    /// What the notation calls it.
    pub(super) name: String,
    pub(super) from: From,
    pub(super) at: Place,
}

/// What a resource is referred to by.
pub(super) type Names = Vec<String>;

#[derive(Debug)]
pub(super) struct Balancer {
    pub(super) names: Names,
    pub(super) at: Place,
    /// `application`, `network` or `gateway`.
    pub(super) kind: Option<Told<String>>,
    pub(super) attributes: Attributes,
}

/// Attributes by AWS's key: `idle_timeout.timeout_seconds`.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) all: BTreeMap<String, Told<String>>,
    /// Whether one that isn't there has its default.
    pub(super) is_complete: bool,
}

/// A listener.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) names: Names,
    pub(super) at: Place,
    pub(super) balancer: Option<Told<String>>,
    pub(super) port: Option<Told<String>>,
    pub(super) protocol: Option<Told<String>>,
    pub(super) policy: Option<Told<String>>,
    pub(super) alpn: Option<Told<String>>,
    pub(super) certificates: Vec<Told<String>>,
    /// Those that are chosen by name, beside the one that the listener has to have.
    pub(super) more_certificates: Vec<Told<String>>,
    /// The mode of mutual authentication.
    pub(super) mutual: Option<Told<String>>,
    pub(super) attributes: Attributes,
    /// `None` where they can't be known.
    pub(super) actions: Option<Vec<Act>>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) at: Place,
    pub(super) listener: Option<Told<String>>,
    /// `default` for the last.
    pub(super) priority: Option<Told<String>>,
    pub(super) conditions: Vec<Asked>,
    /// `None` where they can't be known.
    pub(super) actions: Option<Vec<Act>>,
    /// What changes the path.
    pub(super) rewrites: Option<Place>,
    /// Whether it may be left out, by a condition that can't be known.
    pub(super) is_conditional: bool,
}

/// A condition of a rule: one of its values has to fit.
#[derive(Debug)]
pub(super) struct Asked {
    /// `path-pattern`, `host-header` and so on.
    pub(super) field: Option<String>,
    /// The header that `http-header` is about.
    pub(super) header: Option<String>,
    pub(super) values: Vec<Told<String>>,
    /// Whether the values are regular expressions.
    pub(super) is_regex: bool,
}

/// An action of a rule.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) at: Place,
    /// `forward`, `redirect`, `authenticate-oidc` and so on.
    pub(super) kind: Option<String>,
    pub(super) order: u64,
    pub(super) groups: Vec<Weighted>,
    /// Where a redirect leads.
    pub(super) redirect: String,
    /// The status of a fixed response.
    pub(super) status: Option<String>,
    /// What becomes of requests without a session: `allow` lets them through.
    pub(super) on_unauthenticated: Option<String>,
}

#[derive(Debug)]
pub(super) struct Weighted {
    pub(super) group: Told<String>,
    pub(super) weight: u64,
}

/// A target group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) names: Names,
    /// What people call it.
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) protocol: Option<Told<String>>,
    pub(super) version: Option<Told<String>>,
    pub(super) port: Option<Told<String>>,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub(super) kind: Option<Told<String>>,
    pub(super) check: Check,
    pub(super) attributes: Attributes,
    /// `None` where they can't be known: they register themselves.
    pub(super) targets: Option<Vec<Target>>,
    /// Where targets would be listed.
    pub(super) targets_at: Option<Place>,
}

#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) enabled: Option<Told<String>>,
    pub(super) protocol: Option<Told<String>>,
    pub(super) port: Option<Told<String>>,
    pub(super) path: Option<Told<String>>,
    /// A status of HTTP or of gRPC, as the group is.
    pub(super) matcher: Option<Told<String>>,
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) at: Place,
    pub(super) host: String,
    /// `None` for that of the group.
    pub(super) port: Option<Told<String>>,
    /// Why AWS sends it nothing; the name is AWS's reason.
    pub(super) down: Option<Setting<String>>,
}

/// What registers its own targets: a service of ECS, a group of instances.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    /// How many there are at least; `None` where that can't be known.
    pub(super) count: Option<Setting<u64>>,
    /// The target groups, and the port where it isn't theirs.
    pub(super) joins: Vec<(Told<String>, Option<Told<String>>)>,
    /// Whether what it runs is Hoop's image; `None` where that can't be told.
    pub(super) is_hoop: Option<bool>,
}

impl<T> Told<T> {
    /// What is known of it.
    pub(super) fn known(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The same place with another value.
    pub(super) fn setting<U>(&self, value: U) -> Setting<U> {
        Setting {
            value,
            name: self.name.clone(),
            from: self.from,
            at: self.at.clone(),
        }
    }
}

impl Told<String> {
    /// A whole number.
    pub(super) fn number(&self) -> Option<u64> {
        self.known()?.trim().parse().ok()
    }

    /// A port.
    pub(super) fn port(&self) -> Option<u16> {
        self.known()?.trim().parse().ok()
    }

    /// A truth value.
    pub(super) fn truth(&self) -> Option<bool> {
        match self.known()?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// What a text is, where it is written and known.
pub(super) fn text(told: &Option<Told<String>>) -> Option<&str> {
    told.as_ref()?.known().map(String::as_str)
}

/// What is written, or AWS's default; `None` where something is written that can't be known.
pub(super) fn text_or<'a>(told: &'a Option<Told<String>>, default: &'a str) -> Option<&'a str> {
    match told {
        Some(told) => told.known().map(String::as_str),
        None => Some(default),
    }
}

/// Where a redirect leads: what it doesn't say stays as it was asked for.
pub(super) fn redirect(
    protocol: Option<String>,
    host: Option<String>,
    port: Option<String>,
    path: Option<String>,
    query: Option<String>,
) -> String {
    let or = |part: Option<String>, same: &str| part.unwrap_or_else(|| same.to_owned());
    let query = match query.as_deref() {
        Some("") => String::new(),
        Some(query) => format!("?{query}"),
        None => "?#{query}".to_owned(),
    };
    format!(
        "{}://{}:{}{}{query}",
        or(protocol, "#{protocol}").to_ascii_lowercase(),
        or(host, "#{host}"),
        or(port, "#{port}"),
        or(path, "/#{path}")
    )
}

impl Stack {
    /// Joins what belongs together, once everything is there.
    pub(super) fn join(&mut self) {
        let listeners = by_name(self.listeners.iter().map(|one| &one.names));
        for (name, certificates) in std::mem::take(&mut self.certificates) {
            if let Some(one) = listeners.get(&name).and_then(|at| self.listeners.get_mut(*at)) {
                one.more_certificates.extend(certificates);
            }
        }
        self.index.balancers = by_name(self.balancers.iter().map(|one| &one.names));
        self.index.groups = by_name(self.groups.iter().map(|one| &one.names));
        for (name, target) in std::mem::take(&mut self.attached) {
            if let Some(one) = self.index.groups.get(&name).and_then(|at| self.groups.get_mut(*at)) {
                one.targets.get_or_insert_default().push(target);
            }
        }
        for (at, one) in self.rules.iter().enumerate() {
            if let Some(name) = one.listener.as_ref().and_then(Told::known) {
                self.index.rules.entry(name.clone()).or_default().push(at);
            }
        }
        for (at, one) in self.services.iter().enumerate() {
            for (which, (to, _)) in one.joins.iter().enumerate() {
                if let Some(name) = to.known() {
                    self.index.joins.entry(name.clone()).or_default().push((at, which));
                }
            }
        }
    }

    /// The group that is referred to.
    pub(super) fn group(&self, to: &Told<String>) -> Option<&Group> {
        self.groups.get(*self.index.groups.get(to.known()?)?)
    }

    /// The balancer of a listener.
    pub(super) fn balancer(&self, of: &Entrance) -> Option<&Balancer> {
        let name = of.balancer.as_ref()?.known()?;
        self.balancers.get(*self.index.balancers.get(name)?)
    }

    /// The rules of a listener, as they are written.
    pub(super) fn rules(&self, of: &Entrance) -> impl Iterator<Item = &Rule> {
        let named = of.names.iter().filter_map(|name| self.index.rules.get(name));
        named.flatten().filter_map(|at| self.rules.get(*at))
    }

    /// What registers itself with a group, and the port where it isn't the group's.
    pub(super) fn joins(&self, group: &Group) -> impl Iterator<Item = (&str, Option<&Told<String>>)> {
        let named = group.names.iter().filter_map(|name| self.index.joins.get(name));
        named.flatten().filter_map(|(at, which)| {
            let service = self.services.get(*at)?;
            let (_, port) = service.joins.get(*which)?;
            Some((service.name.as_str(), port.as_ref()))
        })
    }
}

/// The first that goes by each name.
fn by_name<'a>(all: impl Iterator<Item = &'a Names>) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for (at, names) in all.enumerate() {
        for name in names {
            found.entry(name.clone()).or_insert(at);
        }
    }
    found
}

impl Balancer {
    /// Its kind: `application` where nothing is written, `None` where it can't be known.
    pub(super) fn kind(&self) -> Option<&str> {
        text_or(&self.kind, "application")
    }
}

impl Group {
    /// Its protocol, where it is known.
    pub(super) fn protocol(&self) -> Option<&str> {
        text(&self.protocol)
    }

    /// Its protocol version: `HTTP1` where nothing is written, `None` where it can't be known.
    pub(super) fn version(&self) -> Option<&str> {
        text_or(&self.version, "HTTP1")
    }

    /// Whether it takes requests, and not just bytes.
    pub(super) fn takes_requests(&self) -> bool {
        matches!(self.protocol(), Some("HTTP" | "HTTPS"))
    }
}
