//! `--as-of` and its like: instants as people write them. Knows no question.

use clap::Args;

/// The instant that a question is about.
#[derive(Clone, Debug, Default, Args)]
pub struct AsOf {
    /// As it was at this instant: RFC 3339 (2026-11-24T03:12:00Z), or how long ago (90s, 15m, 2h30m, 3d)
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub as_of: Option<String>,
}

impl AsOf {
    /// The instant in Unix milliseconds, where one was given.
    pub fn unix_ms(&self) -> Option<i64> {
        let instant: jiff::Timestamp = self.as_of.as_deref()?.parse().ok()?;
        Some(instant.as_millisecond())
    }
}

/// Reads an instant at the edge of the program, where "ago" means from now.
///
/// # Errors
/// When it is neither an instant nor a duration.
pub fn instant(text: &str) -> Result<String, String> {
    read(text, jiff::Timestamp::now())
}

fn read(text: &str, now: jiff::Timestamp) -> Result<String, String> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.to_string());
    }
    let wrong = || {
        format!(
            "{text:?} is no instant; write RFC 3339 (2026-11-24T03:12:00Z) or how long ago (90s, 15m, 2h, 3d)"
        )
    };
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let ago = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    if ago.is_negative() {
        return Err(format!("{text:?} has not come yet"));
    }
    let then = now.checked_sub(ago).map_err(|_| wrong())?;
    // Milliseconds are what a store tells apart.
    let whole = jiff::Timestamp::from_millisecond(then.as_millisecond()).map_err(|_| wrong())?;
    Ok(whole.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, String> {
        read(text, "2026-11-24T03:12:00.123456Z".parse().expect("an instant"))
    }

    #[test]
    fn instants_stay_and_durations_count_back_from_now() {
        for (text, instant) in [
            ("2026-11-24T04:12:00+01:00", "2026-11-24T03:12:00Z"),
            ("2026-11-24T03:12:00.25Z", "2026-11-24T03:12:00.25Z"),
            ("90s", "2026-11-24T03:10:30.123Z"),
            ("2h30m", "2026-11-24T00:42:00.123Z"),
            ("3d", "2026-11-21T03:12:00.123Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(instant), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_how_to_write_it() {
        for text in [
            "yesterday",
            "",
            "12",
            "2026-11-24",
            "1 fortnight",
            "2026-13-01T00:00:00Z",
        ] {
            let refused = at(text).expect_err(text);
            assert!(refused.contains("RFC 3339"), "{refused}");
        }
        assert!(at("-5m").is_err());
        assert!(at("9000000w").is_err());
    }
}
