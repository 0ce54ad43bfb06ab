//! The latent space of a data set: an autoencoder, and a prior that knows what its points look like, both trained here on the
//! real images.
//!
//! Published work takes a pretrained latent-diffusion model for both (DDOQ, ICLR 2026; D4M, CVPR 2024). These are small ones of
//! our own that a laptop trains, so that nothing has to be downloaded and every picture can be explained.

mod training;

use candle_core::Tensor;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Dataset, ImageShape},
    error::Result,
    nn::Device,
    nn::{Autoencoder, AutoencoderSpec, Denoiser, DenoiserSpec, init::Init},
    random::{Purpose, stream},
};
pub use training::LatentTraining;

/// Images or points that pass a network together.
const SLICE: usize = 256;
/// Steps in which a point comes all the way back from time 1; from earlier times fewer, in proportion.
const STEPS_BACK: f64 = 24.0;

/// Which autoencoder and which prior are trained on the real images, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatentSpec {
    /// Filters of the autoencoder's first convolution.
    pub width: usize,
    /// Numbers that an image becomes.
    pub dimensions: usize,
    /// Batches that the autoencoder learns from.
    pub batches: usize,
    /// Images in each of those.
    pub batch: usize,
    /// Numbers between the layers of the prior.
    pub prior_width: usize,
    /// Batches of 256 points that the prior learns from.
    pub prior_batches: usize,
}

impl Default for LatentSpec {
    fn default() -> Self {
        Self { width: 16, dimensions: 16, batches: 2000, batch: 64, prior_width: 128, prior_batches: 4000 }
    }
}

impl LatentSpec {
    /// Says what is wrong with it, if something is.
    pub fn check(&self) -> std::result::Result<(), String> {
        let sizes = [
            ("width", self.width),
            ("batches", self.batches),
            ("batch", self.batch),
            ("prior_width", self.prior_width),
            ("prior_batches", self.prior_batches),
        ];
        if self.dimensions < 2 {
            return Err("latent.dimensions must be at least 2".to_owned());
        }
        match sizes.into_iter().find(|(_, size)| *size == 0) {
            Some((name, _)) => Err(format!("latent.{name} must be at least 1")),
            None => Ok(()),
        }
    }

    /// The autoencoder.
    pub fn autoencoder(&self) -> AutoencoderSpec {
        AutoencoderSpec { width: self.width, dimensions: self.dimensions }
    }

    /// The prior.
    pub fn prior(&self) -> DenoiserSpec {
        DenoiserSpec { width: self.prior_width, ..DenoiserSpec::default() }
    }
}

/// A latent space that stands: points have the mean 0 and are as wide as standard normal ones on average over its dimensions.
pub struct Latent {
    autoencoder: Autoencoder,
    prior: Denoiser,
    standard: Standard,
    shape: ImageShape,
    device: Device,
}

/// Everything that decides a latent space once it is trained, to keep it.
#[derive(Clone)]
pub struct LatentParameters {
    /// Of the autoencoder, in the order in which they are drawn.
    pub autoencoder: Vec<Tensor>,
    /// Of the prior.
    pub prior: Vec<Tensor>,
    /// How the encoder's numbers become points.
    pub standard: Standard,
}

/// How the encoder's numbers become points: less their mean, times a number that they all share.
#[derive(Clone, Debug)]
pub struct Standard {
    /// Mean of each number: `(dimensions,)`.
    pub mean: Vec<f32>,
    /// What is left is multiplied by this.
    pub scale: f32,
}

impl Standard {
    fn apply(&self, codes: &mut [f32]) {
        for code in codes.chunks_exact_mut(self.mean.len()) {
            code.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value = (*value - mean) * self.scale);
        }
    }

    fn undo(&self, points: &mut [f32]) {
        for point in points.chunks_exact_mut(self.mean.len()) {
            point.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value = *value / self.scale + mean);
        }
    }
}

impl Latent {
    /// A space with known parameters.
    pub fn new(spec: &LatentSpec, data: &Dataset, parameters: LatentParameters, device: &Device) -> Result<Self> {
        let LatentParameters { autoencoder, prior, standard } = parameters;
        let mut unused = stream(0, Purpose::Autoencoder, 0, 0);
        let init = Init::frozen(&mut unused, device).with_known(autoencoder);
        let autoencoder = Autoencoder::new(&spec.autoencoder(), data.shape(), init)?;
        let mut unused = stream(0, Purpose::Prior, 0, 0);
        let init = Init::frozen(&mut unused, device).with_known(prior);
        let prior = Denoiser::new(&spec.prior(), spec.dimensions, data.classes(), init)?;
        Ok(Self { autoencoder, prior, standard, shape: data.shape(), device: device.clone() })
    }

    /// Numbers of a point.
    pub fn dimensions(&self) -> usize {
        self.autoencoder.dimensions()
    }

    /// Normalised images `(n, channels, height, width)` as points `(n, dimensions)`, in a row: the encoder's means.
    pub fn encode(&self, values: &[f32]) -> Result<Vec<f32>> {
        let mut points = encoded(&self.autoencoder, values, self.shape, &self.device)?;
        self.standard.apply(&mut points);
        Ok(points)
    }

    /// Points `(n, dimensions)` as normalised images `(n, channels, height, width)`, in a row.
    pub fn decode(&self, points: &[f32]) -> Result<Vec<f32>> {
        let mut values = Vec::with_capacity(points.len() / self.dimensions() * self.shape.len());
        for slice in points.chunks(SLICE * self.dimensions()) {
            let mut slice = slice.to_vec();
            self.standard.undo(&mut slice);
            let slice = Tensor::from_vec(slice, ((), self.dimensions()), &self.device)?;
            values.extend(self.autoencoder.decode(&slice)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(values)
    }

    /// Points of one class `(n, dimensions)` noised to `time` and brought back by the prior, driven away from what is common to all
    /// classes by a `guidance` above 1; at time 0 as they are.
    ///
    /// The noise of a point depends on the seed, the class and its place alone, so that a point that moves little comes back to
    /// nearly the same place.
    pub fn denoise(&self, points: &[f32], (class, guidance): (u32, f64), time: f64, seed: u64) -> Result<Vec<f32>> {
        let steps = (STEPS_BACK * time).ceil() as usize;
        if steps == 0 {
            return Ok(points.to_vec());
        }
        let mut rng = stream(seed, Purpose::PriorNoise, 0, u64::from(class));
        let noise: Vec<f32> = StandardNormal.sample_iter(&mut rng).take(points.len()).collect();
        let place = |values: &[f32]| {
            Tensor::from_slice(values, (values.len() / self.dimensions(), self.dimensions()), &self.device)
        };
        let back = self.prior.denoise(&place(points)?, (class, guidance), time, &place(&noise)?, steps)?;
        Ok(back.flatten_all()?.to_vec1()?)
    }
}

/// The encoder's means, not scaled.
fn encoded(autoencoder: &Autoencoder, values: &[f32], shape: ImageShape, device: &Device) -> Result<Vec<f32>> {
    let [channels, height, width] = shape.dims();
    let mut points = Vec::with_capacity(values.len() / shape.len() * autoencoder.dimensions());
    for slice in values.chunks(SLICE * shape.len()) {
        let images = Tensor::from_slice(slice, (slice.len() / shape.len(), channels, height, width), device)?;
        let [mean, _] = autoencoder.encode(&images)?;
        points.extend(mean.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(points)
}
