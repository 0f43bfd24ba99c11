//! Times relative to now.

use api::Timestamp;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// How long ago, short: `just now`, `5 min ago`, `3 h ago`, `2 days ago`; what lies ahead:
/// `in 3 h`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let ago_s = now.seconds_since(at);
    if ago_s <= -MINUTE_S {
        return format!("in {}", short(-ago_s));
    }
    // The browser's clock may be a little behind the server's: that is still now.
    if ago_s < 45 {
        return "just now".to_owned();
    }
    format!("{} ago", short(ago_s.max(MINUTE_S)))
}

/// How long, in words: `a few seconds`, `5 minutes`, `3 hours`, `2 days`.
pub(crate) fn duration(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds_since(since);
    match seconds {
        ..MINUTE_S => "a few seconds".to_owned(),
        MINUTE_S..HOUR_S => plural(seconds / MINUTE_S, "minute"),
        HOUR_S..DAY_S => plural(seconds / HOUR_S, "hour"),
        _ => plural(seconds / DAY_S, "day"),
    }
}

fn short(seconds: i64) -> String {
    let days = seconds / DAY_S;
    match seconds {
        ..HOUR_S => format!("{} min", seconds / MINUTE_S),
        HOUR_S..DAY_S => format!("{} h", seconds / HOUR_S),
        _ if days < 60 => plural(days, "day"),
        _ if days < 730 => plural(days / 30, "month"),
        _ => plural(days / 365, "year"),
    }
}

fn plural(number: i64, unit: &str) -> String {
    if number == 1 {
        format!("1 {unit}")
    } else {
        format!("{number} {unit}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn ago(seconds: i64) -> String {
        relative(NOW.plus_seconds(-seconds), NOW)
    }

    #[test]
    fn the_past_in_the_unit_that_fits() {
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(50), "1 min ago");
        assert_eq!(ago(59 * 60), "59 min ago");
        assert_eq!(ago(3 * 3600 + 59), "3 h ago");
        assert_eq!(ago(86_400), "1 day ago");
        assert_eq!(ago(5 * 86_400), "5 days ago");
        assert_eq!(ago(90 * 86_400), "3 months ago");
        assert_eq!(ago(1000 * 86_400), "2 years ago");
    }

    #[test]
    fn a_clock_that_is_behind_says_now_and_the_future_is_ahead() {
        assert_eq!(ago(-30), "just now");
        assert_eq!(ago(-7200), "in 2 h");
    }

    #[test]
    fn durations_in_words() {
        let since = |seconds: i64| duration(NOW.plus_seconds(-seconds), NOW);
        assert_eq!(since(-5), "a few seconds");
        assert_eq!(since(61), "1 minute");
        assert_eq!(since(7200), "2 hours");
        assert_eq!(since(3 * 86_400), "3 days");
    }
}
