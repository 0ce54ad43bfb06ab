//! The status bar: step, pace, time left, device, memory, and what the window itself takes.

use egui::{DragValue, RichText, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::toolbar::capitalised;
use crate::{
    app::{
        action::Action,
        state::{Grade, Phase, RunState},
        theme,
        view::Scene,
        vitals::Vitals,
    },
    words::{bytes, duration, grouped},
};

/// Draws the bar.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, vitals: &Vitals) {
    let theme = theme::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 7.0;
        // A narrow window keeps what changes.
        let wide = ui.available_width() > 860.0;
        phase(ui, scene.run);
        // Steps of the run before say nothing about the one that is being made ready.
        if let Some(info) = scene.run.info.as_ref().filter(|_| !scene.run.phase.is_moving_in()) {
            progress(ui, scene.run.step, info.steps);
            if let Some(secs) = scene.run.secs_per_step(scene.view.pace) {
                item(ui, "pace", &pace(secs), "Steps a second, smoothed");
            }
            if let (Some(left), true) = (scene.run.secs_left(scene.view.pace), scene.run.phase.is_live()) {
                item(ui, "left", &duration(left), "Time left at this pace");
            }
            if wide {
                item(ui, "", &info.device, "The device that computes");
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            share(ui, scene, vitals);
            if let Some(memory) = vitals.memory.filter(|_| wide) {
                item(ui, "memory", &bytes(memory as f64), "Memory of the whole program");
                ui.add_space(6.0);
            }
            for (grade, word, color) in [(Grade::Failure, "error", theme.bad), (Grade::Warning, "warning", theme.warn)]
            {
                let count = scene.run.journal.count(grade);
                if count > 0 {
                    let text = format!("{count} {word}{}", if count == 1 { "" } else { "s" });
                    ui.label(RichText::new(text).small().color(color)).on_hover_text("See the log");
                }
            }
            if let Some(progress) = scene.run.evaluating.as_ref().or(scene.run.pretraining.as_ref()) {
                let left = progress.secs_left.is_finite().then(|| format!(", {} left", duration(progress.secs_left)));
                let text = format!("{} {:.0} %{}", progress.what, 100.0 * progress.done, left.unwrap_or_default());
                ui.add(egui::Label::new(RichText::new(text).small().color(theme.second)).truncate());
            }
        });
    });
}

fn pace(secs: f64) -> String {
    let rate = 1.0 / secs;
    if rate >= 100.0 { format!("{rate:.0}/s") } else { format!("{rate:.1}/s") }
}

/// The state of the run, with a dot that is more than a colour: filled, hollow, or barred.
fn phase(ui: &mut Ui, run: &RunState) {
    let (theme, phase) = (theme::of(ui), &run.phase);
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    let at = rect.center();
    match phase {
        Phase::Running => {
            ui.painter().circle_filled(at, 4.5, theme.accent);
        }
        Phase::Failed => {
            ui.painter().line_segment([rect.left_top(), rect.right_bottom()], Stroke::new(2.0, theme.bad));
            ui.painter().line_segment([rect.right_top(), rect.left_bottom()], Stroke::new(2.0, theme.bad));
        }
        _ => {
            ui.painter().circle_stroke(at, 4.0, Stroke::new(1.5, theme.dim));
        }
    }
    let text = match phase {
        Phase::Preparing(what) if run.waits => format!("{}, then wait", capitalised(what)),
        Phase::Preparing(what) => capitalised(what),
        Phase::Running if run.is_judged() => "Judging".to_owned(),
        Phase::Paused { reason: Some(reason) } => format!("Paused: {reason}"),
        other => other.describe().to_owned(),
    };
    let color = if *phase == Phase::Failed { theme.bad } else { theme.text };
    let most = if ui.available_width() > 860.0 { 60 } else { 24 };
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    ui.label(RichText::new(short).color(color)).on_hover_text(text);
}

/// How far the run has come, as a bar and in numbers.
fn progress(ui: &mut Ui, step: u64, steps: u64) {
    let theme = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(110.0, 4.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme.line);
    let mut done = rect;
    done.set_width(rect.width() * (step as f32 / steps.max(1) as f32).min(1.0));
    ui.painter().rect_filled(done, 2.0, theme.accent);
    item(ui, "step", &format!("{} / {}", grouped(step), grouped(steps)), "Steps done and steps in all");
}

/// A name and its value, in this order whichever way the bar is filled.
fn item(ui: &mut Ui, name: &str, value: &str, hint: &str) {
    let theme = theme::of(ui);
    let name = RichText::new(name).small().color(theme.dim);
    let value = RichText::new(value).font(theme::digits(12.0)).color(theme.text);
    let mut texts = vec![name, value];
    if ui.layout().prefer_right_to_left() {
        texts.reverse();
    }
    ui.add_space(5.0);
    for text in texts.into_iter().filter(|text| !text.is_empty()) {
        ui.label(text).on_hover_text(hint);
    }
}

/// What drawing takes, and the most that it may take.
fn share(ui: &mut Ui, scene: &mut Scene<'_>, vitals: &Vitals) {
    let mut percent = (100.0 * scene.view.share).round();
    ui.style_mut().override_font_id = Some(theme::digits(12.0));
    let response = ui.add(DragValue::new(&mut percent).range(1.0..=100.0).speed(0.5).max_decimals(0).suffix(" %"));
    ui.style_mut().override_font_id = None;
    let name = "Share of the machine that drawing may take, in percent";
    response.widget_info(|| WidgetInfo { label: Some(name.to_owned()), ..WidgetInfo::drag_value(true, percent) });
    if response.changed() {
        scene.actions.push(Action::SetViewShare(percent / 100.0));
    }
    response.on_hover_text(name);
    let used = vitals.share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    let own = vitals.own_times();
    let hint = match own {
        Some((median, p99)) => format!(
            "The window took {used} of the machine lately. Its own work is {:.1} ms a frame (median), {:.1} ms (99th \
             percentile); the rest is drawing the pixels",
            1e3 * median,
            1e3 * p99
        ),
        None => "What the window takes of the machine".to_owned(),
    };
    item(ui, "window", &format!("{used} of"), &hint);
}
