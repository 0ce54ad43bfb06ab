//! Rows of words and numbers.

use egui::{Align2, FontId, Rect, ScrollArea, Sense, Ui, UiBuilder, vec2};

use super::{Canvas, line};
use crate::{app::theme, report::page::Table};

/// Height of a row.
const ROW: f32 = 15.0;

/// Draws a table: words to the left, everything behind them to the right.
pub(super) fn show(ui: &mut Ui, table: &Table, rect: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let font = FontId::proportional(11.0);
    let wide = |text: &str| ui.painter().layout_no_wrap(text.to_owned(), font.clone(), theme.text).size().x;
    let column = |at: usize| {
        let cells = table.rows.iter().filter_map(|row| row.cells.get(at)).chain(table.columns.get(at));
        cells.map(|text| wide(text)).fold(0.0, f32::max)
    };
    let widths: Vec<f32> = (0..table.columns.len()).map(column).collect();
    // Columns share what room is left.
    let room = rect.width() - 6.0;
    let gap = ((room - widths.iter().sum::<f32>()) / widths.len().max(1) as f32).clamp(4.0, 40.0);
    let first = (room - widths.iter().skip(1).map(|width| width + gap).sum::<f32>())
        .clamp(20.0, widths.first().copied().unwrap_or(0.0) + gap);
    let cells = |ui: &Ui, place: Rect, cells: &[String], color: egui::Color32| {
        let mut right = place.left() + first;
        for (at, text) in cells.iter().enumerate() {
            let middle = place.center().y;
            if at == 0 {
                line(ui.painter(), place.left_center(), Align2::LEFT_CENTER, text, font.clone(), color, first);
            } else {
                right += widths.get(at).copied().unwrap_or(0.0) + gap;
                ui.painter().text(
                    egui::pos2(right.min(place.right()), middle),
                    Align2::RIGHT_CENTER,
                    text,
                    font.clone(),
                    color,
                );
            }
        }
    };
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("table"), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let (head, _) = ui.allocate_exact_size(vec2(room, ROW + 1.0), Sense::hover());
        cells(ui, head, &table.columns, theme.dim);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for row in &table.rows {
                let (place, response) = ui.allocate_exact_size(vec2(room, ROW), Sense::hover());
                let is_marked = row.about.as_ref().is_some_and(|about| canvas.hover.is(about));
                if is_marked || response.hovered() && row.about.is_some() {
                    ui.painter().rect_filled(place, 2.0, theme.raised);
                }
                if let (true, Some(about)) = (response.hovered(), &row.about) {
                    canvas.hovering.point(about);
                }
                cells(ui, place, &row.cells, theme.text);
            }
        });
    });
}
