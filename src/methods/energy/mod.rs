//! Potential energy minimisation (PEMDD, ACCVW 2022): a linear map of frozen features is moved so that every class becomes a
//! compact ball far from the others; sigma points of the balls say which real images stand for a class.
//!
//! One step, as the released code does it (Ralph-Finn/PEM-DD, `utils.py`): drop some features of all samples, map them, take
//! the mean potential energy of all pairs, one step of Adam on the map. The picks follow from the map as it stands: per class
//! the moments of its samples, their sigma points, and the real sample nearest to each.
//!
//! Departures: samples are as many of each class as the config says (all pairs of all images are too many), drawn from the
//! run's own stream; the Unscented Transform is a true one ([`Transform::Exact`](crate::math::Transform::Exact)), the released one is there for
//! comparison; the energy has two weights, one for pairs of a class and one for pairs of two, both 1 as published; the map has
//! no bias, which no distance feels.

mod analyses;
mod controls;
mod features;
mod few_shot;
mod fusion;
mod map;
mod on_map;
pub mod pages;
mod pairs;
mod picks;
mod plane;
mod spec;

use std::sync::Arc;

use controls::{DIMENSIONS, DROPOUT, OFFSET, RATIO, TERMS};
pub use features::Source;
pub use few_shot::{Episodes, FewShot, NewClasses};
pub use fusion::fuse;
pub use map::{Dropout, LinearMap, weighted};
pub use on_map::on_map;
pub use pairs::{Cloud, Law, Pull, energy, pull};
pub use picks::{Assignment, Pick, assign};
pub use plane::Axes;
pub use spec::EnergySpec;

use super::{Analysis, Method, Pretrained, Scope, Setup};
use crate::{
    data::Dataset,
    distilled::{Array, Blobs, Saved, State, Values, norm},
    error::{Error, Result},
    math::{Moments, SigmaPoints},
    nn::Device,
    random::{Purpose, choose, stream},
    report::{
        AnalysisInfo, Artifact, Control, StepReport, TermValue,
        page::{Page, PageInfo},
    },
};
use features::FeatureTransform;
use pages::Shown;

/// Names in a checkpoint: steps of Adam; the map, and the moments of its gradient.
const STEPS: &str = "map.steps";
const PARTS: [&str; 3] = ["map.weights", "map.first_moment", "map.second_moment"];

/// A map that is learned by minimising the potential energy of pairs.
#[derive(Clone)]
pub struct EnergyMap {
    spec: EnergySpec,
    data: Arc<Dataset>,
    device: Device,
    seed: u64,
    /// Training images that the map is learned from, class after class, and where each class begins.
    samples: Vec<u32>,
    starts: Vec<usize>,
    /// The network whose features are mapped, once it is there; none where pixels are.
    network: Option<Arc<Pretrained>>,
    feature_transform: Option<FeatureTransform>,
    /// Features of the samples `(n, d)`; empty until the network is there.
    features: Vec<f32>,
    /// The map.
    map: LinearMap,
    state: State,
    /// The plane of the newest page.
    axes: Option<Axes>,
}

/// The class moments, sigma points, picks and rebuilt moments of one class.
#[derive(Clone, Debug)]
pub struct ClassSummary {
    /// Moments of the samples.
    pub moments: Moments,
    /// Their sigma points.
    pub sigma: SigmaPoints,
    /// One sample for each, nearest first; samples are positions within the class.
    pub picks: Vec<Pick>,
}

impl ClassSummary {
    /// The moments of the first picks, each with the weight of its sigma point; weights are shared out among those that are
    /// there. `points` are those of the class, in a row.
    pub fn rebuilt(&self, points: &[f32], per_class: usize) -> Moments {
        let dimensions = self.moments.dimensions();
        let picks = &self.picks[..per_class.min(self.picks.len())];
        let point =
            |sample: usize| points[sample * dimensions..(sample + 1) * dimensions].iter().copied().map(f64::from);
        let rows: Vec<Vec<f64>> = picks.iter().map(|pick| point(pick.sample).collect()).collect();
        let weights: Vec<f64> = picks.iter().map(|pick| self.sigma.weights[pick.point]).collect();
        let sum: f64 = weights.iter().sum();
        // Weights of the textbook's sigma points may be negative, and add up to nothing; then all count alike.
        let weights: Vec<f64> = match weights.iter().all(|weight| *weight >= 0.0) && sum > 1e-9 {
            true => weights.iter().map(|weight| weight / sum).collect(),
            false => vec![1.0 / rows.len().max(1) as f64; rows.len()],
        };
        Moments::weighted(&rows, &weights)
    }
}

impl EnergyMap {
    /// A map before its first step, with the images that it would pick if it were no map at all: random ones.
    pub fn new(spec: EnergySpec, setup: Setup) -> Result<Self> {
        let Setup { data, device, seed, images, learning_rate } = setup;
        let mut samples = Vec::new();
        let mut starts = vec![0];
        for &class in &images.classes {
            let usable = data.usable(class);
            let mut rng = stream(seed, Purpose::EnergySamples, 0, u64::from(class));
            samples.extend(choose(usable.len(), spec.samples, &mut rng).into_iter().map(|at| usable[at]));
            starts.push(samples.len());
        }
        let values = Values::new(learning_rate, controls::TABLE.iter().map(|row| (row.id, (row.default)(&spec))));
        let velocity = vec![0.0; images.values.len()];
        let state = State { step: 0, images, velocity, values };
        let mut map = Self {
            data,
            device,
            seed,
            samples,
            starts,
            network: None,
            feature_transform: None,
            features: Vec::new(),
            map: LinearMap::default(),
            state,
            axes: None,
            spec,
        };
        if map.spec.features != Source::Network {
            map.take_features()?;
        }
        Ok(map)
    }

    /// Features of the samples, and a map of the right size where there is none yet.
    fn take_features(&mut self) -> Result<()> {
        let network = self.network.as_ref().map(|pretrained| pretrained.network.as_ref());
        let values = self.data.gather(self.data.train(), &self.samples);
        let raw = features::raw(values, &self.data, network, &self.device)?;
        let dimensions = raw.len() / self.samples.len();
        let components = (self.spec.features == Source::Components).then_some(self.spec.components);
        let (feature_transform, features) = FeatureTransform::fit(raw, dimensions, components, self.spec.power)?;
        (self.feature_transform, self.features) = (Some(feature_transform), features);
        if self.map.weights().len() != self.dimensions() * self.feature_len() {
            self.begin_map();
        }
        if self.state.step == 0 {
            self.state.images.values = self.picked_images()?;
        }
        Ok(())
    }

    fn begin_map(&mut self) {
        self.map = self.fresh_map(self.state.step, self.dimensions());
    }

    /// The map that begins at a step.
    fn fresh_map(&self, step: u64, dimensions: usize) -> LinearMap {
        let mut rng = stream(self.seed, Purpose::EnergyMap, step, dimensions as u64);
        LinearMap::new(dimensions, self.feature_len(), &mut rng)
    }

    /// How far classes lay apart beside how wide they were before the first step.
    pub fn first_spread(&self) -> f64 {
        let dimensions = self.spec.dimensions;
        let values = self.fresh_map(0, dimensions).apply(&self.features);
        Cloud { values, dimensions, starts: self.starts.clone() }.spread()
    }

    /// Bytes of the map.
    pub fn map_bytes(&self) -> u64 {
        4 * self.map.weights().len() as u64
    }

    /// Bytes of the features of one image.
    pub fn feature_bytes(&self) -> u64 {
        4 * self.feature_len() as u64
    }

    fn feature_len(&self) -> usize {
        self.features.len() / self.samples.len().max(1)
    }

    /// Dimensions of the map.
    pub fn dimensions(&self) -> usize {
        self.state.values.get(DIMENSIONS).round() as usize
    }

    /// How the energy of a pair is made at this moment.
    pub fn law(&self) -> Law {
        Law { offset: self.state.values.get(OFFSET), ratio: self.state.values.get(RATIO) }
    }

    /// How it is configured.
    pub fn spec(&self) -> &EnergySpec {
        &self.spec
    }

    /// What the features are, in words.
    pub fn features_name(&self) -> String {
        match (self.spec.features, &self.network) {
            (Source::Network, Some(network)) => network.name.clone(),
            (Source::Network, None) => "a network that is being trained".to_owned(),
            (Source::Pixels, _) => "pixels".to_owned(),
            (Source::Components, _) => format!("{} principal components of the pixels", self.spec.components),
        }
    }

    /// The samples on the map; none before the features are there.
    pub fn cloud(&self) -> Option<Cloud> {
        (!self.features.is_empty()).then(|| self.mapped(&self.features, self.starts.clone()))
    }

    /// Training images of the samples, in the order of the cloud.
    pub fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// Normalised images `(n, channels, height, width)` on the map, `(n, dimensions)` in a row.
    pub fn map_images(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        let Some(feature_transform) = &self.feature_transform else {
            return Err(Error::Config("the network whose features are mapped is not trained yet".to_owned()));
        };
        let network = self.network.as_ref().map(|pretrained| pretrained.network.as_ref());
        let features = feature_transform.apply(features::raw(values, &self.data, network, &self.device)?)?;
        Ok(self.mapped(&features, vec![0, 0]).values)
    }

    /// `z = W x`
    fn mapped(&self, features: &[f32], starts: Vec<usize>) -> Cloud {
        Cloud { values: self.map.apply(features), dimensions: self.dimensions(), starts }
    }

    /// Values and gradients on the map of the three terms, unweighted, for a step.
    fn look(&self, step: u64) -> ([f64; 3], [Vec<f32>; 3]) {
        let dropout = Dropout { share: self.state.values.get(DROPOUT), seed: self.seed, step };
        self.map.look(&self.features, &self.starts, self.law(), dropout)
    }

    /// Moments, sigma points and picks of each class on the map as it stands.
    pub fn summaries(&self) -> Result<Vec<ClassSummary>> {
        let Some(cloud) = self.cloud() else { return Ok(Vec::new()) };
        let EnergySpec { transform, alpha, kappa, picks, .. } = self.spec;
        let of_class = |class: usize| {
            let points = cloud.of_class(class);
            let moments = Moments::of(points, cloud.dimensions);
            let sigma = moments.sigma_points(transform, alpha, kappa)?;
            let near = |point: &Vec<f64>| {
                points
                    .chunks_exact(cloud.dimensions)
                    .map(|sample| SigmaPoints::nearness(transform, point, sample))
                    .collect()
            };
            let distances: Vec<Vec<f64>> = sigma.points.iter().map(near).collect();
            Ok(ClassSummary { picks: assign(&distances, picks), moments, sigma })
        };
        (0..self.starts.len() - 1).map(of_class).collect()
    }

    /// The training images that are picked, class after class, the first picks of each.
    pub fn picked(&self, summaries: &[ClassSummary]) -> Vec<u32> {
        let per_class = self.state.images.per_class;
        let of_class = |(class, summary): (usize, &ClassSummary)| {
            let start = self.starts[class];
            summary.picks.iter().take(per_class).map(move |pick| start + pick.sample).collect::<Vec<_>>()
        };
        summaries.iter().enumerate().flat_map(of_class).map(|sample| self.samples[sample]).collect()
    }

    fn picked_images(&self) -> Result<Vec<f32>> {
        Ok(self.data.gather(self.data.train(), &self.picked(&self.summaries()?)))
    }
}

impl Method for EnergyMap {
    fn state(&self) -> &State {
        &self.state
    }

    fn scope(&self) -> Scope {
        Scope::Set
    }

    fn keep(&self) -> Result<Blobs> {
        let dims = [self.dimensions(), self.map.weights().len() / self.dimensions().max(1)];
        let arrays = PARTS.into_iter().zip(&self.map.parts);
        Ok(Blobs {
            counters: [(STEPS.to_owned(), self.map.steps)].into(),
            arrays: arrays.map(|(name, part)| (name.to_owned(), Array::new(&dims, part.clone()))).collect(),
        })
    }

    fn restore(&mut self, Saved { mut state, blobs }: Saved) -> Result<()> {
        let mut values = self.state.values.clone();
        let fits = state.images.classes == self.state.images.classes
            && state.images.values.len() == self.state.images.values.len()
            && values.take_over(&state.values);
        let arrays = PARTS.into_iter().map(|name| blobs.array(name)).collect::<Result<Vec<_>>>()?;
        let dims = arrays[0].dims.as_slice();
        if !fits || dims.len() != 2 || arrays.iter().any(|array| array.dims != dims) {
            return Err(Error::Data("the checkpoint belongs to a run with another map".to_owned()));
        }
        let mut map = LinearMap { columns: dims[1], steps: blobs.counter(STEPS)?, ..LinearMap::default() };
        for (part, array) in map.parts.iter_mut().zip(arrays) {
            part.clone_from(&array.values);
        }
        state.values = values;
        (self.map, self.state) = (map, state);
        Ok(())
    }

    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        if self.lacks_pool() {
            return Err(Error::Config("the network whose features are mapped is not trained yet".to_owned()));
        }
        let step = self.state.step + 1;
        let (values, gradients) = self.look(step);
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let gradient = weighted(&gradients, &TERMS.map(|term| self.state.values.get(term)));
        let terms: Vec<TermValue> =
            TERMS.into_iter().zip(values).map(|(term, raw)| self.state.values.valued(term, raw)).collect();
        let report = StepReport {
            step,
            total: terms.iter().map(|term| term.weight * term.raw).sum(),
            learning_rate: self.state.values.learning_rate(),
            gradient_norm: norm(&gradient),
            network: None,
            network_accuracy: None,
            cells: Vec::new(),
            terms,
        };
        let moved = self.map.moved(&gradient, self.state.values.learning_rate());
        let is_finite = report.total.is_finite() && moved.weights().iter().all(|weight| weight.is_finite());
        let before = std::mem::replace(&mut self.map, moved);
        let images = if is_finite { self.picked_images() } else { Ok(Vec::new()) };
        match images {
            Ok(images) if is_finite => self.state.images.values = images,
            other => {
                self.map = before;
                other?;
                let culprit = format!("the map at the learning rate {}", self.state.values.learning_rate());
                return Err(Error::NotFinite { step, last_good: step - 1, culprit });
            }
        }
        self.state.step = step;
        Ok(report)
    }

    fn controls(&self) -> Vec<Control> {
        controls::controls(&self.spec, &self.state.values)
    }

    fn set(&mut self, control: &str, value: f64) -> Result<f64> {
        let fault = |text: &str| Err(Error::Config(text.to_owned()));
        match control {
            DROPOUT if value >= 1.0 => return fault("dropout is below 1"),
            OFFSET if value <= 0.0 => return fault("offset is more than 0"),
            DIMENSIONS => {
                let smallest = self.starts.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(0);
                let per_class = self.state.images.per_class;
                if 2.0 * value + 1.0 < per_class as f64 || value < 2.0 || 2.0 * value + 1.0 > smallest as f64 {
                    let text = format!(
                        "the map has as many dimensions as give {per_class} to {smallest} sigma points, two for each and one"
                    );
                    return Err(Error::Config(text));
                }
            }
            _ => {}
        }
        let value = if control == DIMENSIONS { value.round() } else { value };
        let old = self.state.values.set(control, value)?;
        if control == DIMENSIONS && old != value {
            self.begin_map();
        }
        Ok(old)
    }

    fn values_mut(&mut self) -> &mut Values {
        &mut self.state.values
    }

    fn pulls(&mut self) -> Result<Vec<f64>> {
        let (_, gradients) = self.look(self.state.step + 1);
        let terms = TERMS.into_iter().zip(&gradients);
        let norms: Vec<f64> = terms.map(|(term, gradient)| self.state.values.get(term) * norm(gradient)).collect();
        let sum: f64 = norms.iter().sum();
        Ok(norms.into_iter().map(|norm| if sum > 0.0 { norm / sum } else { 0.0 }).collect())
    }

    fn apart(&self) -> Option<Box<dyn Method>> {
        Some(Box::new(self.clone()))
    }

    fn set_pool(&mut self, pool: Vec<Arc<Pretrained>>) -> Result<()> {
        if self.spec.features == Source::Network && self.network.is_none() {
            self.network = pool.into_iter().next();
            self.take_features()?;
        }
        Ok(())
    }

    fn lacks_pool(&self) -> bool {
        self.spec.features == Source::Network && self.network.is_none()
    }

    fn analyses(&self) -> Vec<AnalysisInfo> {
        vec![on_map::ON_MAP, fusion::FUSION]
    }

    fn analyse(&self, id: &str) -> Option<Analysis> {
        analyses::begin(self, id)
    }

    fn recall(&self, id: &str, json: serde_json::Value) -> Option<Artifact> {
        analyses::recall(id, json)
    }

    fn pages(&self) -> Vec<PageInfo> {
        pages::infos()
    }

    fn page(&mut self, id: &str, class: usize) -> Result<Option<Page>> {
        let Some(cloud) = self.cloud() else { return Ok(None) };
        let (summaries, names) = (self.summaries()?, self.data.class_names(&self.state.images.classes));
        let per_class = self.state.images.per_class;
        let shown = Shown { cloud: &cloud, law: self.law(), summaries: &summaries, per_class, names: &names };
        Ok(pages::page(&shown, id, class, &mut self.axes))
    }
}
