//! What is typed to name a data set.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Dataset, cifar, digits, idx, plane};
use crate::error::{Error, Result};

/// A data set by name: `digits`, `plane:moons`, `idx:DIR`, `cifar10:DIR`.
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
    /// CIFAR-10, binary version, in a folder.
    Cifar10(PathBuf),
}

impl DataSpec {
    /// What may be typed, for help texts.
    pub const FORMS: &str = "digits, plane:blobs, plane:moons, plane:rings, plane:spirals, idx:DIR, cifar10:DIR";

    /// Reads or makes the set. `seed` matters for made-up sets only.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        match self {
            Self::Digits => digits::load(),
            Self::Plane(shape) => plane::load(*shape, seed),
            Self::Idx(folder) => idx::load(folder),
            Self::Cifar10(folder) => cifar::load(folder),
        }
    }
}

impl FromStr for DataSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("digits", "") => Ok(Self::Digits),
            ("idx" | "cifar10", "") => {
                Err(Error::Config(format!("say where the files are: {kind}:DIR, for example {kind}:data")))
            }
            ("idx", folder) => Ok(Self::Idx(folder.into())),
            ("cifar10", folder) => Ok(Self::Cifar10(folder.into())),
            ("plane", "") => Ok(Self::Plane(plane::Shape::default())),
            ("plane", name) => plane::Shape::ALL
                .into_iter()
                .find(|shape| shape.name() == name)
                .map(Self::Plane)
                .ok_or_else(|| unknown(text)),
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
            Self::Cifar10(folder) => write!(out, "cifar10:{}", folder.display()),
        }
    }
}
