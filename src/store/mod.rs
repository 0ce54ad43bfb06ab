//! What lies on disk: the folder of a run, its checkpoints, the images that it leaves.
//!
//! A run is config + seed + interventions; everything else in the folder is a cache of it, written so that a power cut
//! loses at most the time since the last checkpoint.

mod cache;
mod checkpoint;
mod comparison;
mod export;
mod files;
mod run_folder;
pub mod sets;
mod tallies;

pub use cache::{CachedNetwork, cache_evaluation, cache_network, cached_evaluation, cached_network, forget_network};
pub use checkpoint::Checkpoints;
pub use comparison::{
    COMPARISON, read_comparison, read_on_map, write_comparison, write_distances, write_fused, write_on_map,
};
pub use export::export;
pub use run_folder::{RunFolder, RunRecord};
pub use tallies::Tallies;
