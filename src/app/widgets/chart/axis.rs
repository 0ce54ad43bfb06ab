//! What an axis decides, as pure functions: what it spans, where a value stands on it, and which lines and labels it has.

use crate::{
    app::state::short,
    report::page::{Axis, Scale, Unit},
    words::{bytes, grouped},
};

/// What values span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The smallest one above zero.
    least: f64,
}

impl Default for Extent {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, least: f64::INFINITY }
    }
}

impl Extent {
    /// Of some values; what is not finite is none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut extent = Self::default();
        values.into_iter().for_each(|value| extent.add(value));
        extent
    }

    /// Takes in another value.
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_finite() {
            (self.low, self.high) = (self.low.min(value), self.high.max(value));
            if value > 0.0 {
                self.least = self.least.min(value);
            }
        }
    }

    /// True if some values have no place on a logarithmic axis.
    pub(crate) fn has_none_above_zero(&self) -> bool {
        self.low <= 0.0
    }
}

/// An axis with its ends: from values to shares of its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ruler {
    scale: Scale,
    /// Below this size a symlog axis is even.
    near: f64,
    /// The ends, along the axis.
    ends: [f64; 2],
}

/// Decades to each side of zero on a symlog axis.
const SIDES: f64 = 3.0;
/// Free room beyond the data, as a share.
const MARGIN: f64 = 0.05;

impl Ruler {
    /// The ends that hold all values, a little room beside them, and what the axis has to show besides.
    pub(crate) fn fit(axis: &Axis, extent: Extent) -> Self {
        let mut extent = extent;
        if axis.clipped {
            let (low, high) = (axis.from.unwrap_or(extent.low), axis.to.unwrap_or(extent.high));
            (extent.low, extent.high) = (extent.low.max(low), extent.high.min(high));
        }
        let is_pinned = |end: Option<f64>, at: f64| end.is_some_and(|end| end == at);
        axis.from.into_iter().chain(axis.to).for_each(|value| extent.add(value));
        if axis.unit == Unit::Whole && extent.high - extent.low < 1.0 {
            (extent.low, extent.high) = (extent.low.floor(), extent.high.ceil().max(extent.low.floor() + 1.0));
            extent.least = extent.least.min(1.0);
        }
        if extent.low > extent.high {
            (extent.low, extent.high, extent.least) = (0.0, 1.0, 0.1);
        }
        let size = extent.low.abs().max(extent.high.abs());
        let near = 10_f64.powf(size.max(f64::MIN_POSITIVE).log10().ceil() - SIDES);
        let mut ruler = Self { scale: axis.scale, near, ends: [0.0, 1.0] };
        let low = match axis.scale {
            Scale::Log if extent.low <= 0.0 => extent.least.min(extent.high.max(f64::MIN_POSITIVE)),
            _ => extent.low,
        };
        let ends = [ruler.along(low).unwrap_or(-1.0), ruler.along(extent.high).unwrap_or(0.0)];
        // Along the axis, of which the two others are measured in decades.
        let (least, alone) = match (axis.scale, axis.unit) {
            (Scale::Log, _) => (0.2, 0.1),
            (Scale::Symlog, _) => (0.05, 0.3),
            (Scale::Linear, Unit::Whole) => (1.0, 0.5),
            (Scale::Linear, _) => ((1e-9 * size).max(f64::MIN_POSITIVE), 0.1 * size.max(1e-300)),
        };
        let span = ends[1] - ends[0];
        let room = if span < least { alone } else { MARGIN * span };
        let (low_room, high_room) = (
            if is_pinned(axis.from, extent.low) { 0.0 } else { room },
            if is_pinned(axis.to, extent.high) { 0.0 } else { room },
        );
        ruler.ends = [ends[0] - low_room, ends[1] + high_room];
        if ruler.ends[1] - ruler.ends[0] < least {
            ruler.ends[1] = ruler.ends[0] + least;
        }
        ruler
    }

    /// The same axis between other ends, unless numbers cannot hold them or tell them apart.
    pub(crate) fn spanning(self, ends: [f64; 2]) -> Self {
        let [low, high] = ends;
        let most = if self.scale == Scale::Linear { 1e300 } else { 300.0 };
        let is_held = -most <= low && high <= most && high - low > 1e-12 * low.abs().max(high.abs());
        if is_held { Self { ends, ..self } } else { self }
    }

    /// The ends, along the axis.
    pub(crate) fn ends(&self) -> [f64; 2] {
        self.ends
    }

    /// A place on the endless axis; none for what has no place there.
    pub(crate) fn along(&self, value: f64) -> Option<f64> {
        let at = match self.scale {
            Scale::Linear => value,
            Scale::Log if value <= 0.0 => return None,
            Scale::Log => value.log10(),
            Scale::Symlog => value.signum() * (1.0 + value.abs() / self.near).log10(),
        };
        at.is_finite().then_some(at)
    }

    /// The value at a place.
    pub(crate) fn back(&self, at: f64) -> f64 {
        match self.scale {
            Scale::Linear => at,
            Scale::Log => 10_f64.powf(at),
            Scale::Symlog => at.signum() * (10_f64.powf(at.abs()) - 1.0) * self.near,
        }
    }

    /// Where a value stands, from 0 to 1 between the ends; none where it has no place on the axis.
    pub(crate) fn share(&self, value: f64) -> Option<f64> {
        Some((self.along(value)? - self.ends[0]) / (self.ends[1] - self.ends[0]))
    }

    /// The values at the ends.
    pub(crate) fn range(&self) -> (f64, f64) {
        (self.back(self.ends[0]), self.back(self.ends[1]))
    }
}

/// A line of the grid, with its label where it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where the line stands, from the beginning of the axis.
    pub(crate) at: f32,
    /// What is written there; nothing beside a minor line.
    pub(crate) text: String,
    /// The middle of the label: at the line, or as near as the edges allow.
    pub(crate) label: f32,
}

/// The room that an axis has for lines and labels.
pub(crate) struct Room<'a> {
    /// Length of the axis.
    pub(crate) length: f32,
    /// Labels lie between these places, measured from the beginning of the axis.
    pub(crate) bounds: (f32, f32),
    /// Length of a label along the axis.
    pub(crate) size: &'a dyn Fn(&str) -> f32,
    /// Free room between two labels.
    pub(crate) gap: f32,
}

/// Minor lines that would stand nearer than this are left out.
const HATCHING: f32 = 3.0;

/// Lines and labels of an axis: as many labels as have room, two at least where two have room at all; minor lines at 2 to 9 between
/// powers of ten, and nowhere else.
pub(crate) fn ticks(ruler: &Ruler, unit: Unit, room: &Room<'_>) -> Vec<Tick> {
    let (low, high) = ruler.range();
    let mut choices = match ruler.scale {
        Scale::Linear => Vec::new(),
        Scale::Log => powers(low, high),
        Scale::Symlog => to_both_sides(ruler.near, low, high),
    };
    choices.extend(even(low, high, unit));
    let labelled = choices.iter().find_map(|choice| written(choice, ruler, unit, room, 2));
    let mut ticks = labelled.unwrap_or_else(|| at_the_ends(&choices, ruler, unit, room));
    if ruler.scale == Scale::Log {
        ticks.extend(minor(ruler, room));
    }
    ticks
}

/// Values that may be labelled together, and the distance between two of them where that is the same.
struct ChosenValues {
    values: Vec<f64>,
    step: Option<f64>,
}

/// Even steps of 1, 2 or 5 times a power of ten, the finest first.
fn even(low: f64, high: f64, unit: Unit) -> Vec<ChosenValues> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let top = span.log10().floor() as i32;
    let steps = (top - 2..=top).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    let usable = steps.filter(|step| unit != Unit::Whole || *step >= 1.0);
    let values = |step: f64| {
        let first = (low / step - 1e-9).ceil();
        let count = ((high / step + 1e-9).floor() - first).clamp(-1.0, 1e4) as usize;
        (0..=count).map(|at| (first + at as f64) * step).filter(|value| *value <= high + 1e-9 * span).collect()
    };
    usable.map(|step| ChosenValues { values: values(step), step: Some(step) }).collect()
}

/// Digits of all decades, some of them, powers of ten alone, every second power and so on.
fn powers(low: f64, high: f64) -> Vec<ChosenValues> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |value: &f64| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value);
    let digits = |digits: &[f64]| {
        let all = (first..=last).flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
        ChosenValues { values: all.filter(inside).collect(), step: None }
    };
    let mut choices = Vec::new();
    if last - first < 12 {
        let all = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        choices.extend([digits(&all), digits(&[1.0, 2.0, 5.0]), digits(&[1.0, 3.0])]);
    }
    for stride in 1..=(last - first).max(1) {
        let powers = (first..=last).filter(|power| power.rem_euclid(stride) == 0).map(|power| 10_f64.powi(power));
        choices.push(ChosenValues { values: powers.filter(inside).collect(), step: None });
    }
    choices
}

/// Zero and powers of ten to both sides of it.
fn to_both_sides(near: f64, low: f64, high: f64) -> Vec<ChosenValues> {
    let first = near.log10().round() as i32;
    let last = low.abs().max(high.abs()).max(near).log10().ceil() as i32;
    let of_stride = |stride: i32| {
        let powers: Vec<f64> = (first..=last).rev().step_by(stride as usize).map(|power| 10_f64.powi(power)).collect();
        let below = powers.iter().map(|power| -power);
        let all = below.chain([0.0]).chain(powers.iter().rev().copied());
        ChosenValues { values: all.filter(|value| (low..=high).contains(value)).collect(), step: None }
    };
    (1..=(last - first + 1).max(1)).map(of_stride).collect()
}

/// The labels of some values, where all of them have room and at least `least` are there.
fn written(choice: &ChosenValues, ruler: &Ruler, unit: Unit, room: &Room<'_>, least: usize) -> Option<Vec<Tick>> {
    if choice.values.len() < least || choice.values.len() > 60 {
        return None;
    }
    let mut ticks: Vec<Tick> = Vec::with_capacity(choice.values.len());
    let mut free = f32::NEG_INFINITY;
    for &value in &choice.values {
        let at = ruler.share(value)? as f32 * room.length;
        let text = label(value, choice.step, unit);
        let half = 0.5 * (room.size)(&text);
        let (first, last) = (room.bounds.0 + half, room.bounds.1 - half);
        let label = if first > last { 0.5 * (room.bounds.0 + room.bounds.1) } else { at.clamp(first, last) };
        let same = ticks.last().is_some_and(|before| before.text == text);
        if same || label - half < free || first > last && choice.values.len() > 1 {
            return None;
        }
        free = label + half + room.gap;
        ticks.push(Tick { at, text, label });
    }
    Some(ticks)
}

/// Two labels as far from each other as there are values for, where nothing else has room; one where two have none.
fn at_the_ends(choices: &[ChosenValues], ruler: &Ruler, unit: Unit, room: &Room<'_>) -> Vec<Tick> {
    let tight = Room { gap: 2.0, size: room.size, ..*room };
    let outer = |choice: &ChosenValues| {
        let ends = [*choice.values.first()?, *choice.values.last()?];
        let values = if ends[0] < ends[1] { ends.to_vec() } else { vec![ends[0]] };
        Some(ChosenValues { values, step: choice.step })
    };
    let of = |least: usize| {
        choices.iter().rev().filter_map(outer).find_map(|choice| written(&choice, ruler, unit, &tight, least))
    };
    let middle = || {
        let (low, high) = ruler.range();
        let choice = ChosenValues { values: vec![low], step: Some((high - low).abs()) };
        written(&choice, ruler, unit, &tight, 1)
    };
    of(2).or_else(|| of(1)).or_else(middle).unwrap_or_default()
}

/// Lines without labels at 2 to 9 times each power of ten, where they are no hatching.
fn minor(ruler: &Ruler, room: &Room<'_>) -> Vec<Tick> {
    let [low, high] = ruler.ends;
    let decade = room.length / (high - low) as f32;
    if decade * (10.0_f32 / 9.0).log10() < HATCHING || high - low > 12.0 {
        return Vec::new();
    }
    let all = (low.floor() as i32..=high.floor() as i32)
        .flat_map(|power| (1..10).map(move |digit| f64::from(digit) * 10_f64.powi(power)));
    let shares = all.filter_map(|value| ruler.share(value)).filter(|share| (0.0..=1.0).contains(share));
    shares.map(|share| Tick { at: share as f32 * room.length, text: String::new(), label: 0.0 }).collect()
}

/// A value in as many digits as tell it from its neighbours, `step` away.
pub(crate) fn label(value: f64, step: Option<f64>, unit: Unit) -> String {
    let value = if step.is_some_and(|step| value.abs() < 1e-6 * step) { 0.0 } else { value };
    match (unit, step) {
        (Unit::Whole, _) if value < 0.0 => String::from("−") + &grouped(value.abs().round() as u64),
        (Unit::Whole, _) => grouped(value.round() as u64),
        (Unit::Bytes, _) => bytes(value),
        (Unit::Percent, step) => format!("{} %", fixed(100.0 * value, step.map(|step| 100.0 * step))),
        (Unit::Plain, step) => fixed(value, step),
    }
}

fn fixed(value: f64, step: Option<f64>) -> String {
    match step {
        Some(step) if value == 0.0 || (1e-4..1e5).contains(&step.min(value.abs())) => {
            let digits = (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
            format!("{value:.digits$}").replace('-', "−")
        }
        Some(step) if value != 0.0 => {
            let digits = (value.abs().log10().floor() - step.log10().floor()).clamp(0.0, 12.0) as usize;
            format!("{value:.digits$e}").replace('-', "−")
        }
        _ => short(value).replace('-', "−"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels of 6 points a letter beside each other, or 12 points high above each other.
    fn of(axis: &Axis, low: f64, high: f64, length: f32, is_upright: bool) -> Vec<Tick> {
        let wide = |text: &str| 6.0 * text.chars().count() as f32;
        let high_as = |_: &str| 12.0;
        let size: &dyn Fn(&str) -> f32 = if is_upright { &high_as } else { &wide };
        let room = Room { length, bounds: (-20.0, length + 10.0), size, gap: 8.0 };
        ticks(&Ruler::fit(axis, Extent::of([low, high])), axis.unit, &room)
    }

    fn axis(scale: Scale, unit: Unit) -> Axis {
        Axis { scale, unit, ..Axis::default() }
    }

    #[test]
    fn every_axis_has_two_labels_that_are_neither_cut_nor_overlap() {
        let mut seen = 0;
        for scale in [Scale::Linear, Scale::Log, Scale::Symlog] {
            for unit in [Unit::Plain, Unit::Whole, Unit::Percent, Unit::Bytes] {
                for power in -7..7 {
                    for (low, high) in [(1.0, 1.001), (1.0, 1.4), (3.0, 8.0), (1.0, 90.0), (0.2, 3e5), (6.4, 6.4)] {
                        let (low, high) = (low * 10_f64.powi(power), high * 10_f64.powi(power));
                        let is_too_fine = match unit {
                            Unit::Plain => false,
                            Unit::Whole => low < 1.0,
                            Unit::Percent => low < 1e-3 || high - low < 5e-3 * high,
                            Unit::Bytes => low < 5.0 || high - low < 0.3 * high,
                        };
                        if is_too_fine {
                            continue;
                        }
                        for length in [130.0, 220.0, 600.0] {
                            let name = format!("{scale:?} {unit:?} {low} {high} on {length}");
                            let ticks = of(&axis(scale, unit), low, high, length, length < 200.0);
                            let labels: Vec<&Tick> = ticks.iter().filter(|tick| !tick.text.is_empty()).collect();
                            assert!(labels.len() >= 2, "{name}: {labels:?}");
                            let half = |tick: &Tick| match length < 200.0 {
                                true => 6.0,
                                false => 3.0 * tick.text.chars().count() as f32,
                            };
                            for pair in labels.windows(2) {
                                assert!(
                                    pair[0].label + half(pair[0]) <= pair[1].label - half(pair[1]),
                                    "{name}: {pair:?}"
                                );
                                assert_ne!(pair[0].text, pair[1].text, "{name}");
                            }
                            assert!(labels[0].label - half(labels[0]) >= -20.01, "{name} is cut");
                            let last = labels[labels.len() - 1];
                            assert!(last.label + half(last) <= length + 10.01, "{name} is cut");
                            seen += 1;
                        }
                    }
                }
            }
        }
        assert!(seen > 500);
    }

    #[test]
    fn minor_lines_stand_at_2_to_9_and_never_make_a_hatching() {
        for (high, length) in [(1.1, 200.0), (8.0, 200.0), (1e3, 200.0), (1e9, 200.0), (30.0, 80.0)] {
            let axis = axis(Scale::Log, Unit::Plain);
            let ticks = of(&axis, 1.0, high, length, true);
            let ruler = Ruler::fit(&axis, Extent::of([1.0, high]));
            let mut places: Vec<f32> = ticks.iter().filter(|tick| tick.text.is_empty()).map(|tick| tick.at).collect();
            places.sort_by(f32::total_cmp);
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= HATCHING - 0.01), "{high}: {places:?}");
            for place in places {
                let [low, high] = ruler.ends();
                let value = ruler.back(low + f64::from(place / length) * (high - low));
                let lead = value / 10_f64.powf(value.log10().floor() + 1e-9_f64.copysign(value));
                let digit = lead.round();
                assert!((lead / digit - 1.0).abs() < 1e-3 && (1.0..=10.0).contains(&digit), "{value}");
            }
        }
    }

    #[test]
    fn steps_are_whole_and_grouped() {
        let axis = Axis::steps();
        let texts = |low: f64, high: f64| -> Vec<String> {
            of(&Axis { from: None, ..axis.clone() }, low, high, 300.0, false)
                .into_iter()
                .map(|tick| tick.text)
                .collect()
        };
        assert_eq!(texts(999.0, 1000.0), ["999", "1,000"]);
        assert_eq!(texts(0.0, 4000.0), ["0", "1,000", "2,000", "3,000", "4,000"]);
    }

    #[test]
    fn what_is_not_positive_has_no_place_on_a_logarithmic_axis() {
        let extent = Extent::of([-0.06, 0.0, 0.5, 4.0, f64::NAN]);
        assert!(extent.has_none_above_zero());
        let log = Ruler::fit(&axis(Scale::Log, Unit::Plain), extent);
        assert_eq!((log.share(-0.06), log.share(0.0)), (None, None));
        assert!(log.range().0 > 0.3, "the axis begins with the smallest positive value");
        let both = Ruler::fit(&axis(Scale::Symlog, Unit::Plain), extent);
        let shares: Vec<f64> = [-0.06, 0.0, 0.5, 4.0].iter().map(|value| both.share(*value).unwrap()).collect();
        assert!(shares.is_sorted() && shares[0] > 0.0 && shares[3] < 1.0, "{shares:?}");
    }

    #[test]
    fn places_and_values_agree_on_every_scale() {
        for scale in [Scale::Linear, Scale::Log, Scale::Symlog] {
            let ruler = Ruler::fit(&axis(scale, Unit::Plain), Extent::of([0.3, 70.0]));
            for value in [0.3, 1.0, 44.0, 70.0] {
                let place = ruler.along(value).unwrap();
                assert!((ruler.back(place) / value - 1.0).abs() < 1e-9);
                assert!((0.0..=1.0).contains(&ruler.share(value).unwrap()));
            }
            let [low, high] = ruler.ends();
            let near = ruler.spanning([low, 0.5 * (low + high)]);
            assert!((near.share(3.0).unwrap() - 2.0 * ruler.share(3.0).unwrap()).abs() < 1e-9);
            for ends in [[low, low], [low, f64::INFINITY], [f64::NAN, high]] {
                assert_eq!(ruler.spanning(ends), ruler, "no axis is nowhere");
            }
        }
    }

    #[test]
    fn an_end_that_is_given_stays_where_it_is() {
        let axis = Axis { from: Some(0.0), ..Axis::default() };
        assert_eq!(Ruler::fit(&axis, Extent::of([2.0, 10.0])).range().0, 0.0);
        let clipped = Axis { to: Some(0.6), clipped: true, ..Axis::default() };
        assert_eq!(Ruler::fit(&clipped, Extent::of([-0.2, 9.0])).range().1, 0.6);
    }
}
