//! Instants as Kubernetes writes them, and the version that orders what a store accepted.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in whole seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in JSON and GraphQL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Time {
    /// Seconds since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
}

impl Time {
    /// An instant from Unix milliseconds, rounded down to the second.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self {
            seconds: ms.div_euclid(1000),
        }
    }

    /// Reads RFC 3339, with or without a fraction of a second (which is dropped).
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self {
            seconds: t.as_second(),
        })
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_second(self.seconds) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "@{}", self.seconds),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an RFC 3339 instant")))
    }
}

#[cfg(feature = "graphql")]
mod graphql {
    use super::Time;
    use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

    /// An instant, RFC 3339 in UTC, for example `2026-11-24T03:12:00Z`.
    #[Scalar(name = "DateTime")]
    impl ScalarType for Time {
        fn parse(value: Value) -> InputValueResult<Self> {
            match &value {
                Value::String(text) => Time::parse(text)
                    .ok_or_else(|| InputValueError::custom(format!("{text:?} is not an RFC 3339 instant"))),
                _ => Err(InputValueError::expected_type(value)),
            }
        }

        fn to_value(&self) -> Value {
            Value::String(self.to_string())
        }
    }
}

/// A hybrid clock: `(unix_ms << 20) | counter`. Strictly increasing per shard (cluster); as an instant, its
/// milliseconds. `asOf T` means the bound `((T_ms + 1) << 20) - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version(pub i64);

impl Version {
    /// The next version after `self` at wall-clock time `unix_ms`; greater than `self` even where the clock went back.
    pub fn next(self, unix_ms: i64) -> Self {
        Self((unix_ms << 20).max(self.0 + 1))
    }

    /// The last version that belongs to the millisecond `unix_ms`: the bound of `asOf`.
    pub fn as_of(unix_ms: i64) -> Self {
        Self(((unix_ms + 1) << 20) - 1)
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> i64 {
        self.0 >> 20
    }

    /// The instant, in whole seconds.
    pub fn time(self) -> Time {
        Time::from_unix_ms(self.unix_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_increase_even_when_the_clock_goes_back() {
        let v = Version::default().next(1_000);
        assert_eq!(v.unix_ms(), 1_000);
        assert!(v.next(10) > v);
        assert!(
            Version::as_of(1_000) > v.next(1_000) && Version::as_of(1_000) < Version::default().next(1_001)
        );
    }

    #[test]
    fn an_instant_reads_and_writes_rfc_3339() {
        let t = Time::parse("2026-11-24T03:12:05.123456Z").expect("reads");
        assert_eq!(t.to_string(), "2026-11-24T03:12:05Z");
        assert_eq!(Time::parse("yesterday"), None);
    }
}
