//! A line without what terminals, containers and log collectors put around it.

/// One log line, taken out of its wrapper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// When it was written, in milliseconds since the epoch, where it says so with a date.
    pub at: Option<i64>,
    /// What it says.
    pub text: String,
}
