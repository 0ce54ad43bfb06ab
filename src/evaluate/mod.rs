//! Judging: train fresh networks on a set of images and test them.
//!
//! Work comes in slices of one batch ([`Judge::advance`]), so that an evaluation can go on beside a run and be given up
//! at any moment. The result is that of the last epoch, never the best one on the test images.

mod examples;
mod judge;
mod protocol;
mod training;

pub use examples::{Chosen, Examples, Images, select_at_random};
pub use judge::{Judge, Progress, RANDOM_DRAWS};
pub use protocol::{Family, Protocol};
pub use training::{Recipe, Snapshot, Training, accuracy_on};
