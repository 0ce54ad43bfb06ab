//! Judging: train fresh networks on a set of images and test them.
//!
//! Work comes in slices of one batch ([`Judge::advance`]), so that an evaluation can go on beside a run and be given up
//! at any moment. The result is that of the last epoch, never the best one on the test images.

mod examples;
mod judge;
mod protocol;
mod selection;
mod training;
mod verdict;

pub use examples::{Chosen, Examples, Images};
pub use judge::{Judge, Progress, RANDOM_DRAWS};
pub use protocol::{Family, Protocol};
pub use selection::{select_at_random, select_medoids};
pub use training::{Recipe, Snapshot, Training, accuracy_on};
pub use verdict::verdict;
