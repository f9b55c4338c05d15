//! Lists and watches as JSON: a page in a buffer whose items are isolated without being read, and our own line reader,
//! for which a cut line is an error.

use super::{ChangeType, FrameError, ListMeta, MAX_OBJECT, MAX_PAGE, Status, WatchFrame};
use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::VecDeque;

/// The annotation of the bookmark that ends a streaming list (KEP-3157).
pub(super) const LIST_END: &str = "k8s.io/initial-events-end";

const PAGE: &str = "the list";
const EVENT: &str = "an event of the watch";

/// Reads one page of a JSON list.
#[derive(Debug, Default)]
pub struct JsonPage {
    buffer: BytesMut,
    items: VecDeque<Bytes>,
    meta: ListMeta,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default, borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    metadata: Option<PageMeta>,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    #[serde(default)]
    resource_version: Option<String>,
    #[serde(default, rename = "continue")]
    next: Option<String>,
    #[serde(default)]
    remaining_item_count: Option<u64>,
}

impl JsonPage {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), FrameError> {
        let length = self.buffer.len() + chunk.len();
        if length > MAX_PAGE {
            return Err(FrameError::TooLong {
                what: "a page of a list",
                length: length as u64,
                limit: MAX_PAGE as u64,
            });
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// There are no more bytes: the items can be taken now.
    pub fn end(&mut self) -> Result<(), FrameError> {
        let body = std::mem::take(&mut self.buffer).freeze();
        let page: Page = serde_json::from_slice(&body).map_err(|e| {
            if e.is_eof() {
                FrameError::Truncated { what: PAGE }
            } else {
                FrameError::malformed(PAGE, e)
            }
        })?;
        if let Some(kind) = page.kind.filter(|kind| !kind.ends_with("List")) {
            return Err(FrameError::malformed(PAGE, format!("it is a {kind}")));
        }
        let meta = page.metadata.unwrap_or_default();
        self.meta = ListMeta {
            resource_version: meta.resource_version.unwrap_or_default(),
            next: meta.next.filter(|next| !next.is_empty()),
            remaining: meta.remaining_item_count,
        };
        let items = page.items.unwrap_or_default();
        self.items = items
            .into_iter()
            .map(|i| body.slice_ref(i.get().as_bytes()))
            .collect();
        Ok(())
    }

    /// The next item; none before the end was told.
    pub fn next_item(&mut self) -> Option<Bytes> {
        self.items.pop_front()
    }

    /// The page's metadata, once the end was told.
    pub fn meta(&self) -> &ListMeta {
        &self.meta
    }
}

/// Reads a JSON watch stream: one line an event.
#[derive(Debug, Default)]
pub struct JsonWatch {
    buffer: BytesMut,
    /// Bytes of the buffer that are known to hold no line end.
    searched: usize,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    change: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Marked {
    metadata: MarkedMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MarkedMeta {
    resource_version: String,
    #[serde(default)]
    annotations: Option<HashMap<String, String>>,
}

impl JsonWatch {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next event; none until more bytes arrive.
    pub fn next_frame(&mut self) -> Result<Option<WatchFrame>, FrameError> {
        loop {
            let found = self.buffer[self.searched..].iter().position(|b| *b == b'\n');
            let length = found.map_or(self.buffer.len(), |at| self.searched + at);
            if length > MAX_OBJECT {
                return Err(FrameError::TooLong {
                    what: EVENT,
                    length: length as u64,
                    limit: MAX_OBJECT as u64,
                });
            }
            if found.is_none() {
                self.searched = length;
                return Ok(None);
            }
            let line = self.buffer.split_to(length).freeze();
            self.buffer.advance(1);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return event(&line).map(Some);
            }
        }
    }

    /// There are no more bytes.
    pub fn end(&self) -> Result<(), FrameError> {
        if self.buffer.trim_ascii().is_empty() {
            Ok(())
        } else {
            Err(FrameError::Truncated { what: EVENT })
        }
    }
}

fn event(line: &Bytes) -> Result<WatchFrame, FrameError> {
    let event: Line = serde_json::from_slice(line).map_err(|e| FrameError::malformed(EVENT, e))?;
    let object = event.object.get();
    let change = match &*event.change {
        "ADDED" => ChangeType::Added,
        "MODIFIED" => ChangeType::Modified,
        "DELETED" => ChangeType::Deleted,
        "BOOKMARK" => {
            let marked: Marked =
                serde_json::from_str(object).map_err(|e| FrameError::malformed("a bookmark", e))?;
            if marked.metadata.resource_version.is_empty() {
                return Err(FrameError::malformed("a bookmark", "it has no resourceVersion"));
            }
            let end = |notes: HashMap<String, String>| notes.get(LIST_END).is_some_and(|v| v == "true");
            return Ok(WatchFrame::Bookmark {
                resource_version: marked.metadata.resource_version,
                list_end: marked.metadata.annotations.is_some_and(end),
            });
        }
        "ERROR" => return Status::read_json(object.as_bytes()).map(WatchFrame::Error),
        other => return Err(FrameError::malformed(EVENT, format!("its type is {other:?}"))),
    };
    Ok(WatchFrame::Object {
        change,
        object: line.slice_ref(object.as_bytes()),
    })
}
