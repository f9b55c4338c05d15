//! Incremental decoders of what an API server sends: lists and watch streams, as protobuf and as JSON. Fed with chunks
//! as they arrive, whatever their borders, they hand out one object at a time. Pure: no I/O, no clock, and no
//! knowledge of what an object means. What cannot be understood is an error that ends the stream, never a guess.
//!
//! The framing is that of Kubernetes' `runtime/serializer/protobuf` and `watch` packages: `k8s\0`, then a message
//! `Unknown`; in a watch each frame is preceded by its length in four bytes, big-endian.

mod json;
mod list;
mod status;
mod watch;
mod wire;

pub use json::{JsonPage, JsonWatch};
pub use list::ProtobufList;
pub use status::Status;
pub use watch::ProtobufWatch;

use bytes::Bytes;

/// Bytes that one object, or one line of a watch, may have. etcd refuses objects above a few MiB, so that anything near
/// this is not an object.
pub const MAX_OBJECT: usize = 64 << 20;

/// Bytes that a JSON page may have: 500 objects of the size that etcd allows by default (1.5 MiB) and some more.
pub const MAX_PAGE: usize = 1 << 30;

/// How an API server writes what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Kubernetes' own JSON.
    Json,
    /// `application/vnd.kubernetes.protobuf`, for built-in kinds only.
    Protobuf,
}

impl Encoding {
    /// The encoding that a Content-Type names; none for anything that is neither.
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next()?.trim() {
            "application/json" => Some(Self::Json),
            "application/vnd.kubernetes.protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }
}

/// Why a list or a stream cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Something is longer than anything that an API server sends.
    #[error("{what} of {length} bytes: more than the {limit} that are believed")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes, as claimed or as far as seen.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It ended in the middle.
    #[error("{what} ended in the middle")]
    Truncated {
        /// What ended.
        what: &'static str,
    },
    /// It is not what it should be.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What is malformed.
        what: &'static str,
        /// In what way.
        why: String,
    },
}

impl FrameError {
    pub(crate) fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed {
            what,
            why: why.to_string(),
        }
    }
}

/// The metadata of a list, or of one page of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMeta {
    /// The version at which the list is true; empty where the server gave none.
    pub resource_version: String,
    /// The token that asks for the next page; none on the last one.
    pub next: Option<String>,
    /// Objects that the following pages will bring, where the server counted them.
    pub remaining: Option<u64>,
}

/// What happened to an object in a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// It is new to this watch.
    Added,
    /// It changed.
    Modified,
    /// It was deleted; the object is its last state with the deletion's resourceVersion.
    Deleted,
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchFrame {
    /// An object changed.
    Object {
        /// How.
        change: ChangeType,
        /// The object alone, in the stream's encoding.
        object: Bytes,
    },
    /// Everything up to this version was sent.
    Bookmark {
        /// The version.
        resource_version: String,
        /// The end of a streaming list: everything that exists was sent.
        list_end: bool,
    },
    /// The server says why it ends the watch.
    Error(Status),
}

/// Reads a list in either encoding.
#[derive(Debug)]
pub enum ListDecoder {
    /// Item by item as bytes arrive.
    Protobuf(ProtobufList),
    /// A whole page, then its items.
    Json(JsonPage),
}

impl ListDecoder {
    /// A reader of this encoding.
    pub fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Protobuf => Self::Protobuf(ProtobufList::default()),
            Encoding::Json => Self::Json(JsonPage::default()),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), FrameError> {
        match self {
            Self::Protobuf(list) => list.push(chunk),
            Self::Json(page) => page.push(chunk)?,
        }
        Ok(())
    }

    /// The next item; none until more bytes, or the end, are told.
    pub fn next_item(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Protobuf(list) => list.next_item(),
            Self::Json(page) => Ok(page.next_item()),
        }
    }

    /// There are no more bytes; take the items that are left afterwards. Fails where that is too early.
    pub fn end(&mut self) -> Result<(), FrameError> {
        match self {
            Self::Protobuf(list) => list.end(),
            Self::Json(page) => page.end(),
        }
    }

    /// The list's metadata as far as it was read; whole after [`Self::end`].
    pub fn meta(&self) -> &ListMeta {
        match self {
            Self::Protobuf(list) => list.meta(),
            Self::Json(page) => page.meta(),
        }
    }
}

/// Reads a watch stream in either encoding.
#[derive(Debug)]
pub enum WatchDecoder {
    /// Frames with a length.
    Protobuf(ProtobufWatch),
    /// One line an event.
    Json(JsonWatch),
}

impl WatchDecoder {
    /// A reader of this encoding.
    pub fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Protobuf => Self::Protobuf(ProtobufWatch::default()),
            Encoding::Json => Self::Json(JsonWatch::default()),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Protobuf(watch) => watch.push(chunk),
            Self::Json(watch) => watch.push(chunk),
        }
    }

    /// The next event; none until more bytes arrive.
    pub fn next_frame(&mut self) -> Result<Option<WatchFrame>, FrameError> {
        match self {
            Self::Protobuf(watch) => watch.next_frame(),
            Self::Json(watch) => watch.next_frame(),
        }
    }

    /// There are no more bytes. Fails where that is in the middle of an event.
    pub fn end(&self) -> Result<(), FrameError> {
        match self {
            Self::Protobuf(watch) => watch.end(),
            Self::Json(watch) => watch.end(),
        }
    }
}

#[cfg(test)]
mod tests;
