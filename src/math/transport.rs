//! How far samples are from points that have masses: the 2-Wasserstein distance, exactly.

/// What it costs to bring samples to points so that point `i` gets `capacities[i]` of them, at least: the optimal transport between as
/// many samples of equal mass and the points. `costs` is `(n, K)` in a row, the capacities add up to `n`.
///
/// Every sample begins at its nearest point; while a point has too many, the cheapest chain of moves leads from one that has too many to
/// one that has too few (successive shortest paths, which stay optimal at every move). Only the samples that are too many are moved, so
/// a thousand samples and fifty points take milliseconds.
pub fn transport(costs: &[f64], capacities: &[usize]) -> f64 {
    let points = capacities.len();
    let mut flow = Flow::nearest(costs, points);
    while flow.has_too_many(capacities) && flow.improve(capacities) {}
    flow.members
        .iter()
        .enumerate()
        .flat_map(|(point, members)| members.iter().map(move |&sample| costs[sample * points + point]))
        .sum()
}

/// Which samples are where.
struct Flow<'a> {
    costs: &'a [f64],
    points: usize,
    members: Vec<Vec<usize>>,
    /// For each pair of points the cheapest move from one to the other: what it adds, and whom it moves.
    moves: Vec<(f64, usize)>,
}

impl<'a> Flow<'a> {
    fn nearest(costs: &'a [f64], points: usize) -> Self {
        let mut members = vec![Vec::new(); points];
        for (sample, row) in costs.chunks_exact(points).enumerate() {
            let nearest = (0..points).min_by(|&a, &b| row[a].total_cmp(&row[b])).expect("at least one point");
            members[nearest].push(sample);
        }
        let mut flow = Self { costs, points, members, moves: vec![(f64::INFINITY, 0); points * points] };
        (0..points).for_each(|point| flow.look_again(point));
        flow
    }

    fn has_too_many(&self, capacities: &[usize]) -> bool {
        self.members.iter().zip(capacities).any(|(members, &capacity)| members.len() > capacity)
    }

    /// The cheapest moves away from a point.
    fn look_again(&mut self, from: usize) {
        let moves = &mut self.moves[from * self.points..(from + 1) * self.points];
        moves.fill((f64::INFINITY, 0));
        for &sample in &self.members[from] {
            let row = &self.costs[sample * self.points..(sample + 1) * self.points];
            for (best, cost) in moves.iter_mut().zip(row) {
                if cost - row[from] < best.0 {
                    *best = (cost - row[from], sample);
                }
            }
        }
    }

    /// The cheapest chain of moves from a point that has too many samples to one that has too few; false where there is none.
    fn improve(&mut self, capacities: &[usize]) -> bool {
        let points = self.points;
        let mut reached: Vec<f64> = (0..points)
            .map(|point| if self.members[point].len() > capacities[point] { 0.0 } else { f64::INFINITY })
            .collect();
        let mut came_from = vec![usize::MAX; points];
        // Moves may gain something, so distances are settled by rounds (Bellman and Ford).
        for _ in 0..points {
            let mut changed = false;
            for from in 0..points {
                for to in 0..points {
                    let through = reached[from] + self.moves[from * points + to].0;
                    if from != to && through < reached[to] - 1e-12 {
                        (reached[to], came_from[to], changed) = (through, from, true);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let free =
            (0..points).filter(|&point| self.members[point].len() < capacities[point] && reached[point].is_finite());
        let Some(mut to) = free.min_by(|&a, &b| reached[a].total_cmp(&reached[b])) else { return false };
        let mut touched = vec![to];
        while came_from[to] != usize::MAX && touched.len() <= points {
            let from = came_from[to];
            let (_, sample) = self.moves[from * points + to];
            self.members[from].retain(|&other| other != sample);
            self.members[to].push(sample);
            touched.push(from);
            to = from;
        }
        touched.into_iter().for_each(|point| self.look_again(point));
        true
    }
}

/// Whole numbers that add up to `count` and are as near to `masses` times `count` as can be: what is left goes to the largest rests.
pub fn shared_out(masses: &[f64], count: usize) -> Vec<usize> {
    let sum: f64 = masses.iter().sum();
    let wanted: Vec<f64> = masses.iter().map(|mass| mass / sum * count as f64).collect();
    let mut whole: Vec<usize> = wanted.iter().map(|wanted| wanted.floor() as usize).collect();
    let mut order: Vec<usize> = (0..masses.len()).collect();
    order.sort_by(|&a, &b| wanted[b].fract().total_cmp(&wanted[a].fract()).then(a.cmp(&b)));
    let left = count.saturating_sub(whole.iter().sum());
    order.iter().cycle().take(left).for_each(|&at| whole[at] += 1);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::assignment::least_cost;

    fn costs(samples: usize, points: usize, seed: usize) -> Vec<f64> {
        (0..samples * points).map(|at| (((at + seed * 31) * 7919 + at * at % 101) % 997) as f64 / 100.0).collect()
    }

    #[test]
    fn it_is_the_best_assignment_to_as_many_copies_of_the_points() {
        for (seed, capacities) in
            [vec![4, 4, 4], vec![1, 9, 2], vec![0, 5, 7], vec![3, 3, 2, 2, 2], vec![12]].iter().enumerate()
        {
            for seed in [seed, seed + 100] {
                let points = capacities.len();
                let costs = costs(12, points, seed);
                let copies: Vec<usize> =
                    capacities.iter().enumerate().flat_map(|(point, &count)| vec![point; count]).collect();
                let rows: Vec<Vec<f64>> =
                    (0..12).map(|sample| copies.iter().map(|point| costs[sample * points + point]).collect()).collect();
                let best: f64 = least_cost(&rows).iter().enumerate().map(|(sample, &copy)| rows[sample][copy]).sum();
                let found = transport(&costs, capacities);
                assert!((found - best).abs() < 1e-9, "{capacities:?}, seed {seed}: {found} for {best}");
            }
        }
    }

    #[test]
    fn the_asymmetric_law_costs_nothing_with_its_masses_and_a_quarter_without() {
        // Mass 3/4 at 0 and 1/4 at 1, points at both.
        let costs: Vec<f64> = [0.0, 0.0, 0.0, 1.0].iter().flat_map(|x: &f64| [x * x, (x - 1.0).powi(2)]).collect();
        assert_eq!(transport(&costs, &[3, 1]) / 4.0, 0.0);
        assert_eq!(transport(&costs, &[2, 2]) / 4.0, 0.25);
    }

    #[test]
    fn masses_become_whole_numbers() {
        assert_eq!(shared_out(&[0.5, 0.25, 0.25], 10), [5, 3, 2]);
        assert_eq!(shared_out(&[1.0; 3], 9), [3, 3, 3]);
        assert_eq!(shared_out(&[0.9, 0.1], 3).iter().sum::<usize>(), 3);
    }
}
