//! What flows inside this room: an object becomes an [`Observation`]; a reflector tells the mirror of its cluster what
//! it saw as [`Event`]s, in order, over a bounded channel (a slow store slows the watch; nothing is lost).

use planisphere_schema::{Asset, Attributes, Coverage, Edge, How, Kind};
use tokio::sync::oneshot;

/// One object as far as it is kept: the asset and the edges that the object itself declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The asset; `asset.resource_version` orders observations of one object.
    pub asset: Box<Asset>,
    /// The edges that the object declares; those that selectors draw are the Linker's.
    pub edges: Vec<Edge>,
}

/// What a reflector tells, in the order in which it happened to its resource.
#[derive(Debug)]
pub enum Event {
    /// A whole list begins: what it does not bring before [`Event::ListEnded`] is gone.
    ListStarted {
        /// The resource.
        kind: Kind,
    },
    /// Objects as they are now.
    Applied {
        /// The resource.
        kind: Kind,
        /// By a list or by a watch event.
        how: How,
        /// The objects.
        observations: Vec<Observation>,
    },
    /// Objects that were deleted, in their last state; its resourceVersion is the deletion's.
    Deleted {
        /// The resource.
        kind: Kind,
        /// The objects.
        observations: Vec<Observation>,
    },
    /// The list is proven whole: every object that exists at `resume` was brought.
    ListEnded {
        /// The resource.
        kind: Kind,
        /// The resourceVersion from which a watch goes on.
        resume: String,
        /// Unix ms at which the cluster was there already: what is held is proven current up to this moment.
        at_ms: i64,
    },
    /// How many objects are held, with all that was told before this? Changes nothing.
    Held {
        /// The resource.
        kind: Kind,
        /// Takes the answer.
        answer: oneshot::Sender<u64>,
    },
    /// The list broke off: nothing follows from what it did not bring.
    ListFailed {
        /// The resource.
        kind: Kind,
    },
    /// Everything up to this resourceVersion was told: a bookmark, or the last event of a burst.
    Progress {
        /// The resource.
        kind: Kind,
        /// The resourceVersion from which a watch goes on.
        resume: String,
        /// Unix ms at which the cluster was there already, as in [`Event::ListEnded`]; none where that is not known: what
        /// is told may be of long ago, and more of it to come.
        at_ms: Option<i64>,
    },
    /// What we may see of the resource changed. Never a deletion: what is known is kept, and grows old.
    Covered {
        /// The resource.
        kind: Kind,
        /// What we may see.
        coverage: Coverage,
    },
    /// What the control plane told when it was asked.
    ControlPlane {
        /// Its parts.
        parts: Vec<Observation>,
        /// A part that is not among them is not there.
        whole: bool,
        /// What the cluster itself keeps of that.
        cluster: Box<Attributes>,
    },
    /// How objects are read from here on. Where that is another way than before, a whole list follows.
    Reading {
        /// The resource.
        kind: Kind,
        /// A fingerprint; 0 where there is only one way.
        reading: u64,
    },
    /// The cluster is proven to serve the resource no more: its objects are gone, as if a whole list had brought none.
    Vanished {
        /// The resource.
        kind: Kind,
    },
}
