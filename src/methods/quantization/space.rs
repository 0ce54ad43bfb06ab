//! The space in which samples and points lie: how images get there, and how points come back.

use std::sync::Arc;

use super::{QuantizerSpec, SpaceKind};
use crate::{
    data::Dataset,
    error::Result,
    latent::Latent,
    math::Pca,
    methods::Pretrained,
    nn::{self, Device},
};

/// A space that stands.
#[derive(Clone)]
pub enum Space {
    /// Of an autoencoder, with its prior.
    Latent(Arc<Latent>),
    /// The normalised values of the images.
    Pixels,
    /// Pca components of those.
    Components(Pca),
    /// Features of a trained network, from which there is no way back.
    Features(Arc<Pretrained>),
}

impl Space {
    /// Images that components are fitted on, at most.
    const FITTED: usize = 4000;

    /// The space of a quantizer, once what it needs is trained; none before.
    pub fn of(
        spec: &QuantizerSpec,
        data: &Dataset,
        latent: Option<&Arc<Latent>>,
        network: Option<&Arc<Pretrained>>,
    ) -> Result<Option<Self>> {
        Ok(match spec.space {
            SpaceKind::Autoencoder => latent.cloned().map(Self::Latent),
            SpaceKind::Network => network.cloned().map(Self::Features),
            SpaceKind::Pixels => Some(Self::Pixels),
            SpaceKind::Components => {
                // Of all classes, whichever the run distils, so that parts of a run have the same space.
                let usable = data.all_usable();
                let stride = usable.len().div_ceil(Self::FITTED).max(1);
                let some: Vec<u32> = usable.into_iter().step_by(stride).collect();
                let rows = data.gather(data.train(), &some);
                Some(Self::Components(Pca::fit(&rows, data.shape().len(), spec.components)?))
            }
        })
    }

    /// Numbers of a point.
    pub fn dimensions(&self, data: &Dataset) -> usize {
        match self {
            Self::Latent(latent) => latent.dimensions(),
            Self::Pixels => data.shape().len(),
            Self::Components(principal) => principal.directions().len(),
            Self::Features(network) => network.network.embedding_len(),
        }
    }

    /// Normalised images `(n, channels, height, width)` as points `(n, dimensions)`, in a row.
    pub fn encode(&self, values: Vec<f32>, data: &Dataset, device: &Device) -> Result<Vec<f32>> {
        Ok(match self {
            Self::Latent(latent) => latent.encode(&values)?,
            Self::Pixels => values,
            Self::Components(principal) => principal.project(&values),
            Self::Features(network) => nn::embed_all(network.network.as_ref(), &values, data.shape(), device)?,
        })
    }

    /// Points `(n, dimensions)` as normalised images `(n, channels, height, width)`, in a row; none where there is no way back.
    pub fn decode(&self, points: &[f32]) -> Result<Option<Vec<f32>>> {
        Ok(match self {
            Self::Latent(latent) => Some(latent.decode(points)?),
            Self::Pixels => Some(points.to_vec()),
            Self::Components(principal) => Some(principal.rebuild(points)),
            Self::Features(_) => None,
        })
    }

    /// The latent space, where it is that of an autoencoder.
    pub fn latent(&self) -> Option<&Arc<Latent>> {
        match self {
            Self::Latent(latent) => Some(latent),
            _ => None,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Latent(latent) => format!("an autoencoder with {} dimensions", latent.dimensions()),
            Self::Pixels => "pixels".to_owned(),
            Self::Components(principal) => {
                format!("{} principal components of the pixels", principal.directions().len())
            }
            Self::Features(network) => network.name.clone(),
        }
    }
}
