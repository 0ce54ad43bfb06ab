//! What a run makes and what changes from step to step: the images with their masses, mosaics, where they start, and the state that
//! a checkpoint holds.

mod packing;
mod set;
mod start;
mod state;

pub use packing::Packing;
pub use set::{Masses, SyntheticSet};
pub use start::Start;
pub use state::{KeptNetwork, Saved, Setting, State, Weights, norm};
