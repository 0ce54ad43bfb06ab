//! What a data set says about itself, in `dataset.toml`: in its folder, or beside it where it is a single file.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::error::{Error, Result};

const FILE: &str = "dataset.toml";

/// `dataset.toml`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// Whether an image in the mirror is still one of its class.
    pub(super) flip: Option<bool>,
}

/// The facts of the set at a path; none where it says nothing.
pub(super) fn read(path: &Path) -> Result<Facts> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let file = folder.join(FILE);
    if !file.is_file() {
        return Ok(Facts::default());
    }
    let text = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
    toml::from_str(&text).map_err(|error| {
        Error::Data(format!("{}: {}. It may say flip = true or flip = false", file.display(), error.message()))
    })
}

/// True for sets of digits and letters, by their name: MNIST and its like, but Fashion-MNIST and MedMNIST (`pathmnist`).
pub(super) fn is_of_characters(name: &str) -> bool {
    let name = name.to_lowercase();
    // What stands before the word, as in `emnist`.
    let before =
        |(at, _): (usize, &str)| name[..at].rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_mnist = name.match_indices("mnist").any(|found| ["", "e", "k", "q"].contains(&before(found)));
    let is_named = ["digits", "svhn", "usps"].iter().any(|known| name.contains(known));
    is_named || (is_mnist && !name.contains("fashion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_known_by_the_names_of_their_sets() {
        for name in ["digits", "mnist", "MNIST-raw", "emnist", "kmnist", "svhn", "usps", "my-digits"] {
            assert!(is_of_characters(name), "{name}");
        }
        for name in [
            "cifar10",
            "fashion-mnist",
            "FashionMNIST",
            "pathmnist",
            "organ-amnist",
            "medmnist",
            "pictures",
            "noise",
            "plane",
        ] {
            assert!(!is_of_characters(name), "{name}");
        }
    }

    #[test]
    fn a_set_says_so_itself_and_a_slip_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let says = |text: &str| {
            fs::write(folder.path().join(FILE), text).unwrap();
            read(&folder.path().join("set.npz"))
        };
        assert_eq!(read(folder.path()).unwrap(), Facts::default());
        assert_eq!(says("flip = false").unwrap().flip, Some(false));
        assert_eq!(says("").unwrap().flip, None);
        for wrong in ["flip = 3", "flips = false", "flip"] {
            let error = says(wrong).unwrap_err().to_string();
            assert!(error.contains("dataset.toml") && error.contains("flip = false"), "{error}");
        }
    }
}
