//! A protobuf watch: frames of four bytes of length, big-endian, and a WatchEvent, bare or wrapped.

use super::{ChangeType, FrameError, MAX_OBJECT, Status, WatchFrame, wire};
use bytes::{Buf, Bytes, BytesMut};

const WHAT: &str = "an event of the watch";

/// Reads a protobuf watch stream.
#[derive(Debug, Default)]
pub struct ProtobufWatch {
    buffer: BytesMut,
}

impl ProtobufWatch {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next event; none until more bytes arrive.
    pub fn next_frame(&mut self) -> Result<Option<WatchFrame>, FrameError> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_OBJECT {
            return Err(FrameError::TooLong {
                what: WHAT,
                length: length as u64,
                limit: MAX_OBJECT as u64,
            });
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(4);
        event(self.buffer.split_to(length).freeze()).map(Some)
    }

    /// There are no more bytes.
    pub fn end(&self) -> Result<(), FrameError> {
        if self.buffer.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Truncated { what: WHAT })
        }
    }
}

fn event(frame: Bytes) -> Result<WatchFrame, FrameError> {
    // A bare WatchEvent begins with the header of its first field (0x0a), never with `k`.
    let bare = if frame.starts_with(wire::MAGIC) {
        wire::unknown(WHAT, frame)?.raw
    } else {
        frame
    };
    let event: wire::WatchEvent = wire::message(WHAT, bare)?;
    let object = event.object.map(|object| object.raw).unwrap_or_default();
    let change = match event.change.as_str() {
        "ADDED" => ChangeType::Added,
        "MODIFIED" => ChangeType::Modified,
        "DELETED" => ChangeType::Deleted,
        "BOOKMARK" => return bookmark(object),
        "ERROR" => return Status::read_protobuf(object).map(WatchFrame::Error),
        other => return Err(FrameError::malformed(WHAT, format!("its type is {other:?}"))),
    };
    let object = wire::unknown("the object of an event", object)?.raw;
    Ok(WatchFrame::Object { change, object })
}

fn bookmark(object: Bytes) -> Result<WatchFrame, FrameError> {
    let raw = wire::unknown("a bookmark", object)?.raw;
    let marked: wire::Marked = wire::message("a bookmark", raw)?;
    let meta = marked.metadata.unwrap_or_default();
    if meta.resource_version.is_empty() {
        return Err(FrameError::malformed("a bookmark", "it has no resourceVersion"));
    }
    Ok(WatchFrame::Bookmark {
        resource_version: meta.resource_version,
        list_end: meta
            .annotations
            .get(super::json::LIST_END)
            .is_some_and(|v| v == "true"),
    })
}
