//! `comparison.json`: presets beside each other; `map.json`: what an energy map leaves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{export::write_arrays, files};
use crate::{
    error::{Error, Result},
    report::{Comparison, Distances, Fused, OnMap},
};

/// Name of the file.
pub const COMPARISON: &str = "comparison.json";

/// Writes it into a folder.
pub fn write_comparison(folder: &Path, comparison: &Comparison) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    files::write_json(&folder.join(COMPARISON), comparison)
}

/// Writes `map.json` into the folder of a run.
pub fn write_on_map(folder: &Path, judged: &OnMap) -> Result<()> {
    files::write_json(&folder.join("map.json"), judged)
}

/// What stands in `map.json`; none where it is not there or cannot be read, and has to be made again.
pub fn read_on_map(folder: &Path) -> Option<OnMap> {
    files::read_json(&folder.join("map.json"), "It is made again").ok()
}

/// Writes `distances.json` into the folder of a run.
pub fn write_distances(folder: &Path, measured: &Distances) -> Result<()> {
    files::write_json(&folder.join("distances.json"), measured)
}

/// Writes `fusion.json` and the second map, `second-map.npz` with `weights` `(d, d)`.
pub fn write_fused(folder: &Path, fused: &Fused, second: &[f32]) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let side = second.len().isqrt();
    let bytes: Vec<u8> = second.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_arrays(&[("weights", "<f4", &[side, side], &bytes)], &folder.join("second-map.npz"))?;
    files::write_json(&folder.join("fusion.json"), fused)
}

/// Reads the file, or the one in a folder.
pub fn read_comparison(path: &Path) -> Result<Comparison> {
    let path: PathBuf = if path.is_dir() { path.join(COMPARISON) } else { path.to_owned() };
    files::read_json(&path, "Write it anew with spiritsafe compare")
}
