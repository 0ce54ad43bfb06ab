//! How far the points and images of a quantizer are from their classes.

use serde::{Deserialize, Serialize};

use super::CellDistances;

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
