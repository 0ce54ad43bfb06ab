//! What is typed to name a data set.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Dataset, digits, plane};
use crate::error::{Error, Result};

/// A data set by name: `digits`, `plane`, `plane:moons`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataSpec {
    /// The embedded digits.
    #[default]
    Digits,
    /// Points of a plane.
    Plane(plane::Shape),
}

impl DataSpec {
    /// What may be typed, for help texts.
    pub const FORMS: &str = "digits, plane:blobs, plane:moons, plane:rings, plane:spirals";

    /// Reads or makes the set. `seed` matters for made-up sets only.
    pub fn load(&self, seed: u64) -> Result<Dataset> {
        match self {
            Self::Digits => digits::load(),
            Self::Plane(shape) => plane::load(*shape, seed),
        }
    }
}

impl FromStr for DataSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("digits", "") => Ok(Self::Digits),
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
        }
    }
}
