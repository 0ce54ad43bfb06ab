//! Data sets: images with labels, split, indexed by class and normalised.
//!
//! Pixels stay as they were published (bytes, or floats for points of the plane) and become normalised numbers only when an
//! image is fetched; sets larger than a gigabyte lie in a mapped file. A set is immutable once loaded and is shared between threads by [`std::sync::Arc`].

mod bytes;
mod cifar;
mod dataset;
mod digits;
mod facts;
mod folder;
mod idx;
mod labels;
mod levels;
mod loaders;
mod mat;
mod noise;
mod npz;
mod parquet;
#[doc(hidden)]
pub mod parsers;
mod parts;
pub(crate) mod pickle;
mod picture;
mod pile;
mod plane;
mod source;
mod spec;
mod svhn;
mod table;

pub use bytes::Bytes;
pub use dataset::{Dataset, Normalisation, Pixels, Split};
pub use loaders::{Files, LOADERS, Loader};
pub use noise::noise;
pub use npz::{NumpyArray, NumpyFile};
pub use picture::picture as read_picture;
pub use plane::Shape as PlaneShape;
pub use source::{Source, stands_in};
pub use spec::{DataSpec, FileSpec};

/// Channels, height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Number of values in an image.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Number of values in one channel.
    pub const fn plane(self) -> usize {
        self.height * self.width
    }

    /// True if an image has no values.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// `[channels, height, width]`.
    pub const fn dims(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }
}
