//! The length and SHA-256 of what passes: on the server while an export is written, at its reader's while it is fetched or
//! checked.

use ring::digest::{Context, SHA256};
use std::io::{self, Write};

/// Hands on what is written to it, and sums it up.
pub struct Summed<W> {
    inner: W,
    digest: Context,
    bytes: u64,
}

impl<W: Write> Summed<W> {
    /// Nothing has passed yet.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            digest: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// How many bytes have passed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes have passed, and their SHA-256 in hexadecimal digits.
    pub fn finish(self) -> (u64, String) {
        (self.bytes, hex(self.digest.finish().as_ref()))
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
