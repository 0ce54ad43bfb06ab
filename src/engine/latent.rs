//! The latent space of a run: an autoencoder and a prior that are trained on the real images, in slices beside everything else, and
//! kept for later runs.
//!
//! What decides them is their spec, the usable training images and the seed; by these they are found again in the cache.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};

use super::{known, pretraining::TrainingProgress};
use crate::{
    config::RunConfig,
    data::Dataset,
    error::Result,
    latent::{Latent, LatentParameters, LatentSpec, LatentTraining, Standard},
    store::{self, CachedNetwork},
};

/// The space on its way.
pub(super) struct LatentSpace {
    spec: LatentSpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Names everything that decides it.
    fingerprint: String,
    training: Option<LatentTraining>,
    /// Time that went into the part under way.
    worked: Duration,
    at_prior: bool,
    ready: Option<Arc<Latent>>,
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
            training: None,
            worked: Duration::ZERO,
            at_prior: false,
            ready: None,
        }
    }

    /// The space, once it is trained.
    pub(super) fn ready(&self) -> Option<&Arc<Latent>> {
        self.ready.as_ref()
    }

    /// Works on it for about `budget`, one batch at least.
    pub(super) fn advance(&mut self, budget: Duration) -> Result<TrainingProgress> {
        let clock = Instant::now();
        let mut training = match self.training.take() {
            Some(training) => training,
            None => match self.cached() {
                Some(known) => {
                    self.ready = Some(Arc::new(known));
                    return Ok(self.progress(1.0));
                }
                None => LatentTraining::new(&self.spec, &self.data, &self.device, self.seed)?,
            },
        };
        while training.advance()? {
            if clock.elapsed() >= budget {
                let (done, at_prior) = training.done();
                if self.at_prior != at_prior {
                    (self.at_prior, self.worked) = (at_prior, Duration::ZERO);
                }
                self.worked += clock.elapsed();
                self.training = Some(training);
                return Ok(self.progress(done));
            }
        }
        let parameters = training.parameters().expect("both parts are trained");
        self.keep(&parameters);
        self.ready = Some(Arc::new(Latent::new(&self.spec, &self.data, parameters, &self.device)?));
        Ok(self.progress(1.0))
    }

    fn progress(&self, done: f64) -> TrainingProgress {
        let worked = self.worked.as_secs_f64();
        TrainingProgress {
            what: if self.at_prior { "the prior" } else { "the autoencoder" }.to_owned(),
            done,
            secs_left: if done > 0.0 { worked / done * (1.0 - done) } else { f64::INFINITY },
        }
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
    fn cached(&self) -> Option<Latent> {
        let CachedNetwork { about, mut tensors } = store::cached_network(&self.fingerprint)?;
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
        Latent::new(&self.spec, &self.data, parameters, &self.device).ok()
    }
}

const AUTOENCODER: &str = "autoencoder";
const PRIOR: &str = "prior";
const SCALE: &str = "scale";
const MEAN: &str = "mean";
