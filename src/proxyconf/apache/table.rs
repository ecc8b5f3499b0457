//! The directives that Apache httpd 2.4 has, the module that brings each, and where it may stand: what `apache2 -L` says.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::config::file::edits;

/// Where a directive may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    /// Not in `<Directory>`, `<Location>`, `<Files>` and the like.
    Outside,
    /// In these alone.
    Inside,
}

/// A directive of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// As it is written.
    pub(super) name: &'static str,
    /// The source file of its module, as `<IfModule>` names it: `mod_ssl.c`.
    pub(super) module: &'static str,
    pub(super) place: Place,
}

static TABLE: LazyLock<HashMap<String, Vec<Known>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Vec<Known>> = HashMap::new();
    let mut module = "";
    for word in include_str!("directives.txt").split_ascii_whitespace() {
        if let Some(name) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            module = name;
            continue;
        }
        let (name, place) = match (word.strip_suffix('-'), word.strip_suffix('+')) {
            (Some(name), _) => (name, Place::Outside),
            (_, Some(name)) => (name, Place::Inside),
            (None, None) => (word, Place::Anywhere),
        };
        all.entry(name.to_ascii_lowercase())
            .or_default()
            .push(Known { name, module, place });
    }
    all
});

/// A directive by its name, in upper or lower case; several modules may have one.
pub(super) fn known(name: &str) -> &'static [Known] {
    TABLE.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.values().flatten().map(|known| known.name)
}

/// The source file of a module by the name that `LoadModule` has for it; `None` for one that isn't httpd's own.
pub(super) fn source(module: &str) -> Option<String> {
    let name = module.strip_suffix("_module")?;
    let source = match name {
        "mpm_event" | "mpm_worker" | "mpm_prefork" => "mpm.c".to_owned(),
        "ldap" => "util_ldap.c".to_owned(),
        name => format!("mod_{name}.c"),
    };
    let with_directives = TABLE.values().flatten().any(|known| known.module == source);
    (with_directives || WITHOUT_DIRECTIVES.contains(&name)).then_some(source)
}

/// No module's name is longer.
const LONGEST: usize = 60;

/// The module that a name may be meant for, where it is no module's.
pub(super) fn meant(module: &str) -> Option<String> {
    let own = TABLE
        .values()
        .flatten()
        .filter_map(|known| known.module.strip_prefix("mod_")?.strip_suffix(".c"));
    let all = own.chain(WITHOUT_DIRECTIVES).map(|name| format!("{name}_module"));
    if module.len() > LONGEST {
        return None;
    }
    let near = all.map(|name| (edits(&name, module), name)).min();
    near.filter(|(distance, _)| *distance <= 2).map(|(_, name)| name)
}

/// What is compiled into every httpd, or into those of the distributions.
pub(super) const COMPILED_IN: [&str; 9] = [
    "core.c",
    "http_core.c",
    "mod_log_config.c",
    "mod_logio.c",
    "mod_so.c",
    "mod_unixd.c",
    "mod_version.c",
    "mod_watchdog.c",
    "mpm.c",
];

/// Modules of httpd that bring no directive.
const WITHOUT_DIRECTIVES: [&str; 30] = [
    "asis",
    "auth_basic",
    "authnz_fcgi",
    "authnz_ldap",
    "authz_host",
    "authz_owner",
    "authz_user",
    "data",
    "echo",
    "http2",
    "lbmethod_bybusyness",
    "lbmethod_byrequests",
    "lbmethod_bytraffic",
    "proxy_ajp",
    "proxy_balancer",
    "proxy_fdpass",
    "proxy_http",
    "proxy_http2",
    "proxy_uwsgi",
    "proxy_wstunnel",
    "ratelimit",
    "slotmem_plain",
    "slotmem_shm",
    "socache_dbm",
    "socache_redis",
    "socache_shmcb",
    "status",
    "tls",
    "unique_id",
    "systemd",
];

/// How the directives of modules begin that aren't httpd's own, in lower case.
pub(super) const FOREIGN: [&str; 32] = [
    "authcas",
    "cas",
    "dos",
    "evasive",
    "fcgid",
    "geoip",
    "gnutls",
    "gssapi",
    "idleshutdown",
    "jk",
    "jwt",
    "krb",
    "maxminddb",
    "mellon",
    "modpagespeed",
    "modsecurity",
    "oidc",
    "passenger",
    "perl",
    "php",
    "python",
    "qos",
    "qs_",
    "rails",
    "ruby",
    "sec",
    "shib",
    "svn",
    "dav",
    "tls",
    "wsgi",
    "xsendfile",
];

#[cfg(test)]
mod tests {
    use super::{Place, known, source};

    #[test]
    fn directives_are_known_with_their_modules() {
        let proxy = known("proxypass");
        assert_eq!(
            (proxy.len(), proxy[0].module, proxy[0].place),
            (1, "mod_proxy.c", Place::Anywhere)
        );
        assert_eq!(known("ServerName")[0].place, Place::Outside);
        assert_eq!(known("Require")[0].place, Place::Inside);
        assert!(known("ProxyPas").is_empty());
        assert_eq!(source("ssl_module").as_deref(), Some("mod_ssl.c"));
        assert_eq!(source("proxy_http2_module").as_deref(), Some("mod_proxy_http2.c"));
        assert_eq!(source("security2_module"), None);
    }
}
