//! What breaks if this breaks: scenarios for each rule, and random worlds held against an evaluation from scratch.

mod budgets;
mod calls;
mod documented;
mod fit;
mod hub;
mod naive;
mod questions;
mod random;
mod scenarios;
pub mod world;
