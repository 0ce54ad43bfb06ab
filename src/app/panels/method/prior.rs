//! What becomes of points on their way to images: brought back from several times by the prior, as they stand in the set, and the real
//! images nearest to them.

use egui::{Align2, FontId, Rect, Sense, Ui, pos2, vec2};

use crate::{
    app::{
        state::short,
        theme,
        view::Scene,
        widgets::{atlas::Atlas, chart, classes},
    },
    words::grouped,
};

/// Width of the list of classes, and of the masses beside the rows.
const LIST: f32 = 96.0;
const MASSES: f32 = 48.0;
/// Height of the names of the columns.
const HEAD: f32 = 16.0;
const GAP: f32 = 3.0;
/// Rows that would be lower are left out.
const LOWEST: f32 = 26.0;
/// Between the columns of the prior, the set, and the real images.
const WIDE_GAP: f32 = 14.0;

/// The textures of the page.
#[derive(Default)]
pub(crate) struct Page {
    atlas: Atlas,
}

impl Page {
    /// Draws the page.
    pub(super) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let run = scene.run;
        let Some((step, view)) = &run.pictures.quantizer else {
            super::waits(ui, run, "The images appear with their points");
            return;
        };
        let Some(gallery) = &view.pictures else {
            super::waits(ui, run, "The images come with the next picture");
            return;
        };
        let text = format!(
            "Step {} · {}: a row for each point · columns: noised to a time and brought back by the prior, the image in the set, the nearest \
             real images",
            grouped(*step),
            run.class_name(view.class)
        );
        let table: Vec<String> = (view.times.iter().zip(&view.strengths))
            .map(|(time, strength)| format!("time {} is as noisy as strength {strength:.2}", short(*time)))
            .collect();
        let hint = format!("{}\nThe released strength 0.7 of D4M is time 0.81", table.join("\n"));
        chart::summary(ui, ui.available_rect_before_wrap(), "Images of points", &text);
        super::super::caption(ui, text).on_hover_text(hint);
        let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let list = Rect::from_min_max(rect.min, pos2(rect.left() + LIST, rect.bottom()));
        let figures = vec![String::new(); view.masses.len()];
        if let Some(chosen) = classes::list(ui, list, scene, view.class, "Images of", &figures) {
            scene.view.selected.class = Some(chosen);
        }
        self.atlas.update(ui.ctx(), gallery);
        let theme = theme::of(ui);
        let area = Rect::from_min_max(pos2(list.right() + 8.0, rect.top()), rect.max);
        let (columns, times) = (gallery.grid[0], view.times.len());
        let pixels = vec2(gallery.cell[0].max(1) as f32, gallery.cell[1].max(1) as f32);
        let room = vec2(area.width() - MASSES - 2.0 * WIDE_GAP, area.height() - HEAD);
        let rows = gallery.grid[1].min((room.y / (LOWEST + GAP)) as usize).max(1);
        let scale = ((room.x / columns as f32 - GAP) / pixels.x).min((room.y / rows as f32 - GAP) / pixels.y).max(0.2);
        let cell = pixels * scale;
        let left = |column: usize| {
            let wide = usize::from(column >= times && times > 0) + usize::from(column > times);
            area.left() + MASSES + column as f32 * (cell.x + GAP) + wide as f32 * WIDE_GAP
        };
        let painter = ui.painter().with_clip_rect(rect);
        let small = FontId::proportional(10.5);
        let head = |column: usize| match column {
            0 if times > 0 => "t 0".to_owned(),
            column if column < times => short(view.times[column]),
            column if column == times => "set".to_owned(),
            column if column == times + 1 => "nearest real".to_owned(),
            _ => String::new(),
        };
        for column in 0..columns {
            let (x, align) = match column > times {
                true => (left(column), Align2::LEFT_TOP),
                false => (left(column) + 0.5 * cell.x, Align2::CENTER_TOP),
            };
            let color = if column == times { theme.accent } else { theme.dim };
            painter.text(pos2(x, area.top()), align, head(column), small.clone(), color);
        }
        let place = |at: usize| {
            let (column, row) = (at % columns, at / columns);
            let top = area.top() + HEAD + row as f32 * (cell.y + GAP);
            (at, Rect::from_min_size(pos2(left(column), top), cell))
        };
        painter.extend(self.atlas.shapes(gallery, (0..columns * rows).map(place)));
        for (row, point) in view.points.iter().take(rows).enumerate() {
            let at = pos2(area.left() + MASSES - 8.0, place(row * columns).1.center().y);
            painter.text(
                at,
                Align2::RIGHT_CENTER,
                format!("{:.1} %", 100.0 * point.mass),
                theme::digits(10.5),
                theme.dim,
            );
        }
        painter.text(area.left_top(), Align2::LEFT_TOP, "mass", small, theme.dim);
    }
}
