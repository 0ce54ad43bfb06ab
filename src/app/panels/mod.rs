//! The panels, one file each. A panel reads the run, keeps what it has prepared for drawing, and emits actions.

mod compared;
pub(crate) mod features;
pub(crate) mod gallery;
pub(crate) mod help;
mod judged;
pub(crate) mod log;
pub(crate) mod losses;
mod method;
pub(crate) mod mixer;
mod reading;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod storage;
pub(crate) mod toolbar;

use std::path::Path;

use egui::{RichText, Role, Ui, WidgetInfo, vec2};

use super::{
    action::Action,
    layout::Pane,
    opening::short_name,
    theme,
    view::Scene,
    widgets::icon::{self, Icon},
};

/// What the panels keep between frames.
#[derive(Default)]
pub(crate) struct Panels {
    gallery: gallery::Panel,
    features: features::Panel,
    losses: losses::Panel,
    method: method::Panel,
    /// The drafts of the run panel.
    pub(crate) run: run::Panel,
}

impl Panels {
    /// Draws a panel.
    pub(crate) fn show(&mut self, pane: Pane, ui: &mut Ui, scene: &mut Scene<'_>) {
        match pane {
            Pane::Gallery => self.gallery.show(ui, scene),
            Pane::Features => self.features.show(ui, scene),
            Pane::Losses => self.losses.show(ui, scene),
            Pane::Storage => storage::show(ui, scene),
            Pane::Method => self.method.show(ui, scene),
            Pane::Mixer => mixer::show(ui, scene),
            Pane::Run => self.run.show(ui, scene),
            Pane::Log => log::show(ui, scene),
        }
    }
}

/// What stands in a panel that has nothing to show: what will come, and what to do.
fn empty(ui: &mut Ui, title: &str, hint: &str) {
    let theme = theme::of(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((0.5 * height - 34.0).max(4.0));
        let (square, _) = ui.allocate_exact_size(vec2(20.0, 12.0), egui::Sense::hover());
        if height > 90.0 {
            icon::paint(ui.painter(), Icon::Eye, square, theme.faint);
        }
        ui.label(RichText::new(title).color(theme.dim));
        ui.label(RichText::new(hint).small().color(theme.faint));
    });
}

/// The name of something that was opened, with a button that closes it; true when that was pressed.
fn opened(ui: &mut Ui, path: &Path, about: &str) -> bool {
    let name = short_name(path);
    ui.horizontal(|ui| {
        let close = ui.small_button("×").on_hover_text(format!("Close {name}"));
        close.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Close {name}")));
        let text = RichText::new(&name).small().color(theme::of(ui).second);
        ui.add(egui::Label::new(text).truncate()).on_hover_text(about);
        close.clicked()
    })
    .inner
}

/// A small explaining text.
fn caption(ui: &mut Ui, text: impl Into<String>) -> egui::Response {
    let color = theme::of(ui).dim;
    ui.add(egui::Label::new(RichText::new(text).small().color(color)).wrap())
}

/// One of several choices that exclude each other.
fn choices<T: Copy + PartialEq>(ui: &mut Ui, value: &mut T, options: &[(T, &str, &str)]) {
    ui.spacing_mut().item_spacing.x = 3.0;
    for (option, text, hint) in options {
        ui.selectable_value(value, *option, *text).on_hover_text(*hint);
    }
}

/// A card beside the pointer, for what stands under it.
fn card(response: &egui::Response, add: impl FnOnce(&mut Ui)) {
    egui::Tooltip::for_widget(response).at_pointer().gap(14.0).show(add);
}

/// What is no button leaves the space bar to the run, also while it has the focus.
fn space_runs(ui: &Ui, response: &egui::Response, actions: &mut Vec<Action>) {
    if response.has_focus() && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Space)) {
        actions.push(Action::ToggleRun);
    }
}
