//! The bar at the top: start, wait, step, stop; what runs; arrangements, light and help. Below it, the last failure.

use egui::{Align, Button, ComboBox, Frame, Layout, Margin, RichText, Role, Ui, WidgetInfo};

use crate::app::{
    action::Action,
    layout::Preset,
    state::Phase,
    theme,
    view::{PACES, Scene},
    widgets::icon::{self, Icon, Look},
};

/// Draws the bar.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal_centered(|ui| {
        let theme = theme::of(ui);
        ui.spacing_mut().item_spacing.x = 6.0;
        if ui.available_width() > 860.0 {
            ui.label(RichText::new("Spirit Safe").size(16.0).color(theme.accent));
            ui.add_space(8.0);
        }
        transport(ui, scene);
        pace(ui, scene);
        ui.add_space(8.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            window_controls(ui, scene);
            ui.add_space(6.0);
            if ui.available_width() > 110.0 {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| title(ui, scene));
            }
        });
    });
}

fn transport(ui: &mut Ui, scene: &mut Scene<'_>) {
    let phase = &scene.run.phase;
    // The narrowest windows get symbols alone.
    let wide = ui.available_width() > 780.0;
    let word = |word: &'static str| if wide { word } else { "" };
    let (icon, text, hint) = match phase {
        Phase::Running => (Icon::Pause, "Pause", "Wait after this step (Space)"),
        Phase::Paused { .. } => (Icon::Play, "Run", "Go on (Space)"),
        Phase::Preparing(_) if scene.run.waits => (Icon::Play, "Run", "Begin as soon as the run stands ready (Space)"),
        Phase::Preparing(_) => (Icon::Pause, "Pause", "Wait before the first step (Space)"),
        _ => (Icon::Play, "New run", "Begin a new run as set in the run settings (Space)"),
    };
    let judged = scene.run.is_judged();
    ui.add_enabled_ui(!judged, |ui| {
        if icon::button(ui, icon, word(text), text, Look::Primary).on_hover_text(hint).clicked() {
            scene.actions.push(Action::ToggleRun);
        }
    });
    ui.add_enabled_ui(phase.is_live() || phase.is_moving_in(), |ui| {
        ui.add_enabled_ui(!judged && phase.is_live(), |ui| {
            let hint = "One step, then wait (S)";
            if icon::button(ui, Icon::Step, word("Step"), "Step", Look::Plain).on_hover_text(hint).clicked() {
                scene.actions.push(Action::Step);
            }
        });
        let hint = match phase {
            Phase::Preparing(_) => "Call the run off that is being made ready",
            _ if judged => "Give up what is still to be judged; all steps are done and saved",
            _ => "End the run and save it; it can be resumed",
        };
        if icon::button(ui, Icon::Stop, word("Stop"), "Stop", Look::Plain).on_hover_text(hint).clicked() {
            scene.actions.push(Action::Stop);
        }
    });
    let is_left = matches!(phase, Phase::Finished { complete: false } | Phase::Failed)
        || *phase == Phase::CalledOff && !scene.run.is_complete();
    let resumable = is_left && scene.run.info.is_some();
    if resumable {
        let hint = "Go on from the newest checkpoint";
        if ui.button("Resume").on_hover_text(hint).clicked() {
            scene.actions.push(Action::ResumeSaved);
        }
    }
}

/// How fast the run may go, for eyes that want to follow.
fn pace(ui: &mut Ui, scene: &mut Scene<'_>) {
    let words = |pace: Option<f64>| pace.map_or("Full speed".to_owned(), |pace| format!("{pace:.0} a second"));
    ui.spacing_mut().interact_size.y = 26.0;
    let combo = ComboBox::from_id_salt("pace").width(92.0).selected_text(words(scene.view.pace));
    let response = combo.show_ui(ui, |ui| {
        for pace in PACES {
            if ui.selectable_label(scene.view.pace == pace, words(pace)).clicked() {
                scene.actions.push(Action::SetPace(pace));
            }
        }
    });
    let response =
        response.response.on_hover_text("The most steps a second (, slower . faster). Results stay the same");
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Pace"));
}

fn title(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = theme::of(ui);
    let Some(info) = &scene.run.info else { return };
    let stored = info.classes.len() * info.per_class;
    let images = match info.packing {
        1 => format!("{stored} images"),
        packing => format!("{stored} images of {} parts", packing * packing),
    };
    ui.label(RichText::new(&info.name).strong());
    let text = format!("{} · {images} of {} for {} real ones", info.about, info.data.name, info.data.train);
    let hint = format!("{text}\nseed {} · {}", info.seed, info.out.display());
    let label = egui::Label::new(RichText::new(text).small().color(theme.dim)).truncate();
    ui.add(label.show_tooltip_when_elided(false)).on_hover_text(hint);
}

/// From the right: help, light, pictures, arrangements.
fn window_controls(ui: &mut Ui, scene: &mut Scene<'_>) {
    if icon::button(ui, Icon::Help, "", "Help", Look::Plain).on_hover_text("Keys and marks (?)").clicked() {
        scene.view.help = !scene.view.help;
    }
    let dark = ui.visuals().dark_mode;
    let hint = if dark { "Light" } else { "Dark" };
    if icon::button(ui, Icon::Contrast, "", "Light or dark", Look::Plain).on_hover_text(hint).clicked() {
        ui.ctx().set_theme(if dark { egui::Theme::Light } else { egui::Theme::Dark });
    }
    let (icon, hint) = match scene.view.pictures {
        true => (Icon::Eye, "Pictures are live (P turns them off while the run goes on)"),
        false => (Icon::EyeOff, "Pictures are off while the run goes on (P)"),
    };
    if icon::button(ui, icon, "", "Live pictures", Look::Plain).on_hover_text(hint).clicked() {
        scene.view.pictures = !scene.view.pictures;
    }
    ui.add_space(4.0);
    for (at, preset) in Preset::ALL.into_iter().enumerate().rev() {
        let hint = format!("Arrange the panels ({})", at + 1);
        if ui.add(Button::new(preset.name()).frame_when_inactive(false)).on_hover_text(hint).clicked() {
            scene.actions.push(Action::UseLayout(preset));
        }
    }
}

/// The last failure, until somebody closes it. The window stays alive and the last pictures stay.
pub(crate) fn banner(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(failure) = &scene.run.failure else { return };
    let theme = theme::of(ui);
    let frame = Frame::new().fill(theme.bad_wash).corner_radius(theme::ROUND).inner_margin(Margin::symmetric(12, 8));
    frame.outer_margin(Margin { bottom: theme::GAP as i8, ..Margin::ZERO }).show(ui, |ui| {
        // The text comes first and leaves room for the button, so that a long one wraps beside it.
        let width = (ui.available_width() - 90.0).max(80.0);
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.set_max_width(width);
                ui.add_space(3.0);
                let text = RichText::new(capitalised(failure)).color(theme.bad);
                ui.add(egui::Label::new(text).wrap().selectable(true));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Dismiss").clicked() {
                    scene.actions.push(Action::DismissFailure);
                }
            });
        });
    });
}

/// Errors of the command line begin small; a sentence in a window does not.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
