//! `comparison.json`: presets beside each other; what was worked out about a run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{export::write_arrays, files};
use crate::{
    error::{Error, Result},
    report::{Artifact, Comparison},
};

/// Name of the file.
pub const COMPARISON: &str = "comparison.json";

/// Writes it into a folder.
pub fn write_comparison(folder: &Path, comparison: &Comparison) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    files::write_json(&folder.join(COMPARISON), comparison)
}

/// Writes what was worked out into a folder: its numbers as `file`, and its arrays.
pub fn write_artifact(folder: &Path, file: &str, artifact: &Artifact) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    for (file, name, dims, values) in &artifact.arrays {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        write_arrays(&[(name, "<f4", dims, &bytes)], &folder.join(file))?;
    }
    files::write_json(&folder.join(file), &artifact.json)
}

/// The numbers of what was worked out; none where they are not there or cannot be read, and have to be made again.
pub fn read_artifact(folder: &Path, file: &str) -> Option<serde_json::Value> {
    files::read_json(&folder.join(file), "It is made again").ok()
}

/// Reads the file, or the one in a folder.
pub fn read_comparison(path: &Path) -> Result<Comparison> {
    let path: PathBuf = if path.is_dir() { path.join(COMPARISON) } else { path.to_owned() };
    files::read_json(&path, "Write it anew with spiritsafe compare")
}
