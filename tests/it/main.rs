//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests drive processes"
)]

mod admin;
mod architecture;
mod bad_input;
mod cli;
mod config;
mod demo;
mod dumps;
mod export;
mod get;
mod get_from_api;
mod graphql;
mod impact;
mod ingest;
mod licences;
mod lifecycle;
mod mirrored;
mod operations;
mod ownership;
mod program;
mod real;
mod real_custom;
mod retention;
mod rules;
mod scenarios;
mod seeds;
mod simulated;
mod site;
mod store;
mod truth;
