//! The points that stand for the samples of one class, and how samples compete for them.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::squared;
use crate::random::choose;

/// Samples that a thread takes at a time.
const PART: usize = 512;

/// How far a point moves towards a sample that it has won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gains {
    /// Minibatch k-means (Sculley, WWW 2010), as DDOQ and D4M do it: winners are found for the whole batch first, and a point moves by
    /// one over the samples that it has won so far. Its start counts as the first.
    #[default]
    PerPoint,
    /// Competitive learning vector quantization: winners are found sample by sample, and every point moves by the same share, which falls
    /// with the samples that were seen: `rate / (1 + rate decay n / K)`.
    Shared,
}

/// The points of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Codebook {
    /// Numbers of a point.
    pub dimensions: usize,
    /// `(K, dimensions)` in a row.
    pub points: Vec<f32>,
    /// Samples that each point has won, its start included: `(K,)`.
    pub wins: Vec<f32>,
    /// Samples that were seen.
    pub seen: u64,
}

/// Which samples are nearest to which point: the cells of Voronoi.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    /// The nearest point of each sample.
    pub nearest: Vec<u32>,
    /// Share of the samples in each cell: `p_i = P(X in C_i)`.
    pub masses: Vec<f32>,
    /// For each point the sample of its own cell that lies nearest to it; of all samples where its cell is empty.
    pub medoids: Vec<usize>,
    /// Squared distance of each point to its medoid.
    pub medoid_squares: Vec<f32>,
    /// `E min_i |X - x_i|^2` over the samples.
    pub distortion: f64,
}

impl Cells {
    /// The exponential of the entropy of the masses: as many points of equal mass would be as even.
    pub fn effective_points(&self) -> f64 {
        let masses = self.masses.iter().copied().map(f64::from).filter(|mass| *mass > 0.0);
        masses.map(|mass| -mass * mass.ln()).sum::<f64>().exp()
    }
}

impl Codebook {
    /// Points that begin at samples far from each other (k-means++, Arthur and Vassilvitskii, SODA 2007).
    pub fn start(samples: &[f32], dimensions: usize, count: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut book = Self { dimensions, points: Vec::new(), wins: Vec::new(), seen: 0 };
        book.grow(samples, count, rng);
        book
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.wins.len()
    }

    /// True if there is no point.
    pub fn is_empty(&self) -> bool {
        self.wins.is_empty()
    }

    /// The point at a place.
    pub fn point(&self, at: usize) -> &[f32] {
        &self.points[at * self.dimensions..(at + 1) * self.dimensions]
    }

    /// More points, as k-means++ would go on; or fewer, those that have won least go.
    pub fn resize(&mut self, samples: &[f32], count: usize, rng: &mut ChaCha8Rng) {
        while self.len() > count {
            let least = (0..self.len()).min_by(|&a, &b| self.wins[a].total_cmp(&self.wins[b])).expect("more than none");
            self.wins.remove(least);
            self.points.drain(least * self.dimensions..(least + 1) * self.dimensions);
        }
        self.grow(samples, count, rng);
    }

    fn grow(&mut self, samples: &[f32], count: usize, rng: &mut ChaCha8Rng) {
        let rows: Vec<&[f32]> = samples.chunks_exact(self.dimensions).collect();
        let known: Vec<&[f32]> = self.points.chunks_exact(self.dimensions).collect();
        for row in spread(&rows, &known, count.saturating_sub(self.len()), rng) {
            self.points.extend_from_slice(rows[row]);
            self.wins.push(1.0);
        }
    }

    /// The nearest point to a sample, and the squared distance.
    pub fn winner(&self, sample: &[f32]) -> (usize, f32) {
        let mut best = (0, f32::INFINITY);
        for (at, point) in self.points.chunks_exact(self.dimensions).enumerate() {
            let square = squared(point, sample);
            if square < best.1 {
                best = (at, square);
            }
        }
        best
    }

    /// Samples compete, one after the other; each moves the point that it is nearest to:
    /// `x_i <- x_i - gain (x_i - sample)`.
    pub fn minibatch_step(&mut self, batch: &[&[f32]], gains: Gains, rate: f64, decay: f64) {
        let winners: Vec<usize> = match gains {
            Gains::PerPoint => batch.iter().map(|sample| self.winner(sample).0).collect(),
            Gains::Shared => Vec::new(),
        };
        for (number, sample) in batch.iter().enumerate() {
            let at = winners.get(number).copied().unwrap_or_else(|| self.winner(sample).0);
            let gain = match gains {
                Gains::PerPoint => rate / f64::from(self.wins[at] + 1.0),
                Gains::Shared => rate / (1.0 + rate * decay * self.seen as f64 / self.len() as f64),
            };
            let gain = gain.min(1.0) as f32;
            let point = &mut self.points[at * self.dimensions..(at + 1) * self.dimensions];
            point.iter_mut().zip(*sample).for_each(|(value, goal)| *value -= gain * (*value - goal));
            self.wins[at] += 1.0;
            self.seen += 1;
        }
    }

    /// Points that have won less than `share` of what the best has won begin anew, each at a sample of the batch of its own, and count as
    /// many wins as the poorest of the others; half as many as there are samples at most, the poorest first (`MiniBatchKMeans` of
    /// scikit-learn with its `reassignment_ratio`).
    pub fn reassign_starved(&mut self, batch: &[&[f32]], share: f64, rng: &mut ChaCha8Rng) {
        let least = share * self.wins.iter().copied().map(f64::from).fold(0.0, f64::max);
        let mut starved: Vec<usize> = (0..self.len()).filter(|&at| f64::from(self.wins[at]) < least).collect();
        starved.sort_by(|&a, &b| self.wins[a].total_cmp(&self.wins[b]).then(a.cmp(&b)));
        starved.truncate(batch.len() / 2);
        let others = (0..self.len()).filter(|at| !starved.contains(at)).map(|at| self.wins[at]);
        let wins = others.fold(f32::INFINITY, f32::min);
        for (&at, sample) in starved.iter().zip(choose(batch.len(), starved.len(), rng)) {
            self.points[at * self.dimensions..(at + 1) * self.dimensions].copy_from_slice(batch[sample]);
            self.wins[at] = wins;
        }
    }

    /// The cells of all samples `(n, dimensions)`.
    pub fn cells(&self, samples: &[f32]) -> Cells {
        let parts = samples.par_chunks(PART * self.dimensions);
        let won: Vec<(usize, f32)> =
            parts.flat_map_iter(|part| part.chunks_exact(self.dimensions).map(|sample| self.winner(sample))).collect();
        let mut counts = vec![0_u32; self.len()];
        let mut medoids = vec![(0, f32::INFINITY); self.len()];
        for (sample, &(at, square)) in won.iter().enumerate() {
            counts[at] += 1;
            if square < medoids[at].1 {
                medoids[at] = (sample, square);
            }
        }
        for (at, medoid) in medoids.iter_mut().enumerate().filter(|(_, medoid)| medoid.1.is_infinite()) {
            for (sample, row) in samples.chunks_exact(self.dimensions).enumerate() {
                let square = squared(self.point(at), row);
                if square < medoid.1 {
                    *medoid = (sample, square);
                }
            }
        }
        let count = won.len().max(1) as f64;
        Cells {
            masses: counts.into_iter().map(|cell| (f64::from(cell) / count) as f32).collect(),
            medoids: medoids.iter().map(|medoid| medoid.0).collect(),
            medoid_squares: medoids.iter().map(|medoid| medoid.1).collect(),
            distortion: won.iter().map(|(_, square)| f64::from(*square)).sum::<f64>() / count,
            nearest: won.into_iter().map(|(at, _)| at as u32).collect(),
        }
    }

    /// Lloyd's rounds until no sample changes its cell, `rounds` at most.
    #[must_use]
    pub fn lloyd(mut self, samples: &[f32], rounds: usize) -> Self {
        let mut nearest = Vec::new();
        for _ in 0..rounds {
            let cells = self.cells(samples);
            if cells.nearest == nearest {
                break;
            }
            self.lloyd_step(samples, &cells);
            nearest = cells.nearest;
        }
        self
    }

    /// Every point becomes the mean of its cell (Lloyd); an empty cell leaves its point where it is.
    pub fn lloyd_step(&mut self, samples: &[f32], cells: &Cells) {
        let mut sums = vec![0.0_f64; self.points.len()];
        let mut counts = vec![0_u32; self.len()];
        for (row, &at) in samples.chunks_exact(self.dimensions).zip(&cells.nearest) {
            let at = at as usize;
            counts[at] += 1;
            let sum = &mut sums[at * self.dimensions..(at + 1) * self.dimensions];
            sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let points = self.points.chunks_exact_mut(self.dimensions).zip(sums.chunks_exact(self.dimensions));
        for ((point, sum), &count) in points.zip(&counts).filter(|(_, count)| **count > 0) {
            point.iter_mut().zip(sum).for_each(|(value, sum)| *value = (sum / f64::from(count)) as f32);
        }
    }
}

/// `count` rows far from each other and from what is known: each next one is drawn with a chance that grows with its squared distance to
/// all so far (k-means++).
fn spread(rows: &[&[f32]], known: &[&[f32]], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut chosen = Vec::new();
    if rows.is_empty() || count == 0 {
        return chosen;
    }
    let nearest = |row: &&[f32]| known.iter().map(|point| f64::from(squared(row, point))).fold(f64::INFINITY, f64::min);
    let mut distances: Vec<f64> = rows.par_iter().map(nearest).collect();
    while chosen.len() < count {
        let next = if known.is_empty() && chosen.is_empty() {
            rng.random_range(0..rows.len())
        } else {
            let mut left = rng.random::<f64>() * distances.iter().sum::<f64>();
            let at = distances.iter().position(|distance| {
                left -= distance;
                left < 0.0
            });
            // Where all rows are equal any one will do.
            at.unwrap_or(chosen.len() % rows.len())
        };
        let nearer = |(row, old): (&&[f32], &f64)| f64::from(squared(row, rows[next])).min(*old);
        distances = rows.par_iter().zip(&distances).map(nearer).collect();
        chosen.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    /// Middles of `count` equal parts of [0, 1]: the uniform law, exactly as far as cells are whole numbers of them.
    fn uniform(count: usize) -> Vec<f32> {
        (0..count).map(|at| (at as f32 + 0.5) / count as f32).collect()
    }

    fn lloyd(samples: &[f32], count: usize) -> (Codebook, Cells) {
        let mut rng = stream(1, Purpose::QuantizerStart, 0, 0);
        let book = Codebook::start(samples, 1, count, &mut rng).lloyd(samples, 400);
        let cells = book.cells(samples);
        (book, cells)
    }

    #[test]
    fn two_points_halve_the_uniform_law() {
        let samples = uniform(4000);
        let (book, cells) = lloyd(&samples, 2);
        let mut points = book.points.clone();
        points.sort_by(f32::total_cmp);
        assert!((points[0] - 0.25).abs() < 1e-3 && (points[1] - 0.75).abs() < 1e-3, "{points:?}");
        assert!(cells.masses.iter().all(|mass| (mass - 0.5).abs() < 2e-3), "{:?}", cells.masses);
        assert!((cells.distortion - 1.0 / 48.0).abs() < 1e-5, "{}", cells.distortion);
    }

    #[test]
    fn the_distortion_of_the_uniform_law_falls_with_the_square_of_the_points() {
        let samples = uniform(6000);
        for count in [1, 3, 5, 8] {
            let (_, cells) = lloyd(&samples, count);
            let expected = 1.0 / (12.0 * (count * count) as f64);
            assert!((cells.distortion / expected - 1.0).abs() < 5e-3, "{count}: {} for {expected}", cells.distortion);
        }
    }

    #[test]
    fn competition_finds_the_same_points_as_means_of_cells_do() {
        for gains in [Gains::PerPoint, Gains::Shared] {
            let samples = uniform(1000);
            let mut rng = stream(3, Purpose::QuantizerStart, 0, 0);
            let mut book = Codebook::start(&samples, 1, 2, &mut rng);
            for step in 0..2000_u64 {
                let mut rng = stream(3, Purpose::QuantizerBatch, step, 0);
                let batch: Vec<&[f32]> = (0..16).map(|_| samples[rng.random_range(0..1000)..].split_at(1).0).collect();
                book.minibatch_step(&batch, gains, 1.0, 1.0);
            }
            let mut points = book.points.clone();
            points.sort_by(f32::total_cmp);
            assert!((points[0] - 0.25).abs() < 0.02 && (points[1] - 0.75).abs() < 0.02, "{gains:?}: {points:?}");
            assert_eq!(book.seen, 32_000);
        }
    }

    #[test]
    fn a_step_is_that_of_the_formula() {
        let book = Codebook { dimensions: 2, points: vec![0.0, 0.0, 4.0, 0.0], wins: vec![1.0, 3.0], seen: 2 };
        let batch: [&[f32]; 2] = [&[1.0, 1.0], &[3.0, 0.0]];
        let mut per_point = book.clone();
        per_point.minibatch_step(&batch, Gains::PerPoint, 1.0, 1.0);
        assert_eq!(
            (per_point.points.as_slice(), per_point.wins.as_slice()),
            (&[0.5, 0.5, 3.75, 0.0][..], &[2.0, 4.0][..])
        );
        let mut shared = book;
        shared.minibatch_step(&batch, Gains::Shared, 0.5, 1.0);
        // 0.5 / (1 + 0.5 * 2 / 2) and 0.5 / (1 + 0.5 * 3 / 2)
        let gains = [0.5 / 1.5, 0.5 / 1.75];
        let expected = [gains[0], gains[0], 4.0 - gains[1], 0.0];
        assert!(
            shared.points.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6),
            "{:?}",
            shared.points
        );
    }

    #[test]
    fn starved_points_begin_anew_at_samples_of_their_own() {
        let mut rng = stream(9, Purpose::QuantizerBatch, 0, 0);
        let points = vec![0.0, 0.0, 50.0, 50.0, -50.0, 50.0, 1.0, 1.0];
        let book = Codebook { dimensions: 2, points, wins: vec![400.0, 3.0, 2.0, 5.0], seen: 410 };
        let samples = [[7.0, 7.0], [8.0, 8.0], [9.0, 9.0], [6.0, 6.0]];
        let batch: Vec<&[f32]> = samples.iter().map(|sample| &sample[..]).collect();
        let mut anew = book.clone();
        anew.reassign_starved(&batch, 0.01, &mut rng);
        // Fewer than four wins of 400: two points, which count five wins now, as the poorest other does.
        assert_eq!(anew.wins, [400.0, 5.0, 5.0, 5.0]);
        assert_eq!((anew.point(0), anew.point(3)), (book.point(0), book.point(3)));
        assert!(anew.point(1)[0] >= 6.0 && anew.point(2)[0] >= 6.0 && anew.point(1) != anew.point(2), "{anew:?}");
        // Two samples at most give up half: the poorest begins anew.
        let mut few = book.clone();
        few.reassign_starved(&batch[..2], 0.01, &mut rng);
        assert_eq!(few.wins, [400.0, 3.0, 3.0, 5.0]);
        let mut never = book.clone();
        never.reassign_starved(&batch, 0.0, &mut rng);
        assert_eq!(never, book);
    }

    #[test]
    fn cells_share_all_samples_and_medoids_lie_in_them() {
        let samples: Vec<f32> = (0..200).map(|at| ((at * 7919) % 997) as f32 / 100.0).collect();
        let mut rng = stream(5, Purpose::QuantizerStart, 0, 0);
        let mut book = Codebook::start(&samples, 2, 7, &mut rng);
        let cells = book.cells(&samples);
        assert!((cells.masses.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        for (at, &medoid) in cells.medoids.iter().enumerate() {
            assert_eq!(cells.nearest[medoid] as usize, at);
        }
        // A point that nobody is nearest to has no mass, and the nearest sample of all stands for it.
        book.points[..2].copy_from_slice(&[-1e3, -1e3]);
        let cells = book.cells(&samples);
        assert_eq!(cells.masses[0], 0.0);
        let nearest = samples.chunks_exact(2).map(|row| squared(row, book.point(0))).fold(f32::INFINITY, f32::min);
        assert_eq!(cells.medoid_squares[0], nearest);
    }

    #[test]
    fn points_come_and_go() {
        let samples = uniform(100);
        let mut rng = stream(7, Purpose::QuantizerStart, 0, 0);
        let mut book = Codebook::start(&samples, 1, 4, &mut rng);
        book.wins = vec![5.0, 1.0, 9.0, 3.0];
        let kept = [book.points[0], book.points[2], book.points[3]];
        book.resize(&samples, 3, &mut rng);
        assert_eq!(book.points, kept, "the one that has won least goes");
        book.resize(&samples, 6, &mut rng);
        assert_eq!((book.len(), &book.points[..3]), (6, &kept[..]));
        let mut all = book.points.clone();
        all.sort_by(f32::total_cmp);
        all.dedup();
        assert_eq!(all.len(), 6, "new ones lie apart from all others");
    }
}
