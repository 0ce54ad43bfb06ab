//! Names of what is slow to make and kept for later runs: everything that decides it, and nothing that does not.
//!
//! Equal names mean equal bits. Besides what the caller names, bits depend on the kind of device, the instruction set, and the
//! arithmetic of the program, whose version is raised by hand ([`nn::ARITHMETIC`]); not on the number of threads. Entries of
//! other versions are never found, so they are never used.

use serde::Serialize;

use crate::{
    fingerprint::Fingerprint,
    nn,
    nn::Device,
    store::{self, CachedNetwork},
};

/// The name of a thing of some `kind` that is decided by `decides`.
pub(super) fn name(kind: &str, decides: &impl Serialize, device: &Device) -> String {
    let all = (kind, nn::ARITHMETIC, device.instructions(), decides);
    Fingerprint::default().of(&serde_json::to_vec(&all).expect("plain data")).finish()
}

/// What the cache has by this name; what cannot be used is noted.
pub(super) fn network(name: &str, notes: &mut Vec<String>) -> Option<CachedNetwork> {
    store::cached_network(name).unwrap_or_else(|error| {
        notes.push(error.to_string());
        None
    })
}
