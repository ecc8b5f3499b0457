//! PEM as Go's encoding/pem reads it, to the line: which of the blocks in a file count decides what is trusted.

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// What stands after BEGIN.
    pub(super) label: &'a [u8],
    /// Lines with a colon before the data, as encrypted keys have them.
    pub(super) has_headers: bool,
    pub(super) der: Vec<u8>,
}

/// The well-formed blocks of a text, in order.
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (block, after) = next(rest)?;
        rest = after;
        Some(block)
    })
}

/// The first block and what follows its last line.
fn next(text: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let mut rest = text;
    loop {
        // The first END decides, with the last BEGIN in front of it: a BEGIN without an END is skipped.
        let end = find(rest, b"\n-----END ")?;
        let after_end = rest.get(end + b"\n-----END ".len()..)?;
        let before = &rest[..end];
        let Some(begin) = before.windows(BEGIN.len()).rposition(|window| window == BEGIN) else {
            rest = after_end;
            continue;
        };
        let at_line_start = begin == 0 || before[begin - 1] == b'\n';
        // The body includes the newline in front of END, so that an empty block has one too.
        let body = &rest[begin + BEGIN.len()..=end];
        match read(body, after_end).filter(|_| at_line_start) {
            Some(found) => return Some(found),
            None => rest = after_end,
        }
    }
}

/// Reads what is between BEGIN and END, and the END line.
fn read<'a>(body: &'a [u8], after_end: &'a [u8]) -> Option<(Block<'a>, &'a [u8])> {
    let (first, mut data) = line(body);
    let label = first.strip_suffix(DASHES)?;
    let mut has_headers = false;
    loop {
        let (header, after) = line(data);
        if !header.contains(&b':') {
            break;
        }
        has_headers = true;
        data = after;
    }
    let end_line = after_end.strip_prefix(label)?.strip_prefix(DASHES)?;
    let (trailing, after) = line(end_line);
    if !trailing.is_empty() {
        return None;
    }
    Some((
        Block {
            label,
            has_headers,
            der: base64(data)?,
        },
        after,
    ))
}

/// The first line without its end and trailing blanks, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut line, rest) = match text.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[][..]),
    };
    if rest.len() < text.len() - line.len() {
        line = line.strip_suffix(b"\r").unwrap_or(line);
    }
    while let Some(shorter) = line.strip_suffix(b" ").or_else(|| line.strip_suffix(b"\t")) {
        line = shorter;
    }
    (line, rest)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Standard base64 with padding; blanks and line ends are nothing.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    let unpadded = symbols
        .strip_suffix(b"==")
        .or_else(|| symbols.strip_suffix(b"="))
        .unwrap_or(&symbols);
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(unpadded.len() * 3 / 4);
    for group in unpadded.chunks(4) {
        let bits = group
            .iter()
            .try_fold(0_u32, |bits, &symbol| Some(bits << 6 | sextet(symbol)?))?;
        let octets = (bits << (6 * (4 - group.len()))).to_be_bytes();
        out.extend_from_slice(&octets[1..group.len()]);
    }
    Some(out)
}

fn sextet(symbol: u8) -> Option<u32> {
    let value = match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Vec<(String, bool, String)> {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        blocks(text.as_bytes())
            .map(|block| (show(block.label), block.has_headers, show(&block.der)))
            .collect()
    }

    fn one(label: &str, has_headers: bool, data: &str) -> Vec<(String, bool, String)> {
        vec![(label.to_owned(), has_headers, data.to_owned())]
    }

    #[test]
    fn text_around_blocks_and_line_ends_are_no_matter() {
        let text = "subject=x\r\n-----BEGIN A B-----\r\naGVs\r\n bG8=\t\r\n-----END A B-----  \r\nmore";
        assert_eq!(read_all(text), one("A B", false, "hello"));
        assert_eq!(read_all("-----BEGIN A-----\n-----END A-----"), one("A", false, ""));
        assert_eq!(read_all("-----BEGIN A-----\naGk=\n-----END A-----\n").len(), 1);
    }

    #[test]
    fn headers_are_seen() {
        assert_eq!(
            read_all("-----BEGIN A-----\nDEK: 1\n\naGk=\n-----END A-----\n"),
            one("A", true, "hi")
        );
    }

    #[test]
    fn what_is_no_block_is_skipped() {
        let good = "\n-----BEGIN B-----\naGk=\n-----END B-----\n";
        for bad in [
            "-----BEGIN A-----\naGk=\n-----END C-----",
            "-----BEGIN A-----\naGk\n-----END A-----",
            "-----BEGIN A-----\na!k=\n-----END A-----",
            "-----BEGIN A-----\naGk=\n-----END A-----x",
            "x-----BEGIN A-----\naGk=\n-----END A-----",
            "-----BEGIN A\naGk=\n-----END A-----",
            "-----BEGIN A-----\naGk=\n",
        ] {
            assert_eq!(read_all(&format!("{bad}{good}")), one("B", false, "hi"), "{bad:?}");
        }
        assert_eq!(read_all("-----BEGIN A-----aGk=-----END A-----"), []);
    }
}
