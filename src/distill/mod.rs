//! The methods: how synthetic images, points or maps are moved so that a network learns almost as much from them.
//!
//! A paper is a config, not a fork of the loop: a list of weighted terms, a source of networks, a parameterisation of the
//! images. Nothing here knows threads, channels, files or clocks; a step is a function of the seed, its number and the
//! state before it.

mod look;
mod matching;
mod pretrained;
mod start;
mod synthetic;
pub mod terms;

pub use matching::{Matching, MatchingSpec, Setting, State, Weights};
pub use pretrained::{PoolSpec, Pretrained};
pub use start::Start;
pub use synthetic::SyntheticSet;
