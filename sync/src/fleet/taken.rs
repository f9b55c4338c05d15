//! Which clusters are mirrored, by identity: one cluster under two names is mirrored once. Knows nothing of how.

use planisphere_schema::ClusterId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The identities of the clusters that are mirrored, each with its name.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<Mutex<BTreeMap<ClusterId, String>>>);

impl Taken {
    /// Takes a cluster for a name; the name that has it already, where it is another.
    pub(super) fn take(&self, id: ClusterId, name: &str) -> Result<Lease, String> {
        let mut taken = self.0.lock().unwrap_or_else(|e| e.into_inner());
        match taken.get(&id) {
            Some(other) if other != name => Err(other.clone()),
            _ => {
                taken.insert(id, name.to_owned());
                Ok(Lease {
                    taken: self.clone(),
                    id,
                })
            }
        }
    }
}

/// Gives a cluster free when it is dropped.
pub(super) struct Lease {
    taken: Taken,
    id: ClusterId,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.taken
            .0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .remove(&self.id);
    }
}
