//! Small classifiers of points: logistic regression, nearest neighbours, nearest mean.

use rayon::prelude::*;

/// Points with the position of the class of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelled {
    /// Coordinates, `(n, d)` in a row.
    pub values: Vec<f32>,
    /// Class of each point, from 0.
    pub labels: Vec<usize>,
}

impl Labelled {
    /// Number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.values.len() / self.labels.len().max(1)
    }

    fn points(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dimensions().max(1))
    }
}

/// What tells classes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classifier {
    /// Multinomial logistic regression with the penalty `|W|^2 / 2` (what scikit-learn does where nobody says otherwise).
    Logistic,
    /// The most frequent class among so many nearest points; the nearest of equals.
    Neighbours(usize),
    /// The class with the nearest mean.
    NearestMean,
}

impl Classifier {
    /// Learns from some points and returns the share of others that it names rightly.
    pub fn accuracy(self, train: &Labelled, classes: usize, test: &Labelled) -> f64 {
        let named = self.name(train, classes, test);
        let right = named.iter().zip(&test.labels).filter(|(named, label)| named == label).count();
        right as f64 / test.labels.len().max(1) as f64
    }

    /// The class of each of some points.
    fn name(self, train: &Labelled, classes: usize, test: &Labelled) -> Vec<usize> {
        let dimensions = train.dimensions();
        let points: Vec<&[f32]> = test.points().collect();
        match self {
            Self::Logistic => {
                let weights = logistic(train, classes);
                let name = |point: &&[f32]| largest(&scores(&weights, point, classes));
                points.par_iter().map(name).collect()
            }
            Self::Neighbours(count) => points.par_iter().map(|point| nearest(train, classes, point, count)).collect(),
            Self::NearestMean => {
                let mut means = Labelled { values: vec![0.0; classes * dimensions], labels: (0..classes).collect() };
                for class in 0..classes {
                    let members = train.points().zip(&train.labels).filter(|(_, label)| **label == class);
                    let count = members.clone().count().max(1) as f32;
                    let mean = &mut means.values[class * dimensions..(class + 1) * dimensions];
                    members.for_each(|(point, _)| mean.iter_mut().zip(point).for_each(|(sum, v)| *sum += v / count));
                }
                points.par_iter().map(|point| nearest(&means, classes, point, 1)).collect()
            }
        }
    }
}

fn largest(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a))).unwrap_or(0)
}

fn nearest(train: &Labelled, classes: usize, point: &[f32], count: usize) -> usize {
    let square = |other: &[f32]| -> f32 { other.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum() };
    let mut near: Vec<(f32, usize)> = train.points().map(square).zip(train.labels.iter().copied()).collect();
    let count = count.min(near.len()).max(1);
    let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if count < near.len() {
        near.select_nth_unstable_by(count - 1, order);
        near.truncate(count);
    }
    near.sort_unstable_by(order);
    let mut votes = vec![0.0; classes];
    near.iter().for_each(|&(_, class)| votes[class] += 1.0);
    let most = votes.iter().copied().fold(0.0, f64::max);
    near.iter().map(|&(_, class)| class).find(|&class| votes[class] == most).unwrap_or(0)
}

/// Scores of a point: weights are `(classes, d + 1)`, the last of each row without a coordinate.
fn scores(weights: &[f64], point: &[f32], classes: usize) -> Vec<f64> {
    let row = weights.len() / classes;
    let along = |weights: &[f64]| {
        weights[row - 1] + weights.iter().zip(point).map(|(weight, &value)| weight * f64::from(value)).sum::<f64>()
    };
    weights.chunks_exact(row).map(along).collect()
}

/// Steps of the search at most.
const MOST_STEPS: usize = 300;
/// Directions that are remembered.
const MEMORY: usize = 10;

/// Weights that minimise `sum -log softmax(W x + b)_y + |W|^2 / 2`, by L-BFGS.
fn logistic(train: &Labelled, classes: usize) -> Vec<f64> {
    let mut weights = vec![0.0; classes * (train.dimensions() + 1)];
    let (mut cost, mut gradient) = cost(&weights, train, classes);
    let mut memory: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|slope| slope.abs() < 1e-5) {
            break;
        }
        let way = descent(&gradient, &memory);
        let slope = dot(&way, &gradient);
        let first = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let tried = (0..40).map(|halved| first * 0.5_f64.powi(halved)).find_map(|length| {
            let moved: Vec<f64> = weights.iter().zip(&way).map(|(weight, way)| weight + length * way).collect();
            let (lower, slopes) = self::cost(&moved, train, classes);
            (lower <= cost + 1e-4 * length * slope).then_some((moved, lower, slopes))
        });
        let Some((moved, lower, slopes)) = tried else { break };
        let gaps = |new: &[f64], old: &[f64]| -> Vec<f64> { new.iter().zip(old).map(|(new, old)| new - old).collect() };
        let pair = (gaps(&moved, &weights), gaps(&slopes, &gradient));
        if dot(&pair.0, &pair.1) > 1e-12 {
            memory.push(pair);
            if memory.len() > MEMORY {
                memory.remove(0);
            }
        }
        (weights, cost, gradient) = (moved, lower, slopes);
    }
    weights
}

/// The two-loop recursion: minus the gradient, bent by what was learned about the curvature.
fn descent(gradient: &[f64], memory: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut way: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::new();
    for (step, change) in memory.iter().rev() {
        let share = dot(step, &way) / dot(step, change);
        way.iter_mut().zip(change).for_each(|(way, change)| *way -= share * change);
        shares.push(share);
    }
    if let Some((step, change)) = memory.last() {
        let scale = dot(step, change) / dot(change, change);
        way.iter_mut().for_each(|way| *way *= scale);
    }
    for ((step, change), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &way) / dot(step, change);
        way.iter_mut().zip(step).for_each(|(way, step)| *way += (share - back) * step);
    }
    way
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The cost of weights and its gradient.
fn cost(weights: &[f64], train: &Labelled, classes: usize) -> (f64, Vec<f64>) {
    const PART: usize = 256;
    let row = weights.len() / classes;
    let points: Vec<(&[f32], usize)> = train.points().zip(train.labels.iter().copied()).collect();
    let of_part = |part: &[(&[f32], usize)]| {
        let (mut cost, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for &(point, label) in part {
            let scores = scores(weights, point, classes);
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = powers.iter().sum();
            cost += sum.ln() + most - scores[label];
            for (class, (power, gradient)) in powers.iter().zip(gradient.chunks_exact_mut(row)).enumerate() {
                let pull = power / sum - f64::from(u8::from(class == label));
                gradient.iter_mut().zip(point).for_each(|(sum, &value)| *sum += pull * f64::from(value));
                gradient[row - 1] += pull;
            }
        }
        (cost, gradient)
    };
    let parts: Vec<(f64, Vec<f64>)> = points.par_chunks(PART).map(of_part).collect();
    let (mut cost, mut gradient) = (0.0, vec![0.0; weights.len()]);
    for (part_cost, part_gradient) in parts {
        cost += part_cost;
        gradient.iter_mut().zip(part_gradient).for_each(|(sum, value)| *sum += value);
    }
    for (weights, gradient) in weights.chunks_exact(row).zip(gradient.chunks_exact_mut(row)) {
        for (weight, gradient) in weights[..row - 1].iter().zip(gradient) {
            cost += 0.5 * weight * weight;
            *gradient += weight;
        }
    }
    (cost, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds, of which the third lies between the other two in the first coordinate.
    fn clouds(count: usize, spread: f32) -> Labelled {
        let centres = [[-3.0, 0.0], [3.0, 0.0], [0.0, 4.0]];
        let noise = |at: usize| ((at * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
        let mut all = Labelled::default();
        for at in 0..3 * count {
            let class = at % 3;
            all.values.extend((0..2).map(|axis| centres[class][axis] + spread * noise(2 * at + axis)));
            all.labels.push(class);
        }
        all
    }

    #[test]
    fn clouds_that_lie_apart_are_told_apart() {
        let (train, test) = (clouds(30, 1.0), clouds(100, 1.2));
        for classifier in [Classifier::Logistic, Classifier::Neighbours(5), Classifier::NearestMean] {
            assert!(classifier.accuracy(&train, 3, &test) > 0.99, "{classifier:?}");
        }
    }

    #[test]
    fn logistic_regression_stands_at_its_minimum() {
        let train = clouds(20, 3.5);
        let weights = logistic(&train, 3);
        let (least, gradient) = cost(&weights, &train, 3);
        assert!(gradient.iter().all(|slope| slope.abs() < 1e-4), "{gradient:?}");
        for at in 0..weights.len() {
            for by in [-0.05, 0.05] {
                let mut moved = weights.clone();
                moved[at] += by;
                let (cost, _) = cost(&moved, &train, 3);
                // A constant added to all biases changes nothing.
                assert!(cost >= least - 1e-9, "weight {at}");
            }
        }
    }

    #[test]
    fn of_equal_votes_the_nearest_counts() {
        let train = Labelled { values: vec![0.0, 1.0, 3.0, 3.5], labels: vec![0, 1, 1, 0] };
        let test = Labelled { values: vec![0.4, 3.1], labels: vec![0, 1] };
        assert_eq!(Classifier::Neighbours(2).accuracy(&train, 2, &test), 1.0);
        assert_eq!(Classifier::Neighbours(1).accuracy(&train, 2, &test), 1.0);
    }
}
