//! Training a latent space, batch by batch: first the autoencoder, then the prior on its points.

use std::{f64::consts::PI, sync::Arc};

use candle_core::{Tensor, Var};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{LatentParameters, LatentSpec, Standard, encoded};
use crate::{
    data::Dataset,
    error::{Error, Result},
    nn::Device,
    nn::{Adam, Autoencoder, Denoiser, init::Init},
    random::{Purpose, stream},
};

/// Rate of Adam at the beginning; it falls to zero along half a cosine.
const RATE: f64 = 2e-3;
/// Share of the points that the prior sees without their class.
const NULL_SHARE: f64 = 0.1;
/// Points of a batch of the prior.
const PRIOR_BATCH: usize = 256;

/// A latent space on its way.
pub struct LatentTraining {
    spec: LatentSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Training images that no hold-out keeps back.
    usable: Vec<u32>,
    autoencoder: Autoencoder,
    adam: Adam,
    /// Batches of the autoencoder, then of the prior.
    batches: [usize; 2],
    prior: Option<PriorTraining>,
}

/// The second part: the prior, with the points that it learns.
struct PriorTraining {
    prior: Denoiser,
    adam: Adam,
    /// Encoded images `(n, dimensions)`.
    points: Vec<f32>,
    labels: Vec<u32>,
    standard: Standard,
}

impl LatentTraining {
    /// A space before its first batch.
    pub fn new(spec: &LatentSpec, data: &Arc<Dataset>, device: &Device, seed: u64) -> Result<Self> {
        let mut rng = stream(seed, Purpose::Autoencoder, 0, 0);
        let autoencoder = Autoencoder::new(&spec.autoencoder(), data.shape(), Init::trainable(&mut rng, device))?;
        Ok(Self {
            adam: Adam::new(autoencoder.variables().to_vec(), RATE)?,
            spec: spec.clone(),
            data: data.clone(),
            device: device.clone(),
            seed,
            usable: data.all_usable(),
            autoencoder,
            batches: [0, 0],
            prior: None,
        })
    }

    /// Trains on one batch; false when all is done.
    pub fn advance(&mut self) -> Result<bool> {
        if self.batches[0] < self.spec.batches {
            self.train_autoencoder()?;
        } else if let Some(prior) = &mut self.prior {
            if self.batches[1] == self.spec.prior_batches {
                return Ok(false);
            }
            prior.adam.set_rate(rate(self.batches[1], self.spec.prior_batches));
            self.batches[1] += 1;
            prior.train(stream(self.seed, Purpose::Prior, self.batches[1] as u64, 0), &self.device)?;
        } else {
            self.prior = Some(self.begin_prior()?);
        }
        Ok(true)
    }

    fn train_autoencoder(&mut self) -> Result<()> {
        self.adam.set_rate(rate(self.batches[0], self.spec.batches));
        self.batches[0] += 1;
        let mut rng = stream(self.seed, Purpose::Autoencoder, self.batches[0] as u64, 0);
        let [channels, height, width] = self.data.shape().dims();
        let count = self.spec.batch.min(self.usable.len());
        let chosen: Vec<u32> = (0..count).map(|_| self.usable[rng.random_range(0..self.usable.len())]).collect();
        let images = self.data.gather(self.data.train(), &chosen);
        let images = Tensor::from_vec(images, (count, channels, height, width), &self.device)?;
        let noise = normal(&mut rng, count, self.spec.dimensions, &self.device)?;
        let loss = self.autoencoder.loss(&images, &noise)?;
        refuse_if_not_finite(&loss, "autoencoder")?;
        Ok(self.adam.step(&loss.backward()?)?)
    }

    /// The points of all images, and a prior that knows nothing of them yet.
    fn begin_prior(&self) -> Result<PriorTraining> {
        let LatentSpec { dimensions, .. } = self.spec;
        let mut points = Vec::with_capacity(self.usable.len() * dimensions);
        for slice in self.usable.chunks(super::SLICE) {
            let images = self.data.gather(self.data.train(), slice);
            points.extend(encoded(&self.autoencoder, &images, self.data.shape(), &self.device)?);
        }
        let count = points.len() as f64 / dimensions as f64;
        let along = |axis: usize| points.iter().skip(axis).step_by(dimensions).map(|&value| f64::from(value));
        let means: Vec<f64> = (0..dimensions).map(|axis| along(axis).sum::<f64>() / count).collect();
        let variance =
            |(axis, mean): (usize, &f64)| along(axis).map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let variance = means.iter().enumerate().map(variance).sum::<f64>() / dimensions as f64;
        let mean = means.into_iter().map(|mean| mean as f32).collect();
        let standard = Standard { mean, scale: variance.sqrt().recip() as f32 };
        if !standard.scale.is_finite() {
            return Err(Error::Data("the autoencoder has learned nothing: all images became one point".to_owned()));
        }
        standard.apply(&mut points);
        let mut rng = stream(self.seed, Purpose::Prior, 0, 0);
        let init = Init::trainable(&mut rng, &self.device);
        let prior = Denoiser::new(&self.spec.prior(), dimensions, self.data.classes(), init)?;
        let labels = self.usable.iter().map(|&index| self.data.train().labels()[index as usize]).collect();
        Ok(PriorTraining { adam: Adam::new(prior.variables().to_vec(), RATE)?, prior, points, labels, standard })
    }

    /// Share of the training of the part under way that is done, and whether that is the prior.
    pub fn done(&self) -> (f64, bool) {
        match &self.prior {
            None => (self.batches[0] as f64 / self.spec.batches as f64, false),
            Some(_) => (self.batches[1] as f64 / self.spec.prior_batches as f64, true),
        }
    }

    /// What was learned.
    pub fn parameters(&self) -> Option<LatentParameters> {
        let prior = self.prior.as_ref()?;
        let known = |variables: &[Var]| variables.iter().map(Var::as_detached_tensor).collect();
        Some(LatentParameters {
            autoencoder: known(self.autoencoder.variables()),
            prior: known(prior.prior.variables()),
            standard: prior.standard.clone(),
        })
    }
}

impl PriorTraining {
    fn train(&mut self, mut rng: ChaCha8Rng, device: &Device) -> Result<()> {
        let (dimensions, count) = (self.prior.dimensions(), PRIOR_BATCH.min(self.labels.len()));
        let mut points = Vec::with_capacity(count * dimensions);
        let (mut times, mut classes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let at = rng.random_range(0..self.labels.len());
            points.extend_from_slice(&self.points[at * dimensions..(at + 1) * dimensions]);
            times.push(rng.random::<f64>());
            // The null class learns from all.
            classes.push((rng.random::<f64>() >= NULL_SHARE).then_some(self.labels[at]));
        }
        let points = Tensor::from_vec(points, (count, dimensions), device)?;
        let noise = normal(&mut rng, count, dimensions, device)?;
        let loss = self.prior.loss(&points, &times, &classes, &noise)?;
        refuse_if_not_finite(&loss, "prior")?;
        Ok(self.adam.step(&loss.backward()?)?)
    }
}

/// The rate of a batch among so many.
fn rate(batch: usize, of: usize) -> f64 {
    0.5 * RATE * (1.0 + (PI * batch as f64 / of as f64).cos())
}

fn normal(rng: &mut ChaCha8Rng, count: usize, dimensions: usize, device: &Device) -> Result<Tensor> {
    let values: Vec<f32> = StandardNormal.sample_iter(rng).take(count * dimensions).collect();
    Ok(Tensor::from_vec(values, (count, dimensions), device)?)
}

fn refuse_if_not_finite(loss: &Tensor, what: &str) -> Result<()> {
    if loss.to_scalar::<f32>()?.is_finite() {
        return Ok(());
    }
    Err(Error::Device(format!("the training of the {what} has broken down: its loss is no number. Try another seed")))
}
