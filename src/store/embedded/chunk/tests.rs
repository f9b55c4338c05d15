//! What a chunk must give back, whatever became of its neighbours and of the body that theirs are packed against.

use super::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// A body like those of its template, of any length.
fn body(random: &mut SmallRng) -> Vec<u8> {
    let template = random.random_range(0..3_u8);
    let len = random.random_range(0..900);
    let mut body: Vec<u8> = (0..len).map(|i| ((i * 7) % 251) as u8 ^ template).collect();
    for _ in 0..len / 50 {
        let place = random.random_range(0..len);
        body[place] = random.random();
    }
    body
}

#[test]
fn whatever_changes_in_a_chunk_every_name_and_body_reads_back() {
    let mut random = SmallRng::seed_from_u64(7);
    let mut chunk = Chunk::vacant();
    let mut kept: Vec<(String, Vec<u8>)> = vec![Default::default(); SLOTS];
    let (mut stored, mut whole) = (0, 0);
    for round in 0..2_000 {
        let patches = std::array::from_fn(|place| {
            if random.random_range(0..6) > 0 {
                return None;
            }
            let vacant = random.random_range(0..8) == 0;
            kept[place] = if vacant {
                Default::default()
            } else {
                (format!("asset-{round}-{place}"), body(&mut random))
            };
            let (name, body) = kept[place].clone();
            Some(Patch {
                texts: Some((name.into(), body)),
                ..Patch::default()
            })
        });
        chunk = chunk.patched(patches);
        for (place, (name, body)) in kept.iter().enumerate() {
            let view = chunk.view(place);
            assert_eq!((view.name(), &*view.body()), (name.as_str(), body.as_slice()));
        }
        stored += chunk.bytes.len();
        whole += kept
            .iter()
            .map(|(name, body)| name.len() + body.len())
            .sum::<usize>();
    }
    assert!(
        stored < whole * 8 / 10,
        "bodies are packed: {stored} of {whole} bytes"
    );
}
