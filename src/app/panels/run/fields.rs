//! The fields of the run panel: what the next run will be.

use egui::{ComboBox, DragValue, Grid, RichText, Role, TextEdit, Ui, WidgetInfo};

use super::{
    super::caption,
    draft::{self, Draft},
};
use crate::{
    app::theme,
    config::{DATA_FORMS, RunConfig},
    engine::JudgeAtEnd,
};

const DEVICES: [(&str, &str); 4] = [
    ("auto", "The first GPU that answers, otherwise the CPU"),
    ("cpu", "The processor"),
    ("cuda", "The first NVIDIA GPU"),
    ("metal", "The first Apple GPU"),
];

/// The choice of a preset and its sentence.
pub(super) fn preset(ui: &mut Ui, draft: &mut Draft) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let label = ui.label(RichText::new("Preset").color(theme.dim));
        let combo = ComboBox::from_id_salt("preset").selected_text(&draft.base.name).height(420.0).show_ui(ui, |ui| {
            for name in draft::preset_names() {
                let chosen = draft.base.name == name;
                let Ok(config) = RunConfig::preset(name, &[]) else { continue };
                if ui.selectable_label(chosen, name).on_hover_text(&config.about).clicked() && !chosen {
                    *draft = draft.turned_to(name).unwrap_or_else(|| draft.clone());
                }
            }
        });
        combo.response.labelled_by(label.id).widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Preset"));
    });
    caption(ui, &draft.base.about);
}

/// Sides to which pictures can be made, in pixels.
const SIZES: std::ops::RangeInclusive<usize> = 16..=128;

/// What can be set of the next run.
pub(super) fn show(ui: &mut Ui, draft: &mut Draft) {
    let narrow = ui.available_width() < 230.0;
    Grid::new("settings").num_columns(2).spacing([12.0, 5.0]).show(ui, |ui| {
        row(ui, "Data set", |ui| data(ui, &mut draft.data));
        if let Some(size) = draft.size() {
            row(ui, "Image size", |ui| size_of(ui, draft, size));
        }
        row(ui, if narrow { "Per class" } else { "Images per class" }, |ui| {
            ui.add(DragValue::new(&mut draft.per_class).range(1..=1000).speed(0.1))
        });
        row(ui, "Seed", |ui| ui.add(DragValue::new(&mut draft.seed).speed(0.1)));
        row(ui, "Steps", |ui| ui.add(DragValue::new(&mut draft.steps).range(1..=10_000_000).speed(10.0)));
        row(ui, "Device", |ui| device(ui, &mut draft.device));
        row(ui, if narrow { "Judged" } else { "Judged at the end" }, |ui| judged(ui, &mut draft.judge));
        row(ui, "Folder", |ui| ui.add(TextEdit::singleline(&mut draft.out).desired_width(f32::INFINITY)));
    });
}

fn row(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    let color = theme::of(ui).dim;
    let label = ui.label(RichText::new(name).color(color));
    add(ui).labelled_by(label.id);
    ui.end_row();
}

fn data(ui: &mut Ui, data: &mut String) -> egui::Response {
    let response = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        let combo = ComboBox::from_id_salt("forms").selected_text("").width(18.0).show_ui(ui, |ui| {
            for form in DATA_FORMS.split(", ") {
                if ui.selectable_label(data == form, form).clicked() {
                    form.clone_into(data);
                }
            }
        });
        combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), "Choose a data set"));
        ui.add(TextEdit::singleline(data).desired_width(f32::INFINITY).hint_text("Data set"))
    });
    response.inner
}

fn device(ui: &mut Ui, device: &mut String) -> egui::Response {
    let combo = ComboBox::from_id_salt("device").selected_text(device.as_str()).show_ui(ui, |ui| {
        for (name, meaning) in DEVICES {
            if ui.selectable_label(device == name, name).on_hover_text(meaning).clicked() {
                name.clone_into(device);
            }
        }
    });
    combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Device"));
    combo.response
}

/// Side to which the pictures of a folder are made.
fn size_of(ui: &mut Ui, draft: &mut Draft, size: usize) -> egui::Response {
    let mut wanted = size;
    let drag = DragValue::new(&mut wanted).range(SIZES).speed(0.25).suffix(" px").update_while_editing(false);
    let response =
        ui.add(drag).on_hover_text("Pictures are cut to squares of this side before anything learns from them");
    if wanted != size {
        draft.resize(wanted);
    }
    response
}

/// What is judged when all steps are done.
fn judged(ui: &mut Ui, judge: &mut JudgeAtEnd) -> egui::Response {
    let combo = ComboBox::from_id_salt("judged at the end").selected_text(draft::judged_word(*judge));
    let combo = combo.show_ui(ui, |ui| {
        for (choice, word, meaning) in draft::JUDGED_AT_END {
            ui.selectable_value(judge, choice, word).on_hover_text(meaning);
        }
    });
    combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Judged at the end"));
    combo.response
}
