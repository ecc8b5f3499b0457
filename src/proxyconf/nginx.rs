//! nginx: a whole configuration with what it includes, or a fragment of one as it stands in `conf.d` or in documentation.
//!
//! What nginx itself would refuse is found as nginx finds it, and of a file that it wouldn't start with nothing else is said.

mod condition;
mod directives;
mod forward;
mod http;
mod include;
mod listen;
mod location;
mod route;
mod scope;
mod stream;
mod syntax;
mod upstream;
mod values;

#[cfg(test)]
mod tests;

use self::directives::{Context, Refusal};
use self::include::Files;
use self::syntax::{Body, Spot, Statement};
use super::source::{Includes, Text};
use super::{FileRead, Listener, Problem, ProxyConf};
use crate::proxies::Proxy;

/// Reads a file with all that it includes.
pub fn read(text: &Text, includes: &mut Includes, conf: &mut ProxyConf) {
    let (files, statements) = include::load(text, includes);
    for (number, one) in files.texts.iter().enumerate() {
        conf.files.push(FileRead {
            name: one.name.clone(),
            proxy: Proxy::Nginx,
            lines: one.lines(),
        });
        // The comments of the file that was given are whose reading began with it.
        if number > 0 {
            conf.allowed.extend(one.allowed());
        }
    }
    let context = context(&statements);
    let modules = files.may_load_modules || loads_modules(&statements);
    let mut refusals = directives::refusals(&statements, context, modules);
    let is_broken = |refusals: &[Refusal]| refusals.iter().any(|one| !one.starts);
    if !is_broken(&refusals) {
        let found = listeners(&files, &statements, context, &mut refusals);
        if !is_broken(&refusals) {
            conf.listeners.extend(found);
        }
    }
    let mut problems: Vec<Problem> = Vec::new();
    for one in refusals {
        let problem = Problem {
            at: files.place(one.at),
            what: one.what,
            starts: one.starts,
        };
        // A server with two addresses is looked at twice.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    conf.problems.extend(problems);
}

fn listeners(files: &Files, statements: &[Statement], context: Context, refusals: &mut Vec<Refusal>) -> Vec<Listener> {
    let begin = Spot { file: 0, offset: 0 };
    let mut found = Vec::new();
    match context {
        Context::Main => {
            for block in statements {
                match block.name.text.as_str() {
                    "http" => found.extend(http::listeners(files, block.name.at, block.block(), context, refusals)),
                    "stream" => found.extend(stream::listeners(
                        files,
                        block.name.at,
                        block.block(),
                        context,
                        refusals,
                    )),
                    _ => {}
                }
            }
        }
        Context::Stream | Context::StreamServer => {
            found.extend(stream::listeners(files, begin, statements, context, refusals));
        }
        Context::Http | Context::Server | Context::Location => {
            found.extend(http::listeners(files, begin, statements, context, refusals));
        }
        _ => {}
    }
    found
}

/// Where the file belongs: a whole configuration has blocks or directives that stand nowhere else.
fn context(statements: &[Statement]) -> Context {
    const FRAGMENTS: [Context; 5] = [
        Context::Http,
        Context::Server,
        Context::Location,
        Context::Stream,
        Context::StreamServer,
    ];
    let is_own = |one: &&Statement| !matches!(one.body, Body::Fault(_));
    let names = || statements.iter().filter(is_own).map(|one| one.name.text.as_str());
    let whole = names().any(|name| {
        directives::may_stand(name, Context::Main)
            && !FRAGMENTS.iter().any(|context| directives::may_stand(name, *context))
    });
    if whole {
        return Context::Main;
    }
    let misfit = |context: &Context| {
        let outside = names().filter(|name| !directives::may_stand(name, *context)).count();
        let inside = directives::refusals(statements, *context, true);
        (outside, inside.iter().filter(|one| one.misplaced).count())
    };
    FRAGMENTS.into_iter().min_by_key(misfit).unwrap_or(Context::Http)
}

/// Whether modules are loaded that nginx doesn't come with.
fn loads_modules(statements: &[Statement]) -> bool {
    const OWN: [&str; 9] = [
        "ngx_stream_module",
        "ngx_mail_module",
        "ngx_http_image_filter_module",
        "ngx_http_xslt_filter_module",
        "ngx_http_perl_module",
        "ngx_http_geoip_module",
        "ngx_stream_geoip_module",
        "ngx_http_v3_module",
        "ngx_google_perftools_module",
    ];
    let mut loaded = statements.iter().filter(|one| one.name.text == "load_module");
    loaded.any(|one| {
        let file = one.arg(0).unwrap_or_default();
        !OWN.iter().any(|own| file.contains(own))
    })
}
