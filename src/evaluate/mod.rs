//! Judging: train fresh networks on a set of images and test them.

mod protocol;

pub use protocol::{Family, Protocol};
