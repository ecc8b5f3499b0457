//! Instants as certificates write them and as Go prints them. No clock is read here.

use super::der::Der;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads a UTCTime or a GeneralizedTime into Unix seconds; the error is Go's.
///
/// Like Go, this takes a UTCTime without seconds and offsets other than `Z`, both of which RFC 5280 forbids.
pub(super) fn read(der: &mut Der<'_>) -> Result<i64, &'static str> {
    if der.next_is(UTC_TIME) {
        der.read(UTC_TIME)
            .and_then(|text| utc_time(text.rest()))
            .ok_or("x509: malformed UTCTime")
    } else if der.next_is(GENERALIZED_TIME) {
        let text = der.read(GENERALIZED_TIME);
        text.and_then(|text| generalized_time(text.rest()))
            .ok_or("x509: malformed GeneralizedTime")
    } else {
        Err("x509: unsupported time format")
    }
}

/// RFC 3339 in UTC, the form of the times in Go's error texts.
pub(super) fn rfc3339(unix: i64) -> String {
    let (days, second) = (unix.div_euclid(DAY), unix.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn utc_time(text: &[u8]) -> Option<i64> {
    let (yy, rest) = number(text, 2)?;
    // RFC 5280 4.1.2.5.1: two digits are 1950 to 2049.
    let year = if yy < 50 { 2000 + yy } else { 1900 + yy };
    let (minutes, rest) = day_and_minutes(year, rest)?;
    match number(rest, 2) {
        Some((second, zone)) => Some(minutes + checked(second, 59)? - offset(zone)?),
        None => Some(minutes - offset(rest)?),
    }
}

fn generalized_time(text: &[u8]) -> Option<i64> {
    let (year, rest) = number(text, 4)?;
    let (minutes, rest) = day_and_minutes(year, rest)?;
    let (second, zone) = number(rest, 2)?;
    Some(minutes + checked(second, 59)? - offset(zone)?)
}

fn day_and_minutes(year: i64, text: &[u8]) -> Option<(i64, &[u8])> {
    let (month, text) = number(text, 2)?;
    let (day, text) = number(text, 2)?;
    let (hour, text) = number(text, 2)?;
    let (minute, text) = number(text, 2)?;
    let days = days(year, month, day);
    // A day that the month doesn't have comes back as another one.
    if date(days) != (year, month, day) {
        return None;
    }
    Some((days * DAY + checked(hour, 23)? * 3600 + checked(minute, 59)? * 60, text))
}

/// Seconds east of UTC. Only what prints back as it was written counts, so UTC is `Z` alone.
fn offset(zone: &[u8]) -> Option<i64> {
    if zone == b"Z" {
        return Some(0);
    }
    let (sign, digits) = zone.split_first()?;
    let (hours, digits) = number(digits, 2)?;
    let (minutes, rest) = number(digits, 2)?;
    let seconds = checked(hours, 24)? * 3600 + checked(minutes, 59)? * 60;
    match sign {
        b'+' if rest.is_empty() && seconds != 0 => Some(seconds),
        b'-' if rest.is_empty() && seconds != 0 => Some(-seconds),
        _ => None,
    }
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let value = digits.iter().try_fold(0_i64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    });
    Some((value?, rest))
}

fn checked(value: i64, max: i64) -> Option<i64> {
    (value <= max).then_some(value)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, by counting years from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    (
        era * 400 + year + i64::from(month <= 2),
        month,
        of_year - (153 * from_march + 2) / 5 + 1,
    )
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        utc_time(text.as_bytes()).map(rfc3339)
    }

    #[test]
    fn utc_time_covers_1950_to_2049() {
        assert_eq!(utc("500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(utc("491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(utc("700101000000Z").as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(utc("240229120000Z").as_deref(), Some("2024-02-29T12:00:00Z"));
    }

    #[test]
    fn utc_time_takes_what_go_takes_and_no_more() {
        assert_eq!(utc("2402291200Z").as_deref(), Some("2024-02-29T12:00:00Z"));
        assert_eq!(utc("240229120000+0130").as_deref(), Some("2024-02-29T10:30:00Z"));
        for refused in [
            "230229120000Z",
            "240229240000Z",
            "240229120060Z",
            "240229120000+0000",
            "240229120000",
        ] {
            assert_eq!(utc(refused), None, "{refused}");
        }
        assert_eq!(utc("240229120000.5Z"), None);
        assert_eq!(utc("24022912000é"), None);
    }

    #[test]
    fn generalized_time_has_four_digit_years() {
        let text = |text: &str| generalized_time(text.as_bytes()).map(rfc3339);
        assert_eq!(text("20500101000000Z").as_deref(), Some("2050-01-01T00:00:00Z"));
        assert_eq!(text("00000101000000Z").as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(text("99991231235959Z").as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(text("205001010000Z"), None);
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for day in days(1800, 1, 1)..days(2201, 1, 1) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
