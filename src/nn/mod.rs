//! Networks and what they are made of.
//!
//! A network turns images into features and features into class scores. Its parameters are drawn on the host from a named
//! stream, so that equal seeds give equal networks on every device.

pub mod augment;
mod device;
pub mod init;
pub mod kernels;
mod layers;
mod networks;
mod optim;

pub use device::{DeviceSpec, describe};
pub use networks::{
    Activation, Classic, ConvNet, ConvNetSpec, Head, Identity, Mlp, MlpSpec, NetworkSpec, Norm, Pooling, ResNet18,
};
pub use optim::{Sgd, SgdSettings};

use candle_core::{Result, Tensor, Var};

/// A network whose parameters are fixed for now (matching) or variables (training).
pub trait Network: Send + Sync {
    /// What the last layer before the class scores sees: `(n, channels, height, width) -> (n, d)`.
    fn embed(&self, images: &Tensor) -> Result<Tensor>;
    /// What the network ends with.
    fn head(&self) -> &Head;

    /// Class scores: `(n, d) -> (n, classes)`.
    fn classify(&self, embedding: &Tensor) -> Result<Tensor> {
        self.head().classify(embedding)
    }

    /// The parameters that can be trained; empty for a frozen network.
    fn variables(&self) -> Vec<Var> {
        self.head().variables().to_vec()
    }

    /// Channels, height and width of the feature maps that [`embed`](Self::embed) flattens.
    fn maps(&self) -> [usize; 3] {
        self.head().maps()
    }

    /// Tells the network that it learns or that it does not: batch norms compute differently.
    fn set_training(&self, _training: bool) {}

    /// Class scores of images: `(n, channels, height, width) -> (n, classes)`.
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.classify(&self.embed(images)?)
    }

    /// Length of an embedding.
    fn embedding_len(&self) -> usize {
        self.maps().iter().product()
    }
}
