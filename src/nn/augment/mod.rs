//! Differentiable Siamese augmentation, on the host.
//!
//! Every family is an affine map of the image, `out = A image + b`, so a step applies it to plain slices before the
//! network and sends the network's gradient back through the exact adjoint `Aᵀ`. The tensor library never sees it.
//! An image is `(c, h, w)`, row-major, in normalised space, where zero is the mean colour of the data set.
//!
//! A strategy is a list of families, of which one call applies one. Siamese (distillation): one [`Draw`] shared by the
//! real and the synthetic batch of a class. Training and evaluation: one [`Family`] for the batch, a [`Draw`] of its own
//! for each image. With `u` uniform in `[0, 1)`, `m_c` the mean over the channels of a pixel, `m` the mean of an image:
//!
//! | family | `out` | parameters | identity |
//! |---|---|---|---|
//! | colour | brightness `x + u - 0.5`, then saturation `(x - m_c) 2u + m_c`, then contrast `(x - m)(u + 0.5) + m` | three `u` | each `u = 0.5` |
//! | crop | `x[i + dy, j + dx]`, zero outside | `dx` in `-s..=s`, `s = ⌊w/8 + ½⌋`; `dy` likewise from `h` | `u = 0.5`, no shift |
//! | cutout | zero in a rectangle of `k = ⌊h/2 + ½⌋` rows and likewise columns | centre in `0..=h - k mod 2`, likewise columns | none |
//! | flip | left and right exchanged | where `u < 0.5` | `u ≥ 0.5` |
//! | scale | sampled at `(sx x, sy y)` | `sx`, `sy` `= u (1.2 - 1/1.2) + 1/1.2` | `u = (1 - 1/1.2) / (1.2 - 1/1.2)` |
//! | window | a part of the image, made as large as the image; sampled inside it | share of the area, sides, place | the whole |
//! | rotate | sampled at `(cos a x - sin a y, sin a x + cos a y)` | `a = (u - 0.5) 30°` | `u = 0.5` |
//!
//! Sampling is bilinear with zeros outside; coordinates run from -1 to 1 between the outer edges of the outer pixels
//! (PyTorch's `affine_grid` and `grid_sample` with `align_corners=False`). On images that are not square a rotation
//! therefore shears, as in the reference.
//!
//! A [`Draw::Window`] is no family of a strategy: it is what FKD puts in the place of all of them (`RandomResizedCrop`).
//!
//! Source: Zhao and Bilen, *Dataset Condensation with Differentiable Siamese Augmentation*, ICML 2021, and its code,
//! `VICO-UoE/DatasetCondensation`. Departures, none of which changes a distribution:
//! - Numbers come from the run's own streams. The reference re-seeds PyTorch with `seed`, `seed + 1`, ... per operation.
//! - Every parameter, whole numbers included, is made from one `u`; the reference draws whole numbers with `randint`.
//! - Colour is applied in closed form (the three operations fold into one pass), equal up to rounding.
//! - On one channel saturation is left out: there `m_c = x`, and it is the identity up to rounding.
//! - Sampling positions are computed in pixels, so that an identity parameter gives the image back to the bit.

mod prepared;

use num_traits::Float;
use rand::Rng;
use serde::{Deserialize, Serialize};

pub use prepared::Prepared;

use crate::data::ImageShape;

/// Scales are drawn between the inverse of this and this.
const SCALE_RATIO: f64 = 1.2;
/// Rotations are drawn between minus this and this.
const ROTATE_DEGREES: f64 = 15.0;

/// The least share of an image that a window has, the largest proportion of its sides, and how often one is drawn that fits.
const WINDOW_LEAST: f64 = 0.08;
const WINDOW_RATIO: f64 = 4.0 / 3.0;
const WINDOW_TRIES: usize = 10;

/// A kind of augmentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Brightness, then saturation, then contrast.
    Color,
    /// Shift, with zeros where the image ends.
    Crop,
    /// Zeros in a rectangle of half the height and half the width.
    Cutout,
    /// Left and right exchanged, half of the time.
    Flip,
    /// Horizontal and vertical scale, independent.
    Scale,
    /// Rotation about the centre.
    Rotate,
}

impl Family {
    /// The name used in configs and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Crop => "crop",
            Self::Cutout => "cutout",
            Self::Flip => "flip",
            Self::Scale => "scale",
            Self::Rotate => "rotate",
        }
    }

    /// All families: the strategy for photographs and clothes.
    pub const ALL: [Self; 6] = [Self::Color, Self::Crop, Self::Cutout, Self::Flip, Self::Scale, Self::Rotate];

    /// All but the flip: the strategy for digits, which mean something else (or nothing) in the mirror.
    pub const WITHOUT_FLIP: [Self; 5] = [Self::Color, Self::Crop, Self::Cutout, Self::Scale, Self::Rotate];

    /// One of `families`, each as likely as the others; `None` where there is nothing to choose from.
    pub fn choose(families: &[Self], rng: &mut impl Rng) -> Option<Self> {
        if families.is_empty() {
            return None;
        }
        Some(families[whole(rng.random(), families.len())])
    }
}

/// One draw: a family with its parameters, as plain numbers. `x` runs along columns, `y` along rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    /// Nothing is changed.
    Identity,
    /// [`Family::Color`]. Each number is a `u` of the module's table, and 0.5 changes nothing.
    Color {
        /// Adds `u - 0.5`.
        brightness: f64,
        /// Multiplies the distance from a pixel's mean colour by `2u`.
        saturation: f64,
        /// Multiplies the distance from the image's mean by `u + 0.5`.
        contrast: f64,
    },
    /// [`Family::Crop`]. Zeros change nothing.
    Crop {
        /// Columns by which the window moves right (and what it shows moves left).
        dx: i32,
        /// Rows by which the window moves down.
        dy: i32,
    },
    /// [`Family::Cutout`]. No centre changes nothing.
    Cutout {
        /// Centre column. The rectangle has `k/2` columns before it and `k - 1 - k/2` after it. Columns outside the
        /// image are clamped to its border, and never dropped: a rectangle quite outside still zeroes the border.
        x: i32,
        /// Centre row; rows behave as columns do.
        y: i32,
    },
    /// [`Family::Flip`]. `false` changes nothing.
    Flip {
        /// Whether left and right are exchanged.
        flipped: bool,
    },
    /// [`Family::Scale`]. Ones change nothing; larger numbers see more, and so make the picture smaller.
    Scale {
        /// Horizontal factor.
        sx: f64,
        /// Vertical factor.
        sy: f64,
    },
    /// A part of the image, made as large as the image, bilinear, with nothing from outside of it.
    Window {
        /// First column and first row.
        corner: [usize; 2],
        /// Columns and rows.
        sides: [usize; 2],
    },
    /// [`Family::Rotate`]. Zero changes nothing.
    Rotate {
        /// The angle by which sampling positions turn.
        radians: f64,
    },
}

impl Draw {
    /// Draws one of `families` uniformly, then its parameters; without families, [`Draw::Identity`].
    pub fn sample(families: &[Family], shape: ImageShape, rng: &mut impl Rng) -> Self {
        match Family::choose(families, rng) {
            Some(family) => Self::of_family(family, shape, rng),
            None => Self::Identity,
        }
    }

    /// Draws the parameters of `family`. Takes three numbers from `rng`, whatever the family needs, so that what is
    /// drawn next does not depend on it.
    pub fn of_family(family: Family, shape: ImageShape, rng: &mut impl Rng) -> Self {
        Self::from_uniform(family, shape, [rng.random(), rng.random(), rng.random()])
    }

    /// The parameters of `family` as a function of `u`, numbers in `[0, 1)`: brightness, saturation, contrast; `x` and
    /// `y` of crop, cutout and scale; the first alone for flip and rotate. The module's table has the `u` that change
    /// nothing.
    pub fn from_uniform(family: Family, shape: ImageShape, u: [f64; 3]) -> Self {
        match family {
            Family::Color => Self::Color { brightness: u[0], saturation: u[1], contrast: u[2] },
            Family::Crop => Self::Crop { dx: shift(u[0], shape.width), dy: shift(u[1], shape.height) },
            Family::Cutout => Self::Cutout { x: centre(u[0], shape.width), y: centre(u[1], shape.height) },
            Family::Flip => Self::Flip { flipped: u[0] < 0.5 },
            Family::Scale => {
                let least = 1.0 / SCALE_RATIO;
                let factor = |u: f64| u * (SCALE_RATIO - least) + least;
                Self::Scale { sx: factor(u[0]), sy: factor(u[1]) }
            }
            Family::Rotate => Self::Rotate { radians: (u[0] - 0.5) * 2.0 * ROTATE_DEGREES.to_radians() },
        }
    }

    /// A window of 8 % to 100 % of the image, its sides in a proportion of 3/4 to 4/3, as `RandomResizedCrop` draws it: ten
    /// tries, then the whole image, or as much of it as the proportions allow.
    pub fn window(shape: ImageShape, rng: &mut impl Rng) -> Self {
        let [width, height] = [shape.width, shape.height];
        let ratio = WINDOW_RATIO.ln();
        for _ in 0..WINDOW_TRIES {
            let area = (width * height) as f64 * (WINDOW_LEAST + (1.0 - WINDOW_LEAST) * rng.random::<f64>());
            let ratio = (ratio * (2.0 * rng.random::<f64>() - 1.0)).exp();
            let sides = [(area * ratio).sqrt().round() as usize, (area / ratio).sqrt().round() as usize];
            if (1..=width).contains(&sides[0]) && (1..=height).contains(&sides[1]) {
                let corner =
                    [(sides[0], width), (sides[1], height)].map(|(part, all)| whole(rng.random(), all - part + 1));
                return Self::Window { corner, sides };
            }
        }
        let most = |side: usize, other: usize| ((other as f64 * WINDOW_RATIO).round() as usize).clamp(1, side);
        let sides = [most(width, height), most(height, width)];
        Self::Window { corner: [(width - sides[0]) / 2, (height - sides[1]) / 2], sides }
    }

    /// Works out once what every image of this shape needs; worth it where one draw meets many images.
    pub fn prepare<T: Float>(&self, shape: ImageShape) -> Prepared<T> {
        Prepared::new(self, shape)
    }

    /// `out = A image + b`, for one image or several in a row. Panics where a length does not fit `shape`.
    pub fn apply<T: Float>(&self, image: &[T], out: &mut [T], shape: ImageShape) {
        self.prepare(shape).apply(image, out);
    }

    /// `out = Aᵀ gradient`: the gradient at the output of [`apply`](Self::apply), taken to its input. Panics where a
    /// length does not fit `shape`.
    pub fn adjoint<T: Float>(&self, gradient: &[T], out: &mut [T], shape: ImageShape) {
        self.prepare(shape).adjoint(gradient, out);
    }
}

/// A whole number below `count`, from `u` in `[0, 1)`.
fn whole(u: f64, count: usize) -> usize {
    ((u * count as f64) as usize).min(count - 1)
}

fn shift(u: f64, side: usize) -> i32 {
    let most = (side + 4) / 8; // ⌊side/8 + ½⌋
    whole(u, 2 * most + 1) as i32 - most as i32
}

fn cutout_side(side: usize) -> usize {
    side.div_ceil(2) // ⌊side/2 + ½⌋
}

fn centre(u: f64, side: usize) -> i32 {
    // An even side has one more place to stand: from half outside on the one edge to half outside on the other.
    whole(u, side + 1 - cutout_side(side) % 2) as i32
}
