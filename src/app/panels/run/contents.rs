//! What is in a data set, before a run begins with it, and which of its classes are distilled.

use egui::{Rect, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2};

use super::draft::Draft;
use crate::{
    app::{theme, widgets::atlas::Atlas},
    report::DataSummary,
    words::{bytes, counted, duration, grouped},
};

/// The most room that the classes take, in points.
const MOST: f32 = 260.0;
/// The largest side of a picture of a class, and the gap between two.
const LARGEST: f32 = 40.0;
const GAP: f32 = 2.0;

/// What is kept of a look into a data set: its pictures.
#[derive(Default)]
pub(super) struct Contents {
    atlas: Atlas,
    /// Somebody has asked for it and has not seen it yet.
    pub(super) is_new: bool,
}

impl Contents {
    /// A data set in words, its classes, and what a run would cost.
    pub(super) fn show(&mut self, ui: &mut Ui, summary: &DataSummary, draft: &mut Draft) {
        let theme = theme::of(ui);
        if std::mem::take(&mut self.is_new) {
            ui.scroll_to_cursor(Some(egui::Align::Min));
        }
        for line in lines(summary) {
            ui.label(RichText::new(line).small());
        }
        // A split that was made up, or is not the usual one, is a note too.
        let (remarks, notes): (Vec<_>, Vec<_>) = summary.notes.iter().partition(|note| **note == summary.split);
        let split = RichText::new(sentence(&summary.split)).small();
        ui.label(if remarks.is_empty() { split } else { split.color(theme.warn) });
        for note in notes {
            ui.label(RichText::new(note).small().color(theme.warn));
        }
        self.atlas.update(ui.ctx(), &summary.thumbnails);
        self.classes(ui, summary, draft);
    }

    /// The first images of a class as networks see them.
    fn pictures(&self, ui: &mut Ui, summary: &DataSummary, class: usize, is_in: bool) {
        let gallery = &summary.thumbnails;
        let [across, classes] = gallery.grid;
        if class >= classes || summary.info.shape[1..] == [1, 1] {
            return; // Points are no pictures.
        }
        let [width, height] = gallery.cell.map(|side| side.max(1) as f32);
        // Whole pixels of small pictures, as large as a line of them fits.
        let room = (ui.available_width() / across.max(1) as f32 - GAP).min(LARGEST);
        let scale = (room / width.max(height)).max(0.1);
        let scale = if scale >= 2.0 { scale.floor() } else { scale };
        let cell = vec2(width * scale, height * scale);
        let (rect, response) =
            ui.allocate_exact_size(vec2(across as f32 * (cell.x + GAP), cell.y), egui::Sense::hover());
        let name = summary.info.class_names.get(class).map_or("", String::as_str);
        response
            .widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Images of {name} as networks see them")));
        let place = |column: usize| Rect::from_min_size(rect.min + vec2(column as f32 * (cell.x + GAP), 0.0), cell);
        let places = (0..across).map(|column| (class * across + column, place(column)));
        ui.painter().extend(self.atlas.shapes(gallery, places));
        if !is_in {
            ui.painter().rect_filled(rect, 0.0, theme::fade(theme::of(ui).panel, 0.7));
        }
    }

    /// Each class with its images; those that are not ticked are left out of the next run.
    fn classes(&self, ui: &mut Ui, summary: &DataSummary, draft: &mut Draft) {
        let names = &summary.info.class_names;
        let all: Vec<u32> = (0..names.len() as u32).collect();
        let joined = draft.base.joins_classes();
        ui.horizontal(|ui| {
            let chosen = if draft.classes.is_empty() { all.len() } else { draft.classes.len() };
            super::super::caption(ui, format!("{} of {}", chosen, counted(all.len() as u64, "class", "classes")));
            if ui.add_enabled(!draft.classes.is_empty(), egui::Button::new("All classes").small()).clicked() {
                draft.classes.clear();
            }
        });
        ScrollArea::vertical().id_salt("classes").max_height(MOST).auto_shrink([false, true]).show(ui, |ui| {
            for (label, (name, count)) in (0..).zip(names.iter().zip(&summary.counts)) {
                let mut is_in = draft.classes.is_empty() || draft.classes.contains(&label);
                ui.horizontal(|ui| {
                    let text = format!("{name}: {}", counted(*count as u64, "image", "images"));
                    let tick = egui::Checkbox::new(&mut is_in, RichText::new(text).small());
                    let hint = "A class without a tick is left out of the next run";
                    let tick = ui.add_enabled(joined.is_none(), tick).on_hover_text(hint);
                    let tick = tick.on_disabled_hover_text(joined.as_deref().map_or_else(String::new, sentence));
                    if tick.changed() {
                        draft.classes = toggled(&draft.classes, &all, label);
                    }
                });
                self.pictures(ui, summary, label as usize, is_in);
            }
        });
    }
}

/// A letter at the beginning that is large.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The chosen classes with one of them taken out or put in; none stands for all, and the last one stays.
fn toggled(chosen: &[u32], all: &[u32], label: u32) -> Vec<u32> {
    let chosen = if chosen.is_empty() { all } else { chosen };
    let is_in = chosen.contains(&label);
    let next: Vec<u32> =
        all.iter().copied().filter(|one| if *one == label { !is_in } else { chosen.contains(one) }).collect();
    match next.len() {
        0 => chosen.to_vec(),
        many if many == all.len() => Vec::new(),
        _ => next,
    }
}

/// A data set in words, with what a run would cost.
fn lines(summary: &DataSummary) -> Vec<String> {
    let info = &summary.info;
    let [channels, height, width] = info.shape;
    let kind = if channels == 1 { "grey" } else { "colour" };
    let mut lines = vec![
        format!(
            "{}: {} training and {} test images, {width} x {height}, {kind}, {}",
            info.name,
            grouped((info.train + info.holdout) as u64),
            grouped(info.test as u64),
            bytes(summary.pixel_bytes as f64)
        ),
        format!(
            "A step takes {:.2} s here, the whole run about {} (networks and judging on top)",
            summary.step_secs,
            duration(summary.run_secs)
        ),
    ];
    if let Some(memory) = summary.memory_bytes {
        lines.push(format!("The program takes {} of memory with it", bytes(memory as f64)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_left_out_and_taken_in_again() {
        let all = [0, 1, 2];
        assert_eq!(toggled(&[], &all, 1), [0, 2]);
        assert_eq!(toggled(&[0, 2], &all, 0), [2]);
        assert_eq!(toggled(&[2], &all, 2), [2], "a run has one class at least");
        assert_eq!(toggled(&[2], &all, 0), [0, 2], "in the order of the labels");
        assert!(toggled(&[0, 2], &all, 1).is_empty(), "all of them are no choice");
    }
}
