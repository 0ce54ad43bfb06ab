//! What the values of a set mean, by evidence: most files do not say it.

use crate::{
    data::{Dataset, Pixels},
    report::ValueRange,
};

/// Numbers may lie so far outside of a range through rounding.
const SLACK: f32 = 1e-3;
/// A little more than the range, as many images go that nobody clamps.
const NEAR: f32 = 0.02;
/// Where so many values lie from 0 to 1, the others are strays and no part of the images.
const FEW_OUTSIDE: f64 = 0.98;
/// Whole numbers that reach further are levels.
const BEYOND: f32 = 8.0;

/// What is said about the values before they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Whoever reads it has decided.
    Asked(ValueRange),
    /// The file's own words or its card: they are believed.
    Surely(ValueRange),
    /// What files of this form hold by the convention of the field, unless their values contradict.
    Usually(ValueRange),
}

/// What the values are, and why.
pub(super) struct Verdict {
    pub(super) range: ValueRange,
    pub(super) reason: String,
    /// True if a few stray values are to be brought back to the ends of the range.
    pub(super) clamped: bool,
}

/// Decides by the values `(n, channels, height, width)`; `whole` if they are whole numbers in the file.
pub(super) fn decide(values: &[f32], whole: bool, said: Option<Said>, data: &Dataset) -> Verdict {
    let verdict = |range, reason: String| Verdict { range, reason, clamped: false };
    match said {
        Some(Said::Asked(range)) => return verdict(range, "as was asked for".to_owned()),
        Some(Said::Surely(range)) => return verdict(range, "as its form says".to_owned()),
        _ => {}
    }
    let evidence = Evidence::of(values, whole);
    let Evidence { low, high, .. } = evidence;
    let usual = said == Some(Said::Usually(ValueRange::Normalised));
    let reach = format!("values from {low:.2} to {high:.2}");
    if !data.is_pictures() {
        // Points of a plane have no black and no white.
        return match evidence.within(values, -SLACK, 1.0 + SLACK) == 1.0 && !usual {
            true => verdict(ValueRange::Unit, reach),
            false => verdict(ValueRange::Normalised, reach),
        };
    }
    if evidence.whole && low >= 0.0 && high <= 255.0 && high > if whole { 1.0 } else { BEYOND } {
        return verdict(ValueRange::Bytes, format!("whole numbers from {low} to {high}"));
    }
    if evidence.most[0] >= -BEYOND && evidence.most[1] > 20.0 && evidence.most[1] <= 255.0 + BEYOND {
        return verdict(ValueRange::Bytes, reach);
    }
    let unit = evidence.within(values, -SLACK, 1.0 + SLACK);
    let outside = ((1.0 - unit) * values.len() as f64).round();
    let percent = 100.0 * unit;
    if usual && unit < 0.999 {
        return verdict(ValueRange::Normalised, "as res_*.pt files are".to_owned());
    }
    let (below, above) = (evidence.within(values, f32::MIN, -NEAR), evidence.within(values, 1.0 + NEAR, f32::MAX));
    if unit >= FEW_OUTSIDE || (below <= 0.1 && above <= 0.1 && evidence.most[0] >= -1.0 && evidence.most[1] <= 2.0) {
        let few = unit >= FEW_OUTSIDE;
        let reason = match (outside, few) {
            (0.0, _) => "all values lie from 0 to 1".to_owned(),
            (_, true) => format!(
                "{percent:.2} % of the values lie from 0 to 1; {outside} lie outside, as where nobody clamps, and are clamped \
                 (--range unit keeps them)"
            ),
            (_, false) => {
                format!(
                    "{percent:.1} % of the values lie from 0 to 1, the others near, as where nobody clamps; they are kept"
                )
            }
        };
        return Verdict { range: ValueRange::Unit, reason, clamped: few };
    }
    if evidence.within(values, -1.0 - NEAR, 1.0 + NEAR) >= 0.98 {
        return verdict(
            ValueRange::Symmetric,
            format!("nearly all values lie from -1 to 1, {:.0} % of them below 0", 100.0 * below),
        );
    }
    let (share, [black, white]) = normalised(values, data);
    if share >= 0.9 {
        return verdict(
            ValueRange::Normalised,
            format!("{reach}; mean and deviation of the data set make them {black:.2} to {white:.2}"),
        );
    }
    verdict(
        ValueRange::AsIs,
        format!(
            "ATTENTION: {reach} are neither 0 to 1, nor -1 to 1, nor levels, nor what mean and deviation of the data set make \
             ({black:.2} to {white:.2}). Are they whitened (ZCA)? Networks are given them as they are; say with --range what \
             they are"
        ),
    )
}

/// What is known of the values.
struct Evidence {
    low: f32,
    high: f32,
    /// Between which all but one in a hundred lie.
    most: [f32; 2],
    whole: bool,
}

impl Evidence {
    fn of(values: &[f32], whole: bool) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
        let whole = whole || values.iter().filter(|value| value.fract() != 0.0).count() * 1000 < values.len();
        Self { low: at(0.0), high: at(1.0), most: [at(0.005), at(0.995)], whole }
    }

    fn within(&self, values: &[f32], least: f32, most: f32) -> f64 {
        if least <= self.low && self.high <= most {
            return 1.0;
        }
        values.iter().filter(|value| (least..=most).contains(value)).count() as f64 / values.len().max(1) as f64
    }
}

/// The share of values that the constants of a data set allow, a quarter beyond black and white included, and what they make of black and
/// white at most.
fn normalised(values: &[f32], data: &Dataset) -> (f64, [f32; 2]) {
    let (constants, plane) = (data.normalisation(), data.shape().plane());
    let mut inside = 0;
    for (channel, values) in values.chunks_exact(plane).enumerate() {
        let channel = channel % data.shape().channels;
        let (mean, std) = (constants.mean[channel], constants.std[channel]);
        inside += values.iter().filter(|value| (-0.25..=1.25).contains(&(**value * std + mean))).count();
    }
    let ends = |white: f32| constants.mean.iter().zip(&constants.std).map(move |(mean, std)| (white - mean) / std);
    let (black, white) = (ends(0.0).fold(f32::MAX, f32::min), ends(1.0).fold(f32::MIN, f32::max));
    (inside as f64 / values.len().max(1) as f64, [black, white])
}

/// Brings values to the normalisation of the data set.
pub(super) fn normalise(values: &mut [f32], range: ValueRange, data: &Dataset) {
    match range {
        ValueRange::Unit => {}
        ValueRange::Bytes => {
            let white = white(values, data);
            values.iter_mut().for_each(|value| *value /= white);
        }
        ValueRange::Symmetric => values.iter_mut().for_each(|value| *value = value.midpoint(1.0)),
        ValueRange::Normalised | ValueRange::AsIs => return,
    }
    values.chunks_exact_mut(data.shape().len()).for_each(|image| data.normalisation().normalise(image));
}

/// Levels of digits as scikit-learn has them end at 16.
fn white(values: &[f32], data: &Dataset) -> f32 {
    match data.train().pixels() {
        Pixels::Bytes { white, .. } if values.iter().all(|value| *value <= f32::from(*white)) => f32::from(*white),
        _ => 255.0,
    }
}
