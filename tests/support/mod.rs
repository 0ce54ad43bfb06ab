//! What the engine and command-line tests share: tiny runs, and comparing what they left.

use std::{fs, path::Path};

/// Settings that make the digits preset take a second: the real method, a narrow network, hardly any judging.
pub(crate) const TINY: [&str; 7] = [
    "network.width=8",
    "real.batch=16",
    "images.per_class=2",
    "evaluation.every=0",
    "evaluation.last=\"dm@1x1\"",
    "evaluation.whole=\"whole@1\"",
    "checkpoint.every=5",
];

/// Panics unless two runs computed the same numbers and left the same images.
pub(crate) fn assert_same_run(one: &Path, other: &Path) {
    for file in ["scalars.jsonl", "synthetic.npz"] {
        let [a, b] = [one, other].map(|folder| fs::read(folder.join(file)).unwrap());
        assert!(a == b, "{file} differs between {} and {}", one.display(), other.display());
    }
}
