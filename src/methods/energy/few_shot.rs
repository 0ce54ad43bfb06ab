//! Few-shot learning: classes that no network has seen, known by a few images each.
//!
//! One episode, as the released code of PEMDD does it (`few_shot_batch.py` of Ralph-Finn/PEM-DD): some new classes, some shots
//! of each; the shots are made many by the Gaussian of their class, a map is learned from those by potential energy, and
//! logistic regression on the map names the queries. Beside it, on the same features: nearest mean, and logistic regression
//! on the shots.
//!
//! Departures: the released code takes features of published networks; here a network is trained on the base classes, which
//! the episodes never draw from. A Gaussian of five points has no density: its points are drawn as the mean plus random
//! sums of the shots' distances from it, which has exactly their covariance (divisor `k - 1`); one shot has none.

use std::sync::Arc;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Dropout, Law, LinearMap, weighted};
use crate::{
    data::Dataset,
    error::{Error, Result},
    evaluate::{Classifier, Expert, Labelled},
    nn::Device,
    nn::NetworkSpec,
    random::{Purpose, choose, stream},
};

/// How episodes are made.
#[derive(Clone, Debug)]
pub struct FewShot {
    /// Classes of an episode.
    pub ways: usize,
    /// Known images of each.
    pub shots: usize,
    /// Images of each that are to be named.
    pub queries: usize,
    /// Number of episodes.
    pub episodes: usize,
    /// Points that the shots of a class are made into.
    pub upsampled: usize,
    /// Steps of the map.
    pub steps: u64,
    /// Dimensions of the map.
    pub dimensions: usize,
    /// Features are raised to this power first, against their skewness (Tukey): 1 leaves them.
    pub power: f64,
}

impl Default for FewShot {
    /// As released: `g1` 0.5 with ten dimensions, 200 points and 501 steps.
    fn default() -> Self {
        Self { ways: 5, shots: 5, queries: 50, episodes: 20, upsampled: 200, steps: 501, dimensions: 10, power: 1.0 }
    }
}

/// Energy of a pair: `b0` and `g1` as released for few shots.
const LAW: Law = Law { offset: 0.3, ratio: 0.5 };
/// Weights of the energies and of the size of the map, as released.
const WEIGHTS: [f64; 3] = [1.0, 1.0, 5e-4];
const RATE: f64 = 0.1;
const DROPOUT: f64 = 0.2;

/// Share of the queries that were named rightly, one number for each episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episodes {
    /// Potential energy, then logistic regression.
    pub energy: Vec<f64>,
    /// Logistic regression on the shots.
    pub logistic: Vec<f64>,
    /// Nearest mean of the shots.
    pub nearest_mean: Vec<f64>,
}

/// Features of the images of classes that no network has seen.
pub struct NewClasses {
    features: Vec<Vec<f32>>,
    dimensions: usize,
}

impl NewClasses {
    /// Trains a network on the base classes, and looks at all others through it.
    pub fn new(
        data: &Arc<Dataset>,
        base: &[u32],
        network: &NetworkSpec,
        device: &Device,
        (power, seed): (f64, u64),
    ) -> Result<Self> {
        let mut expert = Expert::new(data, base, network, device, seed)?;
        while expert.advance()? {}
        let others = (0..data.classes() as u32).filter(|class| !base.contains(class));
        let mut features = others.map(|class| expert.features(data.usable(class))).collect::<Result<Vec<_>>>()?;
        raise(&mut features, power)?;
        // Scaled as released: shifted to 0, over what was the largest before the shift.
        let all = || features.iter().flatten().copied();
        let (least, most) = (all().fold(f32::INFINITY, f32::min), all().fold(f32::MIN_POSITIVE, f32::max));
        features.iter_mut().flatten().for_each(|value| *value = (*value - least) / most);
        Ok(Self { features, dimensions: expert.network().embedding_len() })
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// True if there is no class.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Says why there cannot be such episodes, if there cannot.
    pub fn check(&self, how: &FewShot) -> Result<()> {
        let least = self.features.iter().map(|rows| rows.len() / self.dimensions).min().unwrap_or(0);
        let fault = |text: String| Err(Error::Config(text));
        match () {
            () if how.ways < 2 || how.shots == 0 || how.queries == 0 || how.episodes == 0 => {
                fault("an episode needs two ways, one shot and one query at least".to_owned())
            }
            () if how.ways > self.len() => fault(format!(
                "there are {} new classes, fewer than {} ways. Name fewer with --base",
                self.len(),
                how.ways
            )),
            () if how.shots + how.queries > least => fault(format!(
                "the smallest new class has {least} images, fewer than {} shots and {} queries",
                how.shots, how.queries
            )),
            () => Ok(()),
        }
    }

    /// One episode: what the three ways reach.
    pub fn episode(&self, how: &FewShot, seed: u64, number: u64, episodes: &mut Episodes) {
        let mut rng = stream(seed, Purpose::Episode, number, 0);
        let (mut shots, mut queries) = (Labelled::default(), Labelled::default());
        for (way, class) in choose(self.len(), how.ways, &mut rng).into_iter().enumerate() {
            let rows: Vec<&[f32]> = self.features[class].chunks_exact(self.dimensions).collect();
            let chosen = choose(rows.len(), how.shots + how.queries, &mut rng);
            for (at, row) in chosen.into_iter().enumerate() {
                let side = if at < how.shots { &mut shots } else { &mut queries };
                side.values.extend(rows[row]);
                side.labels.push(way);
            }
        }
        episodes.nearest_mean.push(Classifier::NearestMean.accuracy(&shots, how.ways, &queries));
        episodes.logistic.push(Classifier::Logistic.accuracy(&shots, how.ways, &queries));
        let many = upsampled(&shots, how, self.dimensions, &mut rng);
        let map = self.learned(&many, how, seed, number, &mut rng);
        let on_map = |set: &Labelled| Labelled { values: map.apply(&set.values), labels: set.labels.clone() };
        episodes.energy.push(Classifier::Logistic.accuracy(&on_map(&many), how.ways, &on_map(&queries)));
    }

    fn learned(&self, many: &Labelled, how: &FewShot, seed: u64, number: u64, rng: &mut ChaCha8Rng) -> LinearMap {
        let starts: Vec<usize> = (0..=how.ways).map(|way| way * how.upsampled).collect();
        let mut map = LinearMap::new(how.dimensions, self.dimensions, rng);
        for step in 0..how.steps {
            let dropout = Dropout { share: DROPOUT, seed, step: (number << 32) | step };
            let (_, gradients) = map.look(&many.values, &starts, LAW, dropout);
            map = map.moved(&weighted(&gradients, &WEIGHTS), RATE);
        }
        map
    }
}

/// `f <- f^power`, which needs features that are not negative.
fn raise(features: &mut [Vec<f32>], power: f64) -> Result<()> {
    if !(power.is_finite() && power > 0.0) {
        return Err(Error::Config(format!("--power must be more than 0, not {power}")));
    }
    if power != 1.0 {
        if features.iter().flatten().any(|value| *value < 0.0) {
            let text =
                "--power needs features that are not negative, and these are. Leave it out, or use a network with ReLU";
            return Err(Error::Config(text.to_owned()));
        }
        features.iter_mut().flatten().for_each(|value| *value = value.powf(power as f32));
    }
    Ok(())
}

/// `mean + (1 / sqrt(k - 1)) sum_i e_i (x_i - mean)` with Gaussian `e`: points with the mean and the covariance of `k` shots, class
/// after class. One shot has no covariance: all its points are the shot.
fn upsampled(shots: &Labelled, how: &FewShot, dimensions: usize, rng: &mut ChaCha8Rng) -> Labelled {
    let mut many = Labelled::default();
    for (way, rows) in shots.values.chunks_exact(how.shots * dimensions).enumerate() {
        many.values.extend(drawn_like(rows, dimensions, how.upsampled, 0.0, rng));
        many.labels.extend(std::iter::repeat_n(way, how.upsampled));
    }
    many
}

/// `count` points with the mean of some rows and their covariance (divisor `k - 1`), to every entry of which `common` is added.
pub(super) fn drawn_like(rows: &[f32], dimensions: usize, count: usize, common: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let rows: Vec<&[f32]> = rows.chunks_exact(dimensions).collect();
    let mean: Vec<f32> =
        (0..dimensions).map(|at| rows.iter().map(|row| row[at]).sum::<f32>() / rows.len() as f32).collect();
    let scale = 1.0 / (rows.len().saturating_sub(1).max(1) as f32).sqrt();
    let mut points = Vec::with_capacity(count * dimensions);
    for _ in 0..count {
        let normal: Vec<f32> = StandardNormal.sample_iter(&mut *rng).take(rows.len()).collect();
        let shared: f32 = if common > 0.0 { common.sqrt() * rng.sample::<f32, _>(StandardNormal) } else { 0.0 };
        let away = |at: usize| -> f32 { rows.iter().zip(&normal).map(|(row, e)| e * (row[at] - mean[at])).sum() };
        points.extend((0..dimensions).map(|at| mean[at] + scale * away(at) + shared));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_have_the_moments_of_the_shots() {
        let shots = Labelled {
            values: vec![1.0, 0.0, 3.0, 1.0, 2.0, 5.0, -1.0, 2.0, 0.0, 0.0, 4.0, 4.0],
            labels: vec![0, 0, 0, 1, 1, 1],
        };
        let how = FewShot { shots: 3, upsampled: 40_000, ..FewShot::default() };
        let many = upsampled(&shots, &how, 2, &mut stream(1, Purpose::Episode, 0, 0));
        for way in 0..2 {
            let moments = |values: &[f32]| crate::math::Moments::of(values, 2);
            let own = moments(&shots.values[way * 6..way * 6 + 6]);
            let drawn = moments(&many.values[way * 80_000..(way + 1) * 80_000]);
            // Moments divide by their number: of three shots by 3 instead of 2.
            let mut unbiased = own.clone();
            unbiased.covariance.iter_mut().for_each(|value| *value *= 1.5);
            let [mean, covariance] = unbiased.errors(&drawn);
            assert!(mean < 0.05 && covariance < 0.05, "{mean} {covariance}");
            assert!(own.errors(&drawn)[1] > 0.3, "the divisor k - 1 is not k");
        }
    }

    #[test]
    fn what_is_added_to_every_entry_is_in_the_covariance() {
        let rows = [1.0, 0.0, 3.0, 1.0, 2.0, 5.0];
        let own = crate::math::Moments::of(&rows, 2);
        let points = drawn_like(&rows, 2, 40_000, 1.0, &mut stream(2, Purpose::Episode, 0, 0));
        let drawn = crate::math::Moments::of(&points, 2);
        for (found, own) in drawn.covariance.iter().zip(&own.covariance) {
            assert!((found - (1.5 * own + 1.0)).abs() < 0.15, "{found} for {own} with the divisor 2, and 1 more");
        }
    }

    #[test]
    fn one_shot_is_its_own_points_and_powers_need_positive_features() {
        let shots = Labelled { values: vec![1.5, -2.0], labels: vec![0] };
        let how = FewShot { shots: 1, upsampled: 3, ..FewShot::default() };
        let many = upsampled(&shots, &how, 2, &mut stream(1, Purpose::Episode, 0, 0));
        assert_eq!(many.values, [1.5, -2.0].repeat(3));
        let mut features = vec![vec![4.0, 9.0], vec![0.0]];
        raise(&mut features, 0.5).unwrap();
        assert_eq!(features, [vec![2.0, 3.0], vec![0.0]]);
        assert!(raise(&mut [vec![-1.0]], 0.5).unwrap_err().to_string().contains("not negative"));
        assert!(raise(&mut features, 0.0).is_err() && raise(&mut [vec![-1.0]], 1.0).is_ok());
    }

    #[test]
    fn classes_that_lie_apart_are_named_and_others_are_not() {
        let noise = |at: usize| ((at * 7919 + 31) % 997) as f32 / 498.5 - 1.0;
        let class = |class: usize, apart: f32| -> Vec<f32> {
            (0..60 * 6)
                .map(|at| 1.5 + 0.3 * noise(class * 1000 + at) + if at % 6 == class { apart } else { 0.0 })
                .collect()
        };
        let how = FewShot { ways: 3, upsampled: 30, queries: 20, steps: 120, dimensions: 3, ..FewShot::default() };
        let run = |apart: f32| {
            let classes = NewClasses { features: (0..4).map(|number| class(number, apart)).collect(), dimensions: 6 };
            classes.check(&how).unwrap();
            let mut episodes = Episodes::default();
            (0..3).for_each(|number| classes.episode(&how, 5, number, &mut episodes));
            episodes
        };
        let (apart, same) = (run(1.5), run(0.0));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        for (good, bad) in [
            (&apart.energy, &same.energy),
            (&apart.logistic, &same.logistic),
            (&apart.nearest_mean, &same.nearest_mean),
        ] {
            assert!(mean(good) > 0.95, "{good:?}");
            assert!(mean(bad) < 0.6, "{bad:?}");
        }
        assert_eq!(run(1.5), apart, "equal seeds give equal episodes");
    }
}
