//! Numbers as colours.

use egui::{Align2, FontId, Rect, Sense, Ui, pos2, vec2};

use super::{card, line, tint};
use crate::{app::theme, report::page::Heat};

/// Room for the names of rows, and for the head.
const NAMES: f32 = 88.0;
const HEAD: f32 = 17.0;
/// Room for the bars at the right.
const BARS: f32 = 94.0;
/// A cell has this side at most.
const LARGEST: f32 = 46.0;
/// Larger cells have their numbers in them; smaller rows have no names.
const WRITTEN: f32 = 24.0;
const NAMED: f32 = 10.0;

/// Draws the cells; a number under the pointer is told with its row and column.
pub(super) fn show(ui: &Ui, heat: &Heat, rect: Rect) {
    let theme = theme::of(ui);
    let (rows, columns) = (heat.rows.len().max(1) as f32, heat.columns.len().max(1) as f32);
    let row = (rect.height() - HEAD) / rows;
    let names = if row < NAMED { 0.0 } else { NAMES };
    let bars = if heat.sides.is_empty() { 0.0 } else { BARS };
    let side = ((rect.width() - names - bars) / columns).min(row).clamp(2.0, LARGEST);
    let origin = rect.min + vec2(names, HEAD);
    let painter = ui.painter().with_clip_rect(rect);
    let font = FontId::proportional(11.0);
    painter.text(pos2(origin.x, rect.top()), Align2::LEFT_TOP, &heat.head, font.clone(), theme.dim);
    for (row, (name, values)) in heat.rows.iter().zip(&heat.values).enumerate() {
        let y = origin.y + side * row as f32;
        if names > 0.0 {
            let at = pos2(origin.x - 6.0, y + 0.5 * side);
            line(&painter, at, Align2::RIGHT_CENTER, name, font.clone(), theme.dim, NAMES - 8.0);
        }
        for (column, &value) in values.iter().enumerate() {
            let cell = Rect::from_min_size(pos2(origin.x + side * column as f32, y), vec2(side, side)).shrink(0.5);
            let color = tint(theme, heat.tints[usize::from(row != column)]);
            painter.rect_filled(cell, 1.0, theme.raised);
            painter.rect_filled(cell, 1.0, theme::fade(color, (value as f32).max(0.0).sqrt()));
            if side > WRITTEN && value >= 0.005 {
                let text = format!("{:.0}", 100.0 * value);
                painter.text(cell.center(), Align2::CENTER_CENTER, text, font.clone(), theme.text);
            }
        }
    }
    let right = origin.x + side * columns + 8.0;
    painter.text(pos2(right, rect.top()), Align2::LEFT_TOP, &heat.side, font.clone(), theme.dim);
    for (row, &value) in heat.sides.iter().enumerate() {
        let middle = origin.y + side * (row as f32 + 0.5);
        let half = (0.3 * side).min(4.0);
        let length = 48.0 * value.clamp(0.0, 1.0) as f32;
        let bar = Rect::from_min_max(pos2(right, middle - half), pos2(right + length, middle + half));
        painter.rect_filled(bar, 2.0, tint(theme, heat.tints[0]));
        if side > NAMED {
            let text = format!("{:.0} %", 100.0 * value);
            painter.text(pos2(right + 54.0, middle), Align2::LEFT_CENTER, text, font.clone(), theme.dim);
        }
    }
    let response = ui.interact(rect, ui.scope_id().with("heat"), Sense::hover());
    let Some(at) = response.hover_pos() else { return };
    let place = (at - origin) / side;
    if place.x < 0.0 || place.y < 0.0 {
        return;
    }
    let (row, column) = (place.y as usize, place.x as usize);
    let value = heat.values.get(row).and_then(|values| values.get(column));
    if let (Some(value), Some(of), Some(taken)) = (value, heat.rows.get(row), heat.columns.get(column)) {
        let text = match row == column {
            true => format!("{of} is known: {:.1} %", 100.0 * value),
            false => format!("{of} is {} {taken}: {:.1} %", heat.head, 100.0 * value),
        };
        card(&response, &text);
    }
}
