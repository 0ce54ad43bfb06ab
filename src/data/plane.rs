//! Points of a plane in a few made-up shapes, for which pixel space *is* feature space.
//!
//! With the identity as network a class ball is what one sees, a thousand steps take a second, and a student can follow
//! every number. Points are "images" of two channels and one pixel: `(2, 1, 1)`.

use std::f64::consts::{PI, TAU};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{
    ImageShape,
    dataset::{About, Dataset, Pixels, Split},
};
use crate::{
    error::Result,
    random::{Purpose, stream},
};

const TRAIN_PER_CLASS: usize = 500;
const TEST_PER_CLASS: usize = 200;

/// A made-up arrangement of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Four round clouds.
    #[default]
    Blobs,
    /// Two interlocking half circles.
    Moons,
    /// Three rings, one within the other.
    Rings,
    /// Three arms of a spiral.
    Spirals,
}

impl Shape {
    /// All of them, for menus and messages.
    pub const ALL: [Self; 4] = [Self::Blobs, Self::Moons, Self::Rings, Self::Spirals];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Moons => "moons",
            Self::Rings => "rings",
            Self::Spirals => "spirals",
        }
    }

    fn classes(self) -> usize {
        match self {
            Self::Blobs => 4,
            Self::Moons => 2,
            Self::Rings | Self::Spirals => 3,
        }
    }

    /// One point of a class, in a field of about [-1, 1].
    fn point(self, class: usize, rng: &mut ChaCha8Rng) -> [f64; 2] {
        let mut noise = |spread: f64| -> f64 { spread * Distribution::<f64>::sample(&StandardNormal, rng) };
        let jitter = [noise(1.0), noise(1.0)];
        let along: f64 = rng.random();
        let (spread, [x, y]) = match self {
            Self::Blobs => {
                let angle = TAU * (class as f64 + 0.5) / 4.0;
                (0.16, [0.6 * angle.cos(), 0.6 * angle.sin()])
            }
            Self::Moons => {
                let (sine, cosine) = (PI * along).sin_cos();
                let at = if class == 0 { [cosine - 0.5, sine - 0.25] } else { [0.5 - cosine, 0.25 - sine] };
                (0.07, [0.65 * at[0], 0.65 * at[1]])
            }
            Self::Rings => {
                let radius = 0.3 * (class + 1) as f64;
                (0.04, [radius * (TAU * along).cos(), radius * (TAU * along).sin()])
            }
            Self::Spirals => {
                let radius = 0.15 + 0.8 * along;
                let angle = TAU * (class as f64 / 3.0 + 0.75 * along);
                (0.03, [radius * angle.cos(), radius * angle.sin()])
            }
        };
        [x + spread * jitter[0], y + spread * jitter[1]]
    }
}

/// Draws the points of a shape.
pub(super) fn load(shape: Shape, seed: u64) -> Result<Dataset> {
    let image = ImageShape { channels: 2, height: 1, width: 1 };
    let split = |part: u64, per_class: usize| {
        let classes = shape.classes();
        let mut values = Vec::with_capacity(classes * per_class * 2);
        let mut labels = Vec::with_capacity(classes * per_class);
        for class in 0..classes {
            let mut rng = stream(seed, Purpose::Plane, part, class as u64);
            for _ in 0..per_class {
                values.extend(shape.point(class, &mut rng).map(|value| value as f32));
                labels.push(class as u32);
            }
        }
        Split::new(Pixels::Floats(values), labels, image, classes)
    };
    let about = About {
        name: format!("plane:{}", shape.name()),
        origin: "made up from a seed".to_owned(),
        // As the window colours the first classes.
        class_names: ["blue", "amber", "red", "grey"][..shape.classes()].iter().map(|&name| name.into()).collect(),
        shape: image,
        normalisation: None,
        split: "training and test points are drawn from the seed".to_owned(),
    };
    Dataset::new(about, split(0, TRAIN_PER_CLASS)?, split(1, TEST_PER_CLASS)?)
}
