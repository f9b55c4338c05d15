//! The program: everything is in the library, so that tests reach it too.

use std::process::ExitCode;

/// Answers are made of many small allocations that live shortly beside a graph that lives long.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    planisphere::run(std::env::args_os())
}
