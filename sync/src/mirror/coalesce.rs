//! Of many changes of one object that wait for the store together, the last is told: a storm costs what it changes, not
//! what it says.

use planisphere_schema::{Change, Kind, Observed};
use std::collections::{BTreeMap, HashSet};

/// Leaves of each asset only what it is in the end: a batch becomes visible as one, so that nobody ever sees what is
/// replaced within it. A deletion stays, for what comes after it is another incarnation. Gives how many changes of each kind
/// went.
pub(super) fn coalesce(changes: &mut Vec<Observed>) -> BTreeMap<Kind, u64> {
    // Assets that are put anew later, with nothing in between that ends them.
    let mut replaced = HashSet::with_capacity(changes.len());
    let mut gone = BTreeMap::new();
    let mut kept: Vec<bool> = changes
        .iter()
        .rev()
        .map(|observed| match &observed.change {
            Change::Upsert { asset, .. } => {
                let last = replaced.insert(asset.reference.id());
                if !last {
                    *gone.entry(asset.kind()).or_default() += 1;
                }
                last
            }
            Change::Delete { id } => {
                replaced.remove(id);
                true
            }
            // An asset that is put anew comes with all its edges.
            Change::Redraw { declarer, .. } => !replaced.contains(declarer),
        })
        .collect();
    if kept.iter().any(|kept| !kept) {
        changes.retain(|_| kept.pop().unwrap_or(true));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use planisphere_schema::{Asset, AssetRef, ClusterId, How, RelationKind};
    use uuid::Uuid;

    #[test]
    fn of_changes_of_one_object_that_wait_together_the_last_is_told() {
        let cluster = ClusterId(Uuid::from_u128(1));
        let reference = |name| AssetRef::new(cluster, Kind::Pod, "a", name);
        let put = |name, version| {
            let mut asset = Asset::named(reference(name));
            asset.resource_version = version;
            Change::Upsert {
                asset: Box::new(asset),
                edges: Vec::new(),
            }
        };
        let delete = |name| Change::Delete {
            id: reference(name).id(),
        };
        let redraw = |name| Change::Redraw {
            declarer: reference(name).id(),
            relation: RelationKind::Selects,
            edges: Vec::new(),
        };
        let told = [
            put("p", 1),
            redraw("p"),
            put("q", 2),
            put("p", 3),
            redraw("p"),
            put("r", 4),
            delete("r"),
            put("r", 5),
            put("r", 6),
        ];
        let observed = |change| Observed {
            change,
            how: How::Event,
            last_seen_ms: None,
        };
        let mut changes: Vec<Observed> = told.into_iter().map(observed).collect();
        assert_eq!(coalesce(&mut changes), [(Kind::Pod, 2)].into());
        let words: Vec<String> = changes
            .iter()
            .map(|observed| match &observed.change {
                Change::Upsert { asset, .. } => {
                    format!("{}@{}", asset.reference.key().name, asset.resource_version)
                }
                Change::Delete { .. } => "deleted".to_owned(),
                Change::Redraw { .. } => "redrawn".to_owned(),
            })
            .collect();
        assert_eq!(words, ["q@2", "p@3", "redrawn", "r@4", "deleted", "r@6"]);
    }
}
