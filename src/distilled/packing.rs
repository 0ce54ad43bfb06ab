//! Several small images in one: partition and expansion (IDM, CVPR 2023; IDC, ICML 2022, calls it multi-formation).
//!
//! A stored image is a mosaic of `factor` by `factor` parts. Networks see the parts, each brought back to the full size;
//! bytes count the mosaics. Both directions are linear maps of plain slices, so a step applies them before the
//! augmentation and sends the gradient back through the exact adjoint.

use crate::data::ImageShape;

/// Parts of images of one shape.
#[derive(Clone, Debug)]
pub struct Packing {
    shape: ImageShape,
    factor: usize,
    rows: Vec<Axis>,
    columns: Vec<Axis>,
}

/// One part along one side.
#[derive(Clone, Debug)]
struct Axis {
    start: usize,
    len: usize,
    /// For each pixel of the full size: two pixels of the part, and the weight of the second.
    taps: Vec<(usize, usize, f32)>,
}

impl Axis {
    /// Bilinear with half-pixel centres, as PyTorch's `interpolate` with `align_corners=False`: a pixel at `i` of `side`
    /// reads at `(i + 1/2) len / side - 1/2`, and not beyond the edges of the part.
    fn new(part: usize, factor: usize, side: usize) -> Self {
        let (start, end) = (part * side / factor, (part + 1) * side / factor);
        let len = end - start;
        let tap = |pixel: usize| {
            let at = ((pixel as f64 + 0.5) * len as f64 / side as f64 - 0.5).max(0.0);
            let first = (at as usize).min(len - 1);
            (start + first, start + (first + 1).min(len - 1), (at - first as f64) as f32)
        };
        Self { start, len, taps: (0..side).map(tap).collect() }
    }

    /// What pixel `at` of the part covers at the full size: first pixel, and the weight of each, which add up to 1.
    fn covered(&self, at: usize) -> (usize, Vec<f32>) {
        let side = self.taps.len() as f64;
        let step = side / self.len as f64;
        let (from, to) = (at as f64 * step, (at + 1) as f64 * step);
        let pixels = from as usize..(to.ceil() as usize).min(self.taps.len());
        let weight =
            |pixel: usize| (((pixel + 1) as f64).min(to) - (pixel as f64).max(from)).max(0.0) as f32 / step as f32;
        (pixels.start, pixels.map(weight).collect())
    }
}

impl Packing {
    /// `factor` parts along each side; 1 leaves images as they are. Where a side cannot be shared evenly, some parts are a
    /// pixel larger.
    pub fn new(shape: ImageShape, factor: usize) -> Self {
        let axes = |side: usize| (0..factor).map(|part| Axis::new(part, factor, side)).collect();
        Self { shape, factor, rows: axes(shape.height), columns: axes(shape.width) }
    }

    /// Says why images of this shape cannot have so many parts, if they cannot.
    pub fn check(shape: ImageShape, factor: usize) -> Result<(), String> {
        let least = shape.height.min(shape.width);
        match factor {
            0 => Err("images.packing must be at least 1".to_owned()),
            1 => Ok(()),
            factor if 2 * factor > least => Err(format!(
                "images.packing is {factor}, but images of {least} pixels can have {} parts at most",
                least / 2
            )),
            _ => Ok(()),
        }
    }

    /// Number of parts of an image.
    pub fn parts(&self) -> usize {
        self.factor * self.factor
    }

    /// Row and column of a part: down first, then to the right, as released.
    pub fn place(part: usize, factor: usize) -> [usize; 2] {
        [part % factor, part / factor]
    }

    fn axes(&self, part: usize) -> (&Axis, &Axis) {
        let [row, column] = Self::place(part, self.factor);
        (&self.rows[row], &self.columns[column])
    }

    /// A part of a stored image at the full size; both `(channels, height, width)`.
    pub fn expand(&self, stored: &[f32], part: usize, out: &mut [f32]) {
        if self.factor == 1 {
            out.copy_from_slice(stored);
            return;
        }
        let (rows, columns) = self.axes(part);
        let (area, width) = (self.shape.plane(), self.shape.width);
        for (stored, out) in stored.chunks_exact(area).zip(out.chunks_exact_mut(area)) {
            for (out, &(above, below, down)) in out.chunks_exact_mut(width).zip(&rows.taps) {
                let (above, below) = (&stored[above * width..][..width], &stored[below * width..][..width]);
                for (out, &(left, right, across)) in out.iter_mut().zip(&columns.taps) {
                    let mix = |row: &[f32]| row[left] + (row[right] - row[left]) * across;
                    let (above, below) = (mix(above), mix(below));
                    *out = above + (below - above) * down;
                }
            }
        }
    }

    /// All parts of stored images `(n, channels, height, width)`, those of an image beside each other.
    pub fn expand_all(&self, stored: &[f32]) -> Vec<f32> {
        let mut values = Vec::with_capacity(stored.len() * self.parts());
        for image in stored.chunks_exact(self.shape.len()) {
            for part in 0..self.parts() {
                let start = values.len();
                values.resize(start + image.len(), 0.0);
                self.expand(image, part, &mut values[start..]);
            }
        }
        values
    }

    /// Adds the gradient at an expanded part to that of the stored image: the adjoint of [`expand`](Self::expand).
    pub fn adjoint(&self, gradient: &[f32], part: usize, stored: &mut [f32]) {
        if self.factor == 1 {
            stored.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
            return;
        }
        let (rows, columns) = self.axes(part);
        let (area, width) = (self.shape.plane(), self.shape.width);
        for (gradient, stored) in gradient.chunks_exact(area).zip(stored.chunks_exact_mut(area)) {
            for (gradient, &(above, below, down)) in gradient.chunks_exact(width).zip(&rows.taps) {
                for (&gradient, &(left, right, across)) in gradient.iter().zip(&columns.taps) {
                    for (row, weight) in [(above, 1.0 - down), (below, down)] {
                        stored[row * width + left] += gradient * weight * (1.0 - across);
                        stored[row * width + right] += gradient * weight * across;
                    }
                }
            }
        }
    }

    /// Makes a stored image of as many images as it has parts, each shrunk to its part by the mean over what a pixel
    /// covers.
    pub fn pack(&self, images: &[f32]) -> Vec<f32> {
        let (area, width) = (self.shape.plane(), self.shape.width);
        let mut stored = vec![0.0; self.shape.len()];
        for (part, image) in images.chunks_exact(self.shape.len()).enumerate() {
            let (rows, columns) = self.axes(part);
            for y in 0..rows.len {
                let (top, down) = rows.covered(y);
                for x in 0..columns.len {
                    let (left, across) = columns.covered(x);
                    for (plane, stored) in image.chunks_exact(area).zip(stored.chunks_exact_mut(area)) {
                        let row = |(row, weight): (usize, &f32)| {
                            let values = &plane[(top + row) * width + left..];
                            weight * values.iter().zip(&across).map(|(value, weight)| value * weight).sum::<f32>()
                        };
                        let place = (rows.start + y) * width + columns.start + x;
                        stored[place] = down.iter().enumerate().map(row).sum();
                    }
                }
            }
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 2, height: 8, width: 6 };

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|at| ((at * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn expanded(packing: &Packing, stored: &[f32], part: usize) -> Vec<f32> {
        let mut out = vec![0.0; stored.len()];
        packing.expand(stored, part, &mut out);
        out
    }

    #[test]
    fn a_constant_part_expands_to_a_constant_image() {
        for factor in [1, 2, 3] {
            let packing = Packing::new(SHAPE, factor);
            let parts: Vec<f32> = (0..packing.parts()).flat_map(|part| vec![part as f32 - 1.5; SHAPE.len()]).collect();
            let stored = packing.pack(&parts);
            for part in 0..packing.parts() {
                let constant = |value: &f32| (value - (part as f32 - 1.5)).abs() < 1e-6;
                assert!(expanded(&packing, &stored, part).iter().all(constant), "factor {factor}, part {part}");
            }
        }
    }

    #[test]
    fn doubling_weighs_a_quarter_and_three_quarters() {
        let line = ImageShape { channels: 1, height: 2, width: 8 };
        let stored: Vec<f32> = [0.0, 1.0, 4.0, 9.0, 0.0, 0.0, 0.0, 0.0].repeat(2);
        let out = expanded(&Packing::new(line, 2), &stored, 0);
        assert_eq!(out[..8], [0.0, 0.25, 0.75, 1.75, 3.25, 5.25, 7.75, 9.0]);
    }

    #[test]
    fn halving_is_the_mean_over_two_by_two() {
        let square = ImageShape { channels: 1, height: 4, width: 4 };
        let image = values(16, 3);
        let stored =
            Packing::new(square, 2).pack(&[image.clone(), image.clone(), image.clone(), image.clone()].concat());
        let mean = (image[0] + image[1] + image[4] + image[5]) / 4.0;
        assert!((stored[0] - mean).abs() < 1e-6);
        assert!((stored[10] - mean).abs() < 1e-6, "the last part has it too");
    }

    #[test]
    fn parts_go_down_first_and_the_adjoint_is_exact() {
        assert_eq!([0, 1, 2, 3].map(|part| Packing::place(part, 2)), [[0, 0], [1, 0], [0, 1], [1, 1]]);
        for factor in [1, 2, 3] {
            let packing = Packing::new(SHAPE, factor);
            let stored = values(SHAPE.len(), 1);
            for part in 0..packing.parts() {
                let gradient = values(SHAPE.len(), 5 + part);
                let mut back = vec![0.0; SHAPE.len()];
                packing.adjoint(&gradient, part, &mut back);
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                let (there, here) = (dot(&expanded(&packing, &stored, part), &gradient), dot(&stored, &back));
                assert!((there - here).abs() < 1e-4, "factor {factor}, part {part}: {there} and {here}");
            }
        }
    }

    #[test]
    fn too_many_parts_are_refused() {
        assert!(Packing::check(SHAPE, 3).is_ok());
        assert!(Packing::check(SHAPE, 4).unwrap_err().contains("3 parts at most"));
        assert!(Packing::check(SHAPE, 0).is_err());
    }
}
