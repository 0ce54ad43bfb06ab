//! A list of the classes of a run, of which one is chosen.

use egui::{Align2, FontId, Rect, Sense, Stroke, Ui, vec2};

use super::marker;
use crate::app::{theme, view::Scene};

/// Draws the list; returns the class that was clicked. `what` names an entry for a screen reader, `figures` stand at the right end.
pub(crate) fn list(
    ui: &Ui,
    rect: Rect,
    scene: &Scene<'_>,
    chosen: usize,
    what: &str,
    figures: &[String],
) -> Option<usize> {
    let theme = theme::of(ui);
    let row = (rect.height() / figures.len().max(1) as f32).clamp(12.0, 19.0);
    let mut clicked = None;
    for (class, figure) in figures.iter().enumerate() {
        let line = Rect::from_min_size(rect.min + vec2(0.0, row * class as f32), vec2(rect.width(), row));
        let response = ui.interact(line, ui.scope_id().with((what, class)), Sense::click());
        let name = scene.run.class_name(class);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{what} {name}")));
        if class == chosen || response.hovered() {
            ui.painter().rect_filled(line, 3.0, if class == chosen { theme.wash } else { theme.raised });
        }
        let edge = Stroke::new(1.0, theme::fade(theme.ground, 0.6));
        marker::paint(ui.painter(), class, line.left_center() + vec2(8.0, 0.0), 3.5, theme.class(class), edge);
        let short: String = name.chars().take(10).collect();
        let at = line.left_center() + vec2(18.0, 0.0);
        ui.painter().text(at, Align2::LEFT_CENTER, short, FontId::proportional(11.0), theme.text);
        let at = line.right_center() - vec2(4.0, 0.0);
        ui.painter().text(at, Align2::RIGHT_CENTER, figure, theme::digits(10.0), theme.dim);
        if response.clicked() {
            clicked = Some(class);
        }
    }
    clicked
}
