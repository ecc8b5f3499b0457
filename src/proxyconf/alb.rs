//! AWS's application and network load balancers: templates of CloudFormation, plans and states of Terraform as
//! `terraform show -json` prints them, and the output of `aws elbv2 describe-…`.
//!
//! Each notation becomes a [`stack::Stack`] in AWS's own terms, and one function makes the model of that. What AWS refuses
//! is a problem; a template with one is never deployed, so nothing else is said of it.

mod api;
mod cloudformation;
mod describe;
mod model;
mod refused;
mod stack;
mod template;
mod terraform;

use std::rc::Rc;

use self::stack::Stack;
use super::source::Text;
use super::yaml::Node;
use super::{FileRead, ProxyConf};
use crate::proxies::Proxy;

/// Whether a document is one of AWS's load balancers, or of the template that makes them.
pub fn is_mine(doc: &Node) -> bool {
    cloudformation::is_mine(doc) || terraform::is_mine(doc) || describe::is_mine(doc)
}

/// Whether a file is Terraform's own language, which isn't read: `terraform show -json` says what comes of it.
pub fn looks_like_hcl(content: &str) -> bool {
    let blocks = [
        "resource \"",
        "data \"",
        "module \"",
        "variable \"",
        "provider \"",
        "output \"",
    ];
    content.lines().any(|line| {
        let begins = blocks.iter().any(|block| line.starts_with(block));
        begins && line.trim_end().ends_with(['{', '}'])
            || line.starts_with("terraform {")
            || line.starts_with("locals {")
    })
}

/// Reads all files of a run. A template and a plan stand for themselves; outputs of `describe` belong together.
pub fn read(texts: &[(&Text, &[Rc<Node>])], conf: &mut ProxyConf) {
    let mut described: Vec<(&Text, &Node)> = Vec::new();
    for (text, docs) in texts {
        let mine: Vec<&Node> = docs.iter().map(Rc::as_ref).filter(|doc| is_mine(doc)).collect();
        if mine.is_empty() {
            continue;
        }
        conf.files.push(FileRead {
            name: text.name.clone(),
            proxy: Proxy::AwsAlb,
            lines: text.lines(),
        });
        for doc in mine {
            if cloudformation::is_mine(doc) {
                add(cloudformation::read(text, doc), conf);
            } else if terraform::is_mine(doc) {
                add(terraform::read(text, doc), conf);
            } else {
                described.push((text, doc));
            }
        }
    }
    if !described.is_empty() {
        add(describe::read(&described), conf);
    }
}

fn add(mut stack: Stack, conf: &mut ProxyConf) {
    stack.join();
    let mut problems = std::mem::take(&mut stack.problems);
    problems.extend(refused::problems(&stack));
    match problems.is_empty() {
        true => model::add(&stack, conf),
        false => conf.problems.extend(problems),
    }
}

/// Whether an image is Hoop's. Many a company keeps a copy under a name of its own.
fn is_hoop(image: &str) -> bool {
    image.to_ascii_lowercase().contains("hoop")
}

#[cfg(test)]
mod tests;
