//! Fusion: what an energy map has left of a data set, joined with new data by a light second map (PEMDD, "light
//! finetuning" of Ralph-Finn/PEM-DD).
//!
//! Of the old data only the picks are needed, as points of the map: Gaussians are rebuilt from them and drawn from, 300 points a
//! class. The new data's features go through the same network and the same first map. Both together teach a second map of as
//! many dimensions, by the same energy, in seconds; network and first map stay as they are. A class of the new data that has
//! the name of an old one is merged into it.
//!
//! Beside this, the released way: of the old data 4 % of the samples are kept, and 300 points of each class are drawn from their
//! Gaussian, to every entry of whose covariance 1 is added. And two *distilled* sets joined: of the new data only the images are known
//! that a run has left; their points are made 300 a class like the shots of [`FewShot`](super::FewShot).
//!
//! Departures: the second map learns without dropout, since its inputs are ten numbers; new classes have as many samples as
//! the first map had.

use std::collections::BTreeSet;

use super::{
    ClassSummary, Dropout, EnergyMap, LinearMap,
    few_shot::drawn_like,
    on_map::{gaussians, labelled},
    weighted,
};
use crate::{
    data::Dataset,
    error::{Error, Result},
    evaluate::{Classifier, Labelled},
    math::Moments,
    methods::Method as _,
    random::{Purpose, choose, stream},
    report::{AnalysisInfo, Fused, FusedRow},
    slices::Slices,
};

/// What the map leaves is joined with other data by a second map.
pub(super) const FUSION: AnalysisInfo = AnalysisInfo {
    id: "fusion",
    title: "fusion with other data",
    file: "fusion.json",
    needs_probe: false,
    needs_other: true,
    at_end: false,
};

/// Steps of the second map, and its rate, as released.
const STEPS: u64 = 501;
const RATE: f64 = 0.1;
const DECAY: f64 = 5e-4;
/// Bytes of a number on the map.
const NUMBER: u64 = 4;

/// Share of the samples that the released way keeps, and what it adds to every entry of their covariance.
const RELEASED_SHARE: f64 = 0.04;
const RELEASED_BIAS: f32 = 1.0;
/// Points of a class that Gaussians are made into, as released.
const UPSAMPLED: usize = 300;

/// Joins what a map has left of `old` with `new` data; returns what that reaches, and the second map `(d, d)` row by row. `distilled`
/// are images that a run has left of the new data, whole ones, normalised as it normalises, with their labels there.
pub fn fuse(
    map: &EnergyMap,
    (old, new): (&Dataset, &Dataset),
    distilled: Option<(Vec<f32>, Vec<u32>)>,
    seed: u64,
    slices: &mut dyn Slices,
) -> Result<(Fused, Vec<f32>)> {
    if old.shape() != new.shape() {
        return Err(Error::Data(format!(
            "images of {} are {:?}, those of {} {:?} (channels, height, width): only equal sizes are fused",
            old.name(),
            old.shape().dims(),
            new.name(),
            new.shape().dims()
        )));
    }
    let Some(cloud) = map.cloud() else {
        return Err(Error::Config("the network of the map is not trained yet".to_owned()));
    };
    let images = &map.state().images;
    let mut names: Vec<String> = images.classes.iter().map(|&class| old.class_name(class).to_owned()).collect();
    let old_classes = names.len();
    let mut place_of = Vec::new();
    for class in 0..new.classes() as u32 {
        let name = new.class_name(class);
        let place = names.iter().position(|known| known == name).unwrap_or(names.len());
        if place == names.len() {
            names.push(name.to_owned());
        }
        place_of.push(place);
    }
    let place_of_old = |label: u32| images.classes.iter().position(|&class| class == label);
    // What is moved: the picks as points.
    let summaries = map.summaries()?;
    let of_class = |(class, one): (usize, &ClassSummary)| one.rebuilt(cloud.of_class(class), images.per_class);
    let rebuilt: Vec<Moments> = summaries.iter().enumerate().map(of_class).collect();
    let kept = gaussians(&rebuilt, seed, u64::MAX)?;
    let real = labelled(&cloud);
    let mut fresh = Labelled::default();
    for class in 0..new.classes() as u32 {
        let usable = new.usable(class);
        let mut rng = stream(seed, Purpose::EnergySamples, 1, u64::from(class));
        let chosen: Vec<u32> =
            choose(usable.len(), map.spec().samples, &mut rng).into_iter().map(|at| usable[at]).collect();
        fresh.values.extend(map.map_images(renormalised(new.gather(new.train(), &chosen), new, old))?);
        fresh.labels.extend(chosen.iter().map(|_| place_of[class as usize]));
    }
    let tests = [tested(map, old, old, place_of_old)?, tested(map, new, old, |label| Some(place_of[label as usize]))?];
    let (joined, all_real) = (together(&kept, &fresh), together(&real, &fresh));
    let second = second_map(&joined, (names.len(), cloud.dimensions), seed, map, slices)?;
    let through = |set: &Labelled| Labelled { values: second.apply(&set.values), labels: set.labels.clone() };
    let row = |what: &str, train: &Labelled, [old_test, new_test]: [&Labelled; 2]| FusedRow {
        what: what.to_owned(),
        old: Classifier::Logistic.accuracy(train, names.len(), old_test),
        new: Classifier::Logistic.accuracy(train, names.len(), new_test),
    };
    let mapped = [through(&tests[0]), through(&tests[1])];
    let mut rows = vec![
        row("before: the old picks alone", &kept, [&tests[0], &tests[1]]),
        row("joined on the first map", &joined, [&tests[0], &tests[1]]),
        row("joined, second map", &through(&joined), [&mapped[0], &mapped[1]]),
    ];
    // The same for another joined set, with a second map of its own.
    let mut both = |what: &str, joined: &Labelled, slices: &mut dyn Slices| -> Result<()> {
        rows.push(row(&format!("{what}, first map"), joined, [&tests[0], &tests[1]]));
        let second = second_map(joined, (names.len(), cloud.dimensions), seed, map, slices)?;
        let through = |set: &Labelled| Labelled { values: second.apply(&set.values), labels: set.labels.clone() };
        let mapped = [through(&tests[0]), through(&tests[1])];
        rows.push(row(&format!("{what}, second map"), &through(joined), [&mapped[0], &mapped[1]]));
        Ok(())
    };
    let (released, released_count) = released(map, old, seed)?;
    both("as released: 4 % of the old samples", &together(&released, &fresh), slices)?;
    let is_distilled = distilled.is_some();
    if let Some((values, labels)) = distilled {
        let classes: Vec<usize> = labels.iter().map(|&label| place_of[label as usize]).collect();
        let points = map.map_images(renormalised(values, new, old))?;
        both("two distilled sets", &together(&kept, &made_many(&points, &classes, cloud.dimensions, seed)), slices)?;
    }
    rows.push(row("all old samples, first map", &all_real, [&tests[0], &tests[1]]));
    let count = (old_classes * images.per_class) as u64;
    let report = Fused {
        old: old.name().to_owned(),
        new: new.name().to_owned(),
        merged: place_of.iter().filter(|&&place| place < old_classes).count(),
        classes: names,
        rows,
        released_bytes: released_count as u64 * cloud.dimensions as u64 * NUMBER,
        is_distilled,
        moved_bytes: count * cloud.dimensions as u64 * NUMBER,
        map_bytes: map.map_bytes(),
        second_map_bytes: NUMBER * second.weights().len() as u64,
        old_bytes: old.train().len() as u64 * old.shape().len() as u64,
    };
    Ok((report, second.weights().to_vec()))
}

/// The released way of keeping old data: points of its classes, and of how many samples they were made.
fn released(map: &EnergyMap, old: &Dataset, seed: u64) -> Result<(Labelled, usize)> {
    let (mut many, mut kept) = (Labelled::default(), 0);
    for (place, &class) in map.state().images.classes.iter().enumerate() {
        let usable = old.usable(class);
        let count = ((usable.len() as f64 * RELEASED_SHARE).round() as usize).max(2);
        let mut rng = stream(seed, Purpose::EnergySamples, 2, u64::from(class));
        let chosen: Vec<u32> = choose(usable.len(), count, &mut rng).into_iter().map(|at| usable[at]).collect();
        kept += chosen.len();
        let points = map.map_images(old.gather(old.train(), &chosen))?;
        let dimensions = points.len() / chosen.len();
        many.values.extend(drawn_like(&points, dimensions, UPSAMPLED, RELEASED_BIAS, &mut rng));
        many.labels.extend(std::iter::repeat_n(place, UPSAMPLED));
    }
    Ok((many, kept))
}

/// Points of some classes made many, class by class.
fn made_many(points: &[f32], classes: &[usize], dimensions: usize, seed: u64) -> Labelled {
    let mut many = Labelled::default();
    let named: BTreeSet<usize> = classes.iter().copied().collect();
    for class in named {
        let rows = points.chunks_exact(dimensions).zip(classes).filter(|(_, own)| **own == class);
        let rows: Vec<f32> = rows.flat_map(|(row, _)| row).copied().collect();
        let mut rng = stream(seed, Purpose::Upsampling, u64::MAX - 1, class as u64);
        many.values.extend(drawn_like(&rows, dimensions, UPSAMPLED, 0.0, &mut rng));
        many.labels.extend(std::iter::repeat_n(class, UPSAMPLED));
    }
    many
}

/// Normalised values of one data set as another would have them.
fn renormalised(mut values: Vec<f32>, from: &Dataset, to: &Dataset) -> Vec<f32> {
    for image in values.chunks_exact_mut(from.shape().len()) {
        from.normalisation().denormalise(image);
        to.normalisation().normalise(image);
    }
    values
}

/// Test images on the map, with the fused class of each; those without one are left out.
fn tested(
    map: &EnergyMap,
    data: &Dataset,
    seen_as: &Dataset,
    place: impl Fn(u32) -> Option<usize>,
) -> Result<Labelled> {
    let of = |index: &u32| place(data.test().labels()[*index as usize]);
    let indices: Vec<u32> = (0..data.test().len() as u32).filter(|index| of(index).is_some()).collect();
    let values = renormalised(data.gather(data.test(), &indices), data, seen_as);
    Ok(Labelled { values: map.map_images(values)?, labels: indices.iter().filter_map(of).collect() })
}

fn together(one: &Labelled, other: &Labelled) -> Labelled {
    let values = one.values.iter().chain(&other.values).copied().collect();
    Labelled { values, labels: one.labels.iter().chain(&other.labels).copied().collect() }
}

/// Learns a map of points from the energy of their pairs, class after class.
fn second_map(
    points: &Labelled,
    (classes, dimensions): (usize, usize),
    seed: u64,
    map: &EnergyMap,
    slices: &mut dyn Slices,
) -> Result<LinearMap> {
    let (mut values, mut starts) = (Vec::with_capacity(points.values.len()), vec![0]);
    for class in 0..classes {
        let members = points.values.chunks_exact(dimensions).zip(&points.labels).filter(|(_, label)| **label == class);
        members.for_each(|(point, _)| values.extend(point));
        starts.push(values.len() / dimensions);
    }
    let mut second = LinearMap::new(dimensions, dimensions, &mut stream(seed, Purpose::EnergyMap, u64::MAX, 0));
    for step in 0..STEPS {
        let (_, gradients) = second.look(&values, &starts, map.law(), Dropout { share: 0.0, seed, step });
        second = second.moved(&weighted(&gradients, &[1.0, 1.0, DECAY]), RATE);
        slices.tick(step as f64 / STEPS as f64)?;
    }
    Ok(second)
}
