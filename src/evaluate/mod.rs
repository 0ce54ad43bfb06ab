//! Judging: train fresh networks on a set of images and test them.
//!
//! Work comes in slices of one batch ([`Judge::advance`]), so that an evaluation can go on beside a run and be given up
//! at any moment. The result is that of the last epoch, never the best one on the test images.

mod batch;
mod classify;
mod examples;
mod expert;
#[cfg(test)]
mod golden;
mod judge;
mod outcome;
mod protocol;
mod published;
mod recipe;
mod scores;
mod selection;
mod training;
mod verdict;

pub use classify::{Classifier, Labelled};
pub use examples::{Chosen, Examples, Images};
pub use expert::Expert;
pub use judge::{How, Judge, Progress, RANDOM_DRAWS, SharedExpert};
pub use outcome::{Outcome, Tally};
pub use protocol::{Family, LabelKind, Protocol};
pub use published::{all_published, published, published_data};
pub use recipe::{Augmentation, Optimizer, Recipe, Schedule, Taught};
pub use scores::{AugmentationRobust, LabelRobust};
pub use selection::{ByExpert, select_at_random, select_by, select_medoids};
pub use training::{Snapshot, Training, accuracy_on, predictions};
pub use verdict::verdict;
