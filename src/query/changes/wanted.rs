//! Which changes are wanted. Pure.

use super::{Change, Nearby, goes_on};
use crate::store::{Filter, Snapshot, Text};
use planisphere_schema::{AssetId, AssetRef, Kind, Op};

/// Which changes. All that is given must hold.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of these assets, as they were then.
    pub scope: Filter,
    /// Of assets near one.
    pub near: Option<Nearby>,
    /// What happened; none for everything, changes of edges alone included.
    pub ops: Option<Vec<Op>>,
    /// One of these fields changed: dotted paths, `*` for any one part, and all below counts.
    pub paths: Vec<String>,
    /// Also what controllers and kubelets report all the time.
    pub status: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            scope: Filter::ALL,
            near: None,
            ops: None,
            paths: Vec::new(),
            status: false,
        }
    }
}

impl Wanted {
    /// Whether a change is.
    pub fn holds(&self, change: &Change) -> bool {
        let op = change.entry.op;
        let ops = self.ops.as_ref();
        ops.is_none_or(|ops| op.is_some_and(|op| ops.contains(&op)))
            && (self.status || !is_noise(change))
            && (self.paths.is_empty()
                || change
                    .fields
                    .iter()
                    .any(|f| self.paths.iter().any(|path| lies_below(&f.path, path))))
            && self.scope.holds(&change.asset) == Some(true)
    }
}

/// The assets that a filter can be about, where it names them: their logs are read alone. Who is gone is named all the same.
pub fn subjects(graph: &dyn Snapshot, filter: &Filter) -> Option<Vec<AssetId>> {
    match filter {
        Filter::Ids(ids) => Some(ids.clone()),
        Filter::Or(any) if !any.is_empty() => {
            let all: Option<Vec<_>> = any.iter().map(|f| subjects(graph, f)).collect();
            all.map(|all| all.concat())
        }
        Filter::And(all) => {
            if let Some(ids) = all.iter().find_map(|f| subjects(graph, f)) {
                return Some(ids);
            }
            let kind = all.iter().find_map(|f| match f {
                Filter::Kinds(kinds) if kinds.len() == 1 => kinds.first().copied(),
                _ => None,
            })?;
            let name = all.iter().find_map(|f| match f {
                Filter::Name(Text::Eq(name)) => Some(name),
                _ => None,
            })?;
            let namespace = all.iter().find_map(|f| match f {
                Filter::Namespace(Text::Eq(namespace)) => Some(namespace.as_str()),
                _ => None,
            });
            let namespace = namespace.or_else(|| {
                let alone = !kind.is_namespaced() && !matches!(kind, Kind::Custom(_));
                alone.then_some("")
            })?;
            let clusters = graph.clusters().iter();
            Some(
                clusters
                    .map(|c| AssetRef::new(c.cluster.id, kind, namespace, name).id())
                    .collect(),
            )
        }
        _ => None,
    }
}

/// Nothing but reports changed: fields of the status, and what edges say about readiness.
fn is_noise(change: &Change) -> bool {
    let entry = &change.entry;
    let fields = match entry.op {
        Some(Op::Update) => !change.incarnation && change.fields.iter().all(|f| f.is_status()),
        Some(_) => false,
        None => true,
    };
    let (started, ended) = (&entry.started, &entry.ended);
    fields && started.iter().all(|l| goes_on(l, ended)) && ended.iter().all(|l| goes_on(l, started))
}

/// Whether a path is another, or lies below it.
fn lies_below(path: &str, above: &str) -> bool {
    let mut parts = path.split('.');
    above
        .split('.')
        .all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

#[cfg(test)]
mod tests {
    use super::lies_below;

    #[test]
    fn a_path_takes_all_below_it_and_a_star_any_part() {
        assert!(lies_below("containers.0.image", "containers.*.image"));
        assert!(lies_below("containers.0.image", "containers"));
        assert!(!lies_below("containers.0.image", "containers.*.imageID"));
        assert!(!lies_below("containers", "containers.0"));
        assert!(!lies_below("containersX", "containers"));
    }
}
