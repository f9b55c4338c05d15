//! From what people write to what the graph holds: clusters, kinds and assets by name. Every refusal names what is
//! known. Texts from outside never become new custom kinds here: those live as long as the process.

use super::QueryError;
use crate::store::{Facet, Filter, ListQuery, Order, Presence, Record, Snapshot};
use planisphere_schema::{AssetId, AssetRef, Cluster, Kind};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// One way of naming an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By its id in this graph.
    Id(String),
    /// By the uid that Kubernetes gave to its present incarnation.
    Uid(String),
    /// By name.
    Key {
        /// The cluster's configured name or identity.
        cluster: String,
        /// The kind, as people write it.
        kind: String,
        /// The namespace; none for what lives in the cluster itself.
        namespace: Option<String>,
        /// The name.
        name: String,
    },
}

/// The asset that a reference names; a stub too.
///
/// # Errors
/// When the reference is malformed, ambiguous or names nothing.
pub async fn find(snapshot: &dyn Snapshot, reference: &Reference) -> Result<Arc<Record>, QueryError> {
    match reference {
        Reference::Id(text) => {
            let id = asset_id(text)?;
            let found = snapshot.get(&[id]).await?.pop().flatten();
            found.ok_or_else(|| QueryError::NotFound(format!("no asset has the id {text:?}")))
        }
        Reference::Uid(text) => by_uid(snapshot, text).await,
        Reference::Key {
            cluster: cluster_name,
            kind: kind_name,
            namespace,
            name,
        } => {
            let cluster = cluster(snapshot, cluster_name)?;
            let kind = kind(snapshot, kind_name).await?;
            let namespace = namespace.as_deref().unwrap_or_default();
            if kind.is_namespaced() && namespace.is_empty() {
                return Err(QueryError::Input(format!(
                    "a {kind} lives in a namespace: give `namespace` as well"
                )));
            }
            let in_cluster = !kind.is_namespaced() && !matches!(kind, Kind::Custom(_));
            if in_cluster && !namespace.is_empty() {
                return Err(QueryError::Input(format!(
                    "a {kind} lives in no namespace: leave `namespace` out"
                )));
            }
            let names_cluster = *name == cluster.name || name == cluster_name;
            let reference = if kind == Kind::Cluster && names_cluster {
                AssetRef::cluster(cluster.id)
            } else {
                AssetRef::new(cluster.id, kind, namespace, name)
            };
            let found = snapshot.get(&[reference.id()]).await?.pop().flatten();
            found.ok_or_else(|| {
                QueryError::NotFound(format!(
                    "cluster {:?} has no {}, and nothing refers to it",
                    cluster.name,
                    reference.key()
                ))
            })
        }
    }
}

/// Reads an asset's id.
///
/// # Errors
/// When the text is none.
pub fn asset_id(text: &str) -> Result<AssetId, QueryError> {
    Uuid::parse_str(text).map(AssetId).map_err(|_| {
        QueryError::Input(format!(
            "{text:?} is no asset id; ids are given out by this API as `id`"
        ))
    })
}

/// The cluster of this configured name or identity.
///
/// # Errors
/// When there is none.
pub fn cluster<'a>(snapshot: &'a dyn Snapshot, text: &str) -> Result<&'a Cluster, QueryError> {
    let all = snapshot.clusters();
    let found = all
        .iter()
        .map(|c| &c.cluster)
        .find(|c| c.name == text || c.id.to_string() == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|c| c.cluster.name.as_str()).collect();
        QueryError::Input(format!("no cluster {text:?}; known: {}", listing(&known)))
    })
}

/// The kind of this name. A full name (`Pod`, `Deployment.apps`, `Widget.example.org`) always means that kind; a bare
/// or short one is taken where one kind alone answers to it.
///
/// # Errors
/// When no kind answers to it, or several do.
pub async fn kind(snapshot: &dyn Snapshot, text: &str) -> Result<Kind, QueryError> {
    let full = |k: &Kind| k.to_string().eq_ignore_ascii_case(text);
    if let Some(kind) = Kind::BUILT_IN.iter().copied().find(full) {
        return Ok(kind);
    }
    let mirrored = mirrored_custom_kinds(snapshot);
    let found = candidates(text, &mirrored);
    if found.is_empty() {
        // Kinds that nobody mirrors may still be known as owners of something.
        let known = every_custom_kind(snapshot).await?;
        let found = candidates(text, &known);
        return one_of(text, found, &known);
    }
    one_of(text, found, &mirrored)
}

fn candidates(text: &str, custom: &BTreeSet<Kind>) -> Vec<Kind> {
    let (name, group) = text
        .split_once('.')
        .map_or((text, None), |(name, group)| (name, Some(group)));
    let built_in = Kind::parse(name).filter(|k| group.is_none_or(|g| k.group().eq_ignore_ascii_case(g)));
    let custom = custom.iter().copied().filter(|k| {
        let answers = matches!(k, Kind::Custom(custom) if custom.answers_to(name));
        answers && group.is_none_or(|g| k.group().eq_ignore_ascii_case(g))
    });
    built_in.into_iter().chain(custom).collect()
}

fn one_of(text: &str, found: Vec<Kind>, custom: &BTreeSet<Kind>) -> Result<Kind, QueryError> {
    let names = |kinds: &mut dyn Iterator<Item = Kind>| kinds.map(|k| k.to_string()).collect::<Vec<_>>();
    match found.as_slice() {
        [kind] => Ok(*kind),
        [] => {
            let known = names(&mut Kind::BUILT_IN.iter().copied().chain(custom.iter().copied()));
            Err(QueryError::Input(format!(
                "no kind {text:?}; known: {}",
                listing(&known)
            )))
        }
        _ => Err(QueryError::Input(format!(
            "kind {text:?} is ambiguous: give one of {}",
            listing(&names(&mut found.into_iter()))
        ))),
    }
}

fn mirrored_custom_kinds(snapshot: &dyn Snapshot) -> BTreeSet<Kind> {
    let sources = snapshot.clusters().iter().flat_map(|c| &c.sources);
    sources
        .map(|s| s.kind)
        .filter(|k| matches!(k, Kind::Custom(_)))
        .collect()
}

async fn every_custom_kind(snapshot: &dyn Snapshot) -> Result<BTreeSet<Kind>, QueryError> {
    let rows = snapshot
        .facets(&Filter::ALL, Presence::Any, &[Facet::Kind])
        .await?;
    // These texts come from the store, which holds such kinds already.
    let kinds = rows
        .into_iter()
        .filter_map(|(mut values, _)| Kind::parse(&values.pop()?));
    Ok(kinds.filter(|k| matches!(k, Kind::Custom(_))).collect())
}

async fn by_uid(snapshot: &dyn Snapshot, text: &str) -> Result<Arc<Record>, QueryError> {
    let uid = Uuid::parse_str(text)
        .ok()
        .filter(|uid| !uid.is_nil())
        .ok_or_else(|| QueryError::Input(format!("{text:?} is no uid")))?;
    let query = ListQuery {
        filter: Filter::Uids(vec![uid]),
        presence: Presence::Present,
        order: Order::Key,
        after: None,
        limit: 1,
    };
    super::breathe().await;
    let mut page = snapshot.list(&query).await?;
    let found = page.records.pop();
    found.ok_or_else(|| QueryError::NotFound(format!("no asset has the uid {text}")))
}

fn listing(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 40;
    if names.is_empty() {
        return "none yet".to_owned();
    }
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(MOST);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}
