//! Numerics that several modules use, each tested by itself: plain numbers in, plain numbers out, in an order of addition that
//! threads never change.

pub mod assignment;
mod codebook;
pub mod lanes;
mod moments;
mod pca;
mod projection;
mod transport;

pub use codebook::{Cells, Codebook, Gains};
pub use lanes::squared;
pub use moments::{Moments, SigmaPoints, Transform};
pub use pca::Pca;
pub use projection::{Projection, ball, ellipse, ellipse_of};
pub use transport::{shared_out, transport};
