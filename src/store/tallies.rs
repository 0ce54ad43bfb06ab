//! Evaluations under way: `judging/KEY.json` in the folder of a run holds what the networks that were tested so far have brought.
//!
//! The key names everything that decides the result, so that an evaluation is taken up only by its like. A file that is
//! damaged or of another version is as good as none: its networks are trained again. When the evaluation is whole it
//! stands in `evaluations.jsonl`, and the file goes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::files;
use crate::{
    error::{Error, Result},
    fingerprint::Fingerprint,
};

const VERSION: u32 = 1;

/// The evaluations under way of a run.
#[derive(Clone, Debug)]
pub struct Tallies {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// SHA-256 of key and tally.
    sha256: String,
    /// JSON, as it was summed.
    tally: String,
}

impl Tallies {
    /// Those in the folder of a run.
    pub fn of(run: &Path) -> Self {
        Self { folder: run.join("judging") }
    }

    /// Keeps what has come together so far.
    pub fn keep(&self, key: &str, tally: &impl Serialize) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(Error::file("create", &self.folder))?;
        let tally = serde_json::to_string(tally).expect("plain data");
        let kept = Kept { version: VERSION, sha256: sum(key, &tally), tally };
        files::replace(&self.path(key), |file| Ok(serde_json::to_writer(file, &kept)?))
    }

    /// What had come together when the evaluation was given up.
    pub fn kept<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let kept: Kept = serde_json::from_slice(&fs::read(self.path(key)).ok()?).ok()?;
        let is_whole = kept.version == VERSION && kept.sha256 == sum(key, &kept.tally);
        is_whole.then(|| serde_json::from_str(&kept.tally).ok()).flatten()
    }

    /// Forgets an evaluation that is whole, and the folder with the last one.
    pub fn forget(&self, key: &str) {
        let _ = fs::remove_file(self.path(key));
        let _ = fs::remove_dir(&self.folder); // Refused while others are under way.
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

fn sum(key: &str, tally: &str) -> String {
    Fingerprint::default().of(key.as_bytes()).of(tally.as_bytes()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_comes_back_until_it_is_forgotten_and_a_damaged_one_never() {
        let run = tempfile::tempdir().unwrap();
        let tallies = Tallies::of(run.path());
        tallies.keep("a", &vec![0.1, 0.7]).unwrap();
        tallies.keep("b", &vec![1.0]).unwrap();
        assert_eq!(tallies.kept::<Vec<f64>>("a"), Some(vec![0.1, 0.7]));
        let path = tallies.path("a");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            fs::write(&path, &torn).unwrap();
            assert_eq!(tallies.kept::<Vec<f64>>("a"), None, "byte {at}");
        }
        fs::rename(tallies.path("b"), &path).unwrap();
        assert_eq!(tallies.kept::<Vec<f64>>("a"), None, "the tally of another evaluation");
        tallies.forget("a");
        assert!(!run.path().join("judging").exists());
    }
}
