//! Curves and points over axes.

use egui::{FontId, Pos2, Rect, Stroke, Ui, UiBuilder, pos2, vec2};

use super::{Canvas, color};
use crate::{
    app::{
        state::thinned,
        theme::{self, Theme},
        widgets::chart::{Area, Chart, Extent},
    },
    report::page::{Lines, Series, Source, Style},
    words::grouped,
};

/// Width of what stands before a name in the legend, height of a row of names, height of a chart that can spare three.
const SWATCH: f32 = 16.0;
const LEGEND: f32 = 14.0;
const TALL: f32 = 200.0;
/// Series that are far from the pointer say nothing.
const NEAR: f32 = 9.0;

/// Draws all series with their legend.
pub(super) fn show(ui: &mut Ui, lines: &Lines, rect: Rect, canvas: &mut Canvas<'_>) {
    let theme = theme::of(ui);
    let columns = (rect.width() as usize).max(16);
    let of = |series: &Series, part: Option<(f64, f64)>| match &series.source {
        Source::Named(name) => (canvas.trace)(name, part, columns),
        Source::Points(points) => thinned(points, part, columns),
    };
    let mut drawn: Vec<Vec<[f64; 2]>> = lines.series.iter().map(|series| of(series, None)).collect();
    let extent = |drawn: &[Vec<[f64; 2]>], axis: usize| Extent::of(drawn.iter().flatten().map(|point| point[axis]));
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        legend(ui, lines, theme);
        let mut chart = Chart::new(ui, "page", &lines.x, &lines.y, extent(&drawn, 0));
        if let Some(part) = chart.part() {
            drawn = lines.series.iter().map(|series| of(series, Some(part))).collect();
        }
        for (series, points) in lines.series.iter().zip(&drawn) {
            draw(&mut chart, series, points, canvas, theme);
        }
        if let (true, Some(step)) = (lines.x.is_steps(), canvas.hover.step) {
            chart.upright(step as f64, Stroke::new(1.0, theme::fade(theme.text, 0.4)));
        }
        let area = chart.show(ui, extent(&drawn, 1));
        if let (true, Some(pointer)) = (lines.x.is_steps(), area.response.hover_pos()) {
            canvas.hovering.step = Some(area.x_at(pointer).round().max(0.0) as u64);
        }
        point(&area, lines, &drawn, canvas);
    });
}

/// Names of the series, in as many rows as a low chart can spare.
fn legend(ui: &mut Ui, lines: &Lines, theme: &Theme) {
    let most = if ui.available_height() > TALL { 3 } else { 2 };
    let (left, right, top) = (ui.max_rect().left(), ui.max_rect().right(), ui.cursor().top());
    let (mut x, mut row) = (left, 0);
    let named = lines.series.iter().filter(|series| !series.name.is_empty());
    for series in named {
        let galley = ui.painter().layout_no_wrap(series.name.clone(), FontId::proportional(10.5), theme.dim);
        if x > left && x + SWATCH + galley.size().x > right {
            (x, row) = (left, row + 1);
        }
        if row == most {
            break;
        }
        let at = pos2(x, top + LEGEND * (row as f32 + 0.5));
        swatch(ui, series, at, theme);
        let size = galley.size();
        ui.painter().galley(pos2(x + SWATCH, at.y - 0.5 * size.y), galley, theme.dim);
        x += SWATCH + size.x + 10.0;
    }
    let rows = if x > left || row > 0 { (row + 1).min(most) } else { 0 };
    ui.add_space(LEGEND * rows as f32);
}

/// How a series looks, beside its name.
fn swatch(ui: &Ui, series: &Series, at: Pos2, theme: &Theme) {
    let color = theme::fade(super::tint(theme, series.mark.tint), series.mark.opacity.max(0.8));
    let dashes: &[(f32, f32)] = match series.style {
        Style::Points => {
            ui.painter().circle_filled(at + vec2(6.0, 0.0), 3.0, color);
            &[]
        }
        Style::Line => &[(0.0, 12.0)],
        Style::Dashed => &[(0.0, 5.0), (7.0, 12.0)],
    };
    for (from, to) in dashes {
        ui.painter().hline(at.x + from..=at.x + to, at.y, Stroke::new(2.0, color));
    }
}

fn draw(chart: &mut Chart<'_>, series: &Series, points: &[[f64; 2]], canvas: &Canvas<'_>, theme: &Theme) {
    let is_marked = canvas.is_marked(&series.mark);
    let color = color(theme, &series.mark);
    let wide = if is_marked { 1.6 * series.width + 0.6 } else { series.width };
    match series.style {
        Style::Line => chart.line(points.iter().copied(), Stroke::new(wide, color), false),
        Style::Dashed => chart.line(points.iter().copied(), Stroke::new(wide, color), true),
        Style::Points => chart.points(points, wide, color, series.raised),
    }
}

/// The series next to the pointer, and its value there.
fn point(area: &Area, lines: &Lines, drawn: &[Vec<[f64; 2]>], canvas: &mut Canvas<'_>) {
    let Some(pointer) = area.response.hover_pos() else { return };
    let near =
        lines.series.iter().zip(drawn).filter(|(series, _)| series.raised == 0.0).flat_map(|(series, points)| {
            let distance = |point: &[f64; 2]| area.place(*point).map(|at| at.distance(pointer));
            points.iter().filter_map(move |point| Some((distance(point)?, series, *point)))
        });
    let Some((distance, series, [x, y])) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    if distance > NEAR {
        return;
    }
    let name = if series.mark.hover.is_empty() { &series.name } else { &series.mark.hover };
    let digits = crate::app::state::short;
    let at = if lines.x.is_steps() { format!("step {}", grouped(x.max(0.0) as u64)) } else { digits(x) };
    let text = format!("{name}\n{at}: {}", digits(y));
    canvas.point(&area.response, &series.mark.clone().saying(text.trim_start()));
}
