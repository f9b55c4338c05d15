//! The words of Planisphere, and nothing else: no I/O, no async, no clock.
//!
//! # The asset graph on one page
//!
//! An [`Asset`] is one thing that a cluster declares (a Pod, a Service …) or names (a Zone, an address).
//! Its identity, [`AssetId`], is a UUID v5 of the cluster's own identity and `group/Kind/namespace/name`, so a
//! reference by name gives the id without a look-up, in whatever order things arrive.
//!
//! An [`Edge`] says that one asset stands in a [`RelationKind`] to another. It belongs to the asset whose
//! observation *declared* it: a Pod declares `RUNS_ON`, an EndpointSlice declares the `ROUTES_TO` between its
//! Service and a Pod. When the declarer goes, its edges go. An edge may point at an asset that was never
//! seen: the store keeps a stub, and that is data (a dangling reference), not an error.
//!
//! A [`Change`] is all that may cross into a store. Every change is safe to apply twice; a [`Batch`] of them is
//! atomic and carries the resume points of the watches that it came from.

pub mod asset;
pub mod attributes;
pub mod change;
pub mod detail;
pub mod id;
pub mod kind;
pub mod relation;
pub mod revision;
pub mod time;

pub use asset::{Asset, Label};
pub use attributes::Attributes;
pub use change::{Batch, Change, Cluster, Coverage, Edge, How, Observed, SourceState};
pub use detail::Detail;
pub use id::{AssetId, AssetKey, AssetRef, ClusterId};
pub use kind::{CustomKind, Kind, Scope, Spoken, Supply};
pub use relation::{FailureFlow, RelationKind};
pub use revision::{FieldChange, Op};
pub use time::{Time, Version};
