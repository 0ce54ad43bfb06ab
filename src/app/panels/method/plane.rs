//! A plane with equal scales that fits what is in it, and follows it slowly.

use egui::{Painter, Pos2, Rect, Shape, Stroke, vec2};

use crate::report::Ellipse;

/// From the plane to the screen.
#[derive(Clone, Copy)]
pub(super) struct Plane {
    centre: [f32; 2],
    scale: f32,
    middle: Pos2,
}

impl Plane {
    /// The view that holds all of these places.
    pub(super) fn fit(places: impl Iterator<Item = [f32; 2]>, rect: Rect) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for at in places.filter(|at| at[0].is_finite() && at[1].is_finite()) {
            for axis in 0..2 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        if low[0] > high[0] {
            (low, high) = ([-1.0; 2], [1.0; 2]);
        }
        let span = |axis: usize| (high[axis] - low[axis]).max(1e-6) * 1.08;
        let scale = (rect.width() / span(0)).min(rect.height() / span(1));
        Self { centre: [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])], scale, middle: rect.center() }
    }

    /// Where a place stands; up is positive.
    pub(super) fn place(&self, at: [f32; 2]) -> Pos2 {
        self.middle + vec2(at[0] - self.centre[0], self.centre[1] - at[1]) * self.scale
    }

    /// Points of one standard deviation.
    fn outline(&self, ellipse: &Ellipse) -> Vec<Pos2> {
        let corner = |step: u8| {
            let (sin, cos) = (f32::from(step) / 48.0 * std::f32::consts::TAU).sin_cos();
            let at = |axis: usize| ellipse.centre[axis] + cos * ellipse.major[axis] + sin * ellipse.minor[axis];
            self.place([at(0), at(1)])
        };
        (0..48).map(corner).collect()
    }

    /// Draws an ellipse, dashed where it was rebuilt.
    pub(super) fn ellipse(&self, painter: &Painter, ellipse: &Ellipse, stroke: Stroke, dashed: bool) {
        let mut line = self.outline(ellipse);
        line.push(line[0]);
        if dashed {
            painter.extend(Shape::dashed_line(&line, stroke, 5.0, 4.0));
        } else {
            painter.line(line, stroke);
        }
    }
}
