//! Protocols: how networks are trained before they are tested. A protocol's name carries its size.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How to judge a set, for example `dm@300x5`: 300 epochs, 5 networks.
///
/// Numbers of different protocols must never be ranked together; that is why the name stands beside every accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Protocol {
    /// The rules.
    pub family: Family,
    /// Passes over the training images.
    pub epochs: usize,
    /// Networks that are trained from scratch.
    pub repeats: usize,
}

/// The rules of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// The protocol of DC, DSA, DM, IDM, IID and CMI on the test split. `dm@1000x20` is the published one.
    Dm,
    /// The same training, tested on the hold-out: for evaluations during a run.
    Quick,
    /// The same training on the whole training split; `whole@60` means 60 epochs, one network.
    Whole,
}

impl Protocol {
    /// The rules of DM with this many epochs and networks.
    pub const fn dm(epochs: usize, repeats: usize) -> Self {
        Self { family: Family::Dm, epochs, repeats }
    }

    /// The same on the hold-out.
    pub const fn quick(epochs: usize, repeats: usize) -> Self {
        Self { family: Family::Quick, epochs, repeats }
    }

    /// One network on the whole training split.
    pub const fn whole(epochs: usize) -> Self {
        Self { family: Family::Whole, epochs, repeats: 1 }
    }

    /// With another number of networks.
    #[must_use]
    pub const fn with_repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, epochs, repeats } = self;
        match family {
            Family::Dm => write!(out, "dm@{epochs}x{repeats}"),
            Family::Quick => write!(out, "quick@{epochs}x{repeats}"),
            Family::Whole if *repeats == 1 => write!(out, "whole@{epochs}"),
            Family::Whole => write!(out, "whole@{epochs}x{repeats}"),
        }
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            Error::Config(format!(
                "there is no protocol \"{text}\". Write for example dm@300x5 (300 epochs, 5 networks, test split; \
                 dm@1000x20 is the published one), quick@100x3 (on the hold-out) or whole@60 (whole training split)"
            ))
        };
        let (name, size) = text.split_once('@').map_or((text, None), |(name, size)| (name, Some(size)));
        let standard = match name {
            "dm" => Self::dm(1000, 20),
            "quick" => Self::quick(100, 3),
            "whole" => Self::whole(60),
            _ => return Err(unknown()),
        };
        let Some(size) = size else { return Ok(standard) };
        let (epochs, repeats) = match size.split_once('x') {
            Some((epochs, repeats)) => (epochs, repeats.parse().ok()),
            None => (size, Some(standard.repeats)),
        };
        match (epochs.parse().ok(), repeats) {
            (Some(epochs @ 1..), Some(repeats @ 1..)) => Ok(Self { epochs, repeats, ..standard }),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for Protocol {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Protocol> for String {
    fn from(protocol: Protocol) -> Self {
        protocol.to_string()
    }
}
