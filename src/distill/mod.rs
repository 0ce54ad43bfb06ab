//! The methods: how synthetic images, points or maps are moved so that a network learns almost as much from them.
//!
//! A paper is a config, not a fork of the loop: a list of weighted terms, a source of networks, a parameterisation of the
//! images. Nothing here knows threads, channels, files or clocks; a step is a function of the seed, its number and the
//! state before it.

mod assignment;
pub mod energy;
mod look;
mod matching;
mod method;
mod packing;
mod pretrained;
mod principal;
pub mod quantization;
mod queue;
mod start;
mod state;
mod synthetic;
pub mod terms;

pub use energy::{EnergyMap, EnergySpec};
pub use matching::{Matching, MatchingSpec, Scope, Updates};
pub use method::Method;
pub use packing::Packing;
pub use pretrained::{PoolSpec, Pretrained};
pub use principal::Principal;
pub use quantization::{Quantizer, QuantizerSpec};
pub use queue::{KeptNetwork, Queue, QueueSpec};
pub use start::Start;
pub use state::{Saved, Setting, State, Weights};
pub use synthetic::{Masses, SyntheticSet};
