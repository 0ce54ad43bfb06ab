//! Networks that were trained on real images before: through them some terms look, and so do people.
//!
//! IID and CMI draw one of a pool of 1000 ResNet-18 at every step. Two or ten smaller ones do the same work, a feature
//! space in which the real classes lie apart; how many of what kind stands in the config and is shown.

use serde::{Deserialize, Serialize};

use crate::nn::{ConvNetSpec, Network, NetworkSpec};

/// Filters of the networks of a pool where nothing is said.
const DEFAULT_WIDTH: usize = 32;
/// Batches that a network is trained on at least where nothing is said.
const DEFAULT_BATCHES: usize = 200;

/// Which networks are trained on the real images, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSpec {
    /// Number of networks, of which every step draws one.
    pub size: usize,
    /// Passes over the training images, hold-out excluded; where nothing is said, as many as make 200 batches of 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Pull towards zero while they are trained, on every parameter: 5e-4 for IID, 1e-3 for CMI.
    pub weight_decay: f64,
    /// The network; where nothing is said, the run's own with at most 32 filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSpec>,
}

impl Default for PoolSpec {
    fn default() -> Self {
        Self { size: 2, epochs: None, weight_decay: 5e-4, network: None }
    }
}

impl PoolSpec {
    /// The network to train for a run whose own network is `matching`. Where pixels are features, nothing is trained.
    pub fn network(&self, matching: &NetworkSpec) -> NetworkSpec {
        match (&self.network, matching) {
            (_, NetworkSpec::Identity {}) => matching.clone(),
            (Some(network), _) => network.clone(),
            (None, NetworkSpec::ConvNet(spec)) => {
                NetworkSpec::ConvNet(ConvNetSpec { width: spec.width.min(DEFAULT_WIDTH), ..spec.clone() })
            }
            (None, other) => other.clone(),
        }
    }

    /// Number of networks for a run whose own network is `matching`.
    pub fn size(&self, matching: &NetworkSpec) -> usize {
        match matching {
            NetworkSpec::Identity {} => 1,
            _ => self.size,
        }
    }

    /// Passes over a training set of so many batches.
    pub fn epochs(&self, batches: usize) -> usize {
        self.epochs.unwrap_or(DEFAULT_BATCHES / batches.max(1)).max(1)
    }
}

/// A network that was trained, frozen now.
pub struct Pretrained {
    /// What it is and how it was trained, in words.
    pub name: String,
    /// The network.
    pub network: Box<dyn Network>,
    /// Median distance of real features to the mean of their class.
    pub typical_distance: f64,
    /// Accuracy on the hold-out, where there is one and it classifies.
    pub accuracy: Option<f64>,
}
