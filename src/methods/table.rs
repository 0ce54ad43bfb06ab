//! The methods by the sections of a config that name them. A new one is a folder and a line in [`METHODS`].

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::{EnergySpec, Method, QuantizerSpec, Scope};
use crate::{data::Dataset, distilled::SyntheticSet, error::Result, latent::LatentSpec, nn::Device};

/// What makes a method besides data, seed, images and rate: its section of a config.
pub trait MethodSpec: Send + Sync {
    /// What a run over some of the classes shares with one over all of them.
    fn scope(&self) -> Scope;

    /// What is wrong with it, sentence by sentence.
    fn faults(&self, run: &Planned<'_>) -> Vec<String>;

    /// True if it needs an autoencoder and a prior.
    fn needs_latent(&self) -> bool {
        false
    }

    /// The same without networks that have to be trained first, for a forecast of what a step costs.
    fn untrained(&self) -> Box<dyn MethodSpec>;

    /// The method before its first step.
    fn build(&self, setup: Setup) -> Result<Box<dyn Method>>;
}

/// What is known of a run before it begins.
pub struct Planned<'a> {
    /// The data set.
    pub data: &'a Dataset,
    /// Images in each class.
    pub per_class: usize,
    /// How a latent space would be trained.
    pub latent: &'a LatentSpec,
}

/// What a method begins with.
pub struct Setup {
    /// The data set.
    pub data: Arc<Dataset>,
    /// Where tensors live.
    pub device: Device,
    /// Where everything random comes from.
    pub seed: u64,
    /// The images before the first step.
    pub images: SyntheticSet,
    /// Learning rate.
    pub learning_rate: f64,
}

/// What a section says, and the section with everything written out; or what is wrong with it.
type Read = std::result::Result<(Box<dyn MethodSpec>, toml::Value), String>;

/// A method that a config can name.
pub struct MethodEntry {
    /// The section of a config that names it.
    pub section: &'static str,
    read: fn(toml::Value) -> Read,
}

impl MethodEntry {
    /// The method whose section is of this type.
    pub const fn of<S: MethodSpec + Serialize + DeserializeOwned + 'static>(section: &'static str) -> Self {
        Self { section, read: read::<S> }
    }

    /// What a section says, and the same with everything written out that it leaves to defaults.
    pub(crate) fn read(&self, section: toml::Value) -> Read {
        (self.read)(section).map_err(|why| format!("[{}]: {why}", self.section))
    }
}

fn read<S: MethodSpec + Serialize + DeserializeOwned + 'static>(section: toml::Value) -> Read {
    let spec: S = section.try_into().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let whole = toml::Value::try_from(&spec).map_err(|error| error.to_string())?;
    Ok((Box::new(spec), whole))
}

/// Every method that a section of its own names; a run without one matches features.
pub const METHODS: &[MethodEntry] =
    &[MethodEntry::of::<EnergySpec>("energy"), MethodEntry::of::<QuantizerSpec>("quantizer")];

/// The methods that a program knows: its own, or those of a test.
#[derive(Clone, Copy)]
pub struct Methods(pub &'static [MethodEntry]);

impl Methods {
    /// The method of a section.
    pub fn of(self, section: &str) -> Option<&'static MethodEntry> {
        self.0.iter().find(|entry| entry.section == section)
    }

    /// All sections.
    pub fn sections(self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|entry| entry.section)
    }
}

impl Default for Methods {
    fn default() -> Self {
        Self(METHODS)
    }
}

impl std::fmt::Debug for Methods {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.sections()).finish()
    }
}

/// A table says how a config is read, not what stands in it.
impl PartialEq for Methods {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
