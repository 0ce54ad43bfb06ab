//! Choosing real images instead of making new ones: what any distillation has to beat at the same number of images.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    data::Dataset,
    random::{Purpose, choose, stream},
};

/// Images of a class among which medoids are looked for; a random part of larger classes.
const CANDIDATES: usize = 2000;
/// Rounds of k-means; it has nearly always settled before.
const ROUNDS: usize = 30;

/// `per_class` random usable training images of some classes; draw after draw is different.
pub fn select_at_random(data: &Dataset, classes: &[u32], per_class: usize, seed: u64, draw: u64) -> Vec<u32> {
    let of_class = |&class: &u32| {
        let usable = data.usable(class);
        let mut rng = stream(seed, Purpose::Selection, draw, u64::from(class));
        choose(usable.len(), per_class, &mut rng).into_iter().map(|index| usable[index]).collect::<Vec<_>>()
    };
    classes.iter().flat_map(of_class).collect()
}

/// Medoids of k-means, class by class: `per_class` means of the normalised pixels by Lloyd's rounds from a k-means++
/// start, then for each the real image that lies nearest and was not taken yet.
///
/// The space is that of the pixels, so that nothing has to be trained first; of classes with more than 2,000 images a
/// random 2,000 take part.
pub fn select_medoids(data: &Dataset, classes: &[u32], per_class: usize, seed: u64) -> Vec<u32> {
    let of_class = |&class: &u32| {
        let usable = data.usable(class);
        let mut rng = stream(seed, Purpose::Medoids, 0, u64::from(class));
        let candidates: Vec<u32> =
            choose(usable.len(), CANDIDATES, &mut rng).into_iter().map(|index| usable[index]).collect();
        let points = data.gather(data.train(), &candidates);
        let chosen = medoids(&points, data.shape().len(), per_class, &mut rng);
        chosen.into_iter().map(|index| candidates[index]).collect::<Vec<_>>()
    };
    classes.iter().flat_map(of_class).collect()
}

/// The rows nearest to `count` means, all different; every row where there are no more.
fn medoids(points: &[f32], dimensions: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let rows: Vec<&[f32]> = points.chunks_exact(dimensions).collect();
    if rows.len() <= count {
        return (0..rows.len()).collect();
    }
    let mut means = spread_start(&rows, count, rng);
    let mut nearest: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let now: Vec<usize> = rows.par_iter().map(|row| closest(row, &means).0).collect();
        if now == nearest {
            break;
        }
        nearest = now;
        for (cell, mean) in means.iter_mut().enumerate() {
            let members = rows.iter().zip(&nearest).filter(|(_, at)| **at == cell).map(|(row, _)| *row);
            if let Some(moved) = mean_of(members, dimensions) {
                *mean = moved;
            }
        }
    }
    let mut taken = vec![false; rows.len()];
    for mean in &means {
        let free = (0..rows.len()).filter(|&row| !taken[row]);
        let row = free.min_by(|&a, &b| squared(rows[a], mean).total_cmp(&squared(rows[b], mean)));
        taken[row.expect("more rows than means")] = true;
    }
    (0..rows.len()).filter(|&row| taken[row]).collect()
}

/// k-means++: each next mean is a row drawn with a chance that grows with its squared distance to the means so far.
fn spread_start(rows: &[&[f32]], count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f32>> {
    let mut means = vec![rows[rng.random_range(0..rows.len())].to_vec()];
    let mut distances: Vec<f64> = rows.par_iter().map(|row| squared(row, &means[0])).collect();
    while means.len() < count {
        let mut left = rng.random::<f64>() * distances.iter().sum::<f64>();
        let at = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        // Where all rows are equal any one will do.
        let mean = rows[at.unwrap_or(means.len() % rows.len())].to_vec();
        distances = rows.par_iter().zip(&distances).map(|(row, old)| squared(row, &mean).min(*old)).collect();
        means.push(mean);
    }
    means
}

fn mean_of<'a>(rows: impl Iterator<Item = &'a [f32]>, dimensions: usize) -> Option<Vec<f32>> {
    let (mut sum, mut count) = (vec![0.0_f64; dimensions], 0_usize);
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        count += 1;
    }
    (count > 0).then(|| sum.into_iter().map(|sum| (sum / count as f64) as f32).collect())
}

fn closest(row: &[f32], means: &[Vec<f32>]) -> (usize, f64) {
    let distances = means.iter().map(|mean| squared(row, mean)).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).expect("at least one mean")
}

fn squared(a: &[f32], b: &[f32]) -> f64 {
    f64::from(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medoids_of_clumps_lie_one_in_each() {
        let clump = |at: f32| [at - 0.1, at, at + 0.1, at + 0.05].map(|x| [x, -at]);
        let points: Vec<f32> = [0.0, 5.0, 9.0].into_iter().flat_map(clump).flatten().collect();
        for seed in 0..20 {
            let chosen = medoids(&points, 2, 3, &mut stream(seed, Purpose::Medoids, 0, 0));
            let mut clumps: Vec<usize> = chosen.iter().map(|row| row / 4).collect();
            clumps.sort_unstable();
            assert_eq!(clumps, [0, 1, 2], "seed {seed}: {chosen:?}");
        }
    }

    #[test]
    fn equal_rows_and_few_rows_are_no_trouble() {
        let mut rng = stream(1, Purpose::Medoids, 0, 0);
        let chosen = medoids(&[1.0; 40], 4, 3, &mut rng);
        assert_eq!(chosen.len(), 3);
        assert_eq!(medoids(&[1.0, 2.0], 1, 3, &mut rng), [0, 1]);
    }
}
