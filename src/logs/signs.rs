//! What lines say: the messages of `explain`, and the fields of proxies' access logs, each with the findings that it can mean.

use crate::explain::messages::{MESSAGES, Message};

/// The sign with this sample.
pub fn named(sample: &str) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.sample == sample)
}
