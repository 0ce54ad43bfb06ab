//! The losses: one line a term and their sum, over the steps, with marks where somebody changed the run or judged it.

use egui::{Align2, RichText, Stroke, Ui, pos2};
use egui_plot::{Line, Plot, PlotPoint, PlotPoints};

use crate::app::{
    state::{History, MarkKind, Series, short},
    theme,
    view::Scene,
    widgets::chart,
};

/// Lines that were thinned for one width and number of steps.
#[derive(Default)]
pub struct Panel {
    key: Option<Key>,
    lines: Vec<(String, Vec<[f64; 2]>)>,
}

/// What a thinned picture depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    from: usize,
    to: usize,
    columns: usize,
    log: bool,
    weighted: bool,
    run: usize,
}

impl Panel {
    /// Draws the panel.
    pub fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        header(ui, scene);
        let history = &scene.run.history;
        if history.is_empty() {
            super::empty(ui, "No steps yet", "One line a term, and their sum");
            return;
        }
        ui.add_space(8.0); // The label of the topmost grid line reaches above the plot.
        let theme = theme::of(ui);
        let log = scene.view.log_axis;
        let columns = ui.available_width().max(50.0) as usize;
        self.thin(history, columns, log, scene.view.weighted, scene.run.marks.len());
        let mut plot = Plot::new(("losses", log))
            .height(ui.available_height())
            .grid_color(theme::fade(theme.line, 0.7))
            .allow_scroll(false)
            .set_margin_fraction(egui::vec2(0.01, 0.08))
            .y_axis_min_width(46.0)
            .show_x(false)
            .show_y(false);
        if log {
            plot = plot.y_grid_spacer(chart::log_grid).y_axis_formatter(|mark, _| chart::log_label(mark));
        } else {
            plot = plot.y_axis_formatter(|mark, _| short(mark.value));
        }
        let lines = &self.lines;
        let shown = plot.show(ui, |plot| {
            for (index, (name, points)) in lines.iter().enumerate() {
                let is_total = index == 0;
                let color = if is_total { theme.text } else { theme.term(index - 1) };
                let line = Line::new(name.clone(), PlotPoints::from(points.clone()));
                plot.line(line.color(color).width(if is_total { 1.8 } else { 1.4 }).allow_hover(false));
            }
        });
        let rect = shown.response.rect;
        marks(ui, scene, rect, |step| shown.transform.position_from_point(&PlotPoint::new(step, 0.0)).x);
        if let Some(pointer) = shown.response.hover_pos() {
            let step = shown.transform.value_from_position(pointer).x;
            hover(ui, scene, rect, step, pointer, &shown.response);
        }
        let newest = history.total.last().map_or_else(String::new, short);
        let text = format!("total {newest} at step {}", scene.run.step);
        chart::summary(ui, rect, "Losses", &text);
    }

    fn thin(&mut self, history: &History, columns: usize, log: bool, weighted: bool, run: usize) {
        let to = history.len();
        let key = Key { from: 0, to, columns, log, weighted, run };
        if self.key == Some(key) {
            return;
        }
        self.key = Some(key);
        let thinned = |series: &Series| -> Vec<[f64; 2]> {
            let points = series.thinned(0, to, columns).into_iter();
            // What is not positive has no logarithm; such points are left out.
            let points = points.filter(|&(_, value)| value.is_finite() && (!log || value > 0.0));
            points.map(|(at, value)| [history.step(at) as f64, if log { value.log10() } else { value }]).collect()
        };
        self.lines = vec![("total".to_owned(), thinned(&history.total))];
        self.lines.extend(history.terms.iter().map(|term| {
            let series = if weighted { &term.weighted } else { &term.raw };
            (term.id.clone(), thinned(series))
        }));
    }
}

fn header(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let weighted = [(true, "Weighted", "Each term times its weight (W)"), (false, "Raw", "Each term as it is (W)")];
        super::choices(ui, &mut scene.view.weighted, &weighted);
        ui.add_space(10.0);
        let axis = [(true, "Log", "Logarithmic axis (L)"), (false, "Linear", "Linear axis (L)")];
        super::choices(ui, &mut scene.view.log_axis, &axis);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let theme = theme::of(ui);
            for (index, term) in scene.run.history.terms.iter().enumerate().rev() {
                ui.label(RichText::new(&term.id).small().color(theme.term(index)));
            }
            if !scene.run.history.is_empty() {
                ui.label(RichText::new("total").small().color(theme.text));
            }
        });
    });
}

/// Live changes as copper lines with their text, evaluations as ticks at the foot.
fn marks(ui: &Ui, scene: &Scene<'_>, rect: egui::Rect, x_of: impl Fn(f64) -> f32) {
    let theme = theme::of(ui);
    let painter = ui.painter_at(rect);
    let mut free = rect.left();
    for mark in &scene.run.marks {
        let x = x_of(mark.step as f64);
        if !rect.x_range().contains(x) {
            continue;
        }
        match &mark.kind {
            MarkKind::Change(text) => {
                painter.vline(x, rect.y_range(), Stroke::new(1.0, theme::fade(theme.accent, 0.7)));
                if x >= free {
                    let at = pos2(x + 3.0, rect.top() + 2.0);
                    let drawn =
                        painter.text(at, Align2::LEFT_TOP, text, egui::FontId::proportional(10.5), theme.accent);
                    free = drawn.right() + 8.0;
                }
            }
            MarkKind::Evaluation(_) => {
                let foot = rect.bottom();
                painter.line_segment([pos2(x, foot), pos2(x, foot - 9.0)], Stroke::new(2.0, theme.second));
            }
        }
    }
}

fn hover(ui: &Ui, scene: &Scene<'_>, rect: egui::Rect, step: f64, pointer: egui::Pos2, response: &egui::Response) {
    let history = &scene.run.history;
    let at = history.position(step).min(history.len().saturating_sub(1));
    let theme = theme::of(ui);
    ui.painter_at(rect).vline(pointer.x, rect.y_range(), Stroke::new(1.0, theme::fade(theme.text, 0.35)));
    let value = |series: &Series| series.get(at).map_or_else(String::new, short);
    let mut text = format!("step {}\ntotal {}", history.step(at), value(&history.total));
    for term in &history.terms {
        let series = if scene.view.weighted { &term.weighted } else { &term.raw };
        text += &format!("\n{} {}", term.id, value(series));
    }
    let near = |mark: &&crate::app::state::Mark| mark.step == history.step(at);
    for mark in scene.run.marks.iter().filter(near) {
        text += &format!("\n{}", mark.text());
    }
    response.clone().on_hover_text_at_pointer(text);
}
