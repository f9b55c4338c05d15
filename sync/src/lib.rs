//! Kubernetes in, batches of changes out. The only room that knows Kubernetes' API; it never sees a store or an answer.

pub mod cluster;
pub mod dump;
pub mod events;
pub mod extract;
pub mod fleet;
pub mod frame;
pub mod link;
pub mod mirror;
pub mod observe;
pub mod preflight;
pub mod reflect;
mod resume;
pub mod rules;
pub mod sink;
pub mod status;
mod wire;

pub use extract::{Extractor, Undecodable};
pub use link::Linker;
pub use observe::{Event, Observation};
