//! The network that changes nothing, for points of the plane: there pixel space is feature space.

use candle_core::{Result, Tensor, Var, bail};

use crate::{data::ImageShape, nn::Network};

/// Features are the pixels themselves. It cannot classify.
pub struct Identity {
    shape: ImageShape,
}

impl Identity {
    /// For images of `shape`.
    pub fn new(shape: ImageShape) -> Self {
        Self { shape }
    }
}

impl Network for Identity {
    fn embed(&self, images: &Tensor) -> Result<Tensor> {
        images.flatten_from(1)
    }

    fn classify(&self, _embedding: &Tensor) -> Result<Tensor> {
        bail!("the identity has no class scores")
    }

    fn variables(&self) -> Vec<Var> {
        Vec::new()
    }

    fn maps(&self) -> [usize; 3] {
        self.shape.dims()
    }
}
