//! Fingerprints: SHA-256 over bytes, as hexadecimal text. Equal things have equal fingerprints, on every machine.

use sha2::{Digest, Sha256};

/// A fingerprint that is being taken.
#[derive(Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Takes in some bytes. Lengths are not taken in by themselves.
    #[must_use]
    pub fn of(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// The 64 hexadecimal digits.
    pub fn finish(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from(DIGITS[usize::from(half)]));
        self.0.finalize().iter().flat_map(|byte| digits(*byte)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_of_abc_is_the_published_one() {
        let text = Fingerprint::default().of(b"a").of(b"bc").finish();
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
