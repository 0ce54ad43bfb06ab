//! What a quantizer looks like, and how far its points and images are from their classes.

use serde::{Deserialize, Serialize};

use super::{CellDistances, Gallery};

/// What a viewer wants to see of a quantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantizerWants {
    /// Position of the class.
    pub class: usize,
    /// Its images before and after the prior, too.
    pub pictures: bool,
}

/// The points of a quantizer, one class of them in a plane.
#[derive(Clone, Debug)]
pub struct QuantizerView {
    /// Position of the class.
    pub class: usize,
    /// Where points and samples lie, in words.
    pub space: String,
    /// Its dimensions, before the plane.
    pub dimensions: usize,
    /// Share of the variance of the class that the plane keeps.
    pub kept_variance: f64,
    /// Samples of the class in the plane, with the point that each is nearest to.
    pub samples: Vec<([f32; 2], u16)>,
    /// Its points.
    pub points: Vec<PointView>,
    /// Masses of the points of every class.
    pub masses: Vec<Vec<f32>>,
    /// Effective number of points of every class.
    pub effective: Vec<f64>,
    /// Distortion of every class, over all its samples.
    pub distortions: Vec<f64>,
    /// Distortion against the number of points, mean over the classes, of quantizers that have settled.
    pub curve: Vec<(usize, f64)>,
    /// Its slope on logarithmic axes.
    pub slope: Option<f64>,
    /// Images of the first points, one row each: as the prior brings them back from every one of `times`, then as they are in the
    /// set, then the nearest real images.
    pub pictures: Option<Gallery>,
    /// Times of the first columns of `pictures`.
    pub times: Vec<f64>,
    /// The strengths of Stable Diffusion that are as noisy as those.
    pub strengths: Vec<f64>,
}

/// A point of a quantizer.
#[derive(Clone, Debug, PartialEq)]
pub struct PointView {
    /// Its place in the plane.
    pub at: [f32; 2],
    /// Share of the samples in its cell.
    pub mass: f32,
    /// What the plane cuts out of its cell, corner by corner; nothing where the cell does not meet the plane.
    pub cell: Vec<[f32; 2]>,
}

/// `distances.json`: how far points and images are from their classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// The step whose points were measured.
    pub step: u64,
    /// Where points and samples lie, in words.
    pub space: String,
    /// Numbers of a point.
    pub dimensions: usize,
    /// Points of each class.
    pub points: usize,
    /// Class after class: its name, and its distances in the space.
    pub classes: Vec<(String, CellDistances)>,
    /// Distortion against the number of points, mean over the classes.
    pub curve: Vec<(usize, f64)>,
    /// Its slope on logarithmic axes.
    pub slope: Option<f64>,
    /// Mean squared error of test images in normalised values: through the autoencoder, and through as many principal components.
    pub reconstruction: Option<[f64; 2]>,
    /// How far images are from the test images of their class.
    pub images: Vec<ImageDistance>,
}

/// 2-Wasserstein distance between images with their masses and the test images of their class, mean over the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageDistance {
    /// What the images are, in words.
    pub what: String,
    /// Between normalised values.
    pub pixels: f64,
    /// Between features of a network that was trained on the real images.
    pub features: f64,
}
