//! Access logs of AWS application load balancers.

use super::{Route, by_status, first_of};
use crate::explain::messages::Message;

/// `TYPE TIME ELB CLIENT TARGET TIMES… ELB_STATUS TARGET_STATUS RECEIVED SENT "REQUEST" …`
pub(super) fn read(text: &str) -> Option<Vec<&'static Message>> {
    let (kind, _) = text.split_once(' ')?;
    matches!(kind, "http" | "https" | "h2" | "grpcs" | "ws" | "wss").then_some(())?;
    let (fields, rest) = text.split_once(" \"")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let [_, _, _, _, _, _, _, _, status, from_target, _, sent] = fields.as_slice() else {
        return None;
    };
    let route = Route::of(rest.split(' ').nth(1).unwrap_or_default());
    // What a target answered is not the balancer's own fault.
    let is_own = *from_target == "-";
    let signs = match route {
        Route::Connect | Route::Side if is_own => first_of(&[&format!("alb {status}")]),
        Route::Connect | Route::Side | Route::Rest | Route::Other => Vec::new(),
    };
    let is_page = !is_own && sent.parse().is_ok_and(|sent: u64| sent >= SMALLEST_PAGE);
    Some(match signs.is_empty() {
        true => by_status(route, status, is_page),
        false => signs,
    })
}

/// Headers count here.
const SMALLEST_PAGE: u64 = 800;
