//! Instants with their milliseconds, as callers write and read them: what history is asked with. (`DateTime` has whole
//! seconds, as Kubernetes writes them.)

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use planisphere_schema::Version;

/// An instant, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

impl Instant {
    /// Reads RFC 3339; what is finer than a millisecond is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = text.parse::<jiff::Timestamp>().ok()?;
        Some(Self(instant.as_nanosecond().div_euclid(1_000_000) as i64))
    }
}

impl From<Version> for Instant {
    fn from(version: Version) -> Self {
        Self(version.unix_ms())
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "@{}ms", self.0),
        }
    }
}

/// An instant with milliseconds, RFC 3339 in UTC, for example `2026-11-24T03:12:00.250Z`.
#[Scalar(name = "Instant")]
impl ScalarType for Instant {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Instant::parse(text).ok_or_else(|| {
                InputValueError::custom(format!(
                    "{text:?} is no RFC 3339 instant; write for example 2026-11-24T03:12:00Z"
                ))
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}
