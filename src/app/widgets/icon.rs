//! Buttons with drawn symbols: crisp at every zoom, and independent of the fonts of the system.

use egui::{Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::app::theme;

/// A symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Go.
    Play,
    /// Wait.
    Pause,
    /// One step.
    Step,
    /// End.
    Stop,
    /// Light and dark.
    Contrast,
    /// Help.
    Help,
    /// Pictures are on.
    Eye,
    /// Pictures are off.
    EyeOff,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// Quiet.
    #[default]
    Plain,
    /// The most important one.
    Primary,
}

/// A button with a symbol and perhaps a text. `name` is what a screen reader says.
pub(crate) fn button(ui: &mut Ui, icon: Icon, text: &str, name: &str, look: Look) -> Response {
    let theme = theme::of(ui);
    let font = egui::TextStyle::Button.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER);
    let gap = if text.is_empty() { 0.0 } else { galley.size().x + 7.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(30.0 + gap, 26.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let visuals = ui.style().interact(&response);
        let (fill, ink) = match look {
            Look::Primary if ui.is_enabled() && !response.hovered() => (theme.accent, theme.on_accent),
            Look::Primary if ui.is_enabled() => (theme::fade(theme.accent, 0.88), theme.on_accent),
            _ => (visuals.weak_bg_fill, visuals.text_color()),
        };
        ui.painter().rect_filled(rect, visuals.corner_radius, fill);
        if response.has_focus() {
            ui.painter().rect_stroke(
                rect,
                visuals.corner_radius,
                Stroke::new(1.5, theme.text),
                egui::StrokeKind::Outside,
            );
        }
        let square = Rect::from_center_size(pos2(rect.left() + 15.0, rect.center().y), Vec2::splat(12.0));
        paint(ui.painter(), icon, square, ink);
        ui.painter().galley(pos2(rect.left() + 27.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    }
    response
}

/// Draws a symbol into a square.
pub(crate) fn paint(painter: &Painter, icon: Icon, square: Rect, ink: Color32) {
    let at = |x: f32, y: f32| pos2(square.left() + x * square.width(), square.top() + y * square.height());
    let bar = |x: f32, width: f32| Rect::from_min_max(at(x, 0.06), at(x + width, 0.94));
    let line = Stroke::new(1.5, ink);
    let triangle = |x: f32, width: f32| -> Shape {
        let points: Vec<Pos2> = vec![at(x, 0.04), at(x + width, 0.5), at(x, 0.96)];
        Shape::convex_polygon(points, ink, Stroke::NONE)
    };
    match icon {
        Icon::Play => {
            painter.add(triangle(0.14, 0.8));
        }
        Icon::Pause => {
            painter.rect_filled(bar(0.14, 0.28), 1.0, ink);
            painter.rect_filled(bar(0.58, 0.28), 1.0, ink);
        }
        Icon::Step => {
            painter.add(triangle(0.04, 0.62));
            painter.rect_filled(bar(0.74, 0.2), 1.0, ink);
        }
        Icon::Stop => {
            painter.rect_filled(square.shrink(1.0), 1.5, ink);
        }
        Icon::Contrast => {
            let radius = 0.48 * square.width();
            painter.circle_stroke(square.center(), radius, line);
            let arc = (0..=12).map(|step| {
                let angle = std::f32::consts::PI * (step as f32 / 12.0 - 0.5);
                square.center() + radius * vec2(angle.cos(), angle.sin())
            });
            painter.add(Shape::convex_polygon(arc.collect(), ink, Stroke::NONE));
        }
        Icon::Help => {
            let font = egui::FontId::proportional(1.25 * square.height());
            painter.text(square.center(), egui::Align2::CENTER_CENTER, "?", font, ink);
        }
        Icon::Eye | Icon::EyeOff => {
            let lid = |sign: f32| {
                let curve = (0..=12).map(move |step| {
                    let x = step as f32 / 12.0;
                    at(x * 1.2 - 0.1, 0.5 + sign * 0.36 * (std::f32::consts::PI * x).sin())
                });
                Shape::line(curve.collect(), line)
            };
            painter.add(lid(-1.0));
            painter.add(lid(1.0));
            painter.circle_filled(square.center(), 0.17 * square.width(), ink);
            if icon == Icon::EyeOff {
                painter.line_segment([at(0.05, 1.0), at(0.95, 0.0)], line);
            }
        }
    }
}
