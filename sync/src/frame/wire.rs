//! The few protobuf messages that wrap objects, and reading a field's header from bytes that may not all be there yet.
//! Field numbers are those of the published generated.proto files of k8s.io/apimachinery.

use super::FrameError;
use bytes::Bytes;
use std::collections::HashMap;

/// What precedes a protobuf `Unknown` wherever Kubernetes writes one.
pub const MAGIC: &[u8] = b"k8s\0";

/// runtime.Unknown: an object with its type beside it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Unknown {
    #[prost(message, optional, tag = "1")]
    pub type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", tag = "2")]
    pub raw: Bytes,
    #[prost(string, tag = "3")]
    pub content_encoding: String,
    #[prost(string, tag = "4")]
    pub content_type: String,
}

/// runtime.TypeMeta.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TypeMeta {
    #[prost(string, tag = "1")]
    pub api_version: String,
    #[prost(string, tag = "2")]
    pub kind: String,
}

/// meta/v1.WatchEvent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WatchEvent {
    #[prost(string, tag = "1")]
    pub change: String,
    #[prost(message, optional, tag = "2")]
    pub object: Option<RawExtension>,
}

/// runtime.RawExtension.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RawExtension {
    #[prost(bytes = "bytes", tag = "1")]
    pub raw: Bytes,
}

/// meta/v1.ListMeta.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListMeta {
    #[prost(string, tag = "2")]
    pub resource_version: String,
    #[prost(string, tag = "3")]
    pub next: String,
    #[prost(int64, optional, tag = "4")]
    pub remaining: Option<i64>,
}

/// Any object, as far as a bookmark needs it: its metadata is field 1 in every kind.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Marked {
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<MarkedMeta>,
}

/// meta/v1.ObjectMeta, as far as a bookmark needs it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MarkedMeta {
    #[prost(string, tag = "6")]
    pub resource_version: String,
    #[prost(map = "string, string", tag = "12")]
    pub annotations: HashMap<String, String>,
}

/// meta/v1.Status.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Status {
    #[prost(string, tag = "3")]
    pub message: String,
    #[prost(string, tag = "4")]
    pub reason: String,
    #[prost(message, optional, tag = "5")]
    pub details: Option<StatusDetails>,
    #[prost(int32, tag = "6")]
    pub code: i32,
}

/// meta/v1.StatusDetails.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatusDetails {
    #[prost(message, repeated, tag = "4")]
    pub causes: Vec<StatusCause>,
    #[prost(int32, tag = "5")]
    pub retry_after_seconds: i32,
}

/// meta/v1.StatusCause.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatusCause {
    #[prost(string, tag = "1")]
    pub reason: String,
}

/// Reads `k8s\0` and the Unknown behind it.
pub fn unknown(what: &'static str, mut bytes: Bytes) -> Result<Unknown, FrameError> {
    if !bytes.starts_with(MAGIC) {
        return Err(FrameError::malformed(what, "it does not begin with k8s\\0"));
    }
    let unknown: Unknown = message(what, bytes.split_off(MAGIC.len()))?;
    let protobuf = unknown.content_type.is_empty() || unknown.content_type.contains("protobuf");
    if !protobuf || !unknown.content_encoding.is_empty() {
        let claimed = format!("it holds {} {}", unknown.content_type, unknown.content_encoding);
        return Err(FrameError::malformed(what, claimed));
    }
    Ok(unknown)
}

/// Reads a whole message.
pub fn message<M: prost::Message + Default>(what: &'static str, bytes: Bytes) -> Result<M, FrameError> {
    M::decode(bytes).map_err(|e| FrameError::malformed(what, e))
}

/// What follows a field's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The field's number.
    pub field: u64,
    /// Bytes of the header itself; for a varint, with the varint.
    pub size: usize,
    /// Bytes of the value behind the header, and whether it is a length-delimited one.
    pub length: u64,
    /// The value is length-delimited: bytes, a string or a message.
    pub delimited: bool,
}

/// Reads a field's header; none where its bytes are not all there.
pub fn header(what: &'static str, bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some((tag, tag_size)) = varint(what, bytes)? else {
        return Ok(None);
    };
    let value = |length| {
        Some(Header {
            field: tag >> 3,
            size: tag_size,
            length,
            delimited: false,
        })
    };
    Ok(match tag & 7 {
        0 => varint(what, &bytes[tag_size..])?.and_then(|(_, size)| value(size as u64)),
        1 => value(8),
        5 => value(4),
        2 => varint(what, &bytes[tag_size..])?.map(|(length, size)| Header {
            field: tag >> 3,
            size: tag_size + size,
            length,
            delimited: true,
        }),
        wire => return Err(FrameError::malformed(what, format!("wire type {wire}"))),
    })
}

/// Reads a varint and tells how many bytes it had; none where they are not all there.
fn varint(what: &'static str, bytes: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 10 {
        return Err(FrameError::malformed(what, "a number of more than ten bytes"));
    }
    Ok(None)
}
