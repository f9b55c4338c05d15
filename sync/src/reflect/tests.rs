//! The state machine against a server that misbehaves by a script.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guards;
mod lists;
mod proofs;
mod refusals;
mod script;
mod watches;
