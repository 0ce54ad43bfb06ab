//! The frozen features in which the map is learned.

use candle_core::{Device, Tensor};
use faer::{Mat, Side};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    error::{Error, Result},
    nn::Network,
};

/// Images that pass a network together.
const SLICE: usize = 256;

/// Where features come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What a network that the tool trained on the real images sees before its class scores.
    #[default]
    Network,
    /// The pixels.
    Pixels,
    /// Principal components of the pixels.
    Components,
}

/// Turns images into features: from a source, through a power, scaled as the samples are.
pub(super) struct Lens {
    /// Components of pixels: mean, and directions row by row.
    components: Option<(Vec<f32>, Vec<Vec<f32>>)>,
    power: f64,
    least: f32,
    most: f32,
}

impl Lens {
    /// Fits scale (and components) on the features of the samples, which it returns too: `(n, d)` in a row.
    ///
    /// Power and scale as released: `f <- f^power`, then `f <- (f - min f) / max f`, with the maximum of what was not shifted.
    pub(super) fn fit(
        raw: Vec<f32>,
        dimensions: usize,
        components: Option<usize>,
        power: f64,
    ) -> Result<(Self, Vec<f32>)> {
        let components = components.map(|count| principal(&raw, dimensions, count)).transpose()?;
        let mut lens = Self { components, power, least: 0.0, most: 1.0 };
        let powered = lens.powered(raw)?;
        lens.least = powered.iter().copied().fold(f32::INFINITY, f32::min);
        lens.most = powered.iter().copied().fold(f32::NEG_INFINITY, f32::max).max(f32::MIN_POSITIVE);
        let features = lens.scaled(powered);
        Ok((lens, features))
    }

    /// The same for other images.
    pub(super) fn apply(&self, raw: Vec<f32>) -> Result<Vec<f32>> {
        Ok(self.scaled(self.powered(raw)?))
    }

    fn powered(&self, raw: Vec<f32>) -> Result<Vec<f32>> {
        let mut values = match &self.components {
            None => raw,
            Some((mean, directions)) => {
                let along = |row: &[f32], direction: &[f32]| -> f32 {
                    row.iter().zip(mean).zip(direction).map(|((value, mean), part)| (value - mean) * part).sum()
                };
                let rows = raw.chunks_exact(mean.len());
                rows.flat_map(|row| directions.iter().map(move |direction| along(row, direction))).collect()
            }
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

/// Mean and the directions of largest variance of rows.
fn principal(rows: &[f32], dimensions: usize, count: usize) -> Result<(Vec<f32>, Vec<Vec<f32>>)> {
    let number = rows.len() / dimensions;
    let mut mean = vec![0.0_f64; dimensions];
    for row in rows.chunks_exact(dimensions) {
        mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value) / number as f64);
    }
    let centred =
        Mat::from_fn(number, dimensions, |row, column| f64::from(rows[row * dimensions + column]) - mean[column]);
    let eigen = (centred.transpose() * &centred)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|error| Error::Data(format!("the pixels have no principal components: {error:?}")))?;
    let direction = |rank: usize| -> Vec<f32> {
        let mut axis: Vec<f64> = eigen.U().col(dimensions - 1 - rank).iter().copied().collect();
        // An eigenvector has no sign of its own.
        let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
        axis.iter_mut().for_each(|value| *value *= largest.signum());
        axis.into_iter().map(|value| value as f32).collect()
    };
    let mean = mean.into_iter().map(|value| value as f32).collect();
    Ok((mean, (0..count.min(dimensions)).map(direction).collect()))
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
    let [channels, height, width] = data.shape().dims();
    let mut features = Vec::with_capacity(values.len() / len * network.embedding_len());
    for slice in values.chunks(SLICE * len) {
        let images = Tensor::from_slice(slice, (slice.len() / len, channels, height, width), device)?;
        features.extend(network.embed(&images)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(features)
}
