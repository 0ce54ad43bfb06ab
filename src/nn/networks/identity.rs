//! The network that changes nothing, for points of the plane: there pixel space is feature space.

use candle_core::{Result, Tensor};

use super::Head;
use crate::{data::ImageShape, nn::Network};

/// Features are the pixels themselves. It cannot classify.
pub struct Identity {
    head: Head,
}

impl Identity {
    /// For images of `shape`.
    pub fn new(shape: ImageShape) -> Self {
        Self { head: Head { classifier: None, maps: shape.dims(), variables: Vec::new() } }
    }
}

impl Network for Identity {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        images.flatten_from(1)
    }

    fn head(&self) -> &Head {
        &self.head
    }
}
