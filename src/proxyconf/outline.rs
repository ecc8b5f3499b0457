//! What a reader made of a file, a line a fact: for tests alone.

use std::fmt::Write;

use super::{Action, Condition, Limits, Listener, ProxyConf, Route, Setting, Tls};

/// The outline of a configuration: places as `@line`, defaults as `@line?`.
pub(crate) fn outline(conf: &ProxyConf) -> String {
    let mut out = String::new();
    for one in &conf.problems {
        let starts = if one.starts { " (starts)" } else { "" };
        line(
            &mut out,
            0,
            format!("problem @{}:{} {}{starts}", one.at.line, one.at.column, one.what),
        );
    }
    for one in &conf.listeners {
        listener(&mut out, one);
    }
    for one in &conf.workloads {
        line(
            &mut out,
            0,
            format!("workload {} {}", one.name, set(&one.replicas, ToString::to_string)),
        );
    }
    for one in &conf.checks {
        line(&mut out, 0, format!("check @{} {one:?}", one.at.line));
    }
    for one in &conf.secrets {
        line(&mut out, 0, format!("secret {}", set(one, Clone::clone)));
    }
    out
}

fn listener(out: &mut String, one: &Listener) {
    let hosts: Vec<String> = one.hosts.iter().map(|host| format!("{:?}", host.value)).collect();
    let port = one.port.map_or("?".to_owned(), |port| port.to_string());
    line(
        out,
        0,
        format!(
            "listener @{} {} :{port} {:?} [{}]",
            one.at.line,
            one.proxy.name(),
            one.layer,
            hosts.join(", ")
        ),
    );
    match &one.tls {
        Tls::Off => {}
        Tls::Passed => line(out, 1, "tls passed".to_owned()),
        Tls::Unknown => line(out, 1, "tls unknown".to_owned()),
        Tls::Ended(tls) => {
            let mut text = format!("tls @{}", tls.at.line);
            for certificate in &tls.certificates {
                let _ = write!(text, " {}", set(certificate, Clone::clone));
            }
            if let Some(hosts) = &tls.hosts {
                let hosts: Vec<String> = hosts.iter().map(|host| set(host, |host| format!("{host:?}"))).collect();
                let _ = write!(text, " for [{}]", hosts.join(", "));
            }
            option(&mut text, "client-certificate", tls.client_certificate.as_ref());
            option(&mut text, "newest", tls.newest.as_ref());
            if let Some(at) = &tls.rejects {
                let _ = write!(text, " rejects @{}", at.line);
            }
            line(out, 1, text);
        }
    }
    if let Some(http2) = &one.http2 {
        line(
            out,
            1,
            format!("http2 {} ({})", set(http2, |http2| format!("{http2:?}")), http2.name),
        );
    }
    if let Some(at) = &one.proxy_protocol {
        line(out, 1, format!("proxy-protocol @{}", at.line));
    }
    limits(out, 1, &one.limits);
    for one in &one.routes {
        route(out, one);
    }
}

fn route(out: &mut String, one: &Route) {
    let mut text = format!("route @{} {:?}", one.at.line, one.path);
    if !one.hosts.is_empty() {
        let hosts: Vec<String> = one.hosts.iter().map(|host| format!("{:?}", host.value)).collect();
        let _ = write!(text, " hosts [{}]", hosts.join(", "));
    }
    for Condition { asks, not } in &one.when {
        let not = if *not { "not " } else { "" };
        let _ = write!(text, " when {not}{asks:?}");
    }
    line(out, 1, text);
    match &one.action {
        Action::Forward(to) => {
            let mut text = format!("to {:?} @{}", to.speaks.value, to.at.line);
            option(&mut text, "tls", to.tls.as_ref());
            if let Some(name) = &to.name {
                let _ = write!(text, " {name}");
            }
            for server in &to.servers {
                let port = server.port.map_or("?".to_owned(), |port| port.to_string());
                let backup = if server.backup { " backup" } else { "" };
                let _ = write!(text, " {}:{port}{backup}", server.host);
                if let Some(down) = &server.down {
                    let _ = write!(text, " down ({}: {})", down.name, set(down, Clone::clone));
                }
            }
            if let Some(at) = &to.sends_proxy_protocol {
                let _ = write!(text, " sends-proxy @{}", at.line);
            }
            line(out, 2, text);
            if let Some(check) = &to.check {
                let mut text = format!("check @{} {:?}", check.at.line, check.asks);
                option(&mut text, "port", check.port.as_ref());
                option(&mut text, "path", check.path.as_ref());
                option(&mut text, "expects", check.expects.as_ref());
                line(out, 2, text);
            }
        }
        Action::Redirect(to) => line(out, 2, format!("redirect {to}")),
        Action::Answer(status) => line(out, 2, format!("answer {status}")),
        Action::Else(what) => line(out, 2, format!("else {what}")),
    }
    for guard in &one.guards {
        line(
            out,
            2,
            format!("guard {:?} @{} {}", guard.kind, guard.at.line, guard.name),
        );
    }
    for removed in &one.removes {
        line(out, 2, format!("removes {}", set(removed, Clone::clone)));
    }
    if let Some(at) = &one.rewrites {
        line(out, 2, format!("rewrites @{}", at.line));
    }
    let mut flags = String::new();
    option(&mut flags, "buffers-requests", one.buffers_requests.as_ref());
    option(&mut flags, "buffers-responses", one.buffers_responses.as_ref());
    option(&mut flags, "upgrades", one.upgrades.as_ref());
    if let Some(retries) = &one.retries {
        let _ = write!(flags, " retries {}", set(retries, |times| format!("{times:?}")));
    }
    if !flags.is_empty() {
        line(out, 2, flags.trim_start().to_owned());
    }
    limits(out, 2, &one.limits);
}

fn limits(out: &mut String, depth: usize, limits: &Limits) {
    let mut all: Vec<String> = Vec::new();
    let mut add = |kind: &str, one: &Setting<u64>| {
        all.push(format!("{kind} {} ({})", set(one, ToString::to_string), one.name));
    };
    limits.body.iter().for_each(|one| add("body", one));
    limits.header.iter().for_each(|one| add("header", one));
    limits.idle.iter().for_each(|one| add("idle", one));
    limits.lifetime.iter().for_each(|one| add("lifetime", one));
    limits.streams.iter().for_each(|one| add("streams", one));
    limits.requests.iter().for_each(|one| add("requests", one));
    limits.age.iter().for_each(|one| add("age", one));
    for one in all {
        line(out, depth, one);
    }
}

fn option<T: std::fmt::Display>(text: &mut String, name: &str, setting: Option<&Setting<T>>) {
    if let Some(setting) = setting {
        let _ = write!(text, " {name} {}", set(setting, ToString::to_string));
    }
}

fn set<T>(setting: &Setting<T>, words: impl Fn(&T) -> String) -> String {
    let mark = match setting.from {
        super::From::Written => "",
        super::From::Default => "?",
    };
    format!("{}@{}{mark}", words(&setting.value), setting.at.line)
}

fn line(out: &mut String, depth: usize, text: String) {
    let _ = writeln!(out, "{}{text}", "  ".repeat(depth));
}

mod tests {
    use super::outline;
    use crate::proxies::Proxy;
    use crate::proxyconf::source::Text;
    use crate::proxyconf::{Action, Http2, Layer, Listener, Path, ProxyConf, Route, Setting};

    #[test]
    fn an_outline_has_a_line_for_each_fact() {
        let text = Text::new("nginx.conf", "server {\n  listen 80;\n  return 404;\n}");
        let mut one = Listener::new(text.place_at(1, 1), Proxy::Nginx, Some(80), Layer::Http);
        one.http2 = Some(Setting::by_default(Http2::Http1Only, "http2", text.place_at(1, 1)));
        one.routes = vec![Route::new(text.place_at(3, 3), Path::All, Action::Answer(404))];
        let conf = ProxyConf {
            listeners: vec![one],
            ..ProxyConf::default()
        };
        assert_eq!(
            outline(&conf),
            "listener @1 nginx :80 Http []\n  http2 Http1Only@1? (http2)\n  route @3 All\n    answer 404\n"
        );
    }
}
