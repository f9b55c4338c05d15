//! The GraphQL API over HTTP, on a small fleet that goes through `Store::apply`.

pub mod app;
mod as_of;
mod assets;
mod changes;
mod console;
mod data_model;
mod differences;
mod errors;
mod feed;
mod fleet;
mod fresh;
mod graph;
mod http;
mod instances;
mod limits;
mod rebuilt;
mod schema;
