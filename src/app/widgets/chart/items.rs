//! What a chart draws: items of egui_plot, at places along its axes.

use std::ops::RangeInclusive;

use egui::{Color32, Rect, Shape, Stroke, Ui, pos2};
use egui_plot::{
    HLine, Line, LineStyle, PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotPoint, PlotTransform, Points, VLine,
};

use super::axis::Ruler;
use crate::app::widgets::marker;

/// Both axes with their ends.
#[derive(Clone, Copy)]
pub(super) struct Rulers {
    pub(super) x: Ruler,
    pub(super) y: Ruler,
    /// What lies beyond an end upwards is drawn at that end.
    pub(super) clipped: bool,
}

impl Rulers {
    /// The place of a value along both axes; none where it has no place on one of them.
    pub(super) fn point(&self, [x, y]: [f64; 2]) -> Option<PlotPoint> {
        let (x, y) = (self.x.along(x)?, self.y.along(y)?);
        let [low, high] = self.y.ends();
        Some(PlotPoint::new(x, if self.clipped { y.clamp(low, high) } else { y }))
    }
}

/// Something to draw, in values.
pub(super) enum Item {
    Line { points: Vec<[f64; 2]>, stroke: Stroke, dashed: bool },
    Level(f64, Stroke),
    Upright(f64, Stroke),
    Points { points: Vec<[f64; 2]>, radius: f32, color: Color32, raised: f32 },
    Spot(Spot),
}

/// A marker of a class, with the spread about its value.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    /// Its values.
    pub(crate) at: [f64; 2],
    /// As far upwards and downwards as this.
    pub(crate) spread: Option<f64>,
    /// How the spread is drawn, and half the width of its ends.
    pub(crate) whisker: (Stroke, f32),
    /// The shape of the marker.
    pub(crate) class: usize,
    /// Its size.
    pub(crate) radius: f32,
    /// Its colours.
    pub(crate) fill: Color32,
    pub(crate) edge: Stroke,
}

impl Item {
    /// As items of the plot.
    pub(super) fn placed(&self, rulers: &Rulers, frame: Rect) -> Vec<Box<dyn PlotItem>> {
        let some = |item: Option<Box<dyn PlotItem>>| item.into_iter().collect();
        match self {
            Self::Line { points, stroke, dashed } => pieces(points, rulers)
                .map(|piece| -> Box<dyn PlotItem> {
                    Box::new(Line::new("", piece).stroke(*stroke).style(style(*dashed)))
                })
                .collect(),
            Self::Level(y, stroke) => some(
                rulers
                    .y
                    .along(*y)
                    .map(|y| -> Box<dyn PlotItem> { Box::new(HLine::new("", y).stroke(*stroke).style(style(true))) }),
            ),
            Self::Upright(x, stroke) => {
                some(rulers.x.along(*x).map(|x| -> Box<dyn PlotItem> { Box::new(VLine::new("", x).stroke(*stroke)) }))
            }
            Self::Points { points, radius, color, raised } => {
                let [low, high] = rulers.y.ends();
                let raised = f64::from(*raised) * (high - low) / f64::from(frame.height());
                let places = points.iter().filter_map(|point| rulers.point(*point));
                let places: Vec<[f64; 2]> = places.map(|place| [place.x, place.y + raised]).collect();
                vec![Box::new(Points::new("", places).radius(*radius).color(*color))]
            }
            Self::Spot(spot) => some(Marker::of(spot, rulers).map(|marker| -> Box<dyn PlotItem> { Box::new(marker) })),
        }
    }
}

fn style(dashed: bool) -> LineStyle {
    if dashed { LineStyle::Dashed { length: 6.0 } } else { LineStyle::Solid }
}

/// The pieces of a line between points that have no place.
fn pieces(points: &[[f64; 2]], rulers: &Rulers) -> impl Iterator<Item = Vec<[f64; 2]>> {
    let places: Vec<Option<PlotPoint>> = points.iter().map(|point| rulers.point(*point)).collect();
    let pieces: Vec<Vec<[f64; 2]>> = places
        .split(Option::is_none)
        .map(|piece| piece.iter().flatten().map(|place| [place.x, place.y]).collect())
        .collect();
    pieces.into_iter().filter(|piece| !piece.is_empty())
}

/// A spot in its place. The plot's own points have no edge of another colour.
struct Marker {
    base: PlotItemBase,
    spot: Spot,
    at: PlotPoint,
    ends: Option<[f64; 2]>,
}

impl Marker {
    fn of(spot: &Spot, rulers: &Rulers) -> Option<Self> {
        let [x, y] = spot.at;
        let end = |by: f64| Some(rulers.point([x, y + by])?.y);
        let ends = spot.spread.and_then(|spread| Some([end(-spread)?, end(spread)?]));
        Some(Self { base: PlotItemBase::new(String::new()), spot: spot.clone(), at: rulers.point(spot.at)?, ends })
    }
}

impl PlotItem for Marker {
    fn shapes(&self, _: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let Spot { whisker: (stroke, half), class, radius, fill, edge, .. } = self.spot;
        let at = transform.position_from_point(&self.at);
        if let Some(ends) = self.ends {
            let ends = ends.map(|end| transform.position_from_point_y(end));
            shapes.push(Shape::line_segment(ends.map(|y| pos2(at.x, y)), stroke));
            let level = |y: f32| Shape::line_segment([pos2(at.x - half, y), pos2(at.x + half, y)], stroke);
            shapes.extend(ends.into_iter().filter(|_| half > 0.0).map(level));
        }
        shapes.extend(marker::shapes(class, at, radius, fill, edge));
    }

    fn initialize(&mut self, _: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        self.spot.edge.color
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}
