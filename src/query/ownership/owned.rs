//! The other way round: the assets of an owner, and those of nobody, page by page in the order of keys. Ownership is
//! inherited, so it cannot be looked up; a page reads on until it is full or has looked at enough, and says which.

use super::book::{Book, plain};
use super::resolve::{Ownership, ownerships};
use crate::query::QueryError;
use crate::store::{Filter, ListQuery, Order, Position, Presence, Record, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many assets one page looks at before it gives back what it has.
const MOST_READ: usize = 20_000;

/// How many assets are read at a time.
const CHUNK: usize = 500;

/// Whose assets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Those of this owner.
    Owner(String),
    /// Those for which no level names anybody.
    Nobody,
}

impl Whose {
    fn admits(&self, ownership: &Ownership) -> bool {
        match (self, &ownership.claim) {
            (Whose::Nobody, claim) => claim.is_none(),
            (Whose::Owner(owner), Some(claim)) => plain(owner) == plain(&claim.owner),
            (Whose::Owner(_), None) => false,
        }
    }
}

/// A page of assets with who answers for them.
#[derive(Clone, Debug, Default)]
pub struct OwnedPage {
    /// The assets.
    pub found: Vec<(Arc<Record>, Ownership)>,
    /// Where the next page goes on; none where everything was looked at.
    pub next: Option<Position>,
    /// How many assets were looked at.
    pub read: usize,
}

/// A page of the assets that pass a filter and belong to somebody, or to nobody.
///
/// # Errors
/// When the store fails.
pub async fn owned(
    snapshot: &dyn Snapshot,
    book: &Book,
    filter: Filter,
    whose: &Whose,
    after: Option<Position>,
    limit: usize,
) -> Result<OwnedPage, QueryError> {
    let mut query = ListQuery {
        filter,
        presence: Presence::Present,
        order: Order::Key,
        after,
        limit: CHUNK,
    };
    let mut answer = OwnedPage::default();
    loop {
        crate::query::breathe().await;
        let page = snapshot.list(&query).await?;
        let more = page.more;
        let answers = ownerships(snapshot, book, &page.records).await?;
        let last = page.records.last().map(|r| query.order.position(r));
        for (record, ownership) in page.records.into_iter().zip(answers) {
            answer.read += 1;
            if !whose.admits(&ownership) {
                continue;
            }
            if answer.found.len() == limit {
                let last = answer.found.last().map(|(r, _)| query.order.position(r));
                answer.next = last.or(query.after.take());
                return Ok(answer);
            }
            answer.found.push((record, ownership));
        }
        query.after = last;
        if !more {
            return Ok(answer);
        }
        if answer.read >= MOST_READ {
            answer.next = query.after;
            return Ok(answer);
        }
    }
}

/// Everybody who answers for something, with how many assets of those that were looked at; unowned ones under none.
#[derive(Clone, Debug, Default)]
pub struct OwnerCounts {
    /// Assets by owner; the empty name stands for nobody.
    pub counts: BTreeMap<String, usize>,
    /// Whether all assets that pass the filter were looked at.
    pub whole: bool,
}

/// Counts the assets that pass a filter by their owners, up to `most` assets.
///
/// # Errors
/// When the store fails.
pub async fn owner_counts(
    snapshot: &dyn Snapshot,
    book: &Book,
    filter: Filter,
    most: usize,
) -> Result<OwnerCounts, QueryError> {
    let mut query = ListQuery {
        filter,
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: CHUNK,
    };
    let mut answer = OwnerCounts::default();
    let mut read = 0;
    loop {
        crate::query::breathe().await;
        let page = snapshot.list(&query).await?;
        read += page.records.len();
        for ownership in ownerships(snapshot, book, &page.records).await? {
            let owner = ownership.claim.map(|c| plain(&c.owner).to_owned());
            *answer.counts.entry(owner.unwrap_or_default()).or_default() += 1;
        }
        query.after = page.records.last().map(|r| query.order.position(r));
        if !page.more {
            answer.whole = true;
            return Ok(answer);
        }
        if read >= most {
            return Ok(answer);
        }
    }
}
