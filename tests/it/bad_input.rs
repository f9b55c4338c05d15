//! Bad input to the real program: each gets one clear error that says what to do, and none costs anything else.

mod clusters;
mod credentials;
mod data_directory;
mod dumps;
mod objects;
mod permissions;
mod questions;
mod settings;
