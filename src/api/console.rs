//! The query console at `/graphiql`: three files of our own inside the program, so that it works without a network.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

const PAGE: &str = include_str!("console/index.html");
const STYLE: &str = include_str!("console/console.css");
const SCRIPT: &str = include_str!("console/console.js");

/// What the page may load and whom it may talk to: this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the console.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/graphiql",
            get(|| async { file("text/html; charset=utf-8", PAGE) }),
        )
        .route(
            "/graphiql/console.css",
            get(|| async { file("text/css; charset=utf-8", STYLE) }),
        )
        .route(
            "/graphiql/console.js",
            get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }),
        )
}

type File = ([(HeaderName, &'static str); 5], &'static str);

fn file(content: &'static str, text: &'static str) -> File {
    let headers = [
        (header::CONTENT_TYPE, content),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
