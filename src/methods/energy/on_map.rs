//! How well points on an energy map stand for their classes: classifiers learn from them, and name the test images.

use super::{ClassSummary, Cloud, EnergyMap};
use crate::{
    data::Dataset,
    error::{Error, Result},
    evaluate::{Classifier, Labelled, select_at_random, select_medoids},
    math::Moments,
    methods::Method as _,
    random::{Purpose, stream},
    report::{Accuracy, AnalysisInfo, Form, OnMap, OnMapRow},
    slices::Slices,
};

/// Classifiers learn on the map from what it leaves.
pub(super) const ON_MAP: AnalysisInfo = AnalysisInfo {
    id: "on_map",
    title: "what the map leaves",
    file: "map.json",
    needs_probe: false,
    needs_other: false,
    at_end: true,
};

/// Points that are drawn from the Gaussian of a class, as released.
const UPSAMPLED: usize = 300;
/// Draws of random images, and of points of Gaussians.
const DRAWS: u64 = 5;
/// Ways to learn from, each a row.
const FORMS: usize = 6;
/// Bytes of a number on the map.
const NUMBER: u64 = 4;

/// Judges what an energy map leaves on the test images of the run's classes.
///
/// Rows are ways to learn from: the picks as points of the map; points of Gaussians that were rebuilt from the picks; points of
/// Gaussians with the moments of the samples; all samples; as many random images and as many medoids of k-means among
/// pixels. Classifiers are logistic regression and five nearest neighbours (`utils.py` of Ralph-Finn/PEM-DD), which learn and
/// test on the map. Where chance takes part, mean and deviation over five draws.
pub fn on_map(map: &EnergyMap, data: &Dataset, seed: u64, slices: &mut dyn Slices) -> Result<OnMap> {
    let untrained = || Error::Config("the network of the map is not trained yet".to_owned());
    let cloud = map.cloud().ok_or_else(untrained)?;
    let images = &map.state().images;
    let (classes, per_class) = (&images.classes, images.per_class);
    let of = |label: u32| classes.iter().position(|&class| class == label);
    let tested: Vec<u32> =
        (0..data.test().len() as u32).filter(|&index| of(data.test().labels()[index as usize]).is_some()).collect();
    let labels = tested.iter().filter_map(|&index| of(data.test().labels()[index as usize])).collect();
    let test = Labelled { values: map.map_images(data.gather(data.test(), &tested))?, labels };
    let mut judged = 0.0;
    let mut judge = |form: Form, sets: &[Labelled], stored: [u64; 2]| -> Result<OnMapRow> {
        let mut by = |classifier: Classifier| -> Result<Accuracy> {
            let mut values = Vec::new();
            for set in sets {
                values.push(classifier.accuracy(set, classes.len(), &test));
                judged += 1.0 / (2 * sets.len() * FORMS) as f64;
                slices.tick(judged)?;
            }
            Ok(Accuracy::of(&values, ""))
        };
        Ok(OnMapRow {
            form,
            points: sets[0].labels.len() / classes.len().max(1),
            logistic: by(Classifier::Logistic)?,
            neighbours: by(Classifier::Neighbours(5))?,
            image_bytes: stored[0],
            bytes: stored[1],
        })
    };
    let of_images = |chosen: Vec<u32>| -> Result<Labelled> {
        let labels = chosen.iter().filter_map(|&index| of(data.train().labels()[index as usize])).collect();
        Ok(Labelled { values: map.map_images(data.gather(data.train(), &chosen))?, labels })
    };
    let (count, n) = ((classes.len() * per_class) as u64, cloud.dimensions as u64);
    let picked_bytes = [count * data.shape().len() as u64, count * n * NUMBER];
    let moment_bytes = classes.len() as u64 * (n + n * (n + 1) / 2) * NUMBER;
    let summaries = map.summaries()?;
    let of_class = |(class, one): (usize, &ClassSummary)| one.rebuilt(cloud.of_class(class), per_class);
    let rebuilt: Vec<Moments> = summaries.iter().enumerate().map(of_class).collect();
    let moments: Vec<Moments> = summaries.iter().map(|one| one.moments.clone()).collect();
    let upsampled = |moments: &[Moments], what: u64| -> Result<Vec<Labelled>> {
        (0..DRAWS).map(|draw| gaussians(moments, seed, what * DRAWS + draw)).collect()
    };
    let random = |draw| of_images(select_at_random(data, classes, per_class, seed, draw));
    let random = (0..DRAWS).map(random).collect::<Result<Vec<_>>>()?;
    let medoids = of_images(select_medoids(data, classes, per_class, seed))?;
    let rows = vec![
        judge(Form::Picks, &[of_images(map.picked(&summaries))?], picked_bytes)?,
        judge(Form::Rebuilt, &upsampled(&rebuilt, 0)?, picked_bytes)?,
        judge(Form::Moments, &upsampled(&moments, 1)?, [0, moment_bytes])?,
        judge(
            Form::Samples,
            &[labelled(&cloud)],
            [cloud.len() as u64 * data.shape().len() as u64, cloud.len() as u64 * n * NUMBER],
        )?,
        judge(Form::Random, &random, picked_bytes)?,
        judge(Form::Medoids, &[medoids], picked_bytes)?,
    ];
    let errors = summaries.iter().zip(&rebuilt).map(|(one, rebuilt)| one.moments.errors(rebuilt)).collect::<Vec<_>>();
    let mean = |at: usize| errors.iter().map(|error| error[at]).sum::<f64>() / errors.len().max(1) as f64;
    Ok(OnMap {
        step: map.state().step,
        dimensions: cloud.dimensions,
        features: map.features_name(),
        map_bytes: map.map_bytes(),
        feature_bytes: count * map.feature_bytes(),
        index_bytes: count * NUMBER,
        spread: [map.first_spread(), cloud.spread()],
        rebuilt_errors: [mean(0), mean(1)],
        rows,
    })
}

/// The points of a map with their classes.
pub(super) fn labelled(cloud: &Cloud) -> Labelled {
    Labelled { values: cloud.values.clone(), labels: (0..cloud.len()).map(|point| cloud.class_of(point)).collect() }
}

/// Points of the Gaussian of every class.
pub(super) fn gaussians(moments: &[Moments], seed: u64, draw: u64) -> Result<Labelled> {
    let mut all = Labelled::default();
    for (class, moments) in moments.iter().enumerate() {
        let mut rng = stream(seed, Purpose::Upsampling, draw, class as u64);
        all.values.extend(moments.draw(UPSAMPLED, &mut rng)?);
        all.labels.extend(std::iter::repeat_n(class, UPSAMPLED));
    }
    Ok(all)
}
