//! What is typed to name a data set.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{Dataset, cifar, digits, facts, folder, idx, npz, plane, svhn};
use crate::error::{Error, Result};

/// A data set by name: `digits`, `plane:moons`, `idx:DIR`, `folder:DIR`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataSpec {
    /// The embedded digits.
    #[default]
    Digits,
    /// Points of a plane.
    Plane(plane::Shape),
    /// MNIST, Fashion-MNIST and their like: four IDX files in a folder.
    Idx(PathBuf),
    /// CIFAR-10, binary version, in a folder or as the published archive.
    Cifar10(PathBuf),
    /// CIFAR-100, binary version with its fine labels, in a folder or as the published archive.
    Cifar100(PathBuf),
    /// SVHN, cropped digits, two MAT files in a folder.
    Svhn(PathBuf),
    /// Pictures in folders of their classes.
    Folder {
        /// Where they lie.
        path: PathBuf,
        /// Side to which they are made, in pixels.
        size: usize,
    },
    /// A NumPy archive.
    Npz(PathBuf),
}

impl DataSpec {
    /// What may be typed, for help texts.
    pub const FORMS: &str = "digits, plane:blobs, plane:moons, plane:rings, plane:spirals, idx:DIR, cifar10:DIR, \
                             cifar100:DIR, svhn:DIR, folder:DIR, folder@SIZE:DIR, npz:FILE, or the path of one of these";

    /// Reads or makes the set. `seed` matters for made-up sets, and for the test split of a set that has none.
    ///
    /// Digits are not mirrored: neither are sets that are known by their name (`digits`, SVHN, USPS, MNIST and its like, but
    /// Fashion-MNIST), nor those that say so themselves, by `flip = false` in a file `dataset.toml` in their folder, or beside
    /// a single file.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        let data = self.read(seed)?;
        let flips = match self.path().map(facts::read).transpose()?.and_then(|facts| facts.flip) {
            Some(flips) => flips,
            None => !facts::is_of_characters(data.name()),
        };
        Ok(data.with_flips(flips))
    }

    /// Where its files lie, where it has some.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Digits | Self::Plane(_) => None,
            Self::Idx(path) | Self::Cifar10(path) | Self::Cifar100(path) | Self::Svhn(path) | Self::Npz(path) => {
                Some(path)
            }
            Self::Folder { path, .. } => Some(path),
        }
    }

    fn read(&self, seed: u64) -> Result<Dataset> {
        match self {
            Self::Digits => digits::load(),
            Self::Plane(shape) => plane::load(*shape, seed),
            Self::Idx(folder) => idx::load(folder),
            Self::Cifar10(path) => cifar::CIFAR10.load(path),
            Self::Cifar100(path) => cifar::CIFAR100.load(path),
            Self::Svhn(folder) => svhn::load(folder),
            Self::Folder { path, size } => folder::load(path, *size, seed),
            Self::Npz(path) => npz::load(path, seed),
        }
    }

    /// What lies at a path, by the names of its files: a published set, an archive, or a folder of pictures.
    pub fn at(path: &Path) -> Result<Self> {
        let owned = path.to_owned();
        if !path.exists() {
            return Err(Error::Config(format!("there is nothing at {}. Check the path", path.display())));
        }
        let is_npz = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
        Ok(match path {
            _ if cifar::CIFAR10.is_at(path) => Self::Cifar10(owned),
            _ if cifar::CIFAR100.is_at(path) => Self::Cifar100(owned),
            _ if svhn::is_at(path) => Self::Svhn(owned),
            _ if idx::is_at(path) => Self::Idx(owned),
            _ if is_npz => Self::Npz(owned),
            _ if path.is_dir() => Self::Folder { path: owned, size: folder::DEFAULT_SIZE },
            _ => {
                return Err(Error::Config(format!(
                    "{} is no data set that can be read. Use a folder of pictures, or one of: {}",
                    path.display(),
                    Self::FORMS
                )));
            }
        })
    }

    /// The same pictures at another size; an error for sets whose size is fixed.
    pub fn with_size(self, size: usize) -> Result<Self> {
        match self {
            Self::Folder { path, .. } => Ok(Self::Folder { path, size }),
            other => Err(Error::Config(format!("only folders of pictures can be made to a size, not {other}"))),
        }
    }
}

impl FromStr for DataSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("digits", "") => Ok(Self::Digits),
            ("idx" | "cifar10" | "cifar100" | "svhn" | "folder" | "npz", "") => {
                Err(Error::Config(format!("say where the files are: {kind}:PATH, for example {kind}:data")))
            }
            ("idx", folder) => Ok(Self::Idx(folder.into())),
            ("cifar10", path) => Ok(Self::Cifar10(path.into())),
            ("cifar100", path) => Ok(Self::Cifar100(path.into())),
            ("svhn", folder) => Ok(Self::Svhn(folder.into())),
            ("npz", path) => Ok(Self::Npz(path.into())),
            ("folder", path) => Ok(Self::Folder { path: path.into(), size: folder::DEFAULT_SIZE }),
            ("plane", "") => Ok(Self::Plane(plane::Shape::default())),
            ("plane", name) => plane::Shape::ALL
                .into_iter()
                .find(|shape| shape.name() == name)
                .map(Self::Plane)
                .ok_or_else(|| unknown(text)),
            (kind, path) if kind.starts_with("folder@") => {
                let size = kind["folder@".len()..].parse();
                let size = size.map_err(|_| Error::Config(format!("{text}: write the size as in folder@64:DIR")))?;
                Ok(Self::Folder { path: path.into(), size })
            }
            _ if Path::new(text).exists() => Self::at(Path::new(text)),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Error {
    Error::Config(format!("there is no data set \"{text}\". Use one of: {}", DataSpec::FORMS))
}

impl TryFrom<String> for DataSpec {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DataSpec> for String {
    fn from(spec: DataSpec) -> Self {
        spec.to_string()
    }
}

impl fmt::Display for DataSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => out.write_str("digits"),
            Self::Plane(shape) => write!(out, "plane:{}", shape.name()),
            Self::Idx(folder) => write!(out, "idx:{}", folder.display()),
            Self::Cifar10(path) => write!(out, "cifar10:{}", path.display()),
            Self::Cifar100(path) => write!(out, "cifar100:{}", path.display()),
            Self::Svhn(folder) => write!(out, "svhn:{}", folder.display()),
            Self::Npz(path) => write!(out, "npz:{}", path.display()),
            Self::Folder { path, size: folder::DEFAULT_SIZE } => write!(out, "folder:{}", path.display()),
            Self::Folder { path, size } => write!(out, "folder@{size}:{}", path.display()),
        }
    }
}
