//! The losses: one line a term, raw or weighted, and their total, over the steps; marks where something was changed.

use egui::{Color32, RichText, Stroke, Ui};

use crate::{
    app::{
        state::{History, Mark, MarkKind, Series, short},
        theme,
        view::{Scene, View},
        widgets::{
            chart::{self, Area, Chart, Extent},
            marker,
        },
    },
    report::page::{Axis, Row, Scale, Table},
    words::grouped,
};

/// What was thinned, and for what.
#[derive(Default)]
pub(crate) struct Panel {
    key: Option<Key>,
    /// The total, then each term.
    lines: Vec<Line>,
    /// What all of them span.
    extent: Extent,
}

/// A line as it is drawn; a term has gaps where it was not computed.
#[derive(Default)]
struct Line {
    values: Vec<[f64; 2]>,
    smooth: Vec<[f64; 2]>,
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    last: u64,
    count: usize,
    part: Option<(f64, f64)>,
    columns: usize,
    weighted: bool,
    smooth: bool,
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let history = &scene.run.history;
        header(ui, scene.view, history, self.extent);
        if history.is_empty() {
            super::empty(ui, "No step yet", "Each step adds a point to every line");
            return;
        }
        let (first, last) = history.range().unwrap_or_default();
        let x = Axis { from: (first <= 1).then_some(0.0), ..Axis::steps() };
        let y = Axis { scale: scene.view.loss_scale(history), ..Axis::default() };
        let mut chart = Chart::new(ui, "losses", &x, &y, Extent::of([first as f64, last as f64]));
        self.thin(history, scene.view, chart.part(), ui.available_width());
        chart::told(ui, ui.available_rect_before_wrap(), "Losses", &describe(history), || vec![table(history)]);
        let theme = theme::of(ui);
        let marks = merged(&scene.run.marks, 240, history.range());
        self.draw(&mut chart, &marks, scene.view, theme);
        let area = chart.show(ui, self.extent);
        flags(&marks, &area, theme);
        hover(scene, &area, theme);
    }

    /// Prepares the lines unless nothing changed.
    fn thin(&mut self, history: &History, view: &View, part: Option<(f64, f64)>, width: f32) {
        let key = Key {
            last: history.range().map_or(0, |range| range.1),
            count: history.len(),
            part,
            columns: (width as usize).max(16),
            weighted: view.weighted,
            smooth: view.smooth,
        };
        if self.key == Some(key) {
            return;
        }
        let terms = history.terms.iter().map(|term| if key.weighted { &term.weighted } else { &term.raw });
        let line = |series: &Series| Line {
            values: history.drawn(series, part, key.columns),
            smooth: if key.smooth { history.smoothed(series, part, key.columns) } else { Vec::new() },
        };
        self.lines = std::iter::once(&history.total).chain(terms).map(line).collect();
        self.extent = Extent::of(self.lines.iter().flat_map(|line| line.values.iter().map(|point| point[1])));
        self.key = Some(key);
    }

    fn draw(&self, chart: &mut Chart<'_>, marks: &[Mark], view: &View, theme: &theme::Theme) {
        for mark in marks {
            chart.upright(mark.step as f64, Stroke::new(1.0, theme::fade(mark_color(&mark.kind, theme), 0.55)));
        }
        let pointed = view.hover.term;
        for (at, line) in self.lines.iter().enumerate() {
            let (color, width) = match at {
                // The total lies under its parts, pale and wide; raw parts do not add up to it.
                0 => (theme::fade(theme.text, if view.weighted { 0.28 } else { 0.14 }), 3.5),
                _ => (theme.term(at - 1), if pointed == Some(at - 1) { 3.0 } else { 1.6 }),
            };
            let is_beside = pointed.is_some_and(|term| term + 1 != at);
            let color = if is_beside { theme::fade(color, 0.4) } else { color };
            if line.smooth.is_empty() {
                chart.line(line.values.iter().copied(), Stroke::new(width, color), false);
            } else {
                chart.line(line.values.iter().copied(), Stroke::new(0.5 * width, theme::fade(color, 0.3)), false);
                chart.line(line.smooth.iter().copied(), Stroke::new(width, color), false);
            }
        }
        if let Some(step) = view.hover.step {
            chart.upright(step as f64, Stroke::new(1.0, theme::fade(theme.text, 0.4)));
        }
    }
}

fn header(ui: &mut Ui, view: &mut View, history: &History, extent: Extent) {
    ui.horizontal_wrapped(|ui| {
        let theme = theme::of(ui);
        let options = [
            (true, "Weighted", "Weight times value: the parts of the total (W)"),
            (false, "Raw", "Values without their weights (W)"),
        ];
        super::choices(ui, &mut view.weighted, &options);
        ui.add_space(6.0);
        let mut scale = view.loss_scale(history);
        let mut options =
            vec![(Scale::Log, "Log axis", "Logarithmic axis (L)"), (Scale::Linear, "Linear", "Linear axis (L)")];
        if extent.has_none_above_zero() {
            let hint = "Logarithmic to both sides of zero, linear near it";
            options.push((Scale::Symlog, "Symlog", hint));
        }
        let before = scale;
        super::choices(ui, &mut scale, &options);
        if scale != before {
            view.loss_axis = Some(scale);
        }
        ui.add_space(6.0);
        ui.toggle_value(&mut view.smooth, "Smooth")
            .on_hover_text("The mean over a fiftieth of the steps that are shown; the values stay behind it");
        ui.add_space(8.0);
        ui.spacing_mut().item_spacing.x = 5.0;
        if let Some(newest) = &history.newest {
            let total = Stroke::new(3.5, theme::fade(theme.text, 0.35));
            chart::entry(ui, total, "total", &format!("{:<6}", short(newest.total)));
            for (at, term) in history.terms.iter().enumerate() {
                let series = if view.weighted { &term.weighted } else { &term.raw };
                if let Some(value) = series.last().filter(|value| value.is_finite()) {
                    let stroke = Stroke::new(2.0, theme.term(at));
                    if chart::entry(ui, stroke, &term.id, &format!("{:<6}", short(value))).hovered() {
                        view.hovering.term = Some(at);
                    }
                }
            }
        }
        if scale == Scale::Log && extent.has_none_above_zero() {
            let hint = "They have no place on a logarithmic axis: lines break there";
            ui.label(RichText::new("some values are zero or below").small().color(theme.warn)).on_hover_text(hint);
        }
    });
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
fn flags(marks: &[Mark], area: &Area, theme: &theme::Theme) {
    for mark in marks {
        let Some(x) = area.x_of(mark.step as f64) else { continue };
        let at = egui::pos2(x, area.frame.top() + 6.0);
        let class = if matches!(mark.kind, MarkKind::Change(_)) { 4 } else { 1 };
        marker::paint(&area.painter, class, at, 4.0, mark_color(&mark.kind, theme), Stroke::NONE);
    }
}

/// The step under the pointer, for all panels, and its numbers.
fn hover(scene: &mut Scene<'_>, area: &Area, theme: &theme::Theme) {
    let history = &scene.run.history;
    let Some(pointer) = area.response.hover_pos() else { return };
    let wanted = area.x_at(pointer).round();
    let at = history.position(wanted).min(history.len().saturating_sub(1));
    let step = history.step(at);
    scene.view.hovering.step = Some(step);
    super::card(&area.response, |ui| {
        ui.label(RichText::new(format!("step {}", grouped(step))).strong());
        let value = |series: &Series| series.get(at).filter(|value| !value.is_nan());
        egui::Grid::new("values").spacing([14.0, 2.0]).show(ui, |ui| {
            ui.label("total");
            ui.monospace(value(&history.total).map_or_else(String::new, short));
            ui.end_row();
            for (index, term) in history.terms.iter().enumerate() {
                // A term that was not computed has nothing to say.
                let Some(value) = value(if scene.view.weighted { &term.weighted } else { &term.raw }) else { continue };
                ui.colored_label(theme.term(index), &term.id);
                ui.monospace(short(value));
                ui.end_row();
            }
        });
        let reach = (area.x_at(pointer + egui::vec2(4.0, 0.0)) - area.x_at(pointer)).abs().ceil();
        let found = scene.run.marks.iter().filter(|mark| (mark.step as f64 - wanted).abs() <= reach);
        for mark in found.take(4) {
            ui.colored_label(mark_color(&mark.kind, theme), format!("{} · {}", mark.step, mark.text()));
        }
    });
}

/// The newest steps as a table.
fn table(history: &History) -> Table {
    let mut table = Table::with("Losses", &["step", "total"]);
    table.columns.extend(history.terms.iter().map(|term| term.id.clone()));
    let number = |value: Option<f64>| value.filter(|value| !value.is_nan()).map(|value| value.to_string());
    let row = |at: usize| {
        let values = std::iter::once(&history.total).chain(history.terms.iter().map(|term| &term.weighted));
        let values = values.map(|series| number(series.get(at)).unwrap_or_default());
        Row { cells: std::iter::once(history.step(at).to_string()).chain(values).collect(), about: None }
    };
    table.rows = (0..history.len()).rev().take(20).map(row).collect();
    table
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
