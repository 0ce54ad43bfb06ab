//! Protocols: how networks are trained before they are tested. A protocol's name carries its size.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::recipe::{Augmentation, Recipe, Taught};
use crate::{
    error::{Error, Result},
    nn::{NetworkSpec, augment},
};

/// By what scores are divided before they become labels under FKD.
const FKD_TEMPERATURE: f64 = 20.0;

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
    /// Last epochs with hard labels where labels are soft; none for as many as the rules say.
    pub hard_epochs: Option<usize>,
    /// False where images are not augmented.
    pub augmented: bool,
}

/// What images are called while a network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelKind {
    /// By their class.
    #[default]
    Hard,
    /// By the scores of a network that was trained on the real images; the rules say of which images and how often.
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
    /// The protocol of IDC on the test split. `idc@1000x3` is the published one.
    Idc,
    /// The protocol of DANCE on the test split, but for its best epoch: that of IDC with half as many epochs again.
    /// `dance@1500x3` is the published one; how many networks it had is not known here.
    Dance,
    /// The protocol of NCFM on the test split, but for its best epoch. `ncfm@2000x10` is the published one.
    Ncfm,
    /// The protocol of SRe2L, D4M, DDOQ and RDED on the test split: soft labels of what the student sees (FKD).
    /// `fkd@300x3` is the published one, by networks of other kinds and on larger images.
    Fkd,
}

impl Family {
    const ALL: [Self; 7] = [Self::Dm, Self::Idc, Self::Dance, Self::Ncfm, Self::Fkd, Self::Quick, Self::Whole];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Quick => "quick",
            Self::Whole => "whole",
            Self::Idc => "idc",
            Self::Dance => "dance",
            Self::Ncfm => "ncfm",
            Self::Fkd => "fkd",
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
            Self::Dance => (1500, 3),
            Self::Ncfm => (2000, 10),
            Self::Fkd => (300, 3),
        }
    }

    /// What the published figures differ in from what is measured here, where they do.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Dance => Some("DANCE reports the best of a test every 250 epochs; here it is always the last"),
            Self::Ncfm => Some("NCFM reports the best of a test every 100 epochs; here it is always the last"),
            Self::Fkd => Some("published tables judge ResNets on larger pictures, with labels stored before"),
            Self::Dm | Self::Quick | Self::Whole | Self::Idc => None,
        }
    }
}

impl Protocol {
    const fn new(family: Family, epochs: usize, repeats: usize) -> Self {
        let labels = if matches!(family, Family::Fkd) { LabelKind::Soft } else { LabelKind::Hard };
        Self { family, epochs, repeats, labels, hard_epochs: None, augmented: true }
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

    /// How networks are trained by these rules; `families` are those of the data set or of the config.
    pub fn recipe(&self, network: NetworkSpec, families: &[augment::Family]) -> Recipe {
        let recipe = match self.family {
            Family::Dm | Family::Quick | Family::Whole => Recipe::dm(network, self.epochs, families.to_vec()),
            Family::Idc | Family::Dance => Recipe::idc(network, self.epochs, families),
            Family::Ncfm => Recipe::ncfm(network, self.epochs, families),
            Family::Fkd => Recipe::fkd(network, self.epochs, families),
        };
        let taught = match (self.labels, self.family) {
            (LabelKind::Hard, _) => Taught::Nothing,
            (LabelKind::Soft, Family::Ncfm) => Taught::OfPlainImages { hard_epochs: self.hard_epochs() },
            (LabelKind::Soft, Family::Fkd) => Taught::OfSeenImages { temperature: FKD_TEMPERATURE },
            (LabelKind::Soft, _) => Taught::OfSeenImages { temperature: 1.0 },
        };
        let recipe = Recipe { taught, ..recipe };
        if self.augmented { recipe } else { Recipe { augmentation: Augmentation::NONE, cut_mix: 0.0, ..recipe } }
    }

    /// Last epochs with hard labels under NCFM: 101 of 2,000 as released, and as large a part of fewer.
    fn hard_epochs(&self) -> usize {
        self.hard_epochs.unwrap_or(self.epochs / 20 + 1).min(self.epochs.saturating_sub(1))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, epochs, repeats, labels, hard_epochs, augmented } = self;
        write!(out, "{}@{epochs}", family.name())?;
        if *family != Family::Whole || *repeats != 1 {
            write!(out, "x{repeats}")?;
        }
        match (labels, family) {
            (LabelKind::Hard, Family::Fkd) => out.write_str("+hard")?,
            (LabelKind::Hard, _) | (LabelKind::Soft, Family::Fkd) => {}
            (LabelKind::Soft, _) => out.write_str("+soft")?,
        }
        if let Some(hard) = hard_epochs {
            write!(out, "+hard{hard}")?;
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
                 dm@1000x20 is the published one), idc@1000x3, dance@1500x3, ncfm@2000x10, fkd@300x3, quick@100x3 (on the \
                 hold-out) or whole@60 (whole training split); +soft behind it takes labels from a teacher, for \
                 ncfm@2000x10+soft+hard101 but in the last 101 epochs, fkd@300x3+hard does without the teacher, +plain \
                 leaves augmentation out"
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
                "soft" if protocol.labels == LabelKind::Hard && family != Family::Fkd => {
                    protocol.labels = LabelKind::Soft;
                }
                "hard" if protocol.labels == LabelKind::Soft && family == Family::Fkd => {
                    protocol.labels = LabelKind::Hard;
                }
                option if option.starts_with("hard") && protocol.labels == LabelKind::Soft => {
                    let hard = option["hard".len()..].parse().map_err(|_| unknown())?;
                    if family != Family::Ncfm || protocol.hard_epochs.is_some() || hard >= protocol.epochs {
                        return Err(unknown());
                    }
                    protocol.hard_epochs = Some(hard);
                }
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
            "dance@1500x3",
            "ncfm@2000x10+soft+hard50",
            "ncfm@2000x10+soft+hard0+plain",
            "fkd@300x3",
            "fkd@10x1+hard",
            "fkd@10x1+hard+plain",
        ] {
            assert_eq!(name.parse::<Protocol>().unwrap().to_string(), name);
        }
        assert_eq!("ncfm".parse::<Protocol>().unwrap().to_string(), "ncfm@2000x10");
        for name in [
            "",
            "dm@",
            "dm@0x3",
            "dm@3x",
            "kip@3x3",
            "dm@3x3+",
            "dm@3x3+soft+soft",
            "dm@3x3+hard",
            "dm@3x3+soft+hard1",
            "ncfm@9x1+hard1",
            "ncfm@9x1+soft+hard9",
            "ncfm@9x1+soft+hard",
            "fkd@3x1+soft",
            "fkd@3x1+hard+hard",
        ] {
            let error = name.parse::<Protocol>().unwrap_err().to_string();
            assert!(error.contains("dm@300x5"), "{error}");
        }
    }

    #[test]
    fn soft_labels_are_what_each_protocol_makes_of_a_teacher() {
        let taught = |name: &str| name.parse::<Protocol>().unwrap().recipe(NetworkSpec::default(), &[]).taught;
        assert_eq!(taught("ncfm@2000x10+soft"), Taught::OfPlainImages { hard_epochs: 101 });
        assert_eq!(taught("ncfm@300x1+soft"), Taught::OfPlainImages { hard_epochs: 16 });
        assert_eq!(taught("ncfm@1x1+soft"), Taught::OfPlainImages { hard_epochs: 0 }, "something stays soft");
        assert_eq!(taught("ncfm@2000x10+soft+hard7"), Taught::OfPlainImages { hard_epochs: 7 });
        assert_eq!(taught("fkd@300x3"), Taught::OfSeenImages { temperature: 20.0 });
        assert_eq!(taught("dm@300x3+soft"), Taught::OfSeenImages { temperature: 1.0 });
        for hard in ["dm@300x3", "fkd@300x3+hard", "ncfm@300x3"] {
            assert_eq!(taught(hard), Taught::Nothing);
        }
    }
}
