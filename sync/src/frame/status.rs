//! What an API server says about an error: a `Status`, as the body of a refused request or as an ERROR event.

use super::{Encoding, FrameError, wire};
use bytes::Bytes;
use serde::Deserialize;

/// An error as the API server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The HTTP status code that the error stands for; 0 where none was told.
    pub code: u16,
    /// A word for machines: `Expired`, `Forbidden`.
    pub reason: String,
    /// Words for people.
    pub message: String,
    /// Words for machines that say more: `ResourceVersionTooLarge`.
    pub causes: Vec<String>,
    /// Seconds after which the server wants to be asked again.
    pub retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    details: Option<JsonDetails>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct JsonDetails {
    #[serde(default)]
    causes: Option<Vec<JsonCause>>,
    #[serde(default)]
    retry_after_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct JsonCause {
    #[serde(default)]
    reason: Option<String>,
}

impl Status {
    /// Reads the body of a refused request. What is no Status becomes one with its first words as the message.
    pub fn of_response(code: u16, encoding: Option<Encoding>, body: Bytes) -> Self {
        let read = match encoding {
            Some(Encoding::Protobuf) => Self::read_protobuf(body.clone()),
            _ => Self::read_json(&body),
        };
        let mut status = read.unwrap_or_else(|_| Self {
            message: first_words(&body),
            ..Self::default()
        });
        status.code = code;
        status
    }

    /// Reads a Status as protobuf, with the `k8s\0` and the Unknown around it.
    pub fn read_protobuf(bytes: Bytes) -> Result<Self, FrameError> {
        let raw = wire::unknown("a Status", bytes)?.raw;
        let status: wire::Status = wire::message("a Status", raw)?;
        let details = status.details.unwrap_or_default();
        Ok(Self {
            code: u16::try_from(status.code).unwrap_or(0),
            reason: status.reason,
            message: status.message,
            causes: details.causes.into_iter().map(|c| c.reason).collect(),
            retry_after: u64::try_from(details.retry_after_seconds).ok().filter(|s| *s > 0),
        })
    }

    /// Reads a Status as JSON.
    pub fn read_json(bytes: &[u8]) -> Result<Self, FrameError> {
        let json: Json = serde_json::from_slice(bytes).map_err(|e| FrameError::malformed("a Status", e))?;
        let details = json.details.unwrap_or_default();
        Ok(Self {
            code: json.code,
            reason: json.reason.unwrap_or_default(),
            message: json.message.unwrap_or_default(),
            causes: details
                .causes
                .into_iter()
                .flatten()
                .filter_map(|c| c.reason)
                .collect(),
            retry_after: details.retry_after_seconds.filter(|s| *s > 0),
        })
    }
}

/// The first line of a body that nobody promised to be readable.
fn first_words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}
