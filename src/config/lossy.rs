//! Paths in a saved case. They are for showing alone, so what is no UTF-8 is written as it would be shown.

use std::path::Path;

use serde::Serializer;

pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
