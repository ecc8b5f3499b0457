//! When a line was written: dates and times in the forms of loggers and proxies, as milliseconds since the epoch.
//!
//! Nothing here guesses: a form without a year is no moment, and a form without a zone is UTC, in which containers run.

/// Takes a moment off the front of a text; gives what follows too.
pub(super) fn take(text: &str) -> Option<(i64, &str)> {
    dashed(text)
        .or_else(|| slashed(text))
        .or_else(|| common_log(text))
        .or_else(|| apache_error(text))
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by its digits.
pub(super) fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = whole.parse().ok().filter(|_| is_number(whole) && is_number(fraction))?;
    match whole.len() {
        10 => Some(number * SECOND + thousandths(fraction)),
        13 => Some(number),
        16 => Some(number / 1_000),
        19 => Some(number / 1_000_000),
        _ => None,
    }
}

/// A date without a year, as RFC 3164 has it: `Jan  2 03:04:05`, with a fraction where journald adds one. Gives what follows.
pub(super) fn after_yearless(text: &str) -> Option<&str> {
    let (_, rest) = month(text)?;
    let rest = rest.strip_prefix(' ')?;
    let (_, rest) = match rest.strip_prefix(' ') {
        Some(rest) => number(rest, 1)?,
        None => number(rest, 2)?,
    };
    let (_, rest) = clock(rest.strip_prefix(' ')?)?;
    Some(rest)
}

/// `2026-01-02T03:04:05.678Z` (RFC 3339) and what is written like it: a space for the `T`, a comma for the point, `+0000`.
pub(super) fn dashed(text: &str) -> Option<(i64, &str)> {
    let (day, rest) = date(text, '-')?;
    let rest = rest.strip_prefix(['T', ' ', 't'])?;
    let (clock, rest) = clock(rest)?;
    let (offset, rest) = match zone(rest) {
        Some(zone) => zone,
        None => rest.strip_prefix(' ').and_then(offset).unwrap_or((0, rest)),
    };
    Some((day + clock - offset, rest))
}

/// `2026/01/02 03:04:05`: Go's standard logger, nginx's error log, Caddy's console.
fn slashed(text: &str) -> Option<(i64, &str)> {
    let (day, rest) = date(text, '/')?;
    let (clock, rest) = clock(rest.strip_prefix(' ')?)?;
    Some((day + clock, rest))
}

/// `02/Jan/2026:03:04:05 +0000`: access logs, and HAProxy's with a fraction and without a zone.
fn common_log(text: &str) -> Option<(i64, &str)> {
    let (day, rest) = number(text, 2)?;
    let (month, rest) = month(rest.strip_prefix('/')?)?;
    let (year, rest) = number(rest.strip_prefix('/')?, 4)?;
    let (clock, rest) = clock(rest.strip_prefix(':')?)?;
    let (offset, rest) = rest.strip_prefix(' ').and_then(offset).unwrap_or((0, rest));
    Some((days(year, month, day)? + clock - offset, rest))
}

/// `Fri Jan 02 03:04:05.678901 2026`: Apache's error log.
fn apache_error(text: &str) -> Option<(i64, &str)> {
    let (weekday, rest) = text.split_at_checked(3)?;
    let is_weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&weekday);
    let (month, rest) = month(rest.strip_prefix(' ').filter(|_| is_weekday)?)?;
    let (day, rest) = number(rest.strip_prefix(' ')?, 2)?;
    let (clock, rest) = clock(rest.strip_prefix(' ')?)?;
    let (year, rest) = number(rest.strip_prefix(' ')?, 4)?;
    Some((days(year, month, day)? + clock, rest))
}

/// `2026-01-02` with this character between.
fn date(text: &str, between: char) -> Option<(i64, &str)> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(rest.strip_prefix(between)?, 2)?;
    let (day, rest) = number(rest.strip_prefix(between)?, 2)?;
    Some((days(year, month, day)?, rest))
}

/// `03:04:05`, with a fraction of any length.
fn clock(text: &str) -> Option<(i64, &str)> {
    let (hours, rest) = number(text, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (seconds, rest) = number(rest.strip_prefix(':')?, 2)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
        Some(digits) if digits.starts_with(|char: char| char.is_ascii_digit()) => fraction(digits),
        _ => (0, rest),
    };
    Some((hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction, rest))
}

/// The milliseconds of a fraction of a second.
fn fraction(digits: &str) -> (i64, &str) {
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    (thousandths(digits), rest)
}

/// The first three digits behind a decimal point.
fn thousandths(digits: &str) -> i64 {
    let digits = digits.bytes().chain([b'0'; 3]).take(3);
    digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}

/// `Z`, `+00:00` or `+0000`.
fn zone(text: &str) -> Option<(i64, &str)> {
    match text.strip_prefix(['Z', 'z']) {
        Some(rest) => Some((0, rest)),
        None => offset(text),
    }
}

fn offset(text: &str) -> Option<(i64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(text.get(1..)?, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    (hours < 24 && minutes < 60).then_some((sign * (hours * HOUR + minutes * MINUTE), rest))
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| is_number)?, rest))
}

fn month(text: &str) -> Option<(i64, &str)> {
    let (name, rest) = text.split_at_checked(3)?;
    let index = MONTHS.iter().position(|month| *month == name)?;
    Some((i64::try_from(index).ok()? + 1, rest))
}

/// The start of a day of the Gregorian calendar. Years begin in March here, so that the leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = before + (153 * month + 2) / 5 + day - 1 - DAYS_BEFORE_1970;
    Some(days * DAY)
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// From 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 719_468;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::{after_yearless, epoch, take};

    #[test]
    fn each_form_is_the_same_moment() {
        for (text, milliseconds) in [
            ("2026-01-02T03:04:05Z", 0),
            ("2026-01-02T03:04:05.678901234Z", 678),
            ("2026-01-02T03:04:05.6Z", 600),
            ("2026-01-02T03:04:05,678+0000", 678),
            ("2026-01-02T08:34:05+05:30", 0),
            ("2026-01-01T22:04:05-05:00", 0),
            ("2026-01-02 03:04:05.678", 678),
            ("2026-01-01 22:04:05 -0500", 0),
            ("2026/01/02 03:04:05", 0),
            ("2026/01/02 03:04:05.678", 678),
            ("02/Jan/2026:03:04:05 +0000", 0),
            ("02/Jan/2026:04:04:05 +0100", 0),
            ("02/Jan/2026:03:04:05.678", 678),
            ("Fri Jan 02 03:04:05.678901 2026", 678),
        ] {
            let (at, rest) = take(text).unwrap_or_else(|| panic!("{text} is no moment"));
            assert_eq!((at, rest), (1_767_323_045_000 + milliseconds, ""), "{text}");
        }
    }

    #[test]
    fn what_follows_stays() {
        for (text, rest) in [
            ("2026-01-02T03:04:05Z stdout", " stdout"),
            ("2026/01/02 03:04:05 [error]", " [error]"),
            ("2026-01-02 03:04:05. The end", ". The end"),
            ("02/Jan/2026:03:04:05 -", " -"),
        ] {
            assert_eq!(take(text).map(|(_, rest)| rest), Some(rest));
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2026",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:05Z",
            "2026-01-02",
            "2026-01-02T03:04",
            "+026-01-02T03:04:05Z",
            "2026/1/2 3:4:5",
            "02/Foo/2026:03:04:05",
            "Xxx Jan 02 03:04:05 2026",
            "ä026-01-02T03:04:05Z",
            "202ä-01-02T03:04:05Z",
        ] {
            assert_eq!(take(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_read_by_its_size() {
        for number in [
            "1767323045.678",
            "1767323045678",
            "1767323045678901",
            "1767323045678901234",
        ] {
            assert_eq!(epoch(number), Some(1_767_323_045_678), "{number}");
        }
        for number in [
            "",
            "502",
            "99999999999999999999999",
            "-1767323045",
            "1e18",
            "NaN",
            "1.2.3",
        ] {
            assert_eq!(epoch(number), None, "{number}");
        }
    }

    #[test]
    fn a_date_without_a_year_is_passed_over() {
        assert_eq!(after_yearless("Jan  2 03:04:05 host"), Some(" host"));
        assert_eq!(after_yearless("Jan 02 03:04:05.678901 host"), Some(" host"));
        assert_eq!(after_yearless("Jan 2 03:04:05 host"), None);
        assert_eq!(after_yearless("January 2"), None);
    }

    proptest! {
        #[test]
        fn dates_agree_with_the_calendar(seconds in 0_i64..250_000_000_000) {
            let at = OffsetDateTime::from_unix_timestamp(seconds).expect("before the year 9999");
            let text = at.format(&Rfc3339).expect("it has four digits of a year");
            assert_eq!(take(&text), Some((seconds * 1_000, "")));
        }

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = (take(&text), epoch(&text), after_yearless(&text));
        }

        #[test]
        fn any_characters_of_a_date_are_read(text in "[0-9TZ:/ +.,-]{0,40}") {
            let _ = (take(&text), epoch(&text));
        }
    }
}
