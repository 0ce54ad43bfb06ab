//! What a run makes and what changes from step to step: the images with their masses, mosaics, where they start, and the state that
//! a checkpoint holds.

mod blobs;
mod gallery;
mod packing;
mod set;
mod start;
mod state;

pub use blobs::{Array, Blobs};
pub use gallery::{gallery, strips, thumbnails};
pub use packing::Packing;
pub use set::{Masses, SyntheticSet};
pub use start::Start;
pub use state::{Saved, State, Values, norm};
