//! Which real samples stand for which sigma points.

use serde::{Deserialize, Serialize};

use crate::math::assignment::least_cost;

/// How samples are given to points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// The nearest pair of all first, then the nearest of those that are left, as published.
    #[default]
    Greedy,
    /// So that all distances together are least.
    Optimal,
}

/// A sample that stands for a sigma point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Which sigma point.
    pub point: usize,
    /// Which sample.
    pub sample: usize,
    /// How far they are from each other.
    pub distance: f64,
}

/// Gives every point a sample of its own, nearest pairs first. `distances` is `(points, samples)`, with no more points than
/// samples.
pub fn assign(distances: &[Vec<f64>], how: Assignment) -> Vec<Pick> {
    match how {
        Assignment::Greedy => greedy(distances),
        Assignment::Optimal => {
            let pick = |(point, sample): (usize, usize)| Pick { point, sample, distance: distances[point][sample] };
            let mut picks: Vec<Pick> = least_cost(distances).into_iter().enumerate().map(pick).collect();
            picks.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.point.cmp(&b.point)));
            picks
        }
    }
}

fn greedy(distances: &[Vec<f64>]) -> Vec<Pick> {
    let (points, samples) = (distances.len(), distances.first().map_or(0, Vec::len));
    let (mut taken, mut served) = (vec![false; samples], vec![false; points]);
    let mut picks = Vec::with_capacity(points);
    while picks.len() < points.min(samples) {
        let free = (0..points).filter(|&point| !served[point]);
        let pairs = free.flat_map(|point| (0..samples).map(move |sample| (point, sample)));
        let nearest = pairs
            .filter(|&(_, sample)| !taken[sample])
            .min_by(|a, b| distances[a.0][a.1].total_cmp(&distances[b.0][b.1]));
        let Some((point, sample)) = nearest else { break };
        (served[point], taken[sample]) = (true, true);
        picks.push(Pick { point, sample, distance: distances[point][sample] });
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(rows: usize, columns: usize, seed: usize) -> Vec<Vec<f64>> {
        let cost =
            |row: usize, column: usize| ((row * 31 + column * 17 + seed * 7) * (row + 3 * column + seed) % 97) as f64;
        (0..rows).map(|row| (0..columns).map(|column| cost(row, column)).collect()).collect()
    }

    /// The least sum over all ways.
    fn by_trial(costs: &[Vec<f64>], taken: &mut Vec<usize>) -> f64 {
        let Some((first, rest)) = costs.split_first() else { return 0.0 };
        let mut least = f64::INFINITY;
        for (column, cost) in first.iter().enumerate() {
            if !taken.contains(&column) {
                taken.push(column);
                least = least.min(cost + by_trial(rest, taken));
                taken.pop();
            }
        }
        least
    }

    #[test]
    fn the_optimal_assignment_is_the_best_of_all() {
        for seed in 0..30 {
            let costs = costs(1 + seed % 5, 6, seed);
            let chosen = least_cost(&costs);
            let sum: f64 = chosen.iter().enumerate().map(|(row, &column)| costs[row][column]).sum();
            assert_eq!(sum, by_trial(&costs, &mut Vec::new()), "seed {seed}");
        }
    }

    #[test]
    fn both_ways_use_every_point_and_no_sample_twice_nearest_first() {
        for how in [Assignment::Greedy, Assignment::Optimal] {
            let picks = assign(&costs(7, 20, 3), how);
            let mut samples: Vec<usize> = picks.iter().map(|pick| pick.sample).collect();
            let mut points: Vec<usize> = picks.iter().map(|pick| pick.point).collect();
            assert!(picks.windows(2).all(|pair| pair[0].distance <= pair[1].distance), "{how:?}");
            samples.sort_unstable();
            samples.dedup();
            points.sort_unstable();
            assert_eq!((points, samples.len()), ((0..7).collect(), 7), "{how:?}");
        }
    }

    #[test]
    fn greedy_takes_the_nearest_pair_first_even_where_that_costs_more() {
        let costs = vec![vec![1.0, 2.0], vec![0.0, 100.0]];
        let sum = |how| assign(&costs, how).iter().map(|pick| pick.distance).sum::<f64>();
        assert_eq!((sum(Assignment::Greedy), sum(Assignment::Optimal)), (2.0, 2.0));
        let costs = vec![vec![1.0, 2.0], vec![2.0, 100.0]];
        assert_eq!((sum_of(&costs, Assignment::Greedy), sum_of(&costs, Assignment::Optimal)), (101.0, 4.0));
    }

    fn sum_of(costs: &[Vec<f64>], how: Assignment) -> f64 {
        assign(costs, how).iter().map(|pick| pick.distance).sum()
    }
}
