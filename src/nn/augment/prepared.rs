//! A draw made ready for images of one shape: the affine maps themselves, and their adjoints.
//!
//! Colour, cutout and flip are symmetric matrices, a crop's transpose is the crop the other way, and sampling keeps a
//! table of four pixels and weights per output pixel: forward gathers with it, the adjoint scatters.

use std::ops::Range;

use num_traits::Float;

use super::{Draw, ImageShape, cutout_side};
use crate::math::lanes::sum;

/// A [`Draw`] made ready for images of one shape. Cheap to share between threads.
#[derive(Clone, Debug)]
pub struct Prepared<T> {
    shape: ImageShape,
    map: Map<T>,
}

#[derive(Clone, Debug)]
enum Map<T> {
    Copy,
    /// `own x + pixel m_c + image m + offset`
    Color {
        own: T,
        pixel: T,
        image: T,
        offset: T,
    },
    Shift {
        dx: isize,
        dy: isize,
    },
    Erase {
        rows: Range<usize>,
        columns: Range<usize>,
    },
    Mirror,
    /// One entry per pixel of a plane.
    Sample(Vec<Taps<T>>),
}

/// The four pixels that one output pixel is mixed from. What lies outside the image has weight zero.
#[derive(Clone, Copy, Debug)]
struct Taps<T> {
    at: [u32; 4],
    weight: [T; 4],
}

impl<T: Float> Prepared<T> {
    pub(super) fn new(draw: &Draw, shape: ImageShape) -> Self {
        let map = match *draw {
            Draw::Identity | Draw::Flip { flipped: false } => Map::Copy,
            Draw::Color { brightness, saturation, contrast } => color(brightness, saturation, contrast, shape.channels),
            Draw::Crop { dx, dy } => Map::Shift { dx: dx as isize, dy: dy as isize },
            Draw::Cutout { x, y } => Map::Erase { rows: erased(y, shape.height), columns: erased(x, shape.width) },
            Draw::Flip { flipped: true } => Map::Mirror,
            Draw::Window { corner, sides } => Map::Sample(window(corner, sides, shape)),
            Draw::Scale { sx, sy } => Map::Sample(taps([[sx, 0.0], [0.0, sy]], shape)),
            Draw::Rotate { radians } => {
                let (sin, cos) = radians.sin_cos();
                Map::Sample(taps([[cos, -sin], [sin, cos]], shape))
            }
        };
        Self { shape, map }
    }

    /// `out = A image + b`, for one image or several in a row. Panics where a length does not fit the shape.
    pub fn apply(&self, images: &[T], out: &mut [T]) {
        self.check(images, out);
        match &self.map {
            Map::Color { offset, .. } => self.blend(images, out, *offset),
            Map::Shift { dx, dy } => self.shift(images, out, *dx, *dy),
            Map::Sample(taps) => {
                for (image, out) in self.planes(images, out) {
                    for (out, taps) in out.iter_mut().zip(taps) {
                        let [a, b, c, d] = taps.at.map(|at| image[at as usize]);
                        let [wa, wb, wc, wd] = taps.weight;
                        *out = (a * wa + b * wb) + (c * wc + d * wd);
                    }
                }
            }
            Map::Copy | Map::Erase { .. } | Map::Mirror => self.symmetric(images, out),
        }
    }

    /// `out = Aᵀ gradient`, for one image or several in a row. Panics where a length does not fit the shape.
    pub fn adjoint(&self, gradients: &[T], out: &mut [T]) {
        self.check(gradients, out);
        match &self.map {
            // Means are symmetric maps, and brightness has no linear part.
            Map::Color { .. } => self.blend(gradients, out, T::zero()),
            Map::Shift { dx, dy } => self.shift(gradients, out, -dx, -dy),
            Map::Sample(taps) => {
                for (gradient, out) in self.planes(gradients, out) {
                    out.fill(T::zero());
                    for (&gradient, taps) in gradient.iter().zip(taps) {
                        for (at, &weight) in taps.at.into_iter().zip(&taps.weight) {
                            let out = &mut out[at as usize];
                            *out = *out + gradient * weight;
                        }
                    }
                }
            }
            Map::Copy | Map::Erase { .. } | Map::Mirror => self.symmetric(gradients, out),
        }
    }

    /// The maps that are their own adjoints.
    fn symmetric(&self, from: &[T], to: &mut [T]) {
        match &self.map {
            Map::Mirror => {
                let width = self.shape.width;
                for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
                    for (from, to) in from.iter().rev().zip(to) {
                        *to = *from;
                    }
                }
            }
            Map::Erase { rows, columns } => {
                to.copy_from_slice(from);
                for plane in to.chunks_exact_mut(self.shape.plane()) {
                    for row in rows.clone() {
                        plane[row * self.shape.width..][columns.clone()].fill(T::zero());
                    }
                }
            }
            _ => to.copy_from_slice(from),
        }
    }

    /// `to[i, j] = from[i + dy, j + dx]`, zero outside.
    fn shift(&self, from: &[T], to: &mut [T], dx: isize, dy: isize) {
        let width = self.shape.width;
        let (left, right) = overlap(dx, width);
        let (top, bottom) = overlap(dy, self.shape.height);
        to.fill(T::zero());
        if left >= right {
            return;
        }
        for (from, to) in self.planes(from, to) {
            for row in top..bottom {
                let source = row.strict_add_signed(dy) * width;
                to[row * width..][left..right]
                    .copy_from_slice(&from[source + left.strict_add_signed(dx)..][..right - left]);
            }
        }
    }

    /// `own x + pixel m_c + image m + offset`
    fn blend(&self, from: &[T], to: &mut [T], offset: T) {
        let Map::Color { own, pixel, image, .. } = self.map else {
            unreachable!("only colour blends");
        };
        let channels = cast::<T>(self.shape.channels as f64);
        let count = cast::<T>(self.shape.len() as f64);
        let plane = self.shape.plane();
        let images = from.chunks_exact(self.shape.len());
        for (from, to) in images.zip(to.chunks_exact_mut(self.shape.len())) {
            let level = image * (sum(from) / count) + offset;
            // The first plane of the result holds the sums over channels until it takes its turn, which is the last.
            let (first, rest) = to.split_at_mut(plane);
            first.copy_from_slice(&from[..plane]);
            for from in from.chunks_exact(plane).skip(1) {
                for (total, &from) in first.iter_mut().zip(from) {
                    *total = *total + from;
                }
            }
            for total in first.iter_mut() {
                *total = pixel * (*total / channels) + level;
            }
            for (from, to) in from[plane..].chunks_exact(plane).zip(rest.chunks_exact_mut(plane)) {
                for ((to, &from), &level) in to.iter_mut().zip(from).zip(first.iter()) {
                    *to = own * from + level;
                }
            }
            for (to, &from) in first.iter_mut().zip(from) {
                *to = own * from + *to;
            }
        }
    }

    fn planes<'a>(&self, from: &'a [T], to: &'a mut [T]) -> impl Iterator<Item = (&'a [T], &'a mut [T])> {
        let plane = self.shape.plane();
        from.chunks_exact(plane).zip(to.chunks_exact_mut(plane))
    }

    fn check(&self, from: &[T], to: &[T]) {
        assert!(!self.shape.is_empty(), "an image without pixels");
        assert_eq!(from.len(), to.len(), "as much goes in as comes out");
        assert_eq!(from.len() % self.shape.len(), 0, "whole images only");
    }
}

/// The rows (or columns) that a cutout zeroes, never empty.
fn erased(centre: i32, side: usize) -> Range<usize> {
    let size = cutout_side(side) as i64;
    let first = i64::from(centre) - size / 2;
    let clamp = |at: i64| at.clamp(0, side as i64 - 1) as usize;
    clamp(first)..clamp(first + size - 1) + 1
}

/// The output rows (or columns) whose source at a distance of `shift` exists.
fn overlap(shift: isize, side: usize) -> (usize, usize) {
    let side = side as isize;
    ((-shift).clamp(0, side) as usize, (side - shift).clamp(0, side) as usize)
}

fn color<T: Float>(brightness: f64, saturation: f64, contrast: f64, channels: usize) -> Map<T> {
    let s = if channels == 1 { 1.0 } else { 2.0 * saturation };
    let t = contrast + 0.5;
    // With P the mean over channels and M the mean over the image, M P = M, hence
    // (t + (1 - t) M)(s + (1 - s) P) = t s + t (1 - s) P + (1 - t) M. Both factors keep a constant, so brightness
    // passes through them.
    Map::Color { own: cast(t * s), pixel: cast(t * (1.0 - s)), image: cast(1.0 - t), offset: cast(brightness - 0.5) }
}

/// Where each output pixel samples a plane, for sampling positions `theta (x, y)`.
fn taps<T: Float>(theta: [[f64; 2]; 2], shape: ImageShape) -> Vec<Taps<T>> {
    let (width, height) = (shape.width as f64, shape.height as f64);
    // The reference goes from pixel j to coordinate (2j + 1)/w - 1, and from coordinate x to pixel ((x + 1) w - 1)/2.
    // Multiplied out, with X = 2j + 1 - w and Y = 2i + 1 - h whole numbers, nothing is rounded at the identity.
    let [[xx, xy], [yx, yy]] = theta;
    let (xy, yx) = (xy * width / height, yx * height / width);
    let mut all = Vec::with_capacity(shape.plane());
    for i in 0..shape.height {
        for j in 0..shape.width {
            let x = (2 * j + 1) as f64 - width;
            let y = (2 * i + 1) as f64 - height;
            let (columns, across) = neighbours((xx * x + xy * y + width - 1.0) / 2.0, shape.width);
            let (rows, down) = neighbours((yx * x + yy * y + height - 1.0) / 2.0, shape.height);
            let tap = |row: usize, column: usize| {
                let at = rows[row] * shape.width + columns[column];
                (at as u32, cast::<T>(down[row] * across[column]))
            };
            let four = [tap(0, 0), tap(0, 1), tap(1, 0), tap(1, 1)];
            all.push(Taps { at: four.map(|(at, _)| at), weight: four.map(|(_, weight)| weight) });
        }
    }
    all
}

/// Where each output pixel samples a plane, for a window that fills it: pixel `j` of `w` lies at `(j + 1/2) side / w - 1/2` in
/// the window, and the edge of the window goes on outside of it.
fn window<T: Float>(corner: [usize; 2], sides: [usize; 2], shape: ImageShape) -> Vec<Taps<T>> {
    let along = |place: usize, axis: usize, all: usize| {
        let last = sides[axis] - 1;
        let position = ((place as f64 + 0.5) * sides[axis] as f64 / all as f64 - 0.5).clamp(0.0, last as f64);
        let (before, share) = (position.floor() as usize, position - position.floor());
        ([corner[axis] + before, corner[axis] + (before + 1).min(last)], [1.0 - share, share])
    };
    let places = (0..shape.height).flat_map(|row| (0..shape.width).map(move |column| (row, column)));
    let taps = |(row, column): (usize, usize)| {
        let (rows, down) = along(row, 1, shape.height);
        let (columns, across) = along(column, 0, shape.width);
        let four = [[0, 0], [0, 1], [1, 0], [1, 1]];
        Taps {
            at: four.map(|[i, j]| (rows[i] * shape.width + columns[j]) as u32),
            weight: four.map(|[i, j]| cast(down[i] * across[j])),
        }
    };
    places.map(taps).collect()
}

/// The two pixels on either side of a position along an axis, and their weights.
fn neighbours(position: f64, side: usize) -> ([usize; 2], [f64; 2]) {
    let before = position.floor();
    let share = position - before;
    let last = side as f64 - 1.0;
    let inside = |at: f64, weight: f64| {
        if (0.0..=last).contains(&at) { (at as usize, weight) } else { (0, 0.0) }
    };
    let (first, low) = inside(before, 1.0 - share);
    let (second, high) = inside(before + 1.0, share);
    ([first, second], [low, high])
}

fn cast<T: Float>(value: f64) -> T {
    T::from(value).expect("a float type takes any f64")
}
