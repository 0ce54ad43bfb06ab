//! The run panel: what runs, how it is judged and written, and what the next run will be.
//!
//! What needs a restart is gathered in a draft. Nothing of it happens until somebody asks for it, and where a run is under
//! way the panel says first what becomes of it.

use std::path::{Path, PathBuf};

use egui::{ComboBox, DragValue, Grid, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::{
    inside::{self, Kind, Pick, Picker},
    storage,
};
use crate::{
    app::{action::Action, state::Phase, theme, view::Scene},
    config::{DATA_FORMS, PRESETS, RunConfig},
    engine::{Start, Trial, free_folder, runs},
    evaluate::Protocol,
    report::{GalleryView, Reading, Subject},
    words::grouped,
};

const DEVICES: [(&str, &str); 4] = [
    ("auto", "The first GPU that answers, otherwise the CPU"),
    ("cpu", "The processor"),
    ("cuda", "The first NVIDIA GPU"),
    ("metal", "The first Apple GPU"),
];

/// Presets whose networks fit their own small data, and the one that takes pictures of any kind.
const MADE_FOR: [&str; 4] = ["digits", "plane", "iid-digits", "cmi-digits"];
const FOR_PICTURES: &str = "iid-cpu";

/// The draft of the next run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    base: RunConfig,
    data: String,
    per_class: usize,
    seed: u64,
    steps: u64,
    device: String,
    out: String,
}

impl Draft {
    fn of(config: &RunConfig, out: &Path) -> Self {
        Self {
            data: config.data.to_string(),
            per_class: config.images.per_class,
            seed: config.seed,
            steps: config.steps,
            device: device_name(config),
            out: out.display().to_string(),
            base: config.clone(),
        }
    }

    /// The config that the draft stands for, or what is wrong with it.
    fn config(&self) -> Result<RunConfig, String> {
        let text = toml::to_string(&self.base).map_err(|error| error.to_string())?;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let settings = [
            format!("data={}", quoted(&self.data)),
            format!("device={}", quoted(&self.device)),
            format!("images.per_class={}", self.per_class),
            format!("seed={}", self.seed),
            format!("steps={}", self.steps),
        ];
        RunConfig::parse(&text, &settings, "the run panel").map_err(|error| error.to_string())
    }

    /// What differs from a config, in words.
    fn changes(&self, now: &RunConfig) -> Vec<String> {
        let mut changes = Vec::new();
        let mut compare = |name: &str, old: String, new: String| {
            if old != new {
                changes.push(format!("{name} {old} to {new}"));
            }
        };
        compare("preset", now.name.clone(), self.base.name.clone());
        compare("data set", now.data.to_string(), self.data.clone());
        compare("images per class", now.images.per_class.to_string(), self.per_class.to_string());
        compare("seed", now.seed.to_string(), self.seed.to_string());
        compare("steps", now.steps.to_string(), self.steps.to_string());
        compare("device", device_name(now), self.device.clone());
        changes
    }
}

/// The device as it stands in a config file.
fn device_name(config: &RunConfig) -> String {
    let value = toml::Value::try_from(config.device).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| "auto".to_owned())
}

/// Drafts of the panel.
#[derive(Default)]
pub(crate) struct Panel {
    draft: Option<Draft>,
    /// The start from which the draft was made.
    source: Option<PathBuf>,
    asking: bool,
    protocol: String,
    export: Option<String>,
    picker: Picker,
}

impl Panel {
    /// The run that the draft stands for.
    pub(crate) fn next(&self) -> Option<Result<Start, String>> {
        let draft = self.draft.as_ref()?;
        Some(draft.config().map(|config| Start::new(config, free_folder(Path::new(&draft.out)))))
    }

    /// Opens what somebody chose: a comparison, a distilled set, or data for the next run, and asks what is in it.
    pub(crate) fn open(&mut self, path: &Path, scene_view: &mut GalleryView, actions: &mut Vec<Action>) {
        match inside::kind(path) {
            Kind::Comparison => return actions.push(Action::OpenComparison(path.to_owned())),
            Kind::Set => {
                *scene_view = GalleryView::Opened;
                return actions.push(Action::OpenSet(path.to_owned(), Reading::default()));
            }
            Kind::Data => {}
        }
        let for_pictures = |out: &Path| RunConfig::preset(FOR_PICTURES, &[]).map(|config| Draft::of(&config, out));
        let (out, fits) = match &self.draft {
            Some(draft) => (PathBuf::from(&draft.out), !MADE_FOR.contains(&draft.base.name.as_str())),
            None => (runs().join(FOR_PICTURES), false),
        };
        if !fits {
            self.draft = for_pictures(&out.with_file_name(FOR_PICTURES)).ok();
        }
        let Some(draft) = &mut self.draft else { return };
        draft.data = path.display().to_string();
        self.look_inside(actions);
    }

    /// Asks what is in the data of the draft.
    fn look_inside(&mut self, actions: &mut Vec<Action>) {
        let Some(draft) = &mut self.draft else { return };
        if let Ok(config) = draft.config() {
            draft.data = config.data.to_string();
            actions.push(Action::Inspect(Box::new(config)));
        }
    }

    /// Opening data, and what is in it.
    fn data_set(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.horizontal_wrapped(|ui| {
            let hint = "A folder of pictures, a data set, an exported set or a comparison; or drop it on the window";
            if ui.button("Open folder…").on_hover_text(hint).clicked() {
                self.picker.open(ui.ctx(), Pick::Folder);
            }
            let hint = "A distilled set (.pt, .safetensors, .npz), a data set or comparison.json";
            if ui.button("Open file…").on_hover_text(hint).clicked() {
                self.picker.open(ui.ctx(), Pick::File);
            }
            let hint = "Load the data set and measure a step, before a run begins";
            if ui.add_enabled(!scene.run.inspecting, egui::Button::new("Look inside")).on_hover_text(hint).clicked() {
                self.look_inside(scene.actions);
            }
            if scene.run.inspecting {
                ui.spinner();
            }
        });
        if let Some(path) = self.picker.chosen() {
            self.open(&path, &mut scene.view.gallery, scene.actions);
        }
        let spec = self.draft.as_ref().map(|draft| draft.data.as_str());
        if let Some(summary) = scene.run.inspected.as_ref().filter(|summary| Some(summary.spec.as_str()) == spec) {
            inside::summary(ui, summary);
        }
    }

    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        self.follow(scene);
        let Some(mut draft) = self.draft.clone() else {
            super::empty(ui, "No run yet", "Its settings appear here");
            return;
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            preset(ui, &mut draft);
            fields(ui, &mut draft);
            self.draft = Some(draft);
            self.data_set(ui, scene);
            self.restart(ui, scene);
            ui.separator();
            self.judge(ui, scene);
            ui.separator();
            self.files(ui, scene);
        });
    }

    /// A new run brings a new draft.
    fn follow(&mut self, scene: &Scene<'_>) {
        let Some(asked) = &scene.run.asked else { return };
        if self.source.as_ref() != Some(&asked.out) || self.draft.is_none() {
            self.draft = Some(Draft::of(&asked.config, &asked.out));
            self.source = Some(asked.out.clone());
            self.asking = false;
            self.protocol = asked.config.evaluation.during.to_string();
            self.export = None;
        }
    }

    /// What would change, and the one button that does it.
    fn restart(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let (Some(draft), Some(asked)) = (&self.draft, &scene.run.asked) else { return };
        let changes = draft.changes(&asked.config);
        let theme = theme::of(ui);
        let live = scene.run.phase.is_live();
        if let Err(fault) = draft.config() {
            ui.label(RichText::new(fault).small().color(theme.bad));
            return;
        }
        if changes.is_empty() && live {
            super::caption(ui, "Changes here need a restart and wait until you ask for it");
            return;
        }
        if !changes.is_empty() {
            ui.label(RichText::new(changes.join("\n")).small().color(theme.accent));
        }
        if !live {
            ui.horizontal(|ui| {
                if ui.button("Start new run").clicked() {
                    self.start(scene);
                }
            });
            return;
        }
        if !self.asking {
            ui.horizontal(|ui| {
                if ui.button("Apply and restart…").clicked() {
                    self.asking = true;
                }
                if ui.button("Discard changes").clicked() {
                    self.draft = None;
                }
            });
            return;
        }
        let out = asked.out.display();
        let text = format!(
            "The run ends at step {} and is saved in {out}. The new run begins at step 0 in {}",
            grouped(scene.run.step),
            free_folder(Path::new(&draft.out)).display()
        );
        ui.label(RichText::new(text).small());
        ui.horizontal(|ui| {
            if ui.button(RichText::new("Restart now").color(theme.accent)).clicked() {
                self.start(scene);
            }
            if ui.button("Keep running").clicked() {
                self.asking = false;
            }
        });
    }

    fn start(&mut self, scene: &mut Scene<'_>) {
        if let Some(Ok(start)) = self.next() {
            self.asking = false;
            scene.actions.push(Action::Start(Box::new(start)));
        }
    }

    /// Evaluations on demand.
    fn judge(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let live = scene.run.phase.is_live() || matches!(scene.run.phase, Phase::Finished { .. });
        let busy = scene.run.evaluating.is_some();
        ui.horizontal(|ui| {
            ui.add_enabled_ui(live && !busy, |ui| {
                let valid = self.protocol.parse::<Protocol>();
                let hint = "Train fresh networks on the images as they are now and test them";
                if ui.add_enabled(valid.is_ok(), egui::Button::new("Evaluate")).on_hover_text(hint).clicked() {
                    let protocol = self.protocol.clone();
                    scene.actions.push(Action::Evaluate(Trial { protocol, ..Trial::default() }));
                }
                let edit = TextEdit::singleline(&mut self.protocol).desired_width(104.0).hint_text("Protocol");
                let response = ui.add(edit);
                if let Err(error) = valid {
                    response.on_hover_text(error.to_string());
                }
                self.protocols(ui, scene);
            });
        });
        let hint = "Judge distilled images, random selection, k-means medoids and the whole set, and say which to use";
        if ui.add_enabled(live && !busy, egui::Button::new("Verdict")).on_hover_text(hint).clicked() {
            scene.actions.push(Action::Judge);
        }
        verdict(ui, scene);
        storage::progress(ui, scene);
    }

    fn protocols(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let Some(asked) = &scene.run.asked else { return };
        let rules = &asked.config.evaluation;
        let offers = [
            (rules.during.to_string(), "on the hold-out, as during the run"),
            (rules.last.to_string(), "on the test split, as at the end"),
            (Protocol::dm(1000, 20).to_string(), "the published one; slow"),
        ];
        let combo = ComboBox::from_id_salt("offers").selected_text("").width(18.0).show_ui(ui, |ui| {
            for (name, meaning) in offers {
                if ui.selectable_label(self.protocol == name, format!("{name} · {meaning}")).clicked() {
                    self.protocol = name;
                }
            }
        });
        combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), "Choose a protocol"));
    }

    /// Checkpoint and export.
    fn files(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(info) = &scene.run.info else { return };
        let suggested = free_folder(&info.out.join("export")).display().to_string();
        ui.horizontal(|ui| {
            let folder = self.export.get_or_insert(suggested);
            if ui
                .button("Export")
                .on_hover_text(
                    "Write the images as they are now into this new folder, in every form, and judge what was written",
                )
                .clicked()
            {
                scene.actions.push(Action::Export(PathBuf::from(folder.as_str())));
            }
            let width = ui.available_width();
            ui.add(TextEdit::singleline(folder).desired_width(width).hint_text("Export folder"));
        });
        ui.horizontal(|ui| {
            ui.add_enabled_ui(scene.run.phase.is_live(), |ui| {
                if ui.button("Save checkpoint").on_hover_text("The run can go on from here later").clicked() {
                    scene.actions.push(Action::Checkpoint);
                }
            });
            if let Some(step) = scene.run.checkpoint {
                super::caption(ui, format!("Newest at step {}", grouped(step)));
            }
        });
    }
}

/// Which images to use, and a way to take a selection that won.
fn verdict(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(verdict) = &scene.run.verdict else { return };
    for line in verdict.text.lines() {
        ui.label(RichText::new(line).small());
    }
    let (Some(winner), Some(info)) = (verdict.best.filter(|best| *best != Subject::Synthetic), &scene.run.info) else {
        return;
    };
    if ui.button(format!("Export {}", winner.describe())).clicked() {
        let folder = free_folder(&info.out.join(winner.describe().replace(' ', "-")));
        scene.actions.push(Action::ExportSelection(winner, folder));
    }
}

/// The choice of a preset and its sentence.
fn preset(ui: &mut Ui, draft: &mut Draft) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let label = ui.label(RichText::new("Preset").color(theme.dim));
        let combo = ComboBox::from_id_salt("preset").selected_text(&draft.base.name).height(420.0).show_ui(ui, |ui| {
            for preset in &PRESETS {
                let chosen = draft.base.name == preset.name;
                let Ok(config) = RunConfig::preset(preset.name, &[]) else { continue };
                if ui.selectable_label(chosen, preset.name).on_hover_text(&config.about).clicked() && !chosen {
                    // A folder that is named after the preset follows it.
                    let mut out = PathBuf::from(&draft.out);
                    if out.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&draft.base.name)) {
                        out.set_file_name(preset.name);
                    }
                    *draft = Draft::of(&config, &out);
                }
            }
        });
        combo.response.labelled_by(label.id).widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Preset"));
    });
    super::caption(ui, &draft.base.about);
}

fn fields(ui: &mut Ui, draft: &mut Draft) {
    let narrow = ui.available_width() < 230.0;
    Grid::new("settings").num_columns(2).spacing([12.0, 5.0]).show(ui, |ui| {
        row(ui, "Data set", |ui| data(ui, &mut draft.data));
        row(ui, if narrow { "Per class" } else { "Images per class" }, |ui| {
            ui.add(DragValue::new(&mut draft.per_class).range(1..=1000).speed(0.1))
        });
        row(ui, "Seed", |ui| ui.add(DragValue::new(&mut draft.seed).speed(0.1)));
        row(ui, "Steps", |ui| ui.add(DragValue::new(&mut draft.steps).range(1..=10_000_000).speed(10.0)));
        row(ui, "Device", |ui| device(ui, &mut draft.device));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_the_config_until_something_is_changed() {
        for preset in &PRESETS {
            let config = RunConfig::preset(preset.name, &[]).unwrap();
            let mut draft = Draft::of(&config, Path::new("run"));
            assert_eq!(draft.config().unwrap(), config, "{}", preset.name);
            assert!(draft.changes(&config).is_empty());
            draft.per_class += 1;
            assert_eq!(draft.config().unwrap().images.per_class, config.images.per_class + 1);
            assert_eq!(draft.changes(&config).len(), 1);
        }
    }

    #[test]
    fn a_wrong_data_set_is_named() {
        let config = RunConfig::preset("digits", &[]).unwrap();
        let draft = Draft { data: "mnits".to_owned(), ..Draft::of(&config, Path::new("run")) };
        assert!(draft.config().unwrap_err().contains("mnits"));
    }

    #[test]
    fn a_new_run_gets_a_folder_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("digits-4");
        assert_eq!(free_folder(&out), out);
        std::fs::create_dir(&out).unwrap();
        assert_eq!(free_folder(&out), root.path().join("digits-2"));
    }
}
