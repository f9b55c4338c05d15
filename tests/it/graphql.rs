//! The GraphQL API over HTTP, on a small fleet that goes through `Store::apply`.

pub mod app;
mod as_of;
mod assets;
mod console;
mod errors;
mod fleet;
mod fresh;
mod graph;
mod http;
mod instances;
mod limits;
mod schema;
