//! The run panel: what runs, how it is judged and written, and what the next run will be.
//!
//! What needs a restart is gathered in a draft. Nothing of it happens until somebody asks for it, and where a run is under
//! way the panel says first what becomes of it.

mod contents;
mod draft;
mod fields;
mod picker;

use std::path::{Path, PathBuf};

use egui::{ComboBox, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

use self::{
    contents::Contents,
    draft::Draft,
    picker::{Pick, Picker},
};
use super::storage;
use crate::{
    app::{action::Action, opening, state::RunState, theme, view::Scene},
    config::RunConfig,
    engine::{Start, Trial, free_folder},
    evaluate::Protocol,
    report::Subject,
    words::grouped,
};

/// Room for the bar at the side, in points.
const SCROLL_BAR: f32 = 8.0;

/// Drafts of the panel.
#[derive(Default)]
pub(crate) struct Panel {
    draft: Option<Draft>,
    /// A draft with data that is being looked at; it becomes the draft once the data was read.
    proposed: Option<Draft>,
    /// The start from which the draft was made.
    source: Option<PathBuf>,
    asking: bool,
    protocol: String,
    /// Where to export to, and the run to which that belongs.
    export: Option<(PathBuf, String)>,
    /// A path as it is typed.
    path: String,
    picker: Picker,
    contents: Contents,
}

impl Panel {
    /// The run that the draft stands for.
    pub(crate) fn next(&self) -> Option<Result<Start, String>> {
        self.draft.as_ref().map(Draft::start)
    }

    /// Data for the next run: a config to be looked into with it. The settings change once it was read, and stay as they are
    /// where it cannot be.
    pub(crate) fn propose(&mut self, path: &Path) -> Result<RunConfig, String> {
        let Some(draft) = &self.draft else { return Err("wait until the first run stands ready".to_owned()) };
        let proposed = draft.with_data(path)?;
        let config = proposed.config()?;
        self.proposed = Some(proposed);
        Ok(config)
    }

    /// The path that was typed has led somewhere; one that has not stays, to be mended.
    pub(crate) fn forget_path(&mut self) {
        self.path.clear();
    }

    /// Follows what the engine has said: a new run brings a new draft, data that was read becomes that of the draft.
    pub(crate) fn settle(&mut self, run: &RunState) {
        if let Some(asked) = &run.asked
            && (self.source.as_ref() != Some(&asked.out) || self.draft.is_none())
        {
            self.draft = Some(Draft::of(&asked.config, &asked.out, asked.judge));
            self.source = Some(asked.out.clone());
            self.asking = false;
            self.protocol = asked.config.evaluation.during.to_string();
        }
        let is_read = |draft: &Draft| run.inspected.as_ref().is_some_and(|summary| summary.spec == draft.data);
        if self.proposed.as_ref().is_some_and(is_read) {
            self.draft = self.proposed.take();
            self.contents.is_new = true;
        } else if !run.is_inspecting() {
            self.proposed = None; // It was refused, and a message said why.
        }
    }

    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        if self.draft.is_none() {
            super::empty(ui, "No run yet", "Its settings appear here");
            return;
        }
        // What would change stands below and is always seen.
        let foot =
            egui::Panel::bottom(ui.scope_id().with("next run")).frame(egui::Frame::new()).show_separator_line(false);
        foot.show(ui, |ui| self.restart(ui, scene));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - SCROLL_BAR);
            // Discarded, it is made anew from the run.
            let Some(draft) = &mut self.draft else { return };
            fields::preset(ui, draft);
            self.opening(ui, scene);
            let Some(draft) = &mut self.draft else { return };
            if let Some(summary) = scene.run.inspected.as_ref().filter(|summary| summary.spec == draft.data) {
                self.contents.show(ui, summary, draft);
                ui.separator();
            }
            fields::show(ui, draft);
            ui.separator();
            self.judge(ui, scene);
            ui.separator();
            self.files(ui, scene);
        });
    }

    /// Opening data, sets and comparisons. It stands above the settings, since it is what comes first.
    fn opening(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let drop = if opening::cannot_drop() {
            "Files cannot be dropped here under Wayland"
        } else {
            "Or drop it on the window"
        };
        ui.horizontal_wrapped(|ui| {
            let hint = format!("A folder of pictures, a data set, an exported set or a comparison. {drop}");
            if ui.button("Open folder…").on_hover_text(hint).clicked() {
                self.picker.open(ui.ctx(), Pick::Folder);
            }
            let hint = format!("A distilled set (.pt, .safetensors, .npz), a data set or comparison.json. {drop}");
            if ui.button("Open files…").on_hover_text(hint).clicked() {
                self.picker.open(ui.ctx(), Pick::Files);
            }
            let inspecting = scene.run.is_inspecting();
            let hint = "Load the data set and measure a step, before a run begins";
            if ui.add_enabled(!inspecting, egui::Button::new("Look inside")).on_hover_text(hint).clicked() {
                match self.draft.as_ref().map(Draft::config) {
                    Some(Ok(config)) => {
                        // Whatever way it was written, it stands as it was understood.
                        self.draft.iter_mut().for_each(|draft| draft.data = config.data.to_string());
                        self.contents.is_new = true;
                        scene.actions.push(Action::Inspect(Box::new(config)));
                    }
                    Some(Err(fault)) => scene.actions.push(Action::Refuse(fault)),
                    None => {}
                }
            }
            if inspecting {
                ui.spinner();
                if let Some(proposed) = &self.proposed {
                    super::caption(ui, format!("Looking into {}", proposed.data));
                }
            }
        });
        self.typed_path(ui, scene);
        if let Some(word) = self.picker.word() {
            super::caption(ui, word);
        } else if opening::cannot_drop() {
            super::caption(ui, "Files cannot be dropped here under Wayland: use the buttons, or paste a path");
        }
        if let Some(paths) = self.picker.chosen() {
            scene.actions.push(Action::Open(paths));
        }
    }

    /// A path that is typed or pasted, where no dialog answers.
    fn typed_path(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 58.0).max(60.0);
            let edit =
                TextEdit::singleline(&mut self.path).desired_width(width).hint_text("or a path: type or paste it");
            let response = ui.add(edit);
            response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Path to open"));
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let paths = opening::typed(&self.path);
            let clicked = ui.add_enabled(!paths.is_empty(), egui::Button::new("Open")).clicked();
            if (clicked || entered) && !paths.is_empty() {
                scene.actions.push(Action::Open(paths));
            }
        });
    }

    /// What would change, and the one button that does it.
    fn restart(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let (Some(draft), Some(asked)) = (&self.draft, &scene.run.asked) else { return };
        let changes = draft.changes(asked);
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
            ui.horizontal_wrapped(|ui| {
                if ui.button("Start new run").clicked() {
                    self.start(scene);
                }
            });
            return;
        }
        if !self.asking {
            ui.horizontal_wrapped(|ui| {
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
        ui.horizontal_wrapped(|ui| {
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
        let live = scene.run.is_open();
        let busy = scene.run.evaluating.is_some();
        ui.horizontal(|ui| {
            ui.add_enabled_ui(live && !busy, |ui| {
                let valid = self.protocol.parse::<Protocol>();
                let hint = "Train fresh networks on the images as they are now and test them";
                if ui.add_enabled(valid.is_ok(), egui::Button::new("Evaluate")).on_hover_text(hint).clicked() {
                    let protocol = self.protocol.clone();
                    scene.actions.push(Action::Evaluate(Trial { protocol, ..Trial::default() }));
                }
                ui.add(TextEdit::singleline(&mut self.protocol).desired_width(104.0).hint_text("Protocol"));
                self.protocols(ui, scene);
            });
        });
        if let Err(error) = self.protocol.parse::<Protocol>() {
            ui.label(RichText::new(error.to_string()).small().color(theme::of(ui).bad));
        }
        let hint = "Judge distilled images, random selection, k-means medoids and the whole set, and say which to use";
        if ui.add_enabled(live && !busy, egui::Button::new("Verdict")).on_hover_text(hint).clicked() {
            scene.actions.push(Action::Judge);
        }
        verdict(ui, scene);
        storage::progress(ui, scene);
        match scene.run.owed.len() {
            0 => {}
            1 => drop(super::caption(ui, "One result is left out: Storage and accuracy asks for it")),
            many => {
                drop(super::caption(ui, format!("{many} results are left out: Storage and accuracy asks for them")));
            }
        }
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
        // The field belongs to the run that is shown.
        if self.export.as_ref().is_none_or(|(run, _)| *run != info.out) {
            let folder = free_folder(&info.out.join("export"));
            self.export = Some((info.out.clone(), folder.display().to_string()));
        }
        ui.add_enabled_ui(scene.run.is_open(), |ui| {
            let Some((_, folder)) = &mut self.export else { return };
            ui.horizontal(|ui| {
                let hint =
                    "Write the images as they are now into this new folder, in every form, and judge what was written";
                if ui.button("Export").on_hover_text(hint).clicked() {
                    scene.actions.push(Action::Export(PathBuf::from(opening::cleaned(folder))));
                }
                let width = ui.available_width();
                let response = ui.add(TextEdit::singleline(folder).desired_width(width).hint_text("Export folder"));
                response.widget_info(|| WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), "Export folder"));
            });
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
    let button = egui::Button::new(format!("Export {}", winner.describe()));
    if ui.add_enabled(scene.run.is_open(), button).clicked() {
        let folder = free_folder(&info.out.join(winner.describe().replace(' ', "-")));
        scene.actions.push(Action::ExportSelection(winner, folder));
    }
}
