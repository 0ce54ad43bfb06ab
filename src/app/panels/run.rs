//! The run panel: what runs, and what the next run will be. Everything here needs a restart and says so.

use std::path::PathBuf;

use egui::{ComboBox, DragValue, Grid, RichText, ScrollArea, TextEdit, Ui, WidgetInfo};

use crate::{
    app::{action::Action, theme, view::Scene},
    config::{PRESETS, RunConfig},
    engine::Start,
};

/// What is typed here and not yet run.
#[derive(Default)]
pub struct Panel {
    /// The next run; none until something is touched.
    draft: Option<Draft>,
    protocol: String,
    export: String,
    /// The restart has been asked for and waits for a yes.
    asking: bool,
}

/// The next run as it is typed.
#[derive(Clone, Debug, PartialEq)]
struct Draft {
    preset: String,
    data: String,
    per_class: usize,
    steps: u64,
    seed: u64,
    device: String,
}

const DEVICES: [&str; 4] = ["auto", "cpu", "cuda", "metal"];

impl Draft {
    fn of(config: &RunConfig) -> Self {
        let device = serde_json::to_value(config.device).ok().and_then(|value| value.as_str().map(str::to_owned));
        Self {
            preset: config.name.clone(),
            data: config.data.to_string(),
            per_class: config.images.per_class,
            steps: config.steps,
            seed: config.seed,
            device: device.unwrap_or_else(|| "auto".to_owned()),
        }
    }

    /// The run that this makes, or what is wrong with it.
    fn start(&self, current: Option<&RunConfig>) -> Result<Start, String> {
        let text = |value: &str| serde_json::Value::from(value).to_string();
        let settings = [
            format!("data={}", text(&self.data)),
            format!("images.per_class={}", self.per_class),
            format!("steps={}", self.steps),
            format!("seed={}", self.seed),
            format!("device={}", text(&self.device)),
        ];
        let known = PRESETS.iter().any(|preset| preset.name == self.preset);
        let config = match current {
            // A config from a file has no preset to go back to: change what runs.
            Some(current) if !known || current.name == self.preset => current.with(&settings),
            _ => RunConfig::preset(&self.preset, &settings),
        };
        config.map(Start::fresh).map_err(|error| error.to_string())
    }
}

impl Panel {
    /// Draws the panel.
    pub fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let config = scene.run.config.clone();
        if self.protocol.is_empty() {
            "dm@300x5".clone_into(&mut self.protocol);
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.setup(ui, scene, config.as_ref());
            ui.separator();
            self.judge(ui, scene);
            ui.separator();
            self.keep(ui, scene);
        });
    }

    fn setup(&mut self, ui: &mut Ui, scene: &mut Scene<'_>, config: Option<&RunConfig>) {
        let theme = theme::of(ui);
        let standing = config
            .map_or_else(|| Draft::of(&RunConfig::preset("digits", &[]).expect("a preset of our own")), Draft::of);
        let mut draft = self.draft.clone().unwrap_or_else(|| standing.clone());
        fields(ui, &mut draft);
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == draft.preset)
            && let Ok(preset) = RunConfig::preset(preset.name, &[])
        {
            super::caption(ui, preset.about);
        }
        let changed = draft != standing;
        let start = draft.start(config);
        if let Err(fault) = &start {
            ui.label(RichText::new(fault).small().color(theme.bad));
        }
        let idle = !scene.run.phase.is_live();
        ui.horizontal(|ui| {
            let text = if idle { "Start" } else { "Apply and restart" };
            let ready = start.is_ok() && (changed || idle);
            if ui.add_enabled(ready, egui::Button::new(text)).on_hover_text("These need a new run").clicked() {
                self.asking = !idle;
                if idle && let Ok(start) = &start {
                    scene.actions.push(Action::Start(Box::new(start.clone())));
                    self.draft = None;
                    draft = standing.clone();
                }
            }
            if changed && ui.button("Undo").on_hover_text("Back to what runs").clicked() {
                draft = standing.clone();
                self.asking = false;
            }
        });
        if self.asking && changed {
            let out = scene.run.info.as_ref().map_or_else(String::new, |info| info.out.display().to_string());
            super::caption(
                ui,
                format!("The run at step {} is saved in {out} and left; a new one begins at step 0", scene.run.step),
            );
            ui.horizontal(|ui| {
                if ui.button("Restart now").clicked()
                    && let Ok(start) = start
                {
                    scene.actions.push(Action::Start(Box::new(start)));
                    self.asking = false;
                    self.draft = None;
                    draft = standing.clone();
                }
                if ui.button("Keep running").clicked() {
                    self.asking = false;
                }
            });
        }
        self.draft = (draft != standing).then_some(draft);
    }

    fn judge(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.label(RichText::new("Judge").strong());
        let ready = scene.run.info.is_some();
        ui.add_enabled_ui(ready, |ui| {
            ui.horizontal(|ui| {
                field(ui, &mut self.protocol, 110.0, "Protocol");
                if ui.button("Evaluate").on_hover_text("Train networks on the images and test them").clicked() {
                    scene.actions.push(Action::Evaluate(self.protocol.trim().to_owned()));
                }
                if scene.run.evaluating.is_some() && ui.button("Cancel").clicked() {
                    scene.actions.push(Action::CancelEvaluation);
                }
            });
        });
        let text = match &scene.run.evaluating {
            Some(progress) if progress.secs_left.is_finite() => {
                format!(
                    "Judging {}: {:.0} %, {} left",
                    progress.what,
                    100.0 * progress.done,
                    crate::app::widgets::chart::duration(progress.secs_left)
                )
            }
            Some(progress) => format!("Judging {}", progress.what),
            None => "dm@300x5: 300 epochs, 5 networks, test split. quick@100x3: on the hold-out. whole@60: all images"
                .to_owned(),
        };
        super::caption(ui, text);
    }

    fn keep(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.label(RichText::new("Keep").strong());
        let Some(info) = &scene.run.info else {
            super::caption(ui, "Images are written when a run ends, and on request");
            return;
        };
        if self.export.is_empty() {
            self.export = info.out.join("export").display().to_string();
        }
        ui.horizontal(|ui| {
            field(ui, &mut self.export, 150.0, "Folder for the images");
            if ui.button("Export").on_hover_text("Write the images as they are now").clicked() {
                scene.actions.push(Action::Export(PathBuf::from(self.export.trim())));
            }
        });
        ui.horizontal(|ui| {
            if ui.button("Checkpoint").on_hover_text("Save everything now").clicked() {
                scene.actions.push(Action::Checkpoint);
            }
            if let Some(step) = scene.run.checkpoint {
                ui.label(RichText::new(format!("saved at step {step}")).small().color(theme::of(ui).dim));
            }
        });
        super::caption(ui, format!("Run folder: {}", info.out.display()));
    }
}

fn fields(ui: &mut Ui, draft: &mut Draft) {
    Grid::new("run").num_columns(2).spacing([10.0, 5.0]).show(ui, |ui| {
        row(ui, "Preset", |ui| {
            combo(ui, "Preset", &mut draft.preset, PRESETS.iter().map(|preset| preset.name));
        });
        row(ui, "Data", |ui| field(ui, &mut draft.data, 150.0, "Data set"));
        row(ui, "Images per class", |ui| {
            number(ui, "Images per class", DragValue::new(&mut draft.per_class).range(1..=1000));
        });
        row(ui, "Steps", |ui| number(ui, "Steps", DragValue::new(&mut draft.steps).range(1..=10_000_000).speed(5.0)));
        row(ui, "Seed", |ui| number(ui, "Seed", DragValue::new(&mut draft.seed).range(0..=i64::MAX as u64)));
        row(ui, "Device", |ui| combo(ui, "Device", &mut draft.device, DEVICES.into_iter()));
    });
}

fn row(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    ui.label(RichText::new(name).color(theme::of(ui).dim));
    add(ui);
    ui.end_row();
}

fn combo<'a>(ui: &mut Ui, name: &str, value: &mut String, options: impl Iterator<Item = &'a str>) {
    let shown = ComboBox::from_id_salt(name).selected_text(value.as_str()).show_ui(ui, |ui| {
        for option in options {
            ui.selectable_value(value, option.to_owned(), option);
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, name));
}

fn number(ui: &mut Ui, name: &str, drag: DragValue<'_>) {
    let response = ui.add(drag);
    response.widget_info(|| WidgetInfo { label: Some(name.to_owned()), ..WidgetInfo::drag_value(true, 0.0) });
}

fn field(ui: &mut Ui, text: &mut String, width: f32, name: &str) {
    let response = ui.add(TextEdit::singleline(text).desired_width(width));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, name));
}
