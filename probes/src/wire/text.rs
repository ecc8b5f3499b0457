//! Text from the network, bounded when it is kept. Escaping is the report's job.

/// Keeps at most `limit` characters of `bytes`, read as UTF-8 with replacement characters.
pub fn bounded(bytes: &[u8], limit: usize) -> String {
    // Four bytes a character at the most: nothing longer is decoded.
    let head = bytes.get(..limit.saturating_mul(4)).unwrap_or(bytes);
    String::from_utf8_lossy(head).chars().take(limit).collect()
}

/// Bytes as pairs of hexadecimal digits, separated by spaces.
pub fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// What stands between `<title>` and `</title>`, whatever their case.
pub fn title(html: &str) -> Option<&str> {
    let lower = html.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    html.get(start..end).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::{bounded, title};

    #[test]
    fn a_title_is_read_whatever_its_case_and_attributes() {
        assert_eq!(
            title("<HTML><TITLE lang=en> 502 Bad Gateway </Title>"),
            Some("502 Bad Gateway")
        );
        assert_eq!(title("<title>cut off"), None);
        assert_eq!(title("no page"), None);
    }

    #[test]
    fn kept_text_is_bounded_in_characters() {
        assert_eq!(bounded("äöü".as_bytes(), 2), "äö");
        assert_eq!(bounded(b"\xff\xfe", 8), "\u{fffd}\u{fffd}");
    }
}
