//! Results that are slow to make and never change: networks trained on a whole data set, and their accuracy.
//!
//! They lie in the user's cache folder (`SPIRITSAFE_CACHE` names another one), one file each, named by the fingerprint of
//! everything that decides them, with a sum over what they hold. Whatever goes wrong here costs time, never a run: a missing
//! file is made, a damaged one is named and made again. What a later version of the program has written is left as it is.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use candle_core::Tensor;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::{
    files,
    sealed::{self, named, place},
    version::{self, Fault, parse, versioned},
};
use crate::{
    error::{Error, Result},
    folders,
    report::Evaluation,
};

/// An evaluation with a sum over the whole file, for which its own digits are counted as zeros.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    evaluation: Evaluation,
}

/// The evaluation of this fingerprint, if it was made before. The error names a file that cannot be used.
pub fn cached_evaluation(fingerprint: &str) -> Result<Option<Evaluation>> {
    evaluation(fingerprint).map_or(Ok(None), |path| read_cached_evaluation(&path))
}

/// The evaluation in a file, if there is one.
pub fn read_cached_evaluation(path: &Path) -> Result<Option<Evaluation>> {
    read(path, |file| {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default = "version::first")]
            version: u32,
        }
        if serde_json::from_slice::<Head>(file)?.version == version::first() {
            return Ok(serde_json::from_slice(file)?);
        }
        sealed::check_sum(file, sealed::MARK)?;
        Ok(parse::<Sealed>(file)?.evaluation)
    })
}

/// Keeps an evaluation for later runs.
pub fn cache_evaluation(fingerprint: &str, evaluated: &Evaluation) {
    let sealed = Sealed { sha256: sealed::ZEROS.to_owned(), evaluation: evaluated.clone() };
    let mut file = serde_json::to_vec(&versioned(&sealed)).expect("plain data");
    sealed::stamp(&mut file, sealed::MARK);
    let known = || cached_evaluation(fingerprint).map(drop);
    keep(evaluation(fingerprint), known, |path| files::replace(path, |out| out.write_all(&file)));
}

/// Named tensors with what is to be known about them.
#[derive(Default)]
pub struct CachedNetwork {
    /// Facts in words, by name.
    pub about: HashMap<String, String>,
    /// Parameters and whatever else a training needs to go on, by name.
    pub tensors: HashMap<String, Tensor>,
}

#[derive(Serialize, Deserialize)]
struct About {
    /// In order, so that equal networks are equal files.
    about: BTreeMap<String, String>,
}

/// The network of this fingerprint, if it was trained before. The error names a file that cannot be used.
pub fn cached_network(fingerprint: &str) -> Result<Option<CachedNetwork>> {
    network(fingerprint).map_or(Ok(None), |path| read_cached_network(&path))
}

/// The network in a file, if there is one.
pub fn read_cached_network(path: &Path) -> Result<Option<CachedNetwork>> {
    read(path, |file| {
        let (about, tensors) = if let Some(about) = first_version(file) {
            (about, SafeTensors::deserialize(file).map_err(|error| Fault::Damaged(error.to_string()))?)
        } else {
            let (About { about }, tensors) = sealed::unseal(file, |_, _, _| Err("it has no sum".to_owned()))?;
            (about.into_iter().collect(), tensors)
        };
        let placed = tensors.iter().map(|(name, view)| Ok((name.to_owned(), place(&view)?)));
        Ok(CachedNetwork { about, tensors: placed.collect::<std::result::Result<_, _>>().map_err(Fault::Damaged)? })
    })
}

/// What a file of version 1 says of its tensors: the entries of its metadata, of which none is a head.
fn first_version(file: &[u8]) -> Option<HashMap<String, String>> {
    let (_, metadata) = SafeTensors::read_metadata(file).ok()?;
    let about = metadata.metadata().clone().unwrap_or_default();
    (!about.contains_key(sealed::ENTRY)).then_some(about)
}

/// Keeps a network for later runs.
pub fn cache_network(fingerprint: &str, kept: CachedNetwork) {
    let CachedNetwork { about, tensors } = kept;
    let tensors: candle_core::Result<Vec<_>> =
        tensors.iter().map(|(name, tensor)| named(name.clone(), tensor)).collect();
    let Ok(mut tensors) = tensors else { return };
    tensors.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let Ok(file) = sealed::seal(&tensors, &About { about: about.into_iter().collect() }) else { return };
    let known = || cached_network(fingerprint).map(drop);
    keep(network(fingerprint), known, |path| files::replace(path, |out| out.write_all(&file)));
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

fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> std::result::Result<T, Fault>) -> Result<Option<T>> {
    let file = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::file("read", path))?,
    };
    match parse(&file) {
        Ok(found) => Ok(Some(found)),
        Err(newer @ Fault::Newer(_)) => {
            let why = format!("{} is left as it is and made anew without being kept: {newer}", path.display());
            Err(Error::Config(why))
        }
        Err(Fault::Damaged(why)) => {
            Err(Error::Data(format!("{} is damaged ({why}) and is made again", path.display())))
        }
    }
}

/// Writes a file unless what lies there is of a later version.
fn keep(path: Option<PathBuf>, known: impl FnOnce() -> Result<()>, write: impl FnOnce(&Path) -> Result<()>) {
    let Some(path) = path else { return };
    let is_newer = matches!(known(), Err(Error::Config(_)));
    if !is_newer && path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) {
        let _ = write(&path);
    }
}
