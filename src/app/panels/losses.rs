//! The losses: one line a term, raw or weighted, and their total, over the steps; marks where something was changed.
//!
//! Lines are thinned to the columns of the screen before they reach the plot, which neither thins nor knows logarithms.

use egui::{Color32, RichText, Stroke, Ui, vec2};
use egui_plot::{Line, Plot, PlotPoint, PlotPoints, PlotTransform, VLine};

use crate::{
    app::{
        state::{History, Mark, MarkKind, Series, short},
        theme,
        view::{Scene, View},
        widgets::{chart, marker},
    },
    words::grouped,
};

/// What was thinned, and for what.
#[derive(Default)]
pub(crate) struct Panel {
    key: Option<Key>,
    /// For the total and for each term, the pieces of its line: a term has gaps where it was not computed.
    lines: Vec<Vec<Vec<PlotPoint>>>,
    /// The steps that people zoomed to; all where there is none.
    range: Option<(f64, f64)>,
    /// Values that a logarithm cannot show.
    hidden: bool,
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    last: u64,
    count: usize,
    range: Option<(f64, f64)>,
    columns: usize,
    weighted: bool,
    log: bool,
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let history = &scene.run.history;
        header(ui, scene.view, history, self.hidden);
        if history.is_empty() {
            super::empty(ui, "No step yet", "Each step adds a point to every line");
            return;
        }
        self.thin(history, scene.view, ui.available_width());
        let rect = ui.available_rect_before_wrap();
        let summary = describe(history);
        chart::summary(ui, rect, "Losses", &summary);
        self.plot(ui, scene);
    }

    /// Prepares the lines unless nothing changed.
    fn thin(&mut self, history: &History, view: &View, width: f32) {
        let key = Key {
            last: history.range().map_or(0, |range| range.1),
            count: history.len(),
            range: self.range,
            columns: (width as usize).max(16),
            weighted: view.weighted,
            log: view.log_axis,
        };
        if self.key == Some(key) {
            return;
        }
        // One step more on each side, so that lines run out of the picture instead of ending inside it.
        let (from, to) = match self.range {
            Some((left, right)) => (history.position(left).saturating_sub(1), history.position(right) + 2),
            None => (0, history.len()),
        };
        self.hidden = false;
        let mut points = |series: &Series| -> Vec<Vec<PlotPoint>> {
            let thinned = series.thinned(from, to, key.columns);
            let pieces = thinned.split(|(_, value)| value.is_nan()).filter(|piece| !piece.is_empty());
            let mut shown = |&(at, value): &(usize, f64)| {
                let value = if key.log { (value > 0.0).then(|| value.log10()) } else { Some(value) };
                self.hidden |= value.is_none();
                Some(PlotPoint::new(history.step(at) as f64, value?))
            };
            pieces.map(|piece| piece.iter().filter_map(&mut shown).collect()).collect()
        };
        let total = points(&history.total);
        let terms = history.terms.iter().map(|term| points(if key.weighted { &term.weighted } else { &term.raw }));
        self.lines = std::iter::once(total).chain(terms).collect();
        self.key = Some(key);
    }

    fn plot(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = theme::of(ui);
        let log = scene.view.log_axis;
        let mut plot = Plot::new("losses")
            .show_background(false)
            .grid_color(theme.line)
            .cursor_color(Color32::TRANSPARENT)
            .show_x(false)
            .show_y(false)
            .set_margin_fraction(vec2(0.03, 0.06))
            .y_axis_min_width(46.0)
            .x_axis_formatter(chart::step_label);
        plot = match log {
            true => plot.y_grid_spacer(chart::log_grid).y_axis_formatter(|mark, _| chart::log_label(mark)),
            false => plot.y_axis_formatter(|mark, _| short(mark.value)),
        };
        let marks = merged(&scene.run.marks, 240, scene.run.history.range());
        let lines = &self.lines;
        let weighted = scene.view.weighted;
        let response = plot.show(ui, |plot| {
            for mark in &marks {
                let color = mark_color(&mark.kind, theme);
                plot.vline(
                    VLine::new("", mark.step as f64).color(theme::fade(color, 0.55)).width(1.0).allow_hover(false),
                );
            }
            for (at, line) in lines.iter().enumerate() {
                let (color, width) = match at {
                    // The total lies under its parts, pale and wide; raw parts do not add up to it.
                    0 => (theme::fade(theme.text, if weighted { 0.28 } else { 0.14 }), 3.5),
                    _ => (theme.term(at - 1), 1.6),
                };
                for (piece, points) in line.iter().enumerate() {
                    let line = Line::new("", PlotPoints::Borrowed(points)).stroke(Stroke::new(width, color));
                    plot.line(line.allow_hover(false).id((at, piece)));
                }
            }
            plot.auto_bounds()
        });
        let bounds = response.transform.bounds();
        self.range = (!response.inner.x).then(|| (bounds.min()[0], bounds.max()[0]));
        flags(ui, &marks, &response.transform);
        hover(ui, scene, &response.response, &response.transform);
    }
}

fn header(ui: &mut Ui, view: &mut View, history: &History, hidden: bool) {
    ui.horizontal_wrapped(|ui| {
        let theme = theme::of(ui);
        let options = [
            (true, "Weighted", "Weight times value: the parts of the total (W)"),
            (false, "Raw", "Values without their weights (W)"),
        ];
        super::choices(ui, &mut view.weighted, &options);
        ui.add_space(6.0);
        let options = [(true, "Log axis", "Logarithmic axis (L)"), (false, "Linear", "Linear axis (L)")];
        super::choices(ui, &mut view.log_axis, &options);
        ui.add_space(8.0);
        ui.spacing_mut().item_spacing.x = 5.0;
        if let Some(newest) = &history.newest {
            key(ui, theme::fade(theme.text, 0.35), 3.5, "total", newest.total);
            for (at, term) in history.terms.iter().enumerate() {
                let series = if view.weighted { &term.weighted } else { &term.raw };
                if let Some(value) = series.last().filter(|value| value.is_finite()) {
                    key(ui, theme.term(at), 2.0, &term.id, value);
                }
            }
        }
        if hidden {
            ui.label(RichText::new("zero is not on a log axis").small().color(theme.warn));
        }
    });
}

/// An entry of the legend with its newest number, in one piece so that it never breaks over two lines.
fn key(ui: &mut Ui, color: Color32, width: f32, name: &str, value: f64) {
    let theme = theme::of(ui);
    let painter = ui.painter();
    let name = painter.layout_no_wrap(name.to_owned(), egui::FontId::proportional(theme::SMALL), theme.dim);
    let value = painter.layout_no_wrap(format!("{:<6}", short(value)), theme::digits(11.5), theme.text);
    let size = vec2(30.0 + name.size().x + value.size().x, 20.0);
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    let middle = rect.center().y;
    let mut left = rect.left();
    ui.painter().hline(left..=left + 14.0, middle, Stroke::new(width, color));
    for galley in [name, value] {
        left += if left == rect.left() { 19.0 } else { 5.0 };
        let size = galley.size();
        ui.painter().galley(egui::pos2(left, middle - 0.5 * size.y), galley, theme.text);
        left += size.x;
    }
}

fn mark_color(kind: &MarkKind, theme: &theme::Theme) -> Color32 {
    match kind {
        MarkKind::Change(_) => theme.accent,
        MarkKind::Evaluation(_) => theme.second,
    }
}

/// Marks that would stand on each other become one: a dragged fader leaves a mark at every step.
fn merged(marks: &[Mark], places: u64, range: Option<(u64, u64)>) -> Vec<Mark> {
    let (first, last) = range.unwrap_or((0, 1));
    let width = ((last - first) / places).max(1);
    let mut merged: Vec<Mark> = Vec::new();
    for mark in marks {
        let same = |other: &&mut Mark| {
            std::mem::discriminant(&other.kind) == std::mem::discriminant(&mark.kind)
                && other.step / width == mark.step / width
        };
        match merged.iter_mut().rev().take(4).find(same) {
            Some(known) => *known = mark.clone(),
            None => merged.push(mark.clone()),
        }
    }
    merged
}

/// Small flags at the top of the marks: a triangle for a change, a square for an evaluation.
fn flags(ui: &Ui, marks: &[Mark], transform: &PlotTransform) {
    let theme = theme::of(ui);
    let painter = ui.painter().with_clip_rect(*transform.frame());
    for mark in marks {
        let x = transform.position_from_point_x(mark.step as f64);
        let at = egui::pos2(x, transform.frame().top() + 6.0);
        let class = if matches!(mark.kind, MarkKind::Change(_)) { 4 } else { 1 };
        marker::paint(&painter, class, at, 4.0, mark_color(&mark.kind, theme), Stroke::NONE);
    }
}

/// A line under the pointer and the numbers of its step.
fn hover(ui: &Ui, scene: &Scene<'_>, response: &egui::Response, transform: &PlotTransform) {
    let Some(pointer) = response.hover_pos() else { return };
    let history = &scene.run.history;
    let wanted = transform.value_from_position(pointer).x.round();
    let at = history.position(wanted).min(history.len().saturating_sub(1));
    let step = history.step(at);
    let theme = theme::of(ui);
    let x = transform.position_from_point_x(step as f64);
    ui.painter().vline(x, transform.frame().y_range(), Stroke::new(1.0, theme::fade(theme.text, 0.4)));
    super::card(response, |ui| {
        ui.label(RichText::new(format!("step {}", grouped(step))).strong());
        let value = |series: &Series| match series.get(at) {
            Some(value) if !value.is_nan() => short(value),
            _ => "–".to_owned(),
        };
        egui::Grid::new("values").spacing([14.0, 2.0]).show(ui, |ui| {
            ui.label("total");
            ui.monospace(value(&history.total));
            ui.end_row();
            for (index, term) in history.terms.iter().enumerate() {
                ui.colored_label(theme.term(index), &term.id);
                ui.monospace(value(if scene.view.weighted { &term.weighted } else { &term.raw }));
                ui.end_row();
            }
        });
        let near = (4.0 / transform.dpos_dvalue_x().abs()).ceil().max(0.0);
        let found = scene.run.marks.iter().filter(|mark| (mark.step as f64 - wanted).abs() <= near);
        for mark in found.take(4) {
            ui.colored_label(mark_color(&mark.kind, theme), format!("{} · {}", mark.step, mark.text()));
        }
    });
}

/// The chart in a sentence.
fn describe(history: &History) -> String {
    let (Some(total), Some((_, last))) = (history.total.last(), history.range()) else { return String::new() };
    let back = history.len().saturating_sub(51);
    let before = history.total.get(back).unwrap_or(total);
    let change = if before == 0.0 { 0.0 } else { 100.0 * (total - before) / before };
    let word = if change <= 0.0 { "down" } else { "up" };
    let steps = history.len() - 1 - back;
    format!("total loss {} at step {last}, {word} {:.0} % in {steps} steps", short(total), change.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_a_dragged_fader_become_one() {
        let change = |step| Mark { step, kind: MarkKind::Change(format!("to {step}")) };
        let mut marks: Vec<Mark> = (5000..5100).map(change).collect();
        marks.push(Mark { step: 5050, kind: MarkKind::Evaluation(String::new()) });
        let merged = merged(&marks, 100, Some((1, 100_000)));
        assert_eq!(merged.len(), 2);
        assert_eq!(merged[0].step, 5099, "the last value counts");
    }
}
