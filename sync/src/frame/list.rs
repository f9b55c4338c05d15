//! A protobuf list, item by item as its bytes arrive: the list itself is never in memory.

use super::{FrameError, ListMeta, MAX_OBJECT, wire};
use bytes::{Buf, Bytes, BytesMut};

/// No list has this many bytes: ten times what the largest supported cluster's pods take.
const MAX_LIST: u64 = 64 << 30;

/// Metadata of a list: a resourceVersion and a continue token.
const MAX_META: u64 = 1 << 20;

const WHAT: &str = "the list";

/// Where in the list the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before `k8s\0`.
    Magic,
    /// Between fields of the Unknown around the list, before the list.
    Envelope,
    /// In the list, of which so many bytes are still to come.
    List { left: u64 },
    /// Between fields of the Unknown, after the list.
    Tail,
}

/// Reads a protobuf list.
#[derive(Debug)]
pub struct ProtobufList {
    buffer: BytesMut,
    at: At,
    meta: ListMeta,
}

impl Default for ProtobufList {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            at: At::Magic,
            meta: ListMeta::default(),
        }
    }
}

impl ProtobufList {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The list's metadata, which comes before the items.
    pub fn meta(&self) -> &ListMeta {
        &self.meta
    }

    /// The next item; none until more bytes arrive.
    pub fn next_item(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            match self.at {
                At::Magic => {
                    let seen = self.buffer.len().min(wire::MAGIC.len());
                    if self.buffer[..seen] != wire::MAGIC[..seen] {
                        return Err(FrameError::malformed(WHAT, "it does not begin with k8s\\0"));
                    }
                    if seen < wire::MAGIC.len() {
                        return Ok(None);
                    }
                    self.buffer.advance(seen);
                    self.at = At::Envelope;
                }
                At::Envelope | At::Tail => {
                    if !self.envelope_field()? {
                        return Ok(None);
                    }
                }
                At::List { left: 0 } => self.at = At::Tail,
                At::List { left } => match self.list_field(left)? {
                    Field::Item(item) => return Ok(Some(item)),
                    Field::Other => {}
                    Field::Wait => return Ok(None),
                },
            }
        }
    }

    /// There are no more bytes.
    pub fn end(&self) -> Result<(), FrameError> {
        match self.at {
            At::Tail if self.buffer.is_empty() => Ok(()),
            _ => Err(FrameError::Truncated { what: WHAT }),
        }
    }

    /// Reads one field of the Unknown; false where more bytes are needed.
    fn envelope_field(&mut self) -> Result<bool, FrameError> {
        let Some(header) = wire::header(WHAT, &self.buffer)? else {
            return Ok(false);
        };
        if header.field == 2 && header.delimited {
            if self.at == At::Tail {
                return Err(FrameError::malformed(WHAT, "there are two"));
            }
            limit("a list", header.length, MAX_LIST)?;
            self.buffer.advance(header.size);
            self.at = At::List { left: header.length };
            return Ok(true);
        }
        limit("a header of a list", header.length, MAX_META)?;
        let Some(value) = self.take(header) else {
            return Ok(false);
        };
        if header.field == 1 && header.delimited {
            let named: wire::TypeMeta = wire::message("the type of the list", value)?;
            if !named.kind.is_empty() && !named.kind.ends_with("List") {
                return Err(FrameError::malformed(WHAT, format!("it is a {}", named.kind)));
            }
        } else if header.field == 3 && !value.is_empty() {
            return Err(FrameError::malformed(WHAT, "its content is encoded once more"));
        }
        Ok(true)
    }

    /// Reads one field of the list, of which `left` bytes are to come.
    fn list_field(&mut self, left: u64) -> Result<Field, FrameError> {
        let here = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(header) = wire::header(WHAT, &self.buffer[..here])? else {
            if here as u64 == left {
                return Err(FrameError::malformed(WHAT, "its last field is cut"));
            }
            return Ok(Field::Wait);
        };
        let most = if header.field == 2 {
            MAX_OBJECT as u64
        } else {
            MAX_META
        };
        limit("an item of a list", header.length, most)?;
        let size = header.size as u64 + header.length;
        if size > left {
            return Err(FrameError::malformed(WHAT, "a field reaches beyond its end"));
        }
        let Some(value) = self.take(header) else {
            return Ok(Field::Wait);
        };
        self.at = At::List { left: left - size };
        match header.field {
            2 if header.delimited => Ok(Field::Item(value)),
            1 if header.delimited => {
                let meta: wire::ListMeta = wire::message("the metadata of the list", value)?;
                self.meta = ListMeta {
                    resource_version: meta.resource_version,
                    next: Some(meta.next).filter(|next| !next.is_empty()),
                    remaining: meta.remaining.and_then(|count| u64::try_from(count).ok()),
                };
                Ok(Field::Other)
            }
            _ => Ok(Field::Other),
        }
    }

    /// Takes a field's value off the buffer; none where it is not all there.
    fn take(&mut self, header: wire::Header) -> Option<Bytes> {
        // Callers have held the length against a limit that fits.
        let length = header.length as usize;
        if self.buffer.len() < header.size + length {
            return None;
        }
        self.buffer.advance(header.size);
        Some(self.buffer.split_to(length).freeze())
    }
}

enum Field {
    Item(Bytes),
    Other,
    Wait,
}

fn limit(what: &'static str, length: u64, limit: u64) -> Result<(), FrameError> {
    if length > limit {
        return Err(FrameError::TooLong { what, length, limit });
    }
    Ok(())
}
