//! What happened to an asset, newest first, with the fields that differ between one state and the next.

use super::QueryError;
use crate::store::{Record, Revision, Snapshot};
use planisphere_schema::revision::{FieldChange, Op, diff};
use planisphere_schema::{Asset, Version};
use uuid::Uuid;

/// One change of an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What the store keeps of it.
    pub revision: Revision,
    /// The uid of the incarnation that it is about, where there is one.
    pub uid: Option<Uuid>,
    /// Another object stands under the name than before.
    pub incarnation: bool,
    /// The fields that differ; none for a creation or deletion.
    pub fields: Vec<FieldChange>,
}

/// A page of an asset's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The changes, newest first.
    pub entries: Vec<Entry>,
    /// Whether there are older ones.
    pub more: bool,
}

/// The changes of an asset that are older than `before`.
///
/// # Errors
/// When the store fails.
pub async fn history(
    snapshot: &dyn Snapshot,
    record: &Record,
    before: Option<Version>,
    limit: usize,
) -> Result<History, QueryError> {
    // A row holds the state that it ended; the state that it began is what the next newer row ended. So the last row
    // of the page before is read again.
    let id = record.asset.reference.id();
    let from = before.map(|v| Version(v.0.saturating_add(1)));
    let extra = usize::from(before.is_some());
    let mut rows = snapshot.history(id, from, limit + extra + 1).await?;
    let mut after: Option<Asset> = (!record.stub).then(|| record.asset.clone());
    if let Some(before) = before {
        match rows.first() {
            Some(newest) if newest.version >= before => after = rows.remove(0).before,
            _ => after = None,
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut entries = Vec::with_capacity(rows.len());
    for revision in rows {
        let ended = revision.before.clone();
        let fields = match (revision.op, &ended, &after) {
            (Op::Update, Some(ended), Some(began)) => diff(ended, began),
            _ => Vec::new(),
        };
        let uid = |state: &Option<Asset>| state.as_ref().map(|a| a.uid).filter(|uid| !uid.is_nil());
        let began = uid(&after).filter(|_| revision.op != Op::Delete);
        entries.push(Entry {
            uid: began.or_else(|| uid(&ended)),
            incarnation: began.is_some() && began != uid(&ended),
            revision,
            fields,
        });
        after = ended;
    }
    Ok(History { entries, more })
}
