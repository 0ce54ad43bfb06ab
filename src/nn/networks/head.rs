//! What every network ends with: logits, and what others may know of it.

use candle_core::{Result, Tensor, Var, bail};
use candle_nn::{Linear, Module};

/// The last layer of a network, the maps that it reads, and the network's variables.
pub struct Head {
    pub(super) classifier: Option<Linear>,
    pub(super) maps: [usize; 3],
    pub(super) variables: Vec<Var>,
}

impl Head {
    /// Logits: `(n, d) -> (n, classes)`.
    pub fn classify(&self, embedding: &Tensor) -> Result<Tensor> {
        match &self.classifier {
            Some(classifier) => classifier.forward(embedding),
            None => bail!("the identity has no logits"),
        }
    }

    /// Number of parameters of the last layer.
    pub(super) fn parameter_count(&self) -> usize {
        let count = |layer: &Linear| layer.weight().elem_count() + layer.bias().map_or(0, Tensor::elem_count);
        self.classifier.as_ref().map_or(0, count)
    }

    /// The parameters of the network that can be trained; empty for a frozen one.
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Channels, height and width of the maps behind the last layer but one.
    pub fn maps(&self) -> [usize; 3] {
        self.maps
    }
}
