//! Marks in a plane, and what all marks have: a tint, a word, something that they are about.

use serde::{Deserialize, Serialize};

use crate::report::Ellipse;

/// What all marks have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Its colour.
    pub tint: Tint,
    /// From 0 for unseen to 1.
    pub opacity: f32,
    /// What it says under the pointer; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hover: String,
    /// What it is about: the same thing is marked in all panels while the pointer is over it in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Reference>,
}

impl Default for Mark {
    fn default() -> Self {
        Self::of(Tint::default())
    }
}

impl Mark {
    /// A mark in a tint.
    pub fn of(tint: Tint) -> Self {
        Self { tint, opacity: 1.0, hover: String::new(), about: None }
    }

    /// A mark in the tint of a role.
    pub fn role(role: Role) -> Self {
        Self::of(Tint::Role(role))
    }

    /// A mark in the tint of a class.
    pub fn class(class: usize) -> Self {
        Self::of(Tint::Class(class))
    }

    /// Paler.
    #[must_use]
    pub fn pale(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }

    /// With something to say.
    #[must_use]
    pub fn saying(self, hover: impl Into<String>) -> Self {
        Self { hover: hover.into(), ..self }
    }

    /// About something.
    #[must_use]
    pub fn about(self, about: Reference) -> Self {
        Self { about: Some(about), ..self }
    }
}

/// Whose colour a mark has; the theme knows which that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tint {
    /// The class at a position among those of the run.
    Class(usize),
    /// One of many things that are to be told apart.
    Item(usize),
    /// A part that it plays in the picture.
    Role(Role),
}

impl Default for Tint {
    fn default() -> Self {
        Self::Role(Role::Text)
    }
}

/// A part that a mark plays in a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// As strong as text.
    #[default]
    Text,
    /// Explains.
    Dim,
    /// Stays in the background.
    Faint,
    /// The first of two kinds, or what matters.
    First,
    /// The second of two kinds.
    Second,
    /// Is wrong.
    Bad,
}

/// Something that panels know by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// An image: its number among all that networks see, class by class.
    Image(usize),
    /// The class at a position among those of the run.
    Class(usize),
    /// The term of the loss at a position.
    Term(usize),
    /// A step.
    Step(u64),
}

/// Marks in a plane with equal scales, which shows all of them. Kinds are drawn in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    /// Areas.
    pub polygons: Vec<Polygon>,
    /// Straight lines.
    pub segments: Vec<Segment>,
    /// Small dots.
    pub points: Vec<Dot>,
    /// Dots with an edge.
    pub discs: Vec<Disc>,
    /// Ellipses.
    pub ellipses: Vec<PageEllipse>,
    /// Arrows.
    pub arrows: Vec<Arrow>,
    /// The shapes of classes.
    pub markers: Vec<Marker>,
    /// Crosses.
    pub crosses: Vec<Cross>,
    /// Words.
    pub texts: Vec<PlaneText>,
}

/// A small dot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dot {
    /// Where.
    pub at: [f32; 2],
    /// Its radius.
    pub radius: f32,
    /// How it looks.
    pub mark: Mark,
}

/// A dot with an edge as strong as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disc {
    /// Where.
    pub at: [f32; 2],
    /// Its radius.
    pub radius: f32,
    /// How it looks.
    pub mark: Mark,
}

/// The shape of a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// Where.
    pub at: [f32; 2],
    /// Position of the class.
    pub class: usize,
    /// Its radius.
    pub radius: f32,
    /// How it looks.
    pub mark: Mark,
}

/// A straight line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From here.
    pub from: [f32; 2],
    /// To there.
    pub to: [f32; 2],
    /// Its width.
    pub width: f32,
    /// How it looks.
    pub mark: Mark,
}

/// An arrow. The longest of a plane has a length that can be seen; the others are shorter by what they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// From here.
    pub at: [f32; 2],
    /// That way, and how far beside the other arrows.
    pub along: [f32; 2],
    /// How it looks.
    pub mark: Mark,
}

/// A cross.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cross {
    /// Where.
    pub at: [f32; 2],
    /// How far its arms reach.
    pub arm: f32,
    /// Width of its arms.
    pub width: f32,
    /// How it looks.
    pub mark: Mark,
}

/// An ellipse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageEllipse {
    /// Where, and how wide.
    pub ellipse: Ellipse,
    /// Drawn with dashes.
    pub dashed: bool,
    /// How it looks.
    pub mark: Mark,
}

/// An area with a faint edge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Polygon {
    /// Corner by corner, convex.
    pub corners: Vec<[f32; 2]>,
    /// How it looks.
    pub mark: Mark,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaneText {
    /// Its place.
    pub at: [f32; 2],
    /// What it says.
    pub text: String,
    /// Where the words stand beside the place: to the left, in the middle or to the right; above, at the height or below.
    pub side: [i8; 2],
    /// How it looks.
    pub mark: Mark,
}

impl Plane {
    /// Every place that has to be seen.
    pub fn places(&self) -> Vec<[f32; 2]> {
        let mut places: Vec<[f32; 2]> = self.polygons.iter().flat_map(|one| one.corners.iter().copied()).collect();
        places.extend(self.segments.iter().flat_map(|one| [one.from, one.to]));
        places.extend(self.points.iter().map(|one| one.at));
        places.extend(self.discs.iter().map(|one| one.at));
        places.extend(self.arrows.iter().map(|one| one.at));
        places.extend(self.markers.iter().map(|one| one.at));
        places.extend(self.crosses.iter().map(|one| one.at));
        places.extend(self.texts.iter().map(|one| one.at));
        places.extend(self.ellipses.iter().flat_map(|one| {
            let Ellipse { centre, major, minor } = one.ellipse;
            let reach = [0, 1].map(|axis| major[axis].hypot(minor[axis]));
            [[centre[0] - reach[0], centre[1] - reach[1]], [centre[0] + reach[0], centre[1] + reach[1]]]
        }));
        places.retain(|at| at[0].is_finite() && at[1].is_finite());
        places
    }
}
