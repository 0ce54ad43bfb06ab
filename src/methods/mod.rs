//! The methods: how synthetic images, points or maps are moved so that a network learns almost as much from them.
//!
//! A paper is a config, not a fork of the loop: a list of weighted terms, a source of networks, a parameterisation of the
//! images. Nothing here knows threads, channels, files or clocks; a step is a function of the seed, its number and the
//! state before it.

mod analysis;
pub mod energy;
pub mod matching;
mod method;
mod pretrained;
pub mod quantization;
mod table;

pub use analysis::{About, Analysis, Other};
pub use energy::{EnergyMap, EnergySpec};
pub use matching::{Matching, MatchingSpec, Queue, QueueSpec, Updates};
pub use method::{Method, Scope};
pub use pretrained::{PoolSpec, Pretrained};
pub use quantization::{Quantizer, QuantizerSpec};
pub use table::{METHODS, MethodEntry, MethodSpec, Methods, Planned, Setup};
