//! The frozen features in which the map is learned.

use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    error::{Error, Result},
    math::Pca,
    nn::Device,
    nn::{self, Network},
};

/// Where features come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What a network that the tool trained on the real images sees before its class scores.
    #[default]
    Network,
    /// The pixels.
    Pixels,
    /// Pca components of the pixels.
    Components,
}

/// Turns images into features: from a source, through a power, scaled as the samples are.
#[derive(Clone)]
pub(super) struct FeatureTransform {
    components: Option<Pca>,
    power: f64,
    least: f32,
    most: f32,
}

impl FeatureTransform {
    /// Fits scale (and components) on the features of the samples, which it returns too: `(n, d)` in a row.
    ///
    /// Power and scale as released: `f <- f^power`, then `f <- (f - min f) / max f`, with the maximum of what was not shifted.
    pub(super) fn fit(
        raw: Vec<f32>,
        dimensions: usize,
        components: Option<usize>,
        power: f64,
    ) -> Result<(Self, Vec<f32>)> {
        let components = components.map(|count| Pca::fit(&raw, dimensions, count)).transpose()?;
        let mut feature_transform = Self { components, power, least: 0.0, most: 1.0 };
        let powered = feature_transform.powered(raw)?;
        feature_transform.least = powered.iter().copied().fold(f32::INFINITY, f32::min);
        feature_transform.most = powered.iter().copied().fold(f32::NEG_INFINITY, f32::max).max(f32::MIN_POSITIVE);
        let features = feature_transform.scaled(powered);
        Ok((feature_transform, features))
    }

    /// The same for other images.
    pub(super) fn apply(&self, raw: Vec<f32>) -> Result<Vec<f32>> {
        Ok(self.scaled(self.powered(raw)?))
    }

    fn powered(&self, raw: Vec<f32>) -> Result<Vec<f32>> {
        let mut values = match &self.components {
            None => raw,
            Some(principal) => principal.project(&raw),
        };
        if self.power == 1.0 {
            return Ok(values);
        }
        if values.iter().any(|value| *value < 0.0) {
            return Err(Error::Config(
                "energy.power needs features that are not negative, and these are. Set energy.power=1".to_owned(),
            ));
        }
        values.iter_mut().for_each(|value| *value = value.powf(self.power as f32));
        Ok(values)
    }

    fn scaled(&self, mut values: Vec<f32>) -> Vec<f32> {
        values.iter_mut().for_each(|value| *value = (*value - self.least) / self.most);
        values
    }
}

/// Pixels in the data's own range, or what the network sees: `(n, d)` in a row.
pub(super) fn raw(
    values: Vec<f32>,
    data: &Dataset,
    network: Option<&dyn Network>,
    device: &Device,
) -> Result<Vec<f32>> {
    let len = data.shape().len();
    let Some(network) = network else {
        let mut values = values;
        values.chunks_exact_mut(len).for_each(|image| data.normalisation().denormalise(image));
        return Ok(values);
    };
    Ok(nn::embed_all(network, &values, data.shape(), device)?)
}
