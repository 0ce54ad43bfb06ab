//! What several test files need: tiny runs, and run folders compared to the byte.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod disk;
pub(crate) mod driving;
pub(crate) mod program;
pub(crate) mod reading;

use std::{fs, path::Path};

/// Digits so small that thirty steps take a moment.
pub(crate) const TINY_DIGITS: [&str; 7] = [
    "network.width=8",
    "real.batch=16",
    "images.per_class=2",
    "steps=30",
    "evaluation.every=0",
    "evaluation.last=\"dm@1x1\"",
    "checkpoint.every=5",
];

/// Points of a plane, for a hundred steps.
pub(crate) const TINY_PLANE: [&str; 4] =
    ["steps=100", "evaluation.every=0", "evaluation.last=\"dm@1x1\"", "checkpoint.every=20"];

/// Settings with some more laid over them.
pub(crate) fn settings(base: &[&str], more: &[&str]) -> Vec<String> {
    base.iter().chain(more).map(|&setting| setting.to_owned()).collect()
}

pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bytes(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What two runs computed is equal to the bit: their scalars and their images.
pub(crate) fn assert_equal_runs(one: &Path, other: &Path) {
    assert_equal_scalars(one, other);
    assert_equal_images(one, other);
}

pub(crate) fn assert_equal_scalars(one: &Path, other: &Path) {
    let (a, b) = (bytes(&one.join("scalars.jsonl")), bytes(&other.join("scalars.jsonl")));
    assert!(!a.is_empty(), "{} has no steps", one.display());
    let (text_a, text_b) = (String::from_utf8_lossy(&a), String::from_utf8_lossy(&b));
    for (a, b) in text_a.lines().zip(text_b.lines()) {
        assert_eq!(a, b, "first difference between {} and {}", one.display(), other.display());
    }
    assert_eq!(a.len(), b.len(), "{} and {} differ in length", one.display(), other.display());
}

pub(crate) fn assert_equal_images(one: &Path, other: &Path) {
    let same = bytes(&one.join("synthetic.npz")) == bytes(&other.join("synthetic.npz"));
    assert!(same, "{} and {} have different images", one.display(), other.display());
}

/// The checkpoints of a run, oldest first.
pub(crate) fn checkpoints(run: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    paths.sort();
    paths
}

/// Cuts a file to half its length, as a power cut would.
pub(crate) fn tear(path: &Path) {
    let len = fs::metadata(path).unwrap().len();
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len / 2).unwrap();
}
