//! Results that are slow to make and never change: networks trained on a whole data set, and their accuracy.
//!
//! They lie in the user's cache folder (`SPIRITSAFE_CACHE` names another one), one file each, named by the fingerprint of
//! everything that decides them. Whatever goes wrong here costs time, never a run: a missing or damaged file is made
//! again.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use super::files;
use crate::{error::Result, folders, report::Evaluation};

/// The evaluation of this fingerprint, if it was made before.
pub fn cached_evaluation(fingerprint: &str) -> Option<Evaluation> {
    serde_json::from_slice(&fs::read(evaluation(fingerprint)?).ok()?).ok()
}

/// Keeps an evaluation for later runs.
pub fn cache_evaluation(fingerprint: &str, evaluated: &Evaluation) {
    keep(evaluation(fingerprint), |path| files::replace(path, |out| Ok(serde_json::to_writer(out, evaluated)?)));
}

/// Named tensors with what is to be known about them, as a safetensors file holds them.
#[derive(Default)]
pub struct CachedNetwork {
    /// Facts in words, by name.
    pub about: HashMap<String, String>,
    /// Parameters and whatever else a training needs to go on, by name.
    pub tensors: HashMap<String, Tensor>,
}

/// The network of this fingerprint, if it was trained before.
pub fn cached_network(fingerprint: &str) -> Option<CachedNetwork> {
    let file = fs::read(network(fingerprint)?).ok()?;
    let (_, metadata) = SafeTensors::read_metadata(&file).ok()?;
    let about = metadata.metadata().clone().unwrap_or_default();
    let tensors = candle_core::safetensors::load_buffer(&file, &Device::Cpu).ok()?;
    Some(CachedNetwork { about, tensors })
}

/// Keeps a network for later runs.
pub fn cache_network(fingerprint: &str, kept: CachedNetwork) {
    let Ok(file) = safetensors::serialize(kept.tensors, Some(kept.about)) else { return };
    keep(network(fingerprint), |path| files::replace(path, |out| out.write_all(&file)));
}

/// Forgets a network, for example a half-trained one when the whole one is there.
pub fn forget_network(fingerprint: &str) {
    if let Some(path) = network(fingerprint) {
        let _ = fs::remove_file(path);
    }
}

fn evaluation(fingerprint: &str) -> Option<PathBuf> {
    Some(folders::cache()?.join("evaluations").join(format!("{fingerprint}.json")))
}

fn network(fingerprint: &str) -> Option<PathBuf> {
    Some(folders::cache()?.join("networks").join(format!("{fingerprint}.safetensors")))
}

fn keep(path: Option<PathBuf>, write: impl FnOnce(&Path) -> Result<()>) {
    let Some(path) = path else { return };
    if path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) {
        let _ = write(&path);
    }
}
