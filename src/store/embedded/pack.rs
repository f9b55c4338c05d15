//! Bodies of one chunk packed against the first of them: pods of one template differ in little. LZ4, because a body is
//! unpacked for every read of it, in well under a microsecond. Knows nothing of what a body says.

use lz4_flex::block::{compress_into_with_dict, decompress_into_with_dict, get_maximum_output_size};

/// Shorter bodies are kept as they are, and others are not packed against them: little could be won.
pub(super) const SHORTEST: usize = 64;

/// Packs `body` against `base` into `packed`, and tells whether that is shorter.
pub(super) fn pack(body: &[u8], base: &[u8], packed: &mut Vec<u8>) -> bool {
    if body.len() < SHORTEST || base.is_empty() {
        return false;
    }
    packed.resize(get_maximum_output_size(body.len()), 0);
    match compress_into_with_dict(body, packed, base) {
        Ok(len) => packed.truncate(len),
        Err(_) => return false,
    }
    packed.len() < body.len()
}

/// The body of `len` bytes that was packed against `base`.
pub(super) fn unpack(packed: &[u8], len: usize, base: &[u8]) -> Vec<u8> {
    let mut body = vec![0; len];
    // It was packed by us and lies in memory: an error would only follow from memory that is broken.
    match decompress_into_with_dict(packed, &mut body, base) {
        Ok(found) if found == len => body,
        _ => Vec::new(),
    }
}
