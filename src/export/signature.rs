//! Ed25519 (RFC 8032) signatures over manifests, with keys in the files that OpenSSL writes: PKCS#8 and SubjectPublicKeyInfo
//! in PEM. The signature is detached: 64 bytes in a file of its own.

use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use std::path::Path;

/// Why a key is of no use.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} holds no {what} for Ed25519 in PEM: {reason}; `openssl genpkey -algorithm ed25519 -out key.pem` makes a private key, `openssl pkey -in key.pem -pubout -out key.pub.pem` its public one"
)]
pub struct KeyError {
    path: String,
    what: &'static str,
    reason: String,
}

/// The key that exports are signed with.
pub struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a private key.
    ///
    /// # Errors
    /// When the file cannot be read, or holds another kind of key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |reason: String| KeyError {
            path: path.display().to_string(),
            what: "private key",
            reason,
        };
        let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|e| failed(e.to_string()))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        pair.map(Self).map_err(|e| failed(e.to_string()))
    }

    /// Signs.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}

/// The key by which signatures are checked.
#[derive(Debug)]
pub struct VerifyingKey([u8; 32]);

/// SubjectPublicKeyInfo of Ed25519 (RFC 8410) up to the key itself.
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

impl VerifyingKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// When the file cannot be read, or holds another kind of key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |reason: String| KeyError {
            path: path.display().to_string(),
            what: "public key",
            reason,
        };
        let der = SubjectPublicKeyInfoDer::from_pem_file(path).map_err(|e| failed(e.to_string()))?;
        let key = der.strip_prefix(&SPKI[..]).and_then(|key| key.try_into().ok());
        key.map(Self)
            .ok_or_else(|| failed("it is a key of another algorithm".to_owned()))
    }

    /// Whether the owner of the key signed these bytes.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(bytes, signature)
            .is_ok()
    }
}
