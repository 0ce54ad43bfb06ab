//! The help: every key, and what the marks mean.

use egui::{Grid, Key, Modifiers, RichText, Ui};

use crate::app::{theme, view::View};

const KEYS: [(&str, &str); 15] = [
    ("Space", "Run or pause"),
    ("S", "One step"),
    (", and .", "Slower, faster"),
    ("1 to 4", "Overview, watch, tune, judge"),
    ("G", "Gallery: now, start, difference"),
    ("A", "Gallery: mosaics whole or apart"),
    ("L", "Losses: linear or logarithmic"),
    ("W", "Losses: weighted or raw"),
    ("P", "Pictures on or off while running"),
    ("T", "Light or dark"),
    ("Ctrl + and -", "Larger, smaller"),
    ("Tab", "Next control"),
    ("Arrows", "In the mixer: nudge, choose a strip; in the gallery: move"),
    ("Shift + arrows", "In the mixer: nudge finely"),
    ("M, S, 0", "In the mixer: mute, solo, default"),
];

/// Draws the help over everything, while it is open.
pub(crate) fn show(ui: &Ui, view: &mut View) {
    if !view.help {
        return;
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        view.help = false;
        return;
    }
    let theme = theme::of(ui);
    let window = egui::Window::new("Keys and marks").collapsible(false).resizable(false).open(&mut view.help);
    window.anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0]).show(ui.ctx(), |ui| {
        Grid::new("keys").num_columns(2).spacing([22.0, 5.0]).show(ui, |ui| {
            for (key, meaning) in KEYS {
                ui.label(RichText::new(key).font(theme::digits(12.5)).color(theme.accent));
                ui.label(meaning);
                ui.end_row();
            }
        });
        ui.add_space(8.0);
        ui.set_max_width(480.0);
        super::caption(
            ui,
            "Mixer: what is moved is live at the next step; its dot is hollow until then. Run panel: what needs a restart \
             waits for Apply and restart. Everything else changes only what you see.",
        );
    });
}
