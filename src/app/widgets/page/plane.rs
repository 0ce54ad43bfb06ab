//! Marks in a plane with equal scales that fits what is in it.

use egui::{Align2, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::{Canvas, color, cross};
use crate::{
    app::{
        theme::{self, Theme},
        widgets::marker,
    },
    report::{
        Ellipse,
        page::{Mark, Plane},
    },
};

/// The longest arrow, and the shortest that is drawn.
const ARROWS: [f32; 2] = [34.0, 3.0];
/// Marks that are farther from the pointer say nothing.
const NEAR: f32 = 10.0;

/// From the plane to the screen.
#[derive(Clone, Copy)]
struct Map {
    centre: [f32; 2],
    scale: f32,
    middle: Pos2,
}

impl Map {
    /// The view that holds all of these places.
    fn fit(places: &[[f32; 2]], rect: Rect) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for at in places {
            for axis in 0..2 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        if low[0] > high[0] {
            (low, high) = ([-1.0; 2], [1.0; 2]);
        }
        let span = |axis: usize| (high[axis] - low[axis]).max(1e-6) * 1.04;
        let scale = (rect.width() / span(0)).min(rect.height() / span(1));
        Self { centre: [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])], scale, middle: rect.center() }
    }

    /// Where a place stands; up is positive.
    fn place(&self, at: [f32; 2]) -> Pos2 {
        self.middle + vec2(at[0] - self.centre[0], self.centre[1] - at[1]) * self.scale
    }

    /// Points of one standard deviation.
    fn outline(&self, ellipse: &Ellipse) -> Vec<Pos2> {
        let corner = |step: u8| {
            let (sin, cos) = (f32::from(step % 48) / 48.0 * std::f32::consts::TAU).sin_cos();
            let at = |axis: usize| ellipse.centre[axis] + cos * ellipse.major[axis] + sin * ellipse.minor[axis];
            self.place([at(0), at(1)])
        };
        (0..=48).map(corner).collect()
    }
}

/// Draws a plane.
pub(super) fn show(ui: &Ui, plane: &Plane, rect: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let response = ui.interact(rect, ui.scope_id().with("plane"), Sense::hover());
    // Room for what stands out: marks at the edge, words beside them.
    let words = if plane.texts.is_empty() { 0.0 } else { 11.0 };
    let map = Map::fit(&plane.places(), rect.shrink2(vec2(9.0, 9.0 + words)));
    areas(&painter, plane, map, theme);
    marks(&painter, plane, map, canvas, theme);
    point(plane, map, &response, canvas);
}

/// Everything that lies under the marks.
fn areas(painter: &Painter, plane: &Plane, map: Map, theme: &Theme) {
    for one in plane.polygons.iter().filter(|one| one.corners.len() > 2) {
        let corners = one.corners.iter().map(|corner| map.place(*corner)).collect();
        painter.add(Shape::convex_polygon(corners, color(theme, &one.mark), Stroke::new(1.0, theme.faint)));
    }
    for one in &plane.segments {
        let stroke = Stroke::new(one.width, color(theme, &one.mark));
        painter.line_segment([map.place(one.from), map.place(one.to)], stroke);
    }
    for one in &plane.points {
        painter.circle_filled(map.place(one.at), one.radius, color(theme, &one.mark));
    }
}

fn marks(painter: &Painter, plane: &Plane, map: Map, canvas: &Canvas<'_>, theme: &Theme) {
    for one in &plane.discs {
        let (at, is_marked) = (map.place(one.at), canvas.is_marked(&one.mark));
        let edge = if is_marked { Stroke::new(2.5, theme.accent) } else { Stroke::new(1.5, theme.text) };
        painter.circle(at, one.radius, color(theme, &one.mark), edge);
    }
    for one in &plane.ellipses {
        let width = if canvas.is_marked(&one.mark) { 2.6 } else { 1.5 };
        let (line, stroke) = (map.outline(&one.ellipse), Stroke::new(width, color(theme, &one.mark)));
        if one.dashed {
            painter.extend(Shape::dashed_line(&line, stroke, 5.0, 4.0));
        } else {
            painter.line(line, stroke);
        }
    }
    let length = |along: [f32; 2]| along[0].hypot(along[1]);
    let longest = plane.arrows.iter().map(|one| length(one.along)).fold(f32::MIN_POSITIVE, f32::max);
    for one in &plane.arrows {
        let way = vec2(one.along[0], -one.along[1]) * (ARROWS[0] / longest);
        if way.length() > ARROWS[1] {
            painter.arrow(map.place(one.at), way, Stroke::new(1.5, color(theme, &one.mark)));
        }
    }
    for one in &plane.markers {
        let is_marked = canvas.is_marked(&one.mark);
        let edge = if is_marked { Stroke::new(2.0, theme.text) } else { Stroke::new(1.0, theme.ground) };
        let radius = if is_marked { 1.4 * one.radius } else { one.radius };
        marker::paint(painter, one.class, map.place(one.at), radius, color(theme, &one.mark), edge);
    }
    for one in &plane.crosses {
        cross(painter, map.place(one.at), one.arm, Stroke::new(one.width, color(theme, &one.mark)));
    }
    for one in &plane.texts {
        let side = |side: i8| match side {
            ..0 => egui::Align::Max,
            0 => egui::Align::Center,
            _ => egui::Align::Min,
        };
        let align = Align2([side(one.side[0]), side(-one.side[1])]);
        let [x, y] = one.side.map(f32::from);
        let at = map.place(one.at) + vec2(4.0 * x, -3.0 * y);
        painter.text(pos2(at.x, at.y), align, &one.text, FontId::proportional(10.5), color(theme, &one.mark));
    }
}

/// The mark next to the pointer; what lies on top comes first.
fn point(plane: &Plane, map: Map, response: &Response, canvas: &mut Canvas<'_>) {
    let Some(pointer) = response.hover_pos() else { return };
    let near = |marks: &mut dyn Iterator<Item = ([f32; 2], f32, &Mark)>| -> Option<Mark> {
        let says = marks.filter(|(_, _, mark)| !mark.hover.is_empty() || mark.about.is_some());
        let found = says.map(|(at, radius, mark)| (map.place(at).distance(pointer) - radius, mark));
        let nearest = found.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(distance, _)| *distance < NEAR);
        nearest.map(|(_, mark)| mark.clone())
    };
    let found = near(&mut plane.markers.iter().map(|one| (one.at, one.radius, &one.mark)))
        .or_else(|| near(&mut plane.discs.iter().map(|one| (one.at, one.radius, &one.mark))))
        .or_else(|| near(&mut plane.crosses.iter().map(|one| (one.at, 0.0, &one.mark))))
        .or_else(|| near(&mut plane.points.iter().map(|one| (one.at, one.radius, &one.mark))));
    if let Some(mark) = found {
        canvas.point(response, &mark);
    }
}
