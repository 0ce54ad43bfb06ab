//! How far points are from their class: with the masses of their cells and with equal ones over the steps, and how the distortion falls
//! with the number of points.

use egui::{Layout, RichText, Stroke, Ui, vec2};

use crate::{
    app::{
        state::RunState,
        theme,
        view::Scene,
        widgets::chart::{self, Chart, Extent},
    },
    report::{QuantizerView, page::Axis},
    words::grouped,
};

/// Columns to which lines are thinned.
const COLUMNS: usize = 400;

/// Draws the page.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let run = scene.run;
    let Some((step, view)) = &run.pictures.quantizer else {
        super::waits(ui, run, "The distances appear with the first step");
        return;
    };
    let mean = |part: usize| run.history.distances.first().and_then(|mean| mean[part].last());
    let text = match (mean(0), mean(1)) {
        (Some(free), Some(uniform)) if uniform.is_finite() => format!(
            "Step {} · 2-Wasserstein distance to the class, mean: {free:.3} with masses, {uniform:.3} with equal ones, {:.1} % less",
            grouped(*step),
            100.0 * (1.0 - free / uniform.max(f64::MIN_POSITIVE))
        ),
        (Some(free), _) => format!("Step {} · 2-Wasserstein distance to the class, mean: {free:.3}", grouped(*step)),
        _ => format!("Step {}", grouped(*step)),
    };
    chart::summary(ui, ui.available_rect_before_wrap(), "Distances", &text);
    let hint = "Every sample moves to a point, and what that costs is the distance. With the masses of the cells each goes to its nearest \
                point. With equal masses some have to go farther. Exact, over up to 500 samples of each class.";
    super::super::caption(ui, text).on_hover_text(hint);
    let size = ui.available_size();
    if size.x > 1.2 * size.y {
        let half = vec2(0.5 * (size.x - 8.0), size.y);
        ui.horizontal(|ui| {
            ui.allocate_ui_with_layout(half, Layout::top_down(egui::Align::Min), |ui| over_steps(ui, run, view.class));
            ui.allocate_ui_with_layout(half, Layout::top_down(egui::Align::Min), |ui| curve(ui, view));
        });
    } else {
        let half = vec2(size.x, 0.5 * (size.y - 8.0));
        ui.allocate_ui(half, |ui| over_steps(ui, run, view.class));
        ui.allocate_ui(half, |ui| curve(ui, view));
    }
}

/// Both distances, mean over the classes, and those of the class that is looked at.
fn over_steps(ui: &mut Ui, run: &RunState, class: usize) {
    let theme = theme::of(ui);
    let history = &run.history;
    let (name, colors) = (run.class_name(class), [theme.accent, theme.second]);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (text, color) in ["own masses", "equal masses"].into_iter().zip(colors) {
            ui.label(RichText::new(text).small().color(color));
        }
        ui.label(RichText::new(format!("over the steps; dashed: {name}")).small().color(theme.dim));
    });
    let mut lines = Vec::new();
    for rows in [0, class + 1] {
        let Some(pair) = history.distances.get(rows) else { continue };
        for (series, color) in pair.iter().zip(colors) {
            let faded = theme::fade(color, if rows == 0 { 1.0 } else { 0.7 });
            lines.push((
                history.drawn(series, None, COLUMNS),
                Stroke::new(if rows == 0 { 2.0 } else { 1.2 }, faded),
                rows > 0,
            ));
        }
    }
    let values =
        |axis: usize| Extent::of(lines.iter().flat_map(move |(line, ..)| line.iter().map(move |point| point[axis])));
    let area = Chart::new(ui, "distances", &Axis::steps(), &Axis::from_zero(""), values(0)).show(ui, values(1));
    lines.iter().for_each(|(line, stroke, dashed)| area.line(line.iter().copied(), *stroke, *dashed));
}

/// Distortion against the number of points on logarithmic axes, and where this run stands.
fn curve(ui: &mut Ui, view: &QuantizerView) {
    let theme = theme::of(ui);
    let text = match view.slope {
        Some(slope) => {
            format!("Distortion by number of points: slope {slope:.2}, as in {:.1} dimensions", -2.0 / slope)
        }
        None => "Distortion by number of points".to_owned(),
    };
    let hint = "In d dimensions the distortion of the best points falls with the power -2/d of their number (Zador). Line: points that have \
                settled, mean over the classes, on up to 1,000 samples. Dot: this run.";
    super::super::caption(ui, text).on_hover_text(hint);
    let here = view.distortions.iter().sum::<f64>() / view.distortions.len().max(1) as f64;
    let points: Vec<[f64; 2]> = view.curve.iter().map(|&(count, value)| [count as f64, value]).collect();
    let own = [view.points.len().max(1) as f64, here];
    let values = |axis: usize| Extent::of(points.iter().chain([&own]).map(|point| point[axis]));
    let axes = [Axis::logarithmic(""), Axis::logarithmic("")];
    let area = Chart::new(ui, "distortion by points", &axes[0], &axes[1], values(0)).show(ui, values(1));
    area.line(points.iter().copied(), Stroke::new(1.5, theme.dim), false);
    for at in points.iter().filter_map(|point| area.place(*point)) {
        area.painter.circle_filled(at, 2.5, theme.dim);
    }
    if let Some(at) = area.place(own) {
        area.painter.circle_filled(at, 5.0, theme.accent);
    }
}
