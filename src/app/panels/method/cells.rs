//! The cells of a quantizer in the plane of a class: points as large as their masses, a line from every sample to its point, and the
//! masses as bars. The picture behind DDOQ.

use egui::{Align2, Color32, FontId, Painter, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::plane::Plane;
use crate::{
    app::{
        theme::{self, Theme},
        view::Scene,
        widgets::{chart, classes},
    },
    report::QuantizerView,
    words::grouped,
};

/// Width of the list of classes and of the bars.
const LIST: f32 = 112.0;
const BARS: f32 = 150.0;
/// Below this width the bars are left out.
const NARROW: f32 = 480.0;
/// Radius of a point that has all of its class.
const LARGEST: f32 = 22.0;

/// Draws the page.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let run = scene.run;
    let Some((step, view)) = &run.pictures.quantizer else {
        super::waits(ui, run, "The points appear with their space");
        return;
    };
    let text = format!(
        "Step {} · {}: {} points count like {:.1} · distortion {:.3} · disc: mass · lines: samples to their point · the plane keeps \
         {:.0} % of the variance",
        grouped(*step),
        run.class_name(view.class),
        view.points.len(),
        view.effective.get(view.class).copied().unwrap_or_default(),
        view.distortions.get(view.class).copied().unwrap_or_default(),
        100.0 * view.kept_variance
    );
    chart::summary(ui, ui.available_rect_before_wrap(), "Cells", &text);
    let hint = format!(
        "Space: {}, {} dimensions. A cell is drawn where the plane through the mean of the class cuts it: everything in it is nearer to \
         its point than to any other, in all dimensions. A cell that the plane misses is not seen, a sample may seem to lie in a wrong \
         one.",
        view.space, view.dimensions
    );
    super::super::caption(ui, text).on_hover_text(hint);
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let theme = theme::of(ui);
    let list = Rect::from_min_max(rect.min, pos2(rect.left() + LIST, rect.bottom()));
    let figures: Vec<String> = view.effective.iter().map(|points| format!("{points:.1}")).collect();
    if let Some(chosen) = classes::list(ui, list, scene, view.class, "Cells of", &figures) {
        scene.view.selected.class = Some(chosen);
    }
    let wide = rect.width() > NARROW;
    let right = if wide { rect.right() - BARS } else { rect.right() };
    let area = Rect::from_min_max(pos2(list.right() + 6.0, rect.top()), pos2(right - 8.0, rect.bottom()));
    picture(&ui.painter().with_clip_rect(area), area.shrink(4.0), view, theme);
    if wide {
        bars(&ui.painter().with_clip_rect(rect), Rect::from_min_max(pos2(right, rect.top()), rect.max), view, theme);
    }
}

/// The colour of a point: neighbours in the list differ.
fn color(theme: &Theme, point: usize) -> Color32 {
    theme.class(point)
}

fn picture(painter: &Painter, rect: Rect, view: &QuantizerView, theme: &Theme) {
    let corners = view.points.iter().flat_map(|point| point.cell.iter().copied());
    let plane = Plane::fit(view.points.iter().map(|point| point.at).chain(corners), rect);
    for (at, point) in view.points.iter().enumerate() {
        let cell: Vec<_> = point.cell.iter().map(|corner| plane.place(*corner)).collect();
        if cell.len() > 2 {
            let fill = theme::fade(color(theme, at), 0.10);
            painter.add(Shape::convex_polygon(cell, fill, Stroke::new(1.0, theme.faint)));
        }
    }
    for (at, nearest) in &view.samples {
        let Some(point) = view.points.get(usize::from(*nearest)) else { continue };
        let (from, to) = (plane.place(*at), plane.place(point.at));
        let own = color(theme, (*nearest).into());
        painter.line_segment([from, to], Stroke::new(0.6, theme::fade(own, 0.22)));
        painter.circle_filled(from, 1.5, theme::fade(own, 0.8));
    }
    for (at, point) in view.points.iter().enumerate() {
        let radius = (LARGEST * point.mass.max(0.0).sqrt()).max(2.0);
        painter.circle(
            plane.place(point.at),
            radius,
            theme::fade(color(theme, at), 0.85),
            Stroke::new(1.5, theme.text),
        );
    }
}

/// The masses of the class, largest first, beside what equal masses would be.
fn bars(painter: &Painter, rect: Rect, view: &QuantizerView, theme: &Theme) {
    let font = FontId::proportional(10.5);
    painter.text(rect.left_top(), Align2::LEFT_TOP, "masses, line: equal", font.clone(), theme.dim);
    let mut order: Vec<usize> = (0..view.points.len()).collect();
    order.sort_by(|&a, &b| view.points[b].mass.total_cmp(&view.points[a].mass));
    let most = view.points.iter().map(|point| point.mass).fold(f32::MIN_POSITIVE, f32::max);
    let area = Rect::from_min_max(rect.min + vec2(0.0, 16.0), rect.max);
    let row = (area.height() / order.len().max(1) as f32).min(16.0);
    let numbers = if row >= 11.0 { 36.0 } else { 0.0 };
    let width = area.width() - numbers;
    for (line, &at) in order.iter().enumerate() {
        let mass = view.points[at].mass;
        let top = area.top() + row * line as f32;
        let bar = Rect::from_min_size(pos2(area.left(), top), vec2(width * mass / most, (0.78 * row).max(1.0)));
        painter.rect_filled(bar, 1.5, theme::fade(color(theme, at), 0.85));
        if numbers > 0.0 {
            let place = pos2(area.right(), bar.center().y);
            painter.text(place, Align2::RIGHT_CENTER, format!("{:.1} %", 100.0 * mass), font.clone(), theme.text);
        }
    }
    let equal = area.left() + width / view.points.len().max(1) as f32 / most;
    painter.vline(equal, area.top()..=area.top() + row * order.len() as f32, Stroke::new(1.2, theme.text));
}
