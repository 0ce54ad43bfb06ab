//! What a method can work out about a run beside its steps.

use super::Pretrained;
use crate::{data::Dataset, error::Result, nn::Device, report::Artifact, slices::Slices};

/// The work of an analysis: it has taken along what it needs of the method, so that the run can go on beside it.
pub type Analysis = Box<dyn FnOnce(&About<'_>, &mut dyn Slices) -> Result<Artifact> + Send>;

/// What an analysis is given.
pub struct About<'a> {
    /// The data set of the run.
    pub data: &'a Dataset,
    /// Where tensors live.
    pub device: &'a Device,
    /// Where everything random comes from.
    pub seed: u64,
    /// A network that was trained on the real images, where the analysis has asked for one.
    pub probe: Option<&'a Pretrained>,
    /// Other data, where the analysis has asked for some.
    pub other: Option<&'a Other>,
}

/// Data beside that of the run.
pub struct Other {
    /// The data set.
    pub data: Dataset,
    /// What a run has left of it: whole images, normalised as it normalises, in a row, and their labels.
    pub distilled: Option<(Vec<f32>, Vec<u32>)>,
}
