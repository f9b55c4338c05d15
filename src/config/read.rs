//! Reads texts as values. A text that its key cannot have gives one error that names the key, the text, where it comes
//! from and what would be right.

use super::layers::{Effective, Merged};
use super::{ConfigError, print};
use jiff::SignedDuration;
use planisphere_schema::Kind;
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Units of sizes, in bytes.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The merged values, read one by one.
pub(super) struct Reader<'a>(pub(super) &'a Merged);

impl Reader<'_> {
    /// The setting's row of values.
    pub(super) fn effective(&self, key: &'static str) -> Effective {
        self.0.get(key).cloned().unwrap_or_else(|| Effective {
            values: Vec::new(),
            origin: super::DEFAULT.to_owned(),
        })
    }

    /// The text; none where it is not set.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.effective(key).values.into_iter().next()
    }

    /// Whatever `read` makes of the text.
    fn value<T>(
        &self,
        key: &'static str,
        allowed: impl Display,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let found = self.effective(key);
        let text = found.values.join(",");
        let one = found.values.len() == 1;
        read(&text).filter(|_| one).ok_or_else(|| ConfigError::BadValue {
            key,
            value: print::masked(key, &text),
            origin: found.origin,
            allowed: format!("allowed is {allowed}"),
        })
    }

    pub(super) fn switch(&self, key: &'static str) -> Result<bool, ConfigError> {
        self.value(key, "true or false", |text| text.parse().ok())
    }

    pub(super) fn number<T>(&self, key: &'static str, least: T, most: T) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let allowed = format!("a whole number from {least} to {most}");
        self.value(key, allowed, |text| {
            text.parse().ok().filter(|n: &T| *n >= least && *n <= most)
        })
    }

    /// How often something happens in a second.
    pub(super) fn rate(&self, key: &'static str) -> Result<f64, ConfigError> {
        self.value(key, "a number from 0 to 10000", |text| {
            text.parse().ok().filter(|n: &f64| (0.0..=10_000.0).contains(n))
        })
    }

    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Result<T, ConfigError> {
        let allowed: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.value(key, allowed.join(", "), |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
        })
    }

    /// A duration longer than nothing and not longer than a week.
    pub(super) fn duration(&self, key: &'static str) -> Result<Duration, ConfigError> {
        let allowed = "a duration with a unit, such as 120s, 5m or 1h30m, up to 7 days";
        self.value(key, allowed, |text| {
            let read = text.parse::<SignedDuration>().ok()?;
            let read = Duration::try_from(read).ok()?;
            Some(read).filter(|d| !d.is_zero() && *d <= Duration::from_secs(7 * 86_400))
        })
    }

    /// How long something is kept; none is for ever.
    pub(super) fn age(&self, key: &'static str) -> Result<Option<Duration>, ConfigError> {
        let allowed = "an age with a unit, such as 14d, 36h or 90m, up to 3650 days, or off";
        self.value(key, allowed, |text| {
            if text == "off" {
                return Some(None);
            }
            let span: jiff::Span = text.parse().ok()?;
            let read = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
            let read = Duration::try_from(read).ok()?;
            (!read.is_zero() && read <= Duration::from_secs(3_650 * 86_400)).then_some(Some(read))
        })
    }

    /// A number of bytes; none is without bound.
    pub(super) fn size(&self, key: &'static str) -> Result<Option<u64>, ConfigError> {
        let allowed =
            "a size from 1MB on with one of the units B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, or off";
        self.value(key, allowed, |text| {
            if text == "off" {
                return Some(None);
            }
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (number, unit) = text.split_at(digits);
            let unit = UNITS.iter().find(|(name, _)| *name == unit.trim())?.1;
            let bytes = number.parse::<u64>().ok()?.checked_mul(unit)?;
            (bytes >= 1_000_000).then_some(Some(bytes))
        })
    }

    /// An address and port; `localhost` is 127.0.0.1.
    pub(super) fn address(&self, key: &'static str) -> Result<SocketAddr, ConfigError> {
        let allowed = "an IP address and a port, such as 127.0.0.1:7117 or [::1]:7117";
        self.value(key, allowed, |text| {
            text.replace("localhost:", "127.0.0.1:").parse().ok()
        })
    }

    /// An address that only this machine reaches, unless `open`.
    pub(super) fn guarded_address(&self, key: &'static str, open: bool) -> Result<SocketAddr, ConfigError> {
        let addr = self.address(key)?;
        if open || addr.ip().is_loopback() {
            return Ok(addr);
        }
        let origin = self.effective(key).origin;
        Err(ConfigError::Exposed { key, addr, origin })
    }

    /// The URL of a server, without a slash at its end.
    pub(super) fn url(&self, key: &'static str) -> Result<String, ConfigError> {
        let allowed = "a URL such as http://127.0.0.1:7117";
        self.value(key, allowed, |text| {
            let url = reqwest::Url::parse(text).ok()?;
            let web = matches!(url.scheme(), "http" | "https") && url.has_host();
            let trimmed = text.trim_end_matches('/').trim_end_matches("/graphql");
            web.then(|| trimmed.trim_end_matches('/').to_owned())
        })
    }

    /// Kinds as people write them.
    pub(super) fn kinds(&self, key: &'static str) -> Result<Vec<Kind>, ConfigError> {
        let found = self.effective(key);
        let kind = |text: &String| {
            Kind::parse(text).ok_or_else(|| ConfigError::BadValue {
                key,
                value: text.clone(),
                origin: found.origin.clone(),
                allowed:
                    "allowed are kinds as kubectl names them, such as pods, Job.batch or Widget.example.org"
                        .to_owned(),
            })
        };
        found.values.iter().map(kind).collect()
    }

    /// Directives of tracing's filter.
    pub(super) fn log_filter(&self, key: &'static str) -> Result<String, ConfigError> {
        let allowed = "error, warn, info, debug, trace or off, or directives such as planisphere=debug,info";
        self.value(key, allowed, |text| {
            let parts = text.split(',').map(|p| p.rsplit('=').next().unwrap_or(p));
            let levels = ["error", "warn", "info", "debug", "trace", "off"];
            // tracing takes a lone word that is no level for the name of a target, and then logs next to nothing.
            let plausible = parts
                .clone()
                .any(|level| levels.contains(&level.to_ascii_lowercase().as_str()));
            let parsed = tracing_subscriber::EnvFilter::try_new(text).is_ok();
            (plausible && parsed).then(|| text.to_owned())
        })
    }
}
