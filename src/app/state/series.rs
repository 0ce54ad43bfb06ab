//! A growing row of numbers that can be thinned to the columns of a screen in no time.
//!
//! Above the numbers stands a pyramid: each level keeps the lowest and the highest of eight entries of the level below.
//! A picture of a hundred thousand steps then reads a few entries for each pixel column, and no peak is ever lost.

/// Entries of a level that make one entry of the level above.
const FAN: usize = 8;

/// Numbers, one for each step.
#[derive(Clone, Debug, Default)]
pub struct Series {
    values: Vec<f64>,
    /// Sum and count of all finite numbers up to and with each.
    sums: Vec<(f64, usize)>,
    /// Lowest and highest of `FAN.pow(level + 1)` neighbours; the last entry of a level may be unfinished.
    levels: Vec<Vec<(f64, f64)>>,
}

impl Series {
    /// Adds a number at the end.
    pub fn push(&mut self, value: f64) {
        let index = self.values.len();
        self.values.push(value);
        let (sum, count) = self.sums.last().copied().unwrap_or_default();
        self.sums.push(if value.is_finite() { (sum + value, count + 1) } else { (sum, count) });
        let mut bucket = FAN;
        let mut level = 0;
        loop {
            if self.levels.len() == level {
                if index + 1 < bucket {
                    break; // Not enough entries below for a first bucket of this level.
                }
                let below = |at: usize| match level {
                    0 => (self.values[at], self.values[at]),
                    _ => self.levels[level - 1][at],
                };
                let first = (0..FAN).map(below).reduce(join).unwrap_or((value, value));
                self.levels.push(vec![first]);
            } else {
                let entries = &mut self.levels[level];
                match entries.get_mut(index / bucket) {
                    Some(entry) => *entry = join(*entry, (value, value)),
                    None => entries.push((value, value)),
                }
            }
            level += 1;
            bucket *= FAN;
        }
    }

    /// Forgets everything from `length` on.
    pub fn truncate(&mut self, length: usize) {
        if length < self.values.len() {
            let kept = self.values[..length].to_vec();
            *self = Self::default();
            kept.into_iter().for_each(|value| self.push(value));
        }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True before the first number.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number at a position.
    pub fn get(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied()
    }

    /// The newest number.
    pub fn last(&self) -> Option<f64> {
        self.values.last().copied()
    }

    /// Lowest and highest from `from` up to but not including `to`.
    pub fn extent(&self, from: usize, to: usize) -> Option<(f64, f64)> {
        let to = to.min(self.values.len());
        let mut at = from;
        let mut found = None;
        while at < to {
            let (entry, step) = self.widest(at, to);
            found = Some(found.map_or(entry, |before| join(before, entry)));
            at += step;
        }
        found
    }

    /// The mean of all finite numbers from `from` up to but not including `to`.
    pub fn mean(&self, from: usize, to: usize) -> Option<f64> {
        let upto = |at: usize| at.checked_sub(1).map_or((0.0, 0), |last| self.sums[last.min(self.sums.len() - 1)]);
        if from >= to || self.sums.is_empty() {
            return None;
        }
        let ((sum, count), (before, earlier)) = (upto(to), upto(from));
        (count > earlier).then(|| (sum - before) / (count - earlier) as f64)
    }

    /// The largest finished bucket that starts at `at` and ends before `to`.
    fn widest(&self, at: usize, to: usize) -> ((f64, f64), usize) {
        let mut best = ((self.values[at], self.values[at]), 1);
        let mut bucket = FAN;
        for level in &self.levels {
            if !at.is_multiple_of(bucket) || at + bucket > to {
                break;
            }
            best = (level[at / bucket], bucket);
            bucket *= FAN;
        }
        best
    }

    /// At most `2 * columns + 2` points `(position, value)` that draw `from..to` as all of its numbers would: the first
    /// and the last number stay in place, and each column keeps its lowest and its highest.
    pub fn thinned(&self, from: usize, to: usize, columns: usize) -> Vec<(usize, f64)> {
        let to = to.min(self.values.len());
        if from >= to {
            return Vec::new();
        }
        let columns = columns.max(1);
        if to - from <= 2 * columns {
            return (from..to).map(|at| (at, self.values[at])).collect();
        }
        // Columns are cut at multiples of a fixed width, so that points do not flicker while the series grows.
        let width = (to - from).div_ceil(columns).next_power_of_two();
        let mut points = Vec::with_capacity(2 * columns + 2);
        points.push((from, self.values[from]));
        let mut start = from / width * width;
        while start < to {
            let (left, right) = (start.max(from), (start + width).min(to));
            if let Some((low, high)) = self.extent(left, right) {
                let middle = left + (right - left) / 2;
                let rising = self.values[right - 1] >= self.values[left];
                let (first, second) = if rising { (low, high) } else { (high, low) };
                points.push((middle, first));
                if low < high {
                    points.push((middle, second));
                }
            }
            start += width;
        }
        points.push((to - 1, self.values[to - 1]));
        points
    }
}

fn join(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// Points thinned to the columns of a screen: each column keeps its first and last, its lowest and highest; what is no number stays a gap.
pub fn thinned(points: &[[f64; 2]], part: Option<(f64, f64)>, columns: usize) -> Vec<[f64; 2]> {
    // One more on each side, so that lines run out of the picture instead of ending inside it.
    let (from, to) = match part {
        Some((low, high)) => (
            points.partition_point(|point| point[0] < low).saturating_sub(1),
            (points.partition_point(|point| point[0] <= high) + 1).min(points.len()),
        ),
        None => (0, points.len()),
    };
    let shown = &points[from.min(to)..to];
    if shown.len() <= 4 * columns {
        return shown.to_vec();
    }
    let column = |points: &[[f64; 2]]| -> Vec<[f64; 2]> {
        let by = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let ends = [points.first(), points.last(), points.iter().min_by(by), points.iter().max_by(by)];
        let mut kept: Vec<[f64; 2]> = ends.into_iter().flatten().copied().collect();
        kept.sort_by(|a, b| a[0].total_cmp(&b[0]));
        kept.dedup();
        kept
    };
    shown.chunks(shown.len().div_ceil(columns)).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(count: usize) -> Series {
        let mut series = Series::default();
        (0..count).for_each(|at| series.push((at as f64 * 0.37).sin() + at as f64 * 1e-4));
        series
    }

    #[test]
    fn extents_agree_with_a_plain_search() {
        let series = waves(5000);
        for (from, to) in [(0, 5000), (3, 4), (7, 4999), (64, 512), (63, 513), (4990, 9999)] {
            let plain = (from..to.min(5000)).map(|at| series.values[at]);
            let low = plain.clone().fold(f64::INFINITY, f64::min);
            let high = plain.fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(series.extent(from, to), Some((low, high)), "{from}..{to}");
        }
        assert_eq!(series.extent(10, 10), None);
    }

    #[test]
    fn means_agree_with_plain_ones_and_leave_out_what_is_no_number() {
        let mut series = waves(100);
        series.push(f64::NAN);
        series.push(2.0);
        let plain = |from: usize, to: usize| series.values[from..to].iter().sum::<f64>() / (to - from) as f64;
        assert!((series.mean(10, 60).unwrap() - plain(10, 60)).abs() < 1e-12);
        assert!((series.mean(0, 100).unwrap() - plain(0, 100)).abs() < 1e-12);
        assert_eq!((series.mean(100, 101), series.mean(5, 5)), (None, None));
        assert!((series.mean(99, 500).unwrap() - 0.5 * (series.values[99] + 2.0)).abs() < 1e-12);
    }

    #[test]
    fn thinning_keeps_ends_and_peaks_in_few_points() {
        let mut series = waves(100_000);
        series.truncate(70_000);
        series.push(1e6);
        (0..29_999).for_each(|_| series.push(0.0));
        let points = series.thinned(0, 100_000, 400);
        assert!(points.len() <= 2 * 400 + 2, "{} points", points.len());
        assert_eq!(points[0], (0, series.values[0]));
        assert_eq!(points.last(), Some(&(99_999, 0.0)));
        assert!(points.iter().any(|&(_, value)| value == 1e6), "the peak is lost");
        assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0), "points must go forward");
    }

    #[test]
    fn points_are_thinned_without_losing_a_peak() {
        let mut points: Vec<[f64; 2]> =
            (0..50_000_u32).map(|at| [f64::from(at), (f64::from(at) * 0.37).sin()]).collect();
        points[31_234][1] = 77.0;
        let few = thinned(&points, None, 300);
        assert!(few.len() <= 4 * 300 && few.iter().any(|point| point[1] == 77.0));
        assert!(few.is_sorted_by(|a, b| a[0] <= b[0]));
        let part = thinned(&points, Some((100.0, 110.0)), 300);
        assert_eq!((part.first().unwrap()[0], part.last().unwrap()[0]), (99.0, 111.0));
    }

    #[test]
    fn few_numbers_are_kept_as_they_are() {
        let series = waves(10);
        assert_eq!(series.thinned(2, 5, 100).len(), 3);
        assert!(series.thinned(5, 5, 100).is_empty());
    }
}
