//! What the wire shows has a line in the file too: the one to look at, and mostly the one to change.

use super::site::{Taken, forward};
use super::{Conf, Site, location};
use crate::findings::rank::Diagnosed;
use crate::proxyconf::{Place, Route, Tls};

/// Gives findings of the wire the place that they are about.
pub(super) fn point(found: &mut [Diagnosed], conf: &Conf<'_>) {
    let Some(site) = conf.grpc().next().or(conf.sites.first()) else {
        return;
    };
    for one in found
        .iter_mut()
        .filter(|one| one.draft.locations.is_empty() && !one.draft.endpoints.is_empty())
    {
        let place = place(one.rule.code.0, site);
        one.draft.locations.extend(place.map(location));
    }
}

fn place<'a>(code: u16, site: &Site<'a>) -> Option<&'a Place> {
    let listener = site.listener;
    let tls = match &listener.tls {
        Tls::Ended(tls) => Some(tls.as_ref()),
        Tls::Off | Tls::Passed | Tls::Unknown => None,
    };
    match code {
        301 | 302 | 318 | 403 => Some(&listener.at),
        310 => tls.map(|tls| tls.newest.as_ref().map_or(&tls.at, |newest| &newest.at)),
        312 => tls.map(|tls| tls.client_certificate.as_ref().map_or(&tls.at, |required| &required.at)),
        303..=309 | 314 | 315 | 317 => tls.map(|tls| tls.certificates.first().map_or(&tls.at, |one| &one.at)),
        401 | 402 | 408 => listener.http2.as_ref().map(|http2| &http2.at).or(Some(&listener.at)),
        601 | 602 | 603 | 611 | 613 | 617 | 620 | 700..=799 => {
            Some(route(site.connect()).map_or(&listener.at, |route| &route.at))
        }
        604..=607 | 614 | 616 | 621 => upstream(site.connect()),
        505 | 509 => upstream(&site.healthz),
        502..=504 | 506 | 507 => route(&site.healthz).map(|route| &route.at),
        _ => None,
    }
}

fn route<'a>(taken: &Taken<'a>) -> Option<&'a Route> {
    taken.by
}

fn upstream<'a>(taken: &Taken<'a>) -> Option<&'a Place> {
    forward(taken.by?).map(|to| &to.at)
}
