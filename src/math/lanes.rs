//! Sums in lanes: quicker than in order, more exact, and in an order that stays the same on every machine.

use std::array::from_fn;

use num_traits::Float;

/// `sum_i f(a_i, b_i)` over as many as both have, in `LANES` sums that are added at the end. Another number of lanes may give other last
/// bits.
pub fn sum_of<const LANES: usize, T: Float>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut sums = [T::zero(); LANES];
    let ((ones, rest), (others, other_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (one, other) in ones.iter().zip(others) {
        sums = from_fn(|lane| sums[lane] + f(one[lane], other[lane]));
    }
    for (sum, (&one, &other)) in sums.iter_mut().zip(rest.iter().zip(other_rest)) {
        *sum = *sum + f(one, other);
    }
    sums.into_iter().fold(T::zero(), |total, sum| total + sum)
}

/// Squared Euclidean distance `sum_i (a_i - b_i)^2`.
pub fn squared(a: &[f32], b: &[f32]) -> f32 {
    sum_of::<8, _>(a, b, |a, b| (a - b) * (a - b))
}

/// Dot product `sum_i a_i b_i`.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of::<16, _>(a, b, |a, b| a * b)
}

/// `sum_i a_i`; what fills no lane is added at the end, in order.
pub fn sum<T: Float>(values: &[T]) -> T {
    let (whole, rest) = values.split_at(values.len() / 8 * 8);
    let total = sum_of::<8, _>(whole, whole, |value, _| value);
    rest.iter().fold(total, |total, &value| total + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_counted_once_whatever_fills_the_lanes() {
        for len in [0, 1, 7, 8, 9, 16, 37] {
            let a: Vec<f32> = (0..len).map(|at| at as f32).collect();
            let b: Vec<f32> = (0..len).map(|at| (at * at % 11) as f32).collect();
            let in_order = |f: fn(f32, f32) -> f32| a.iter().zip(&b).map(|(&a, &b)| f(a, b)).sum::<f32>();
            assert_eq!(squared(&a, &b), in_order(|a, b| (a - b) * (a - b)));
            assert_eq!(dot(&a, &b), in_order(|a, b| a * b));
            assert_eq!(sum(&a), in_order(|a, _| a));
        }
    }
}
