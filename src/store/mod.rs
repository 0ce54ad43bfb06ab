//! What lies on disk: the folder of a run, its checkpoints, the images that it leaves.
//!
//! A run is config + seed + interventions; everything else in the folder is a cache of it, written so that a power cut
//! loses at most the time since the last checkpoint.

mod cache;
mod checkpoint;
mod comparison;
mod export;
mod files;
mod log;
mod resumption;
mod run_folder;
mod sealed;
pub mod sets;
mod tallies;
mod version;

pub use cache::{
    CachedNetwork, cache_evaluation, cache_network, cached_evaluation, cached_network, forget_network,
    read_cached_evaluation, read_cached_network,
};
pub use checkpoint::{Checkpoint, Checkpoints, LogLengths, Owed};
pub use comparison::{COMPARISON, read_artifact, read_comparison, write_artifact, write_comparison};
pub use export::export;
pub use resumption::{Resumed, Resumption};
pub use run_folder::{Looked, RunFolder, RunRecord};
pub use tallies::Tallies;
pub use version::VERSION;
