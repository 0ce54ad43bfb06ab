//! Pictures of a run at one step, for the eyes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{QuantizerView, QuantizerWants};

/// What a viewer wants to see. It never changes what a run computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The synthetic images as a picture.
    pub gallery: Option<GalleryView>,
    /// Real and synthetic images as points in a plane.
    pub features: bool,
    /// How much each term pulls on the pixels.
    pub pulls: bool,
    /// What the images of each class say to a trained network.
    pub information: bool,
    /// The networks that learn beside the run.
    pub queue: bool,
    /// An energy map: pairs, balls, and what stands for them.
    pub energy: bool,
    /// The points of a quantizer.
    pub quantizer: Option<QuantizerWants>,
    /// Images that are mosaics are taken apart.
    pub apart: bool,
}

/// Which picture of the synthetic images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GalleryView {
    /// The real images that they started from.
    Start,
    /// As they are.
    #[default]
    Now,
    /// Now minus start; grey is no change.
    Difference,
    /// A set that was read from files.
    Opened,
}

/// A picture of the run at one step, for the eyes. Only the newest is kept.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The step that is shown.
    pub step: u64,
    /// All synthetic images.
    pub gallery: Option<Gallery>,
    /// Real and synthetic images in a plane.
    pub features: Option<FeaturePlane>,
    /// Share of each term in the gradient of the pixels, in the order of the terms: the norm of its weighted gradient
    /// over the sum of those norms.
    pub pulls: Option<Vec<f64>>,
    /// What the images of each class say to a trained network.
    pub information: Option<InformationView>,
    /// The networks that learn beside the run, oldest first, as they stand before the next step.
    pub queue: Option<Vec<QueuedNetwork>>,
    /// An energy map.
    pub energy: Option<EnergyView>,
    /// The points of a quantizer.
    pub quantizer: Option<QuantizerView>,
}

/// An energy map: pairs on the curve of their energy, class balls in a plane, and what stands for each ball.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyView {
    /// Dimensions of the map, before the plane.
    pub dimensions: usize,
    /// Added to every scaled distance.
    pub offset: f64,
    /// Scale of distances between classes.
    pub ratio: f64,
    /// Scaled distances of some pairs of one class.
    pub within: Vec<f32>,
    /// Scaled distances of some pairs of two classes.
    pub between: Vec<f32>,
    /// Energy of the pairs of one class and of two, each over the number of all pairs.
    pub energy: [f64; 2],
    /// Variance between the classes over the variance within them.
    pub spread: f64,
    /// Samples in the plane, with the position of their class.
    pub points: Vec<([f32; 2], u16)>,
    /// For each class, the force of all other classes on it, in the plane: minus the gradient of the energy, summed over its
    /// points.
    pub forces: Vec<[f32; 2]>,
    /// Class after class.
    pub balls: Vec<BallView>,
}

/// What stands for the ball of a class; places are in the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct BallView {
    /// One standard deviation of its samples.
    pub ellipse: Ellipse,
    /// The same of the Gaussian that was rebuilt from the picks.
    pub rebuilt: Ellipse,
    /// The sigma points.
    pub sigma: Vec<SigmaPoint>,
    /// The picks, nearest first, each with the sigma point that it stands for.
    pub picks: Vec<([f32; 2], usize)>,
    /// How far the moments of the sigma points are from those of the class: `|mean - mean'|`, `|C - C'|_F / |C|_F`.
    pub sigma_errors: [f64; 2],
    /// How far those of the rebuilt Gaussian are.
    pub rebuilt_errors: [f64; 2],
}

/// A sigma point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmaPoint {
    /// Its place in the plane.
    pub at: [f32; 2],
    /// Its weight; all weights of a class add up to 1.
    pub weight: f64,
}

/// A network that learns beside the run.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedNetwork {
    /// Counted from 0 in the order in which they came.
    pub serial: u64,
    /// Batches that it has learned from.
    pub batches: u64,
    /// Share of the real images that it named rightly before it learned from them, since accuracies began anew; none
    /// where it has not learned since.
    pub accuracy: Option<f64>,
    /// True if it looks at the images in the next step.
    pub looks: bool,
    /// True if it learns after the next step.
    pub learns: bool,
}

/// What the images of each class say to a trained network: distributions over its features around their centroid.
#[derive(Clone, Debug)]
pub struct InformationView {
    /// Name of the network and how it was trained.
    pub lens: String,
    /// Number of its features.
    pub dimensions: usize,
    /// Class after class, in the order of the run.
    pub classes: Vec<ClassInformation>,
}

/// The images of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassInformation {
    /// Conditional mutual information of the class in nats, from 0 to the logarithm of the number of images.
    pub value: f64,
    /// Divergence of each image from the centroid, in nats; their mean is the value.
    pub images: Vec<f64>,
    /// The coordinates that add most to the value, largest first.
    pub coordinates: Vec<Coordinate>,
    /// The same value of as many random real images: mean and deviation over some draws.
    pub real: Option<(f64, f64)>,
}

/// A feature among the distributions of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Which feature.
    pub index: usize,
    /// What it adds to the value of the class, as a share.
    pub share: f64,
    /// Its probability in the centroid.
    pub centroid: f64,
    /// Its probability in each image.
    pub images: Vec<f64>,
}

/// All synthetic images in one picture: a row for each class, a cell for each image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    /// Which picture it is.
    pub view: GalleryView,
    /// Width and height of a cell in pixels.
    pub cell: [usize; 2],
    /// Cells in a row and number of rows.
    pub grid: [usize; 2],
    /// Parts of a cell along each side, which networks see as images of their own; 1 where a cell is one image.
    pub packing: usize,
    /// Red, green, blue, alpha; row by row, `grid * cell` pixels. They are no part of JSON.
    #[serde(skip)]
    pub rgba: Arc<[u8]>,
    /// For each image, the distance from its start: root mean square over its values, in units of the data's [0, 1].
    pub moved: Vec<f32>,
    /// For each image, the share of values outside [0, 1], which are clipped when shown or exported.
    pub clipped: Vec<f32>,
    /// For each image, how often it counts in training; empty where all count once.
    pub factors: Vec<f32>,
}

/// Real and synthetic images as points, through a fixed network and a fixed orthonormal projection.
#[derive(Clone, Debug)]
pub struct FeaturePlane {
    /// The network, the axes and the real points: the same object as long as they stay the same.
    pub ground: Arc<Ground>,
    /// Synthetic points, class by class.
    pub synthetic: Vec<Point>,
    /// One for each class of the run: the spread of its synthetic points.
    pub spreads: Vec<Ellipse>,
    /// For each class, the centre of its synthetic points, the radius of a ball with the root-mean-square distance to
    /// it measured in all dimensions.
    pub balls: Vec<Ball>,
    /// Radius of the ball outside which a term pulls images back, in the features of this network; none where that
    /// term does not count.
    pub threshold: Option<f32>,
}

/// What stays still in the feature plane.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Name of the network and how it was trained, or `pixels`.
    pub lens: String,
    /// Its accuracy on the hold-out, where it classifies.
    pub accuracy: Option<f64>,
    /// Number of pretrained networks, of which this is the first: a term that looks through such draws one at each
    /// step.
    pub pool: usize,
    /// Number of dimensions before the projection.
    pub dimensions: usize,
    /// Share of the variance of the real features that the two axes keep.
    pub kept_variance: f64,
    /// A sample of the real images.
    pub real: Vec<Point>,
    /// One for each class of the run: the spread of all its real points.
    pub spreads: Vec<Ellipse>,
}

/// A point of the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Place along the two axes.
    pub at: [f32; 2],
    /// Position of its class among the classes of the run.
    pub class: u16,
    /// Distance from the plane through the data's mean in all other dimensions: what the picture hides.
    pub hidden: f32,
}

/// The exact shadow of a covariance: one standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ellipse {
    /// Mean.
    pub centre: [f32; 2],
    /// First half axis, a vector.
    pub major: [f32; 2],
    /// Second half axis, a vector.
    pub minor: [f32; 2],
}

/// A ball in all dimensions, whose shadow is a disc of the same radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// Centre in the plane.
    pub centre: [f32; 2],
    /// Radius, the same in every dimension.
    pub radius: f32,
}
