//! The change feed as callers ask for it and see it: by pages that they fetch, and by pages that are sent to them.

use super::ask::Ask;
use super::changes::{AssetChange, Ends, MOST_PATHS, scope_of_changes};
use super::cursor::Question;
use super::filter::AssetFilter;
use super::instant::Instant;
use super::live::Course;
use crate::query::QueryError;
use crate::query::changes::{self, Wanted};
use crate::query::feed::{self, Marks};
use async_graphql::{Context, InputObject, Object};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use planisphere_schema::{ClusterId, Op, Version};
use uuid::Uuid;

/// Which changes a feed brings. All that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FeedFilter {
    /// Of these assets, by the state that the change began (of a deletion: that it ended). `related` and `dangling` have no place here.
    scope: Option<AssetFilter>,
    /// Only these; all, changes of edges alone included, where left out.
    ops: Option<Vec<Op>>,
    /// Only where one of these fields changed: dotted paths such as `containers.*.image`; `*` is any one part, and what lies below counts.
    paths: Option<Vec<String>>,
    /// Also what controllers and kubelets report all the time: phases, conditions, counts of what is ready, restarts.
    #[graphql(default)]
    status: bool,
}

/// Where a feed begins: at most one of them; none is now.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// After a page that was read before.
    pub after: Option<String>,
    /// After what an answer of this version showed.
    pub since: Option<String>,
    /// From an instant on.
    pub from: Option<Instant>,
}

/// A page of the feed.
pub struct FeedPage {
    page: feed::FeedPage,
    ends: Ends,
    question: Question,
    at: Instant,
}

impl FeedPage {
    /// The page that a filter asks for; of a subscription, the next one.
    pub async fn read(
        ctx: &Context<'_>,
        filter: Option<FeedFilter>,
        start: Start,
        first: i32,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        if limit == 0 {
            return Err(QueryError::Input(
                "`first` is 0; a page without changes never gets on".into(),
            ));
        }
        let graph = ask.graph().await;
        let filter = filter.unwrap_or_default();
        let paths = filter.paths.unwrap_or_default();
        if paths.len() > MOST_PATHS {
            return Err(QueryError::Input(format!(
                "`paths` has {} entries; it may have up to {MOST_PATHS}",
                paths.len()
            )));
        }
        let scope = scope_of_changes(graph, filter.scope).await?;
        let question = Question::of(&("feed", &scope, &filter.ops, &paths, filter.status));
        let wanted = Wanted {
            scope,
            near: None,
            ops: filter.ops,
            paths,
            status: filter.status,
        };
        let course = ctx.data_opt::<Course>();
        let begun = course.and_then(Course::marks);
        let start = match course.and_then(|course| course.begins.clone()) {
            Some(cursor) => Start {
                after: Some(cursor),
                ..Start::default()
            },
            None => start,
        };
        let marks = match begun {
            Some(marks) => marks,
            None => start.marks(ask, question).await?,
        };
        let mut page = feed::page(&*ask.store, graph, &wanted, &marks, limit).await?;
        if page.changes.is_empty() && !page.more {
            page.next.keep_up(&*ask.store).await?;
        }
        if let Some(course) = course {
            let cursor = question.cursor(&page.next);
            course.passed(page.next.clone(), cursor, page.changes.len(), page.more);
        }
        let (mut links, mut named) = (Vec::new(), Vec::new());
        for change in &page.changes {
            links.extend(change.entry.started.iter().chain(&change.entry.ended).cloned());
            named.extend(change.entry.ends.iter().cloned());
        }
        let ends = changes::ends(&[graph], links, named).await?;
        let at = Instant(ask.now_ms);
        Ok(Self {
            page,
            ends,
            question,
            at,
        })
    }
}

impl Start {
    async fn marks(self, ask: &Ask, question: Question) -> Result<Marks, QueryError> {
        let graph = ask.graph().await;
        match (self.after, self.since, self.from) {
            (None, None, None) => Ok(Marks::of(graph)),
            (Some(cursor), None, None) => {
                let marks = question.position("after", Some(&cursor))?;
                Ok(marks.unwrap_or_default())
            }
            (None, Some(version), None) => versions(&version),
            (None, None, Some(from)) => Marks::from_instant(&*ask.store, graph, from.0, ask.now_ms).await,
            _ => Err(QueryError::Input(
                "a feed begins at one place: give one of `after`, `since` and `from`".into(),
            )),
        }
    }
}

/// The versions in the text that answers bear.
fn versions(text: &str) -> Result<Marks, QueryError> {
    let wrong = || QueryError::Input("`since` is no version; take one from `freshness { version }`".into());
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let (each, rest) = bytes.as_chunks::<24>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let version = |one: &[u8; 24]| {
        let cluster = ClusterId(Uuid::from_slice(&one[..16]).unwrap_or_default());
        let version = one[16..].iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
        (cluster, Version(version))
    };
    Ok(Marks::after(each.iter().map(version)))
}

/// Changes in the order in which they were accepted, cluster by cluster. Each is told at least once; none is left out.
#[Object]
impl FeedPage {
    /// The changes, oldest first within each cluster; none where nothing new happened: then the page says how far all was told.
    async fn nodes(&self) -> Vec<AssetChange<'_>> {
        let all = self.page.changes.iter();
        all.map(|change| AssetChange::new(change, &self.ends)).collect()
    }

    /// Give it as `after` to go on behind this page, at any later time within the kept history, also with another server on the same
    /// store.
    async fn cursor(&self) -> String {
        self.question.cursor(&self.page.next)
    }

    /// There is more already.
    async fn more(&self) -> bool {
        self.page.more
    }

    /// When the page was read.
    async fn at(&self) -> Instant {
        self.at
    }
}
