//! Networks and what they are made of.
//!
//! A network turns images into features and features into logits. Its parameters are drawn on the host from a named
//! stream, so that equal seeds give equal networks on every device.

pub mod augment;
mod device;
mod generative;
pub mod init;
pub mod kernels;
mod layers;
mod networks;
mod optim;

pub use device::{ARITHMETIC, Device, DeviceSpec};
pub use generative::{Autoencoder, AutoencoderSpec, Denoiser, DenoiserSpec, strength_of_time, time_of_strength};
pub use networks::{
    Activation, Classic, ConvNet, ConvNetSpec, Head, Identity, Mlp, MlpSpec, NetworkSpec, Norm, Pooling, ResNet18,
};
pub use optim::{Adam, Sgd, SgdSettings};

use candle_core::{Result, Tensor, Var};

use crate::data::ImageShape;

/// Images that pass a network together where there are many.
const SLICE: usize = 256;

/// A network whose parameters are fixed for now (matching) or variables (training).
pub trait Network: Send + Sync {
    /// What the last layer before the logits sees: `(n, channels, height, width) -> (n, d)`.
    fn embed(&self, images: &Tensor) -> Result<Tensor>;
    /// What the network ends with.
    fn head(&self) -> &Head;

    /// Logits: `(n, d) -> (n, classes)`.
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

    /// Logits of images: `(n, channels, height, width) -> (n, classes)`.
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.classify(&self.embed(images)?)
    }

    /// Length of an embedding.
    fn embedding_len(&self) -> usize {
        self.maps().iter().product()
    }
}

/// Features of normalised images `(n, channels, height, width)`, however many: `(n, d)` in a row.
pub fn embed_all(network: &dyn Network, values: &[f32], shape: ImageShape, device: &Device) -> Result<Vec<f32>> {
    let [channels, height, width] = shape.dims();
    let mut features = Vec::with_capacity(values.len() / shape.len() * network.embedding_len());
    for slice in values.chunks(SLICE * shape.len()) {
        let images = Tensor::from_slice(slice, (slice.len() / shape.len(), channels, height, width), device)?;
        features.extend(network.embed(&images)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(features)
}
