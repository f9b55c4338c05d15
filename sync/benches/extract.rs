//! What a pod of about 12 kB costs to read, in both encodings, decode and extraction together. Prints microseconds a pod.
//! The pod is one that a real API server gave, almost half of it managedFields.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its result, and fails by panicking"
)]

use planisphere_schema::{ClusterId, Kind};
use planisphere_sync::Extractor;
use std::hint::black_box;
use std::time::Instant;
use uuid::Uuid;

const PODS: u32 = 10_000;

fn main() {
    // `cargo test --benches` runs it too: once is enough there.
    let rounds = if std::env::args().any(|a| a == "--bench") {
        7
    } else {
        1
    };
    let pods = if rounds == 1 { 10 } else { PODS };
    let extractor = Extractor::of(Kind::Pod).unwrap();
    let cluster = ClusterId(Uuid::from_u128(1));
    let json = include_bytes!("../../fixtures/recorded/apiserver/pod-12k.json");
    let protobuf = unwrapped(include_bytes!("../../fixtures/recorded/apiserver/pod-12k.pb"));
    let both = [
        extractor.json(cluster, json).unwrap(),
        extractor.protobuf(cluster, &protobuf).unwrap(),
    ];
    assert_eq!(both[0], both[1], "both encodings say the same");
    println!(
        "{} edges, {} bytes kept",
        both[0].edges.len(),
        both[0].asset.encode_body().len()
    );
    let time = |name: &str, bytes: usize, read: &dyn Fn()| {
        let mut best = f64::INFINITY;
        for _ in 0..rounds {
            let start = Instant::now();
            (0..pods).for_each(|_| read());
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!(
            "{name:9} {bytes:6} bytes: {:6.2} µs a pod",
            best * 1e6 / f64::from(pods)
        );
    };
    time("json", json.len(), &|| {
        drop(black_box(extractor.json(cluster, black_box(json))))
    });
    time("protobuf", protobuf.len(), &|| {
        drop(black_box(extractor.protobuf(cluster, black_box(&protobuf))))
    });
}

/// The message inside of Kubernetes' envelope.
fn unwrapped(enveloped: &[u8]) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Unknown {
        #[prost(bytes = "vec", tag = 2)]
        raw: Vec<u8>,
    }
    let unknown: Unknown = prost::Message::decode(enveloped.strip_prefix(b"k8s\0").unwrap()).unwrap();
    unknown.raw
}
