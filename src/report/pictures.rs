//! Pictures of a run at one step, for the eyes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::page::Page;

/// What a viewer wants to see. It never changes what a run computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The synthetic images as a picture.
    pub gallery: Option<GalleryView>,
    /// Real and synthetic images as points in a plane.
    pub features: bool,
    /// How much each term pulls on the pixels.
    pub pulls: bool,
    /// A page of the method.
    pub page: Option<PageWanted>,
    /// Images that are mosaics are taken apart.
    pub apart: bool,
}

/// A page that a viewer wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageWanted {
    /// Its name.
    pub id: String,
    /// Position of the class that it is to be about, where it is about one.
    pub class: usize,
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
    /// The pages that were wanted.
    pub pages: Vec<Page>,
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
    pub probe: String,
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
