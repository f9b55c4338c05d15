//! The published schema is the code's.

use std::path::Path;

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/graphql/planisphere.graphql");
    let served = planisphere::api::schema_sdl();
    if std::env::var_os("UPDATE_SDL").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == served,
        "schema/graphql/planisphere.graphql differs from the code; refresh it with UPDATE_SDL=1 and read the difference"
    );
}
