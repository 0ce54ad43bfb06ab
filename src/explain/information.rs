//! What the images of a class say to a trained network, coordinate by coordinate: the picture behind CMI.

use crate::report::{ClassInformation, Coordinate};

/// Coordinates that are shown.
const SHOWN: usize = 12;

/// Features of the images of one class, `(m, d)` in a row, as distributions `P_i = softmax(g(s_i))` around their centroid
/// `Q = (1/m) sum_i P_i`: the divergence `sum_j P_ij (log P_ij - log Q_j)` of each image, their mean (the conditional
/// mutual information of the class, in nats), and the coordinates `j` that add most to it.
pub fn information(features: &[f32], dimensions: usize) -> ClassInformation {
    let rows: Vec<Vec<f64>> = features.chunks_exact(dimensions).map(softmax).collect();
    let count = rows.len().max(1) as f64;
    let centroid: Vec<f64> = (0..dimensions).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / count).collect();
    let part = |row: &[f64], j: usize| if row[j] > 0.0 { row[j] * (row[j].ln() - centroid[j].ln()) } else { 0.0 };
    let divergence = |row: &Vec<f64>| (0..dimensions).map(|j| part(row, j)).sum::<f64>();
    let images: Vec<f64> = rows.iter().map(divergence).collect();
    let value = images.iter().sum::<f64>() / count;
    let mut shares: Vec<(usize, f64)> =
        (0..dimensions).map(|j| (j, rows.iter().map(|row| part(row, j)).sum::<f64>() / count)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let coordinate = |&(index, share): &(usize, f64)| Coordinate {
        index,
        share: if value > 0.0 { share / value } else { 0.0 },
        centroid: centroid[index],
        images: rows.iter().map(|row| row[index]).collect(),
    };
    let coordinates = shares.iter().take(SHOWN).map(coordinate).collect();
    ClassInformation { value, images, coordinates, real: None }
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = row.iter().map(|&value| f64::from(value - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_golden_number_and_the_mean_of_the_images() {
        // The synthetic features of section "golden numbers": 1.3 sin(0.7 (4i + j) + 0.9), 3 x 4.
        let features: Vec<f32> = (0..12).map(|index| (1.3 * (0.7 * f64::from(index) + 0.9).sin()) as f32).collect();
        let told = information(&features, 4);
        assert!((told.value - 0.051_822_545_820_416_29).abs() < 1e-7, "{}", told.value);
        assert!((told.images.iter().sum::<f64>() / 3.0 - told.value).abs() < 1e-12);
        let shares: f64 = told.coordinates.iter().map(|one| one.share).sum();
        assert!((shares - 1.0).abs() < 1e-9, "four coordinates add up to all of it: {shares}");
        assert!(told.coordinates.windows(2).all(|pair| pair[0].share >= pair[1].share));
    }

    #[test]
    fn equal_images_say_nothing_and_quite_different_ones_reach_the_bound() {
        assert!(information(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 3).value.abs() < 1e-12);
        let apart = information(&[500.0, 0.0, 0.0, 500.0], 2);
        assert!((apart.value - 2.0_f64.ln()).abs() < 1e-9);
    }
}
