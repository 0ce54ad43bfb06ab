//! Pictures that explain: pure functions from plain numbers to points, ellipses and pixels.
//!
//! Nothing here knows an engine or a window. Maps are linear with orthonormal rows, so lengths are true or shortened,
//! never invented: a ball of radius r has a disc of radius r as its shadow, and the shadow of a covariance is an ellipse.

mod energy;
mod gallery;
mod information;
mod quantizer;

pub use energy::{Axes, energy};
pub use gallery::{gallery, strips, thumbnails};
pub use information::information;
pub use quantizer::cells;
