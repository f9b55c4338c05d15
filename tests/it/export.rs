//! Exports through GraphQL, as files, and by the real command line; read by the tools that they are for.

mod files;
mod program;
mod tools;
