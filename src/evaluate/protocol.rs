//! Protocols: how networks are trained before they are tested. A protocol's name carries its size.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::recipe::{Augmentation, Recipe};
use crate::{
    error::{Error, Result},
    nn::{NetworkSpec, augment},
};

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
    /// What the labels are.
    pub labels: LabelKind,
    /// False where images are not augmented.
    pub augmented: bool,
}

/// What images are called while a network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelKind {
    /// By their class.
    #[default]
    Hard,
    /// By the scores of a network that was trained on the real images, for every batch anew.
    Soft,
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
    /// The protocol of IDC, M3D and DANCE on the test split. `idc@1000x3` is the published one.
    Idc,
    /// The protocol of NCFM on the test split, but for its best epoch. `ncfm@2000x10` is the published one.
    Ncfm,
}

impl Family {
    const ALL: [Self; 5] = [Self::Dm, Self::Idc, Self::Ncfm, Self::Quick, Self::Whole];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Quick => "quick",
            Self::Whole => "whole",
            Self::Idc => "idc",
            Self::Ncfm => "ncfm",
        }
    }

    /// The rules at the size by which published figures were made.
    pub fn published(self) -> Protocol {
        let (epochs, repeats) = self.standard();
        Protocol::new(self, epochs, repeats)
    }

    /// Epochs and networks where nothing is said: the published ones, where there are such.
    fn standard(self) -> (usize, usize) {
        match self {
            Self::Dm => (1000, 20),
            Self::Quick => (100, 3),
            Self::Whole => (60, 1),
            Self::Idc => (1000, 3),
            Self::Ncfm => (2000, 10),
        }
    }
}

impl Protocol {
    const fn new(family: Family, epochs: usize, repeats: usize) -> Self {
        Self { family, epochs, repeats, labels: LabelKind::Hard, augmented: true }
    }

    /// The rules of DM with this many epochs and networks.
    pub const fn dm(epochs: usize, repeats: usize) -> Self {
        Self::new(Family::Dm, epochs, repeats)
    }

    /// The same on the hold-out.
    pub const fn quick(epochs: usize, repeats: usize) -> Self {
        Self::new(Family::Quick, epochs, repeats)
    }

    /// One network on the whole training split.
    pub const fn whole(epochs: usize) -> Self {
        Self::new(Family::Whole, epochs, 1)
    }

    /// With another number of networks.
    #[must_use]
    pub const fn with_repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// How networks are trained by these rules.
    pub fn recipe(&self, network: NetworkSpec, families: &[augment::Family]) -> Recipe {
        let recipe = match self.family {
            Family::Dm | Family::Quick | Family::Whole => Recipe::dm(network, self.epochs, families.to_vec()),
            Family::Idc => Recipe::idc(network, self.epochs),
            Family::Ncfm => Recipe::ncfm(network, self.epochs, families),
        };
        if self.augmented { recipe } else { Recipe { augmentation: Augmentation::NONE, cut_mix: 0.0, ..recipe } }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, epochs, repeats, labels, augmented } = self;
        write!(out, "{}@{epochs}", family.name())?;
        if *family != Family::Whole || *repeats != 1 {
            write!(out, "x{repeats}")?;
        }
        if *labels == LabelKind::Soft {
            out.write_str("+soft")?;
        }
        if !augmented {
            out.write_str("+plain")?;
        }
        Ok(())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            Error::Config(format!(
                "there is no protocol \"{text}\". Write for example dm@300x5 (300 epochs, 5 networks, test split; \
                 dm@1000x20 is the published one), idc@1000x3, ncfm@2000x10, quick@100x3 (on the hold-out) or whole@60 \
                 (whole training split); +soft behind it takes labels from a teacher, +plain leaves augmentation out"
            ))
        };
        let mut parts = text.split('+');
        let rules = parts.next().unwrap_or_default();
        let (name, size) = rules.split_once('@').map_or((rules, None), |(name, size)| (name, Some(size)));
        let family = Family::ALL.into_iter().find(|family| family.name() == name).ok_or_else(unknown)?;
        let (epochs, repeats) = family.standard();
        let mut protocol = Self::new(family, epochs, repeats);
        if let Some(size) = size {
            let (epochs, repeats) = match size.split_once('x') {
                Some((epochs, repeats)) => (epochs, repeats.parse().ok()),
                None => (size, Some(repeats)),
            };
            let (Some(epochs @ 1..), Some(repeats @ 1..)) = (epochs.parse().ok(), repeats) else {
                return Err(unknown());
            };
            (protocol.epochs, protocol.repeats) = (epochs, repeats);
        }
        for option in parts {
            match option {
                "soft" if protocol.labels == LabelKind::Hard => protocol.labels = LabelKind::Soft,
                "plain" if protocol.augmented => protocol.augmented = false,
                _ => return Err(unknown()),
            }
        }
        Ok(protocol)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_read() {
        for name in [
            "dm@300x5",
            "dm@1000x20",
            "quick@100x3",
            "whole@60",
            "whole@60x2",
            "idc@1000x3",
            "ncfm@10x1+soft",
            "dm@3x2+plain",
            "idc@5x1+soft+plain",
        ] {
            assert_eq!(name.parse::<Protocol>().unwrap().to_string(), name);
        }
        assert_eq!("ncfm".parse::<Protocol>().unwrap().to_string(), "ncfm@2000x10");
        for name in ["", "dm@", "dm@0x3", "dm@3x", "kip@3x3", "dm@3x3+", "dm@3x3+soft+soft", "dm@3x3+hard"] {
            let error = name.parse::<Protocol>().unwrap_err().to_string();
            assert!(error.contains("dm@300x5"), "{error}");
        }
    }
}
