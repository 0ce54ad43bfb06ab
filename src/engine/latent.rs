//! The latent space of a run: an autoencoder and a prior that are trained on the real images, in slices beside everything else, and
//! kept for later runs.
//!
//! What decides them is their spec, the usable training images and the seed; by these they are found again in the cache.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::Tensor;

use super::{
    known,
    parameters::{self, Summed},
    task::Turns,
};
use crate::{
    config::RunConfig,
    data::Dataset,
    error::Result,
    latent::{Latent, LatentParameters, LatentSpec, LatentTraining, Standard},
    nn::Device,
    slices::Slices as _,
    store::{self, CachedNetwork},
};

/// The space of a run, before it is there.
pub(super) struct LatentSpace {
    spec: LatentSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Names everything that decides it.
    fingerprint: String,
}

impl LatentSpace {
    /// The space of a run; trains nothing yet.
    pub(super) fn new(config: &RunConfig, data: &Arc<Dataset>, device: &Device) -> Self {
        let decides = (data.fingerprint(), config.holdout, config.seed, &config.latent);
        Self {
            spec: config.latent.clone(),
            data: data.clone(),
            device: device.clone(),
            seed: config.seed,
            fingerprint: known::name("latent", &decides, device),
        }
    }

    /// Finds it in the cache, or trains it.
    pub(super) fn train(&self, turns: &mut Turns<()>, notes: &mut Vec<String>) -> Result<Summed<Latent>> {
        if let Some((known, sum)) = self.cached(notes) {
            return Ok((Arc::new(known), sum));
        }
        let mut training = LatentTraining::new(&self.spec, &self.data, &self.device, self.seed)?;
        // Time that went into the part under way.
        let (mut worked, mut at_prior) = (Duration::ZERO, false);
        loop {
            let clock = Instant::now();
            let goes_on = training.advance()?;
            worked += clock.elapsed();
            if !goes_on {
                break;
            }
            let (done, is_prior) = training.done();
            if at_prior != is_prior {
                (at_prior, worked) = (is_prior, Duration::ZERO);
            }
            let secs_left = (done > 0.0).then(|| worked.as_secs_f64() / done * (1.0 - done));
            let what = if at_prior { "the prior" } else { "the autoencoder" };
            turns.describe(Some(what.to_owned()), secs_left);
            turns.tick(done)?;
        }
        let parameters = training.parameters().expect("both parts are trained");
        self.keep(&parameters);
        let sum = sum_of(&parameters)?;
        Ok((Arc::new(Latent::new(&self.spec, &self.data, parameters, &self.device)?), sum))
    }

    fn keep(&self, parameters: &LatentParameters) {
        let LatentParameters { autoencoder, prior, standard: Standard { mean, scale } } = parameters.clone();
        let named = |part: &'static str, tensors: Vec<Tensor>| {
            tensors.into_iter().enumerate().map(move |(index, tensor)| (format!("{part}.{index}"), tensor))
        };
        let tensors = named(AUTOENCODER, autoencoder).chain(named(PRIOR, prior)).collect();
        let mean = serde_json::to_string(&mean).expect("plain data");
        let about = HashMap::from([(SCALE.to_owned(), scale.to_string()), (MEAN.to_owned(), mean)]);
        store::cache_network(&self.fingerprint, CachedNetwork { about, tensors });
    }

    /// What an earlier run has left; what is damaged is made again.
    fn cached(&self, notes: &mut Vec<String>) -> Option<(Latent, String)> {
        let CachedNetwork { about, mut tensors } = known::network(&self.fingerprint, notes)?;
        let mut part = |name: &str| -> Vec<Tensor> {
            (0..).map_while(|index| tensors.remove(&format!("{name}.{index}"))).collect()
        };
        let mean: Vec<f32> = serde_json::from_str(about.get(MEAN)?).ok()?;
        let scale: f32 = about.get(SCALE)?.parse().ok()?;
        let fits = mean.len() == self.spec.dimensions && mean.iter().chain([&scale]).all(|value| value.is_finite());
        if !fits || scale <= 0.0 {
            return None;
        }
        let standard = Standard { mean, scale };
        let parameters = LatentParameters { autoencoder: part(AUTOENCODER), prior: part(PRIOR), standard };
        let sum = sum_of(&parameters).ok()?;
        Latent::new(&self.spec, &self.data, parameters, &self.device).ok().map(|latent| (latent, sum))
    }
}

fn sum_of(LatentParameters { autoencoder, prior, standard }: &LatentParameters) -> Result<String> {
    let Standard { mean, scale } = standard;
    let standard = Tensor::from_vec([mean.as_slice(), &[*scale]].concat(), mean.len() + 1, &Device::CPU)?;
    parameters::sum(autoencoder.iter().chain(prior).chain([&standard]))
}

const AUTOENCODER: &str = "autoencoder";
const PRIOR: &str = "prior";
const SCALE: &str = "scale";
const MEAN: &str = "mean";
