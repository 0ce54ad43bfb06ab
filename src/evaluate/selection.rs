//! Choosing real images instead of making new ones: what any distillation has to beat at the same number of images.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::expert::{Expert, Known};
use crate::{
    data::Dataset,
    error::Result,
    math::{Codebook, squared},
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

/// How images are chosen by what an expert knows of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByExpert {
    /// One after the other, so that the mean of the features comes as near as can be to that of the class (Welling, ICML
    /// 2009): at step `k` the one that minimises `||(k + 1) mean - sum of the chosen - f(x)||`.
    Herding,
    /// First the one nearest to the mean of the class, then always the one farthest from all that were chosen (greedy
    /// k-center).
    KCenter,
    /// Medoids of k-means, as [`select_medoids`] finds them among pixels.
    Medoids,
    /// Those that were most often named rightly and then wrongly while the expert learned (Toneva et al., ICLR 2019);
    /// those that it never learned come first. Ties are broken by chance.
    Forgetting,
}

/// `per_class` usable training images of every class that the expert knows.
pub fn select_by(how: ByExpert, expert: &Expert, per_class: usize, seed: u64) -> Result<Vec<u32>> {
    let dimensions = expert.network().embedding_len();
    let mut selected = Vec::new();
    for known in expert.classes() {
        let Known { class, indices, features, forgotten } = known?;
        let mut rng = stream(seed, Purpose::Medoids, 1 + how as u64, u64::from(class));
        let rows: Vec<&[f32]> = features.chunks_exact(dimensions).collect();
        let chosen = match how {
            ByExpert::Herding => herding(&rows, per_class),
            ByExpert::KCenter => k_center(&rows, per_class),
            ByExpert::Forgetting => most_forgotten(&forgotten, per_class, &mut rng),
            ByExpert::Medoids => {
                let candidates = choose(rows.len(), CANDIDATES, &mut rng);
                let some: Vec<f32> = candidates.iter().flat_map(|&row| rows[row]).copied().collect();
                let chosen = medoids(&some, dimensions, per_class, &mut rng);
                chosen.into_iter().map(|row| candidates[row]).collect()
            }
        };
        selected.extend(chosen.into_iter().map(|row| indices[row]));
    }
    Ok(selected)
}

fn herding(rows: &[&[f32]], count: usize) -> Vec<usize> {
    let Some(mean) = mean_of(rows.iter().copied(), rows.first().map_or(0, |row| row.len())) else { return Vec::new() };
    let mut chosen: Vec<usize> = Vec::new();
    // What is still missing: (k + 1) mean - sum of the chosen.
    let mut missing = mean.clone();
    while chosen.len() < count.min(rows.len()) {
        let free = (0..rows.len()).into_par_iter().filter(|row| !chosen.contains(row));
        let gap = free.map(|row| (f64::from(squared(rows[row], &missing)), row));
        let (_, best) = gap.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).expect("a row is free");
        for ((missing, mean), taken) in missing.iter_mut().zip(&mean).zip(rows[best]) {
            *missing += mean - taken;
        }
        chosen.push(best);
    }
    chosen
}

fn k_center(rows: &[&[f32]], count: usize) -> Vec<usize> {
    let Some(mean) = mean_of(rows.iter().copied(), rows.first().map_or(0, |row| row.len())) else { return Vec::new() };
    let mut gaps: Vec<f64> = rows.par_iter().map(|row| -f64::from(squared(row, &mean))).collect();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < count.min(rows.len()) {
        let farthest = |a: &usize, b: &usize| gaps[*a].total_cmp(&gaps[*b]).then(b.cmp(a));
        let next = (0..rows.len()).filter(|row| !chosen.contains(row)).max_by(farthest).expect("a row is free");
        let is_first = chosen.is_empty();
        let nearer = |(row, gap): (&&[f32], &f64)| {
            let gap = if is_first { f64::INFINITY } else { *gap };
            f64::from(squared(row, rows[next])).min(gap)
        };
        gaps = rows.par_iter().zip(&gaps).map(nearer).collect();
        chosen.push(next);
    }
    chosen
}

fn most_forgotten(forgotten: &[u32], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order = choose(forgotten.len(), forgotten.len(), rng);
    order.sort_by_key(|&row| std::cmp::Reverse(forgotten[row]));
    order.truncate(count);
    order
}

/// The rows nearest to `count` means, all different; every row where there are no more.
fn medoids(points: &[f32], dimensions: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let rows: Vec<&[f32]> = points.chunks_exact(dimensions).collect();
    if rows.len() <= count {
        return (0..rows.len()).collect();
    }
    let book = Codebook::start(points, dimensions, count, rng).lloyd(points, ROUNDS);
    let mut taken = vec![false; rows.len()];
    for mean in book.points.chunks_exact(dimensions) {
        let free = (0..rows.len()).filter(|&row| !taken[row]);
        let row = free.min_by(|&a, &b| squared(rows[a], mean).total_cmp(&squared(rows[b], mean)));
        taken[row.expect("more rows than means")] = true;
    }
    (0..rows.len()).filter(|&row| taken[row]).collect()
}

fn mean_of<'a>(rows: impl Iterator<Item = &'a [f32]>, dimensions: usize) -> Option<Vec<f32>> {
    let (mut sum, mut count) = (vec![0.0_f64; dimensions], 0_usize);
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        count += 1;
    }
    (count > 0).then(|| sum.into_iter().map(|sum| (sum / count as f64) as f32).collect())
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
    fn herding_follows_the_mean_and_k_center_the_border() {
        let points = [0.0, 1.0, 2.0, 3.0, 10.0_f32];
        let rows: Vec<&[f32]> = points.chunks_exact(1).collect();
        // The mean is 3.2: first 3, then what brings the sum of two nearest to 6.4 and that of three to 9.6.
        assert_eq!(herding(&rows, 3), [3, 2, 1]);
        // First the nearest to the mean, then the farthest from it, then the farthest from both.
        assert_eq!(k_center(&rows, 3), [3, 4, 0]);
        assert_eq!(herding(&rows, 9).len(), 5);
        assert!(k_center(&[], 3).is_empty() && herding(&[], 3).is_empty());
    }

    #[test]
    fn the_most_forgotten_come_first_and_ties_are_drawn() {
        let mut rng = stream(3, Purpose::Medoids, 0, 0);
        let forgotten = [0, 2, u32::MAX, 1, 2, 0];
        let mut chosen = most_forgotten(&forgotten, 3, &mut rng);
        assert_eq!(chosen[0], 2);
        chosen.sort_unstable();
        assert_eq!(chosen, [1, 2, 4]);
    }

    #[test]
    fn equal_rows_and_few_rows_are_no_trouble() {
        let mut rng = stream(1, Purpose::Medoids, 0, 0);
        let chosen = medoids(&[1.0; 40], 4, 3, &mut rng);
        assert_eq!(chosen.len(), 3);
        assert_eq!(medoids(&[1.0, 2.0], 1, 3, &mut rng), [0, 1]);
    }
}
