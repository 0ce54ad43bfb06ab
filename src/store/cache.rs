//! Results that are slow to make and never change: the accuracy of networks trained on a whole data set.
//!
//! They lie in the user's cache folder (`SPIRITSAFE_CACHE` names another one), one file each, named by the fingerprint of
//! everything that decides them. Whatever goes wrong here costs time, never a run: a missing or damaged file is made
//! again.

use std::{fs, path::PathBuf};

use super::files;
use crate::report::Evaluation;

/// The evaluation of this fingerprint, if it was made before.
pub fn cached_evaluation(fingerprint: &str) -> Option<Evaluation> {
    serde_json::from_slice(&fs::read(path(fingerprint)?).ok()?).ok()
}

/// Keeps an evaluation for later runs.
pub fn cache_evaluation(fingerprint: &str, evaluation: &Evaluation) {
    let Some(path) = path(fingerprint) else { return };
    if path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) {
        let _ = files::replace(&path, |out| Ok(serde_json::to_writer(out, evaluation)?));
    }
}

fn path(fingerprint: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("SPIRITSAFE_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => directories::ProjectDirs::from("", "", "spiritsafe")?.cache_dir().to_owned(),
    };
    Some(folder.join("evaluations").join(format!("{fingerprint}.json")))
}
