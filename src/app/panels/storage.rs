//! Storage and accuracy: how much of the whole set's accuracy a few bytes give, beside random selection.
//!
//! Numbers of different protocols are never joined, ranked or drawn alike: each protocol is a choice of its own.

use egui::{RichText, Stroke, Ui, pos2};
use egui_plot::{Plot, PlotPoint, PlotTransform};

use crate::{
    app::{theme, view::Scene, widgets::chart},
    report::{Evaluation, Subject, TestedOn},
};

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let protocols = protocols(&scene.run.evaluations);
    if protocols.is_empty() {
        super::empty(ui, "Not judged yet", "Accuracies appear here as networks are trained on the images");
        return;
    }
    header(ui, scene, &protocols);
    let chosen = chosen(scene, &protocols);
    let shown: Vec<&Evaluation> =
        scene.run.evaluations.iter().filter(|evaluation| belongs(evaluation, &chosen)).collect();
    let over_steps = scene.view.over_steps;
    let place = |evaluation: &Evaluation| match over_steps {
        true => evaluation.step as f64,
        false => (evaluation.bytes.max(1) as f64).log10(),
    };
    let theme = theme::of(ui);
    let low = shown.iter().map(|e| 100.0 * (e.accuracy.mean - e.accuracy.std)).fold(100.0, f64::min);
    let (left, right) = shown.iter().map(|e| place(e)).fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
    let margin = if over_steps { 0.08 * (right - left).max(1.0) } else { 0.35 };
    let mut plot = Plot::new(("storage", over_steps, chosen.clone()))
        .height((ui.available_height() - 34.0).max(60.0))
        .grid_color(theme::fade(theme.line, 0.7))
        .allow_scroll(false)
        .y_axis_min_width(40.0)
        .show_x(false)
        .show_y(false)
        .default_x_bounds(left - margin, right + margin)
        .default_y_bounds((low - 4.0).max(0.0), 101.0)
        .y_axis_formatter(|mark, _| format!("{:.0} %", mark.value));
    if !over_steps {
        plot = plot.x_grid_spacer(chart::log_grid).x_axis_formatter(|mark, _| {
            if mark.step_size >= 1.0 { chart::bytes(10_f64.powf(mark.value)) } else { String::new() }
        });
    }
    let response = plot.show(ui, |_| {});
    let rect = response.response.rect;
    draw(ui, rect, &response.transform, &shown, place);
    if let Some(pointer) = response.response.hover_pos() {
        let at = |e: &&&Evaluation| screen(&response.transform, place(e), e).distance(pointer);
        if let Some(near) = shown.iter().min_by(|a, b| at(a).total_cmp(&at(b))).filter(|e| at(e) < 18.0) {
            response.response.clone().on_hover_text_at_pointer(describe(near));
        }
    }
    verdict(ui, &shown);
    let text = shown.iter().map(|e| describe(e).replace('\n', ", ")).collect::<Vec<_>>().join("; ");
    chart::summary(ui, rect, "Storage and accuracy", &text);
}

/// The protocols on the test split and the hold-out, those that judged synthetic images; newest last.
fn protocols(evaluations: &[Evaluation]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for evaluation in evaluations.iter().filter(|evaluation| evaluation.subject == Subject::Synthetic) {
        if !names.contains(&evaluation.accuracy.protocol) {
            names.push(evaluation.accuracy.protocol.clone());
        }
    }
    names
}

fn chosen(scene: &Scene<'_>, protocols: &[String]) -> String {
    let wished = scene.view.protocol.as_ref().filter(|wished| protocols.contains(wished));
    wished.or(protocols.last()).cloned().unwrap_or_default()
}

/// The whole set has a protocol of its own; it is drawn as a reference and says so.
fn belongs(evaluation: &Evaluation, protocol: &str) -> bool {
    evaluation.accuracy.protocol == protocol || evaluation.subject == Subject::Whole
}

fn header(ui: &mut Ui, scene: &mut Scene<'_>, protocols: &[String]) {
    let chosen = chosen(scene, protocols);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Protocol").small().color(theme::of(ui).dim));
        ui.spacing_mut().item_spacing.x = 3.0;
        for name in protocols {
            if ui.selectable_label(*name == chosen, name).on_hover_text("Other protocols are not comparable").clicked()
            {
                scene.view.protocol = Some(name.clone());
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let options = [(true, "Steps", "Accuracy over the steps"), (false, "Bytes", "Accuracy against storage")];
            super::choices(ui, &mut scene.view.over_steps, &options);
        });
    });
}

fn screen(map: &PlotTransform, x: f64, evaluation: &Evaluation) -> egui::Pos2 {
    map.position_from_point(&PlotPoint::new(x, 100.0 * evaluation.accuracy.mean))
}

/// Synthetic: filled copper discs, older ones fainter. Random: hollow squares. Whole: a line across.
fn draw(ui: &Ui, rect: egui::Rect, map: &PlotTransform, shown: &[&Evaluation], place: impl Fn(&Evaluation) -> f64) {
    let theme = theme::of(ui);
    let painter = ui.painter_at(rect);
    let newest = shown.iter().filter(|e| e.subject == Subject::Synthetic).map(|e| e.step).max().unwrap_or(0);
    for evaluation in shown {
        let at = screen(map, place(evaluation), evaluation);
        let spread = (map.dpos_dvalue_y() * 100.0 * evaluation.accuracy.std).abs() as f32;
        let bar = |color| {
            if evaluation.accuracy.repeats > 1 {
                painter.line_segment([pos2(at.x, at.y - spread), pos2(at.x, at.y + spread)], Stroke::new(1.4, color));
            }
        };
        match evaluation.subject {
            Subject::Synthetic => {
                let color = theme::fade(theme.accent, if evaluation.step == newest { 1.0 } else { 0.45 });
                bar(color);
                painter.circle_filled(at, 5.0, color);
            }
            Subject::Random => {
                bar(theme.second);
                let square = egui::Rect::from_center_size(at, egui::Vec2::splat(9.0));
                painter.rect(square, 1.0, theme.panel, Stroke::new(1.8, theme.second), egui::StrokeKind::Middle);
            }
            Subject::Whole => {
                let color = theme::fade(theme.text, 0.6);
                painter.extend(egui::Shape::dashed_line(
                    &[pos2(rect.left(), at.y), pos2(rect.right(), at.y)],
                    Stroke::new(1.0, color),
                    6.0,
                    5.0,
                ));
                let text = format!("whole set, {}", evaluation.accuracy.protocol);
                let place = pos2(rect.left() + 6.0, at.y - 2.0);
                painter.text(place, egui::Align2::LEFT_BOTTOM, text, egui::FontId::proportional(11.0), color);
            }
        }
    }
}

fn describe(evaluation: &Evaluation) -> String {
    let subject = match evaluation.subject {
        Subject::Synthetic => "Distilled images",
        Subject::Random => "Random selection",
        Subject::Whole => "Whole training set",
    };
    let split = match evaluation.tested_on {
        TestedOn::Holdout => "hold-out",
        TestedOn::Test => "test split",
    };
    let accuracy = &evaluation.accuracy;
    format!(
        "{subject}, step {}\n{:.1} ± {:.1} % on the {split}\n{}, {} networks\n{}, {} images",
        evaluation.step,
        100.0 * accuracy.mean,
        100.0 * accuracy.std,
        accuracy.protocol,
        accuracy.repeats,
        chart::bytes(evaluation.bytes as f64),
        evaluation.images
    )
}

/// The newest result beside random selection, in words.
fn verdict(ui: &mut Ui, shown: &[&Evaluation]) {
    let newest = |subject| shown.iter().rev().find(|evaluation| evaluation.subject == subject);
    let Some(synthetic) = newest(Subject::Synthetic) else { return };
    let mut text = format!(
        "Disc: distilled, {:.1} ± {:.1} % at step {}",
        100.0 * synthetic.accuracy.mean,
        100.0 * synthetic.accuracy.std,
        synthetic.step
    );
    if let Some(random) = newest(Subject::Random) {
        text +=
            &format!(". Square: random, {:.1} ± {:.1} %", 100.0 * random.accuracy.mean, 100.0 * random.accuracy.std);
    }
    if synthetic.tested_on == TestedOn::Test {
        text += &format!(
            ". The test split was used {} times",
            synthetic.test_uses.max(shown.iter().map(|e| e.test_uses).max().unwrap_or(0))
        );
    }
    super::caption(ui, text);
}
