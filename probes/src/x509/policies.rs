//! Certificate policies (RFC 5280 6.1 with the graph of RFC 9618), for a client that asks for no policy itself.
//!
//! Such a client only refuses a chain in which a certificate demands explicit policies and none is left, or maps a policy
//! to or from "any". All that needs is the deepest layer of the graph, so only that is kept.

use std::collections::{HashMap, HashSet};

use super::certificate::Certificate;

/// Each policy that is still valid, with the policies that the next certificate may call it by.
type Layer<'a> = HashMap<&'a [u8], Vec<&'a [u8]>>;

/// Judges a chain, leaf first, trust anchor last.
pub(super) fn are_valid(chain: &[&Certificate]) -> bool {
    let Some((_, below_anchor)) = chain.split_last().filter(|(_, below)| !below.is_empty()) else {
        return true;
    };
    let never = below_anchor.len() + 1;
    let (mut skip_any, mut skip_explicit, mut skip_mapping) = (never, never, never);
    let mut layer: Option<Layer<'_>> = Some(HashMap::from([(ANY, vec![ANY])]));

    for (i, certificate) in below_anchor.iter().enumerate().rev() {
        let extensions = &certificate.extensions;
        let is_leaf = i == 0;
        layer = layer.filter(|_| !extensions.policies.is_empty()).map(|layer| {
            let any_counts = skip_any > 0 || (!is_leaf && certificate.is_self_issued());
            next(&layer, &extensions.policies, any_counts)
        });
        if skip_explicit == 0 && layer.is_none() {
            return false;
        }
        if is_leaf {
            continue;
        }
        if let Some(layer) = &mut layer
            && !map(layer, &extensions.policy_mappings, skip_mapping > 0)
        {
            return false;
        }
        let step = usize::from(!certificate.is_self_issued());
        let lowered = |count: usize, limit: Option<i64>| {
            let limit = limit.and_then(|limit| usize::try_from(limit).ok());
            limit.map_or(count, |limit| count.min(limit))
        };
        skip_explicit = lowered(skip_explicit.saturating_sub(step), extensions.require_explicit_policy);
        skip_mapping = lowered(skip_mapping.saturating_sub(step), extensions.inhibit_policy_mapping);
        skip_any = lowered(skip_any.saturating_sub(step), extensions.inhibit_any_policy);
    }

    let demanded_by_leaf = chain[0].extensions.require_explicit_policy == Some(0);
    let is_demanded = demanded_by_leaf || skip_explicit <= 1;
    !is_demanded || layer.is_some_and(|layer| !layer.is_empty())
}

/// The policies that are valid after a certificate that lists `policies`.
fn next<'a>(layer: &Layer<'a>, policies: &'a [Vec<u8>], any_counts: bool) -> Layer<'a> {
    let expected: HashSet<&[u8]> = layer.values().flatten().copied().collect();
    let lists_any = policies.iter().any(|policy| policy == ANY);
    let named = policies.iter().map(Vec::as_slice).filter(|policy| *policy != ANY);
    let valid = named.filter(|policy| layer.contains_key(ANY) || expected.contains(policy));
    let carried = expected.iter().copied().filter(|_| lists_any && any_counts);
    valid.chain(carried).map(|policy| (policy, vec![policy])).collect()
}

/// Applies policy mappings; false if one of them is of "any", which can't be mapped.
fn map<'a>(layer: &mut Layer<'a>, mappings: &'a [(Vec<u8>, Vec<u8>)], is_allowed: bool) -> bool {
    let mut mapped: Layer<'a> = HashMap::new();
    for (issuer, subject) in mappings {
        if !is_allowed {
            layer.remove(issuer.as_slice());
        } else if issuer == ANY || subject == ANY {
            return false;
        } else {
            mapped.entry(issuer).or_default().push(subject);
        }
    }
    for (issuer, subjects) in mapped {
        if layer.contains_key(issuer) || layer.contains_key(ANY) {
            layer.insert(issuer, subjects);
        }
    }
    true
}

/// anyPolicy, 2.5.29.32.0.
const ANY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];
