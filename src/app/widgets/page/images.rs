//! Small pictures in rows and columns.

use egui::{Align2, FontId, Rect, Ui, pos2, vec2};

use super::{Canvas, line, tint};
use crate::{app::theme, report::page::Images};

/// Width of what stands before the rows.
const ROWS: f32 = 48.0;
/// Height of the names of the columns.
const HEAD: f32 = 16.0;
const GAP: f32 = 3.0;
/// Rows that would be lower are left out.
const LOWEST: f32 = 26.0;
/// Between groups of columns.
const APART: f32 = 14.0;

/// Draws the pictures, as large as all columns allow.
pub(super) fn show(ui: &Ui, images: &Images, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let atlas = &images.atlas;
    canvas.atlas.update(ui.ctx(), atlas);
    let columns = atlas.grid[0].max(1);
    let pixels = vec2(atlas.cell[0].max(1) as f32, atlas.cell[1].max(1) as f32);
    let gaps = images.heads.iter().filter(|head| head.apart).count() as f32;
    let room = vec2(area.width() - ROWS - APART * gaps, area.height() - HEAD);
    let rows = atlas.grid[1].min((room.y / (LOWEST + GAP)) as usize).max(1);
    let scale = ((room.x / columns as f32 - GAP) / pixels.x).min((room.y / rows as f32 - GAP) / pixels.y).max(0.2);
    let cell = pixels * scale;
    let left = |column: usize| {
        let before = images.heads.iter().filter(|head| head.apart && head.column <= column).count();
        area.left() + ROWS + column as f32 * (cell.x + GAP) + before as f32 * APART
    };
    let painter = ui.painter().with_clip_rect(area);
    let small = FontId::proportional(10.5);
    for (at, head) in images.heads.iter().enumerate() {
        let next = images.heads.get(at + 1).map_or(columns, |next| next.column);
        let span = left(next.max(1) - 1) + cell.x - left(head.column);
        // One name over several columns begins with the first of them; over one it stands in the middle, and may stand out a little.
        let (x, align, width) = match next > head.column + 1 {
            true => (left(head.column), Align2::LEFT_TOP, area.right() - left(head.column)),
            false => (left(head.column) + 0.5 * cell.x, Align2::CENTER_TOP, span.max(24.0)),
        };
        line(&painter, pos2(x, area.top()), align, &head.name, small.clone(), tint(theme, head.tint), width);
    }
    let place = |at: usize| {
        let (column, row) = (at % columns, at / columns);
        let top = area.top() + HEAD + row as f32 * (cell.y + GAP);
        (at, Rect::from_min_size(pos2(left(column), top), cell))
    };
    painter.extend(canvas.atlas.shapes(atlas, (0..columns * rows).map(place)));
    for (row, text) in images.rows.iter().take(rows).enumerate() {
        let at = pos2(area.left() + ROWS - 8.0, place(row * columns).1.center().y);
        painter.text(at, Align2::RIGHT_CENTER, text, theme::digits(10.5), theme.dim);
    }
    painter.text(area.left_top(), Align2::LEFT_TOP, &images.row_head, small, theme.dim);
}
