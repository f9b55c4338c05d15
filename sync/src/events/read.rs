//! One Event of Kubernetes, of either API that serves them, read by allow-list: what it says, and which asset it is about.
//! Notes are words that anybody may write: they are cut, put into one line, and credentials in URLs are taken out.

use super::RecentEvent;
use planisphere_schema::{AssetId, ClusterId, Kind, Scope, Time};
use serde::Deserialize;
use std::borrow::Cow;
use uuid::Uuid;

/// Larger objects are no events that anybody can read.
const OBJECT_MAX: usize = 256 << 10;
/// The longest note that is kept, in bytes; Kubernetes allows as many.
const NOTE_MAX: usize = 1024;
/// The longest word that is kept, in bytes.
const WORD_MAX: usize = 128;
/// The longest name that an object can have, in bytes.
const NAME_MAX: usize = 253;

/// An Event of `events.k8s.io/v1`, or of the core group under its older names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    metadata: Meta<'a>,
    #[serde(borrow, alias = "involvedObject")]
    regarding: Regarding<'a>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "message")]
    note: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "reportingComponent")]
    reporting_controller: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "source")]
    deprecated_source: Option<Source<'a>>,
    #[serde(borrow, default)]
    series: Option<Series<'a>>,
    #[serde(borrow, default)]
    event_time: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "firstTimestamp")]
    deprecated_first_timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "lastTimestamp")]
    deprecated_last_timestamp: Option<Cow<'a, str>>,
    #[serde(default, alias = "count")]
    deprecated_count: Option<i64>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Regarding<'a> {
    #[serde(borrow)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow, default)]
    component: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series<'a> {
    #[serde(default)]
    count: Option<i64>,
    #[serde(borrow, default)]
    last_observed_time: Option<Cow<'a, str>>,
}

/// Reads an Event in JSON; none where it cannot be read or says not of what it is.
pub fn read(cluster: ClusterId, object: &[u8]) -> Option<(AssetId, RecentEvent)> {
    if object.len() > OBJECT_MAX {
        return None;
    }
    let event: Event = serde_json::from_slice(object).ok()?;
    let asset = asset(cluster, &event.regarding)?;
    let time = |text: &Option<Cow<str>>| -> Option<Time> {
        let instant: jiff::Timestamp = text.as_deref()?.parse().ok()?;
        Some(Time {
            seconds: instant.as_second(),
        })
    };
    let series = event.series.as_ref();
    let happened = time(&event.event_time);
    let first = time(&event.deprecated_first_timestamp).or(happened);
    let last = series.and_then(|s| time(&s.last_observed_time));
    let last = last.or_else(|| time(&event.deprecated_last_timestamp)).or(first);
    let count = series
        .and_then(|s| s.count)
        .or(event.deprecated_count)
        .unwrap_or(1);
    let source = event.deprecated_source.and_then(|s| s.component);
    let controller = event.reporting_controller.filter(|c| !c.is_empty()).or(source);
    let (note, note_cut) = note(&event.note.unwrap_or_default());
    let uid = event.regarding.uid.as_deref().unwrap_or_default();
    Some((
        asset,
        RecentEvent {
            uid: event.metadata.uid.parse().ok()?,
            regarding: uid.parse().unwrap_or(Uuid::nil()),
            kind: word(event.kind),
            reason: word(event.reason),
            action: word(event.action),
            note,
            note_cut,
            controller: word(controller),
            count: u32::try_from(count.max(1)).unwrap_or(u32::MAX),
            first,
            last,
        },
    ))
}

/// The asset that an Event is about. Its kind is not remembered: Events may name what they like.
fn asset(cluster: ClusterId, regarding: &Regarding) -> Option<AssetId> {
    let text = |text: &Option<Cow<str>>| text.as_deref().unwrap_or_default().to_owned();
    let (kind, name) = (text(&regarding.kind), text(&regarding.name));
    let (version, namespace) = (text(&regarding.api_version), text(&regarding.namespace));
    let long = [&kind, &name, &version, &namespace]
        .iter()
        .any(|t| t.len() > NAME_MAX);
    if kind.is_empty() || name.is_empty() || long {
        return None;
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let rows = || {
        Kind::BUILT_IN
            .iter()
            .filter(|k| k.is_served())
            .filter_map(|k| k.row())
    };
    // Some name no version: then the kind's name must do.
    let row = rows().find(|r| r.kind == kind && (version.is_empty() || r.group == group));
    let namespace = match row {
        Some(row) if row.scope == Scope::Cluster => "",
        _ => &namespace,
    };
    let group = row.map_or(group, |r| r.group);
    Some(AssetId::named(cluster, (group, &kind), namespace, &name))
}

/// A word, cut.
fn word(text: Option<Cow<str>>) -> String {
    let text = text.unwrap_or_default();
    line(&text[..text.floor_char_boundary(WORD_MAX)])
}

/// The note as it is kept, and whether it was longer.
fn note(text: &str) -> (String, bool) {
    let end = text.floor_char_boundary(NOTE_MAX);
    (without_credentials(&line(&text[..end])), end < text.len())
}

/// Control characters would let a note forge lines of a terminal or a log.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Takes user and password out of each URL.
fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
        let authority = &after[..end.unwrap_or(after.len())];
        match authority.rfind('@') {
            Some(user) => {
                out.push_str("***");
                rest = &after[user..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}
