//! Ten marker shapes, so that classes are told apart without their colours.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, vec2};

/// Draws the marker of a class, filled, with a thin edge.
pub(crate) fn paint(painter: &Painter, class: usize, centre: Pos2, radius: f32, fill: Color32, edge: Stroke) {
    painter.extend(shapes(class, centre, radius, fill, edge));
}

/// The same as shapes.
pub(crate) fn shapes(class: usize, centre: Pos2, radius: f32, fill: Color32, edge: Stroke) -> Vec<Shape> {
    let polygon = |corners: &[Vec2]| {
        let points = corners.iter().map(|corner| centre + *corner * radius).collect();
        vec![Shape::convex_polygon(points, fill, edge)]
    };
    match class % 10 {
        0 => vec![Shape::circle_filled(centre, radius, fill), Shape::circle_stroke(centre, radius, edge)],
        1 => {
            let rect = Rect::from_center_size(centre, Vec2::splat(1.75 * radius));
            vec![Shape::rect_filled(rect, 0.0, fill), Shape::rect_stroke(rect, 0.0, edge, egui::StrokeKind::Middle)]
        }
        2 => polygon(&[vec2(0.0, -1.25), vec2(1.25, 0.0), vec2(0.0, 1.25), vec2(-1.25, 0.0)]),
        3 => polygon(&[vec2(0.0, -1.2), vec2(1.1, 0.8), vec2(-1.1, 0.8)]),
        4 => polygon(&[vec2(0.0, 1.2), vec2(-1.1, -0.8), vec2(1.1, -0.8)]),
        5 => polygon(&[vec2(-1.2, 0.0), vec2(0.8, -1.1), vec2(0.8, 1.1)]),
        6 => polygon(&[vec2(1.2, 0.0), vec2(-0.8, 1.1), vec2(-0.8, -1.1)]),
        7 => bars(&[vec2(1.1, 0.0), vec2(0.0, 1.1)], centre, radius, fill, edge),
        8 => bars(&[vec2(0.85, 0.85), vec2(0.85, -0.85)], centre, radius, fill, edge),
        _ => bars(&[vec2(1.1, 0.0), vec2(0.55, 0.95), vec2(-0.55, 0.95)], centre, radius, fill, edge),
    }
}

/// Thick lines through the centre, the edge beneath them.
fn bars(arms: &[Vec2], centre: Pos2, radius: f32, fill: Color32, edge: Stroke) -> Vec<Shape> {
    let line =
        |arm: &Vec2, stroke: Stroke| Shape::line_segment([centre - *arm * radius, centre + *arm * radius], stroke);
    let width = (0.55 * radius).max(1.5);
    let under = arms.iter().map(|arm| line(arm, Stroke::new(width + 2.0 * edge.width, edge.color)));
    under.chain(arms.iter().map(|arm| line(arm, Stroke::new(width, fill)))).collect()
}
