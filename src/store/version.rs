//! The version that every file of this program carries, each line of a log included.
//!
//! Files from before there were versions have none and count as version 1. What a later program has written is refused by
//! name, and never written over.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version that this program writes.
pub const VERSION: u32 = 3;

/// What is written, with the version before it.
#[derive(Serialize)]
pub(super) struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    what: &'a T,
}

/// Puts the version before what is written.
pub(super) fn versioned<T>(what: &T) -> Versioned<'_, T> {
    Versioned { version: VERSION, what }
}

/// Why something cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is damaged, or never was what it should be.
    Damaged(String),
    /// A later version of the program has written it.
    Newer(u32),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(why) => out.write_str(why),
            Self::Newer(version) => write!(
                out,
                "it has version {version} of its format, and this program reads versions up to {VERSION}: use the \
                 program that wrote it, or a newer one"
            ),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Reads JSON of any version that this program knows.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Fault> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default = "first")]
        version: u32,
    }
    let Head { version } = serde_json::from_slice(json)?;
    check(version)?;
    Ok(serde_json::from_slice(json)?)
}

/// Refuses versions that this program does not know.
pub(super) fn check(version: u32) -> Result<(), Fault> {
    match version {
        1..=VERSION => Ok(()),
        0 => Err(Fault::Damaged("there is no version 0 of its format".to_owned())),
        newer => Err(Fault::Newer(newer)),
    }
}

/// The version of files that have none.
pub(super) fn first() -> u32 {
    1
}
