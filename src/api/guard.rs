//! Who may speak to the API at all: a web page must not reach it through a reader's browser, neither across origins nor
//! by rebinding a name of its own to this machine.

use super::error::{Code, Refusal};
use axum::http::{HeaderMap, Uri, header};

/// Checks the host name that a request is addressed to and the page that it comes from.
///
/// # Errors
/// When the host is not one of `hosts`, or the page's host is another one.
pub fn check(hosts: Option<&[String]>, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    let Some(hosts) = hosts else {
        return Ok(());
    };
    let known = |name: &str| hosts.iter().any(|h| h.eq_ignore_ascii_case(name));
    let host = headers
        .get(header::HOST)
        .map(|h| h.to_str().unwrap_or_default())
        .or(uri.authority().map(|a| a.as_str()));
    if let Some(host) = host {
        let name = without_port(host);
        if !known(name) {
            return Err(Refusal::new(
                Code::Forbidden,
                format!(
                    "this server does not answer under the host name {name:?}, only under {}; a web page elsewhere could reach it otherwise",
                    hosts.join(", ")
                ),
            ));
        }
    }
    let origin = headers
        .get(header::ORIGIN)
        .map(|o| o.to_str().unwrap_or_default());
    if let Some(origin) = origin {
        let name = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        if !known(without_port(name)) {
            return Err(Refusal::new(
                Code::Forbidden,
                format!("pages of {origin:?} may not ask this server"),
            ));
        }
    }
    Ok(())
}

/// A host without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_part_of_a_host_name() {
        assert_eq!(without_port("localhost:8080"), "localhost");
        assert_eq!(without_port("[::1]:8080"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
        assert_eq!(without_port("127.0.0.1"), "127.0.0.1");
    }
}
