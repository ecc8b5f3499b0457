//! The words that HAProxy knows: all that 2.6 lists by itself, and those that came with later versions up to 3.2.

use std::sync::LazyLock;

/// What a word can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first word of a line in `global`.
    Global,
    /// The first word of a line in `defaults`, `frontend`, `backend` or `listen`.
    Proxy,
    /// Behind `option`.
    Option,
    /// Behind the address of `bind`; with a value.
    Bind,
    BindValue,
    /// Behind the address of `server`; with a value.
    Server,
    ServerValue,
    /// Behind `http-request`.
    HttpRequest,
    /// At the head of what an `acl` looks at.
    Fetch,
}

const KINDS: [(&str, Kind); 9] = [
    ("[global]", Kind::Global),
    ("[proxy]", Kind::Proxy),
    ("[option]", Kind::Option),
    ("[bind]", Kind::Bind),
    ("[bind+]", Kind::BindValue),
    ("[server]", Kind::Server),
    ("[server+]", Kind::ServerValue),
    ("[http-request]", Kind::HttpRequest),
    ("[fetch]", Kind::Fetch),
];

static WORDS: LazyLock<Vec<(Kind, Vec<&'static str>)>> = LazyLock::new(|| {
    let mut all: Vec<(Kind, Vec<&'static str>)> = Vec::new();
    for word in include_str!("keywords.txt").split_ascii_whitespace() {
        match KINDS.iter().find(|(head, _)| *head == word) {
            Some((_, kind)) => all.push((*kind, Vec::new())),
            None => all.last_mut().into_iter().for_each(|(_, words)| words.push(word)),
        }
    }
    all
});

/// The words of a kind.
pub(super) fn words(kind: Kind) -> &'static [&'static str] {
    let found = WORDS.iter().find(|(own, _)| *own == kind);
    found.map_or(&[], |(_, words)| words.as_slice())
}

/// Whether HAProxy knows a word.
pub(super) fn is_known(kind: Kind, word: &str) -> bool {
    words(kind).contains(&word)
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Kind, is_known, words};

    #[test]
    fn every_kind_has_words() {
        for (head, kind) in KINDS {
            assert!(words(kind).len() > 20, "{head}");
        }
        assert!(is_known(Kind::ServerValue, "proto") && !is_known(Kind::Server, "porto"));
    }
}
