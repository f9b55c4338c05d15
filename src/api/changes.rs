//! What changed in a window, as callers ask for it and see it.

mod diff;
mod timeline;

pub use diff::{Between, DiffConnection};
pub use timeline::Timeline;

use super::ask::Ask;
use super::asset::AssetNode;
use super::connection::{PageInfo, freshness_as_of};
use super::cursor::Question;
use super::filter::{AssetFilter, selection};
use super::freshness::Freshness;
use super::graph::within;
use super::history::FieldChange;
use super::instant::Instant;
use super::reference::AssetRefInput;
use crate::query::changes::{self, Near, Place, Wanted, nearby};
use crate::query::window::Window;
use crate::query::{QueryError, names};
use crate::store::{Filter, Link, Presence, Record, Snapshot};
use async_graphql::{Context, InputObject, Object, SimpleObject};
use planisphere_schema::{AssetId, Detail, How, Op, RelationKind, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// Paths that one filter may name.
pub const MOST_PATHS: usize = 50;

/// What was near an asset at any time in the window.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "Near")]
pub struct NearInput {
    /// Of which asset.
    asset: AssetRefInput,
    /// Hops at the most, up to 4.
    #[graphql(default = 2)]
    hops: i32,
    /// Over which relations; all where left out.
    relations: Option<Vec<RelationKind>>,
}

/// Which changes. All that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ChangeFilter {
    /// From this instant on; the last hour, or what is kept of it, where left out.
    from: Option<Instant>,
    /// Up to this instant, exclusive; now where left out.
    to: Option<Instant>,
    /// Of these assets, by the state that the change began (of a deletion: that it ended). `related` and `dangling` have no place here.
    scope: Option<AssetFilter>,
    /// Of assets that were near one.
    near: Option<NearInput>,
    /// Only these; all, changes of edges alone included, where left out.
    ops: Option<Vec<Op>>,
    /// Only where one of these fields changed: dotted paths such as `containers.*.image`; `*` is any one part, and what lies below counts.
    paths: Option<Vec<String>>,
    /// Also what controllers and kubelets report all the time: phases, conditions, counts of what is ready, restarts.
    #[graphql(default)]
    status: bool,
}

/// A filter, read.
struct Asked {
    window: Window,
    wanted: Wanted,
    /// The end that was named, in Unix ms; none for now.
    until_ms: Option<i64>,
    question: Question,
}

impl ChangeFilter {
    async fn read(self, ask: &Ask) -> Result<Asked, QueryError> {
        let graph = ask.graph().await;
        let (from_ms, to_ms) = (self.from.map(|i| i.0), self.to.map(|i| i.0));
        let window = Window::read(&*ask.store, ask.now_ms, from_ms, to_ms).await?;
        let scope = scope_of_changes(graph, self.scope).await?;
        let paths = self.paths.unwrap_or_default();
        if paths.len() > MOST_PATHS {
            return Err(QueryError::Input(format!(
                "`paths` has {} entries; it may have up to {MOST_PATHS}",
                paths.len()
            )));
        }
        let near = match self.near {
            Some(near) => Some(near.read(ask, window).await?),
            None => None,
        };
        let told = near.as_ref().map(|n| (n.asset, n.hops, &n.relations));
        let question = ask.question(&(
            "changes",
            (from_ms, to_ms),
            &scope,
            told,
            &self.ops,
            &paths,
            self.status,
        ));
        let near = match &near {
            Some(near) => Some(nearby(&*ask.store, window, near).await?),
            None => None,
        };
        Ok(Asked {
            window,
            wanted: Wanted {
                scope,
                near,
                ops: self.ops,
                paths,
                status: self.status,
            },
            until_ms: to_ms.map(|to_ms| to_ms - 1),
            question,
        })
    }
}

impl NearInput {
    async fn read(self, ask: &Ask, window: Window) -> Result<Near, QueryError> {
        let (graph, reference) = (ask.graph().await, self.asset.into());
        let found = match names::find(graph, &reference).await {
            // What is gone now may have been there when the window began.
            Err(QueryError::NotFound(reason)) => {
                let then = ask.store.snapshot_at(window.from_ms).await?;
                let found = names::find(&*then, &reference).await;
                found.map_err(|_| QueryError::NotFound(reason))?
            }
            found => found?,
        };
        Ok(Near {
            asset: found.asset.reference.id(),
            cluster: found.asset.reference.key().cluster,
            hops: within("hops", self.hops, 0, 4)?,
            relations: self.relations,
        })
    }
}

/// The assets whose changes are wanted: told from the state at each change alone.
pub async fn scope_of_changes(
    graph: &dyn Snapshot,
    scope: Option<AssetFilter>,
) -> Result<Filter, QueryError> {
    let (scope, presence) = selection(graph, scope, None).await?;
    if presence != Presence::Present || needs_graph(&scope) {
        return Err(QueryError::Input(
            "`related` and `dangling` have no place in `scope`: it is compared with the asset as it was at each change; use `near` of `changes`"
                .into(),
        ));
    }
    Ok(scope)
}

fn needs_graph(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(needs_graph),
        Filter::Not(inner) => needs_graph(inner),
        Filter::Related(..) => true,
        _ => false,
    }
}

/// An edge that came to be, or ended. One that says something else now did both.
#[derive(SimpleObject)]
pub struct EdgeChange {
    /// What it means.
    relation: RelationKind,
    /// Where it starts.
    source: AssetNode,
    /// Where it ends.
    target: AssetNode,
    /// What it says beyond its ends.
    detail: Detail,
}

/// The assets at the ends of edges, by id.
pub type Ends = HashMap<AssetId, Arc<Record>>;

impl EdgeChange {
    fn all(links: &[Link], ends: &Ends) -> Vec<Self> {
        let end = |id| ends.get(id).map(|r| AssetNode::new(Arc::clone(r)));
        let all = links.iter().filter_map(|link| {
            Some(Self {
                relation: link.relation,
                source: end(&link.from)?,
                target: end(&link.to)?,
                detail: link.detail.clone(),
            })
        });
        all.collect()
    }
}

/// A change of an asset, or of the edges that it declares.
pub struct AssetChange<'a> {
    change: &'a changes::Change,
    ends: &'a Ends,
}

impl<'a> AssetChange<'a> {
    /// A change with the ends of its edges.
    pub fn new(change: &'a changes::Change, ends: &'a Ends) -> Self {
        Self { change, ends }
    }
}

/// A change of an asset, or of the edges that it declares.
#[Object]
impl AssetChange<'_> {
    /// The asset in the state that began; of a deletion, in the one that ended. Its edges, owners and history are those of now.
    async fn asset(&self) -> AssetNode {
        AssetNode::new(Arc::clone(&self.change.asset))
    }

    /// What happened; null where only edges changed.
    async fn op(&self) -> Option<Op> {
        self.change.entry.op
    }

    /// When it was learnt. Given as `asOf`, it shows the graph with this change.
    async fn at(&self) -> Instant {
        self.change.entry.version.into()
    }

    /// The version at which it happened.
    async fn version(&self) -> String {
        self.change.entry.version.0.to_string()
    }

    /// How it was learnt. By a list: it may have happened at any time since `lastSeenAt`.
    async fn how(&self) -> How {
        self.change.entry.how
    }

    /// When the asset was last known to be as before, where that is not the moment itself.
    async fn last_seen_at(&self) -> Option<Time> {
        self.change.entry.last_seen_ms.map(Time::from_unix_ms)
    }

    /// The Kubernetes uid of the incarnation that it is about; null where there is none.
    async fn uid(&self) -> Option<String> {
        self.change.uid().map(|uid| uid.to_string())
    }

    /// Another object stands under this name than before.
    async fn new_incarnation(&self) -> bool {
        self.change.incarnation
    }

    /// The fields that differ; none for a creation or deletion.
    async fn fields(&self) -> Vec<FieldChange> {
        self.change.fields.iter().map(FieldChange::of).collect()
    }

    /// Edges that the asset declares and that came to be.
    async fn edges_started(&self) -> Vec<EdgeChange> {
        EdgeChange::all(&self.change.entry.started, self.ends)
    }

    /// Edges that it declared and that ended.
    async fn edges_ended(&self) -> Vec<EdgeChange> {
        EdgeChange::all(&self.change.entry.ended, self.ends)
    }

    /// Hops from the asset that is asked about; null where none is.
    async fn distance(&self) -> Option<u32> {
        self.change.distance.map(|d| d as u32)
    }
}

/// A page of changes.
pub struct ChangeConnection {
    asked: Asked,
    page: changes::Changes,
    ends: Ends,
}

impl ChangeConnection {
    /// The page that a filter asks for.
    pub async fn read(
        ctx: &Context<'_>,
        filter: Option<ChangeFilter>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self, QueryError> {
        let ask = Ask::of(ctx);
        let limit = ask.page(first)?;
        let asked = filter.unwrap_or_default().read(ask).await?;
        let after: Option<Place> = asked.question.position("after", after)?;
        let graph = ask.graph().await;
        let page = changes::changes(&*ask.store, graph, asked.window, &asked.wanted, after, limit).await?;
        let (mut links, mut named) = (Vec::new(), Vec::new());
        for change in &page.changes {
            links.extend(change.entry.started.iter().chain(&change.entry.ended).cloned());
            named.extend(change.entry.ends.iter().cloned());
        }
        let ends = changes::ends(&[graph], links, named).await?;
        Ok(Self { asked, page, ends })
    }
}

/// What changed, newest first.
#[Object]
impl ChangeConnection {
    /// The changes.
    async fn nodes(&self) -> Vec<AssetChange<'_>> {
        let all = self.page.changes.iter().map(|change| AssetChange {
            change,
            ends: &self.ends,
        });
        all.collect()
    }

    /// Where the page ends. It may end early, also empty, after a number of changes that do not pass the filter: go on while there is more.
    async fn page_info(&self) -> PageInfo {
        let next = self.page.next;
        PageInfo {
            has_next_page: next.is_some(),
            end_cursor: next.map(|place| self.asked.question.cursor(&place)),
        }
    }

    /// Where the window begins.
    async fn from(&self) -> Instant {
        Instant(self.asked.window.from_ms)
    }

    /// Where it ends.
    async fn to(&self) -> Instant {
        Instant(self.asked.window.to_ms)
    }

    /// Not all that was near is known: there was too much of it, or too much happened in the window.
    async fn truncated(&self) -> bool {
        self.asked.wanted.near.as_ref().is_some_and(|near| near.truncated)
    }

    /// How fresh it is, as of the end of the window.
    async fn freshness(&self, ctx: &Context<'_>) -> Freshness {
        freshness_as_of(Ask::of(ctx), self.asked.until_ms, &self.asked.wanted.scope)
    }
}
