//! The potential energy of pairs: one well at two scales.

use rayon::prelude::*;

use crate::math::Moments;

/// Numbers that are added beside each other, so that the processor's lanes are used and the order stays the same.
const LANES: usize = 16;
/// No distance is taken to be smaller where something is divided by it.
const SMALLEST: f32 = 1e-6;

/// The energy `E(r) = r^-3 - r^-2` of two points at the scaled distance `r`: it repels below 3/2, where it has its only
/// well of `-4/27`, and attracts above.
pub fn energy(r: f64) -> f64 {
    r.powi(-3) - r.powi(-2)
}

/// What makes the energy of a pair: `E(gamma d + offset)` for the distance `d`, with `gamma = 1` for two points of one class
/// and `gamma = ratio` for points of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// Keeps the energy finite where points meet: `b0`, 0.3 as released, so that no pair has more than 25.9.
    pub offset: f64,
    /// How much nearer two points of different classes seem than they are: `g1`, 0.1 as released.
    pub ratio: f64,
}

impl Law {
    /// The scaled distance of a pair.
    pub fn scaled(&self, distance: f64, same_class: bool) -> f64 {
        distance * if same_class { 1.0 } else { self.ratio } + self.offset
    }

    /// The distance at which two points rest: `(3/2 - offset) / gamma`.
    pub fn rest(&self, same_class: bool) -> f64 {
        (1.5 - self.offset) / if same_class { 1.0 } else { self.ratio }
    }
}

/// Points `(n, d)` in a row, class after class.
#[derive(Clone, Debug, PartialEq)]
pub struct Cloud {
    /// Coordinates, point after point.
    pub values: Vec<f32>,
    /// Dimensions `d`.
    pub dimensions: usize,
    /// Where the points of each class begin, and the number of all points.
    pub starts: Vec<usize>,
}

impl Cloud {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// True if there is no point.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of a point, by position.
    pub fn class_of(&self, point: usize) -> usize {
        self.starts.partition_point(|&start| start <= point) - 1
    }

    /// A point.
    pub fn point(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The points of a class, in a row.
    pub fn of_class(&self, class: usize) -> &[f32] {
        &self.values[self.starts[class] * self.dimensions..self.starts[class + 1] * self.dimensions]
    }

    /// How far classes lie apart beside how wide they are: the trace of the covariance of the class means over the mean
    /// trace of the covariances of the classes.
    pub fn spread(&self) -> f64 {
        let classes = self.starts.len() - 1;
        let moments: Vec<Moments> =
            (0..classes).map(|class| Moments::of(self.of_class(class), self.dimensions)).collect();
        let means: Vec<Vec<f64>> = moments.iter().map(|one| one.mean.clone()).collect();
        let between = Moments::weighted(&means, &vec![1.0 / classes as f64; classes]).trace();
        let within = moments.iter().map(Moments::trace).sum::<f64>() / classes as f64;
        between / within.max(f64::MIN_POSITIVE)
    }

    /// Number of pairs.
    pub fn pairs(&self) -> f64 {
        let count = self.len() as f64;
        count * (count - 1.0) / 2.0
    }
}

/// Energies of all pairs, each over the number of *all* pairs, and their gradients.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Of pairs of one class, and of pairs of two.
    pub energy: [f64; 2],
    /// Gradient of each of the two on the points, `(n, d)`.
    pub gradient: [Vec<f32>; 2],
}

/// The energy `(1/P) sum_{i<j} E(gamma_ij |z_i - z_j| + offset)` over all `P = n (n - 1) / 2` pairs, in its two parts, with
/// their gradients. Every point adds up its own pairs in one order, so the result does not depend on threads.
pub fn pull(cloud: &Cloud, law: Law) -> Pull {
    let (count, dimensions) = (cloud.len(), cloud.dimensions);
    let columns = transposed(cloud);
    let rows: Vec<(f64, f64, Vec<f32>)> = (0..count)
        .into_par_iter()
        .map_init(|| vec![0.0_f32; count], |distances, point| row(cloud, &columns, law, point, distances))
        .collect();
    let scale = 1.0 / cloud.pairs().max(1.0);
    let mut pull = Pull { energy: [0.0; 2], gradient: [vec![0.0; count * dimensions], vec![0.0; count * dimensions]] };
    for (point, (within, between, gradient)) in rows.into_iter().enumerate() {
        // Every pair was met from both of its ends.
        pull.energy[0] += 0.5 * scale * within;
        pull.energy[1] += 0.5 * scale * between;
        for (part, values) in gradient.chunks_exact(dimensions).enumerate() {
            let own = &mut pull.gradient[part][point * dimensions..(point + 1) * dimensions];
            own.iter_mut().zip(values).for_each(|(own, value)| *own = value * scale as f32);
        }
    }
    pull
}

/// Coordinates, dimension after dimension.
fn transposed(cloud: &Cloud) -> Vec<f32> {
    let (count, dimensions) = (cloud.len(), cloud.dimensions);
    (0..dimensions * count).map(|at| cloud.values[at % count * dimensions + at / count]).collect()
}

/// The pairs of one point: their energy within and between classes, and both gradients on the point.
fn row(cloud: &Cloud, columns: &[f32], law: Law, point: usize, distances: &mut [f32]) -> (f64, f64, Vec<f32>) {
    let (count, dimensions) = (cloud.len(), cloud.dimensions);
    distances.fill(0.0);
    for (column, &own) in columns.chunks_exact(count).zip(cloud.point(point)) {
        distances.iter_mut().zip(column).for_each(|(sum, &other)| *sum += (own - other) * (own - other));
    }
    distances[point] = f32::INFINITY; // No pair with itself.
    let class = cloud.class_of(point);
    let own = cloud.starts[class]..cloud.starts[class + 1];
    let mut energies = [0.0_f64; 2];
    for (span, part, gamma) in
        [(0..own.start, 1, law.ratio as f32), (own.clone(), 0, 1.0), (own.end..count, 1, law.ratio as f32)]
    {
        energies[part] += f64::from(weigh(&mut distances[span], gamma, law.offset as f32));
    }
    let mut gradient = vec![0.0; 2 * dimensions];
    for (dimension, column) in columns.chunks_exact(count).enumerate() {
        let at = cloud.point(point)[dimension];
        let spans = [(0..own.start, 1), (own.clone(), 0), (own.end..count, 1)];
        for (span, part) in spans {
            gradient[part * dimensions + dimension] += lanes(&distances[span.clone()], &column[span], at);
        }
    }
    (energies[0], energies[1], gradient)
}

/// Turns squared distances into what each pair pulls with along its direction, `gamma E'(r) / d`, and returns the sum of the
/// energies.
fn weigh(squares: &mut [f32], gamma: f32, offset: f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let one = |square: &mut f32, sum: &mut f32| {
        let distance = square.sqrt().max(SMALLEST);
        let inverse = 1.0 / (gamma * distance + offset);
        let square_inverse = inverse * inverse;
        *sum += square_inverse * (inverse - 1.0);
        *square = gamma * square_inverse * inverse * (2.0 - 3.0 * inverse) / distance;
    };
    let mut groups = squares.chunks_exact_mut(LANES);
    for group in &mut groups {
        group.iter_mut().zip(&mut sums).for_each(|(square, sum)| one(square, sum));
    }
    groups.into_remainder().iter_mut().zip(&mut sums).for_each(|(square, sum)| one(square, sum));
    sums.iter().sum()
}

/// `sum_j w_j (at - x_j)`
fn lanes(weights: &[f32], others: &[f32], at: f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (groups, rest) = weights.as_chunks::<LANES>();
    let (other_groups, other_rest) = others.as_chunks::<LANES>();
    for (weights, others) in groups.iter().zip(other_groups) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * (at - others[lane]);
        }
    }
    sums.iter_mut().zip(rest.iter().zip(other_rest)).for_each(|(sum, (weight, other))| *sum += weight * (at - other));
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Law = Law { offset: 0.3, ratio: 0.1 };

    /// The synthetic features of section "golden numbers": 1.3 sin(0.7 (4i + j) + 0.9), 3 x 4, of the classes 0, 0, 1.
    fn golden() -> Cloud {
        let values = (0..12).map(|index| (1.3 * (0.7 * f64::from(index) + 0.9).sin()) as f32).collect();
        Cloud { values, dimensions: 4, starts: vec![0, 2, 3] }
    }

    #[test]
    fn the_energy_has_its_golden_numbers() {
        assert!((energy(1.5) + 4.0 / 27.0).abs() < 1e-15);
        assert!((energy(0.3) - 25.925_925_925_925_924).abs() < 1e-12);
        assert_eq!(energy(1.0), 0.0);
        for (distance, same, scaled, golden) in [
            (3.832_765_518_417_361, true, 4.132_765_518_417_361, -0.044_381_869_695_477_666),
            (1.149_131_263_961_376, false, 0.414_913_126_396_137_6, 8.191_224_539_095_113),
            (3.843_959_931_836_432_4, false, 0.684_395_993_183_643_2, 0.984_510_003_663_502_2),
        ] {
            assert!((LAW.scaled(distance, same) - scaled).abs() < 1e-12);
            assert!((energy(scaled) - golden).abs() < 1e-10, "{}", energy(scaled));
        }
        let Pull { energy: [within, between], .. } = pull(&golden(), LAW);
        assert!((within + between - 3.043_784_224_354_379).abs() < 1e-5, "{within} + {between}");
        assert!((within + 0.044_381_869_695_477_666 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_gradient_is_that_of_the_energy() {
        let cloud = golden();
        let pulled = pull(&cloud, LAW);
        for part in 0..2 {
            for at in 0..12 {
                let moved = |by: f32| {
                    let mut cloud = cloud.clone();
                    cloud.values[at] += by;
                    pull(&cloud, LAW).energy[part]
                };
                let slope = (moved(5e-3) - moved(-5e-3)) / 1e-2;
                let gap = (slope - f64::from(pulled.gradient[part][at])).abs();
                assert!(gap < 2e-3 * slope.abs().max(1.0), "part {part}, value {at}: {slope}");
            }
        }
    }

    #[test]
    fn two_free_points_rest_at_the_distances_of_the_law() {
        for (starts, rest) in [(vec![0, 2], 1.2), (vec![0, 1, 2], 12.0)] {
            let same = starts.len() == 2;
            assert!((LAW.rest(same) - rest).abs() < 1e-12);
            let mut cloud = Cloud { values: vec![0.0, 0.0, 0.3, 0.4], dimensions: 2, starts };
            // The well between classes is wider by the ratio, and so its slopes are flatter by the square.
            let rate = if same { 1.0 } else { 100.0 };
            for _ in 0..20_000 {
                let pulled = pull(&cloud, LAW);
                let gradient = &pulled.gradient[usize::from(!same)];
                // A step of limited length, so that the steep wall does not throw them apart.
                cloud.values.iter_mut().zip(gradient).for_each(|(x, g)| *x -= (rate * g).clamp(-0.01, 0.01));
            }
            let distance = (cloud.values[2] - cloud.values[0]).hypot(cloud.values[3] - cloud.values[1]);
            assert!((f64::from(distance) - rest).abs() < 1e-2, "{distance} instead of {rest}");
        }
    }

    #[test]
    fn points_that_lie_upon_each_other_do_not_break_it() {
        let cloud = Cloud { values: vec![1.0; 40], dimensions: 2, starts: vec![0, 10, 20] };
        let Pull { energy: [within, between], gradient } = pull(&cloud, LAW);
        assert!((within + between - 25.925_926).abs() < 1e-2, "all pairs are at the wall: {within} + {between}");
        assert!(gradient.iter().flatten().all(|value| *value == 0.0));
    }
}
