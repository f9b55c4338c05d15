//! The client: kube's authentication and TLS over a connection of ours. kube's own connections wait for
//! acknowledgements (40 ms for each new one), send no keepalive, and log every refusal as an error.

use super::error::{ConnectError, Endpoint};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use std::time::Duration;
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

/// How long a TCP connection may take; the rest of a request is held to the time-out of its own.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// Bytes that a connection reads at once at the most. Each watch holds a connection with a buffer of this size for ever;
/// larger ones (hyper takes 400 kB) make a list no faster.
const READ: usize = 64 * 1024;

/// Builds a client with our settings. Blocks while files are read and plugins run.
pub(super) fn build(
    mut config: kube::Config,
    gzip: Option<bool>,
) -> Result<(kube::Client, Endpoint), ConnectError> {
    // Ours instead of kube's: up to fifteen silent retries would hide what is wrong.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = None;
    let loopback = config.cluster_url.host().is_some_and(is_loopback);
    config.disable_compression = !gzip.unwrap_or(!loopback && !config.disable_compression);
    let exec = config.auth_info.exec.as_ref();
    let endpoint = Endpoint {
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        plugin: exec.and_then(|e| e.command.clone()),
        install_hint: exec.and_then(|e| e.install_hint.clone()),
    };
    let client = if config.proxy_url.is_some() {
        // kube knows how to go through proxies of all kinds.
        kube::Client::try_from(config)
    } else {
        direct(&config)
    };
    let client = client.map_err(|e| ConnectError::of(&endpoint, e))?;
    Ok((client, endpoint))
}

fn direct(config: &kube::Config) -> Result<kube::Client, kube::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = config.rustls_https_connector_with_connector(tcp)?;
    let http: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http1_max_buf_size(READ)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .map_response(|response: http::Response<_>| {
            response.map(|body| BodyExt::map_err(body, BoxError::from))
        })
        .service(http);
    Ok(kube::Client::new(service, config.default_namespace.clone()))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
