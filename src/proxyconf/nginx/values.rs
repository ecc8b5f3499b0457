//! nginx's notations for times and sizes.

/// Milliseconds of a time: `60`, `60s`, `1h30m`, `500ms`. Units follow one another from the largest to the smallest, and a number
/// without one is seconds.
pub(super) fn time(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 8] = [
        ("y", 365 * 24 * 3_600_000),
        ("M", 30 * 24 * 3_600_000),
        ("w", 7 * 24 * 3_600_000),
        ("d", 24 * 3_600_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let (mut rest, mut total, mut smallest) = (text, 0_u64, None);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at_checked(letters)?;
        let (index, size) = match unit {
            // Nothing follows a number without a unit.
            "" if behind.trim_matches(' ').is_empty() => (6, 1_000),
            _ => {
                let index = UNITS.iter().position(|(name, _)| *name == unit)?;
                (index, UNITS.get(index)?.1)
            }
        };
        if smallest.is_some_and(|smallest| index <= smallest) {
            return None;
        }
        smallest = Some(index);
        total = total.checked_add(number.checked_mul(size)?)?;
        rest = behind.trim_start_matches(' ');
    }
    Some(total)
}

/// Bytes of a size: `8192`, `8k`, `1m`.
pub(super) fn size(text: &str) -> Option<u64> {
    scaled(text, &[('k', 10), ('m', 20)])
}

/// Bytes of a size that may be larger than memory: `1g` too.
pub(super) fn offset(text: &str) -> Option<u64> {
    scaled(text, &[('k', 10), ('m', 20), ('g', 30)])
}

fn scaled(text: &str, units: &[(char, u32)]) -> Option<u64> {
    let unit = text.chars().next_back().map(|last| last.to_ascii_lowercase());
    let shift = units.iter().find(|(letter, _)| Some(*letter) == unit);
    let digits = match shift {
        Some(_) => text.get(..text.len() - 1)?,
        None => text,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift.map_or(0, |(_, shift)| *shift))
}

#[cfg(test)]
mod tests {
    use super::{offset, size, time};

    #[test]
    fn times_are_added_up_from_large_to_small() {
        for (text, milliseconds) in [
            ("60", Some(60_000)),
            ("60s", Some(60_000)),
            ("1h30m", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1d", Some(86_400_000)),
            ("30m1h", None),
            ("1x", None),
            ("", None),
            ("-1", None),
            ("$timeout", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(time(text), milliseconds, "{text}");
        }
    }

    #[test]
    fn sizes_have_kilobytes_and_megabytes() {
        assert_eq!(size("8k"), Some(8_192));
        assert_eq!(size("1M"), Some(1 << 20));
        assert_eq!((size("1g"), offset("1g")), (None, Some(1 << 30)));
        assert_eq!((size("10mb"), size("k"), size("")), (None, None, None));
        assert_eq!(offset("0"), Some(0));
    }
}
