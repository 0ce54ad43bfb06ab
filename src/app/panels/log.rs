//! The log: warnings and errors, each once, the newest first, with what to do.

use egui::{RichText, ScrollArea, Ui};

use crate::app::{state::Grade, theme, view::Scene};

/// Draws the panel.
pub(crate) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let entries = &scene.run.journal.entries;
    if entries.is_empty() {
        super::empty(ui, "Nothing to report", "Warnings and errors appear here, each once");
        return;
    }
    let theme = theme::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for entry in entries.iter().rev() {
            let (word, color) = match entry.grade {
                Grade::Note => ("Note", theme.dim),
                Grade::Warning => ("Warning", theme.warn),
                Grade::Failure => ("Error", theme.bad),
            };
            ui.horizontal_top(|ui| {
                let times = if entry.count > 1 { format!(" ×{}", entry.count) } else { String::new() };
                let head = RichText::new(format!("{word}{times}")).small().color(color);
                ui.add_sized([74.0, 18.0], egui::Label::new(head).halign(egui::Align::LEFT));
                let step = RichText::new(format!("{:>6}", entry.step)).font(theme::digits(11.0)).color(theme.faint);
                ui.label(step).on_hover_text("The step at which it came last");
                ui.add(egui::Label::new(&entry.text).wrap().selectable(true));
            });
            ui.separator();
        }
    });
}
