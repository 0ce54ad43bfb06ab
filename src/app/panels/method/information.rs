//! What the images of a class say to a trained network: distributions over its features around their centroid, the
//! picture behind CMI.
//!
//! To the left the value of each class beside that of as many random real images; then the features that add most, as
//! bars with a mark for each image, the three first of them as a triangle, and the images by their divergence; below, the
//! values as the run goes on.

use egui::{Align, Align2, FontId, Layout, Painter, Pos2, Rect, RichText, ScrollArea, Sense, Stroke, Ui, pos2, vec2};

use crate::{
    app::{
        state::RunState,
        theme::{self, Theme},
        view::Scene,
        widgets::{
            chart::{self, Chart, Extent},
            marker,
        },
    },
    report::{ClassInformation, Coordinate, InformationView, page::Axis},
    words::grouped,
};

/// Width of the list of classes.
const LIST: f32 = 190.0;
/// The same where there is little room.
const SHORT_LIST: f32 = 120.0;
/// Height of a row.
const ROW: f32 = 19.0;
/// Below this width the triangle is left out.
const NARROW: f32 = 560.0;
/// Below this height the values over the steps are left out.
const LOW: f32 = 230.0;

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let run = scene.run;
    let Some((step, view)) = &run.pictures.information else {
        let hint = match &run.pretraining {
            Some(progress) => format!("Looks through a trained network: {}", progress.what),
            None => "It looks through a trained network, and appears with the run".to_owned(),
        };
        super::super::empty(ui, "Nothing to read yet", &hint);
        return;
    };
    if view.classes.is_empty() {
        return;
    }
    let class = scene.view.selected.class.unwrap_or(0).min(view.classes.len() - 1);
    chart::summary(ui, ui.available_rect_before_wrap(), "Information", &describe(run, view));
    let most = (view.classes[class].images.len() as f64).ln();
    let text = format!(
        "Step {} · nats that the images of a class tell beyond it: 0 where all are alike, at most {most:.2} · upright marks: as \
         many random real images",
        grouped(*step)
    );
    let lens = format!("{} features of {}, as probabilities", view.dimensions, view.lens);
    super::super::caption(ui, text).on_hover_text(lens);
    let below = if ui.available_height() > LOW { 0.36 * ui.available_height() } else { 0.0 };
    let height = ui.available_height() - below;
    ui.horizontal_top(|ui| {
        let list = if ui.available_width() > NARROW { LIST } else { SHORT_LIST };
        ui.allocate_ui_with_layout(vec2(list, height), Layout::top_down(Align::Min), |ui| {
            ScrollArea::vertical().id_salt("classes").auto_shrink(false).max_height(height).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let most = view.classes.iter().map(|one| one.value.max(one.real.map_or(0.0, |real| real.0)));
                let most = most.fold(f64::MIN_POSITIVE, f64::max);
                for (position, one) in view.classes.iter().enumerate() {
                    if entry(ui, list, (run, position, one), most, position == class) {
                        scene.view.selected.class = Some(position);
                    }
                }
            });
        });
        ui.add_space(8.0);
        let room = vec2(ui.available_width(), height);
        ui.allocate_ui_with_layout(room, Layout::top_down(Align::Min), |ui| {
            details(ui, scene, class, &view.classes[class], room);
        });
    });
    if below > 0.0 {
        over_steps(ui, run);
    }
}

/// A class with its value, and a mark where random real images stand; true when it was chosen.
fn entry(
    ui: &mut Ui,
    width: f32,
    (run, position, one): (&RunState, usize, &ClassInformation),
    most: f64,
    chosen: bool,
) -> bool {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width - 12.0, ROW), Sense::click());
    let name = run.class_name(position);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Class {name}")));
    let painter = ui.painter();
    if chosen || response.hovered() {
        painter.rect_filled(rect, 3.0, if chosen { theme.wash } else { theme.raised });
    }
    let font = FontId::proportional(11.0);
    let short: String = name.chars().take(if width < LIST { 3 } else { 11 }).collect();
    painter.text(rect.left_center() + vec2(4.0, 0.0), Align2::LEFT_CENTER, short, font.clone(), theme.text);
    let names = if width < LIST { 22.0 } else { 78.0 };
    let bar = Rect::from_min_max(
        pos2(rect.left() + names, rect.center().y - 3.5),
        pos2(rect.right() - 40.0, rect.center().y + 3.5),
    );
    let length = |value: f64| bar.width() * (value / most).clamp(0.0, 1.0) as f32;
    painter.rect_filled(bar, 2.0, theme.raised);
    painter.rect_filled(
        Rect::from_min_size(bar.min, vec2(length(one.value), bar.height())),
        2.0,
        theme.class(position),
    );
    if let Some((real, _)) = one.real {
        let x = bar.left() + length(real);
        painter.vline(x, bar.y_range().expand(3.0), Stroke::new(1.5, theme.text));
    }
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, format!("{:.3}", one.value), font, theme.dim);
    if response.hovered() {
        super::super::card(&response, |ui| {
            ui.label(RichText::new(format!("{name}: {:.4} nats", one.value)).strong());
            if let Some((mean, std)) = one.real {
                let text = format!("as many random real images: {mean:.4} ± {std:.4}");
                ui.label(RichText::new(text).small().weak());
            }
        });
    }
    response.clicked()
}

/// The distributions of a class.
fn details(ui: &mut Ui, scene: &mut Scene<'_>, class: usize, one: &ClassInformation, room: egui::Vec2) {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(room, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let with_triangle = rect.width() > NARROW && one.coordinates.len() >= 3;
    let ranks = 96.0;
    let triangle = if with_triangle { (rect.height() - 24.0).clamp(60.0, 210.0) } else { 0.0 };
    let bars = Rect::from_min_max(rect.min, pos2(rect.right() - ranks - triangle - 24.0, rect.bottom()));
    let hovered = scene.view.hover.image.filter(|cell| cell / one.images.len().max(1) == class);
    let hovered = hovered.map(|cell| cell % one.images.len().max(1));
    distributions(&painter, bars, one, theme.class(class), hovered, theme);
    if with_triangle {
        let area = Rect::from_min_size(pos2(bars.right() + 18.0, rect.top()), vec2(triangle, rect.height()));
        corners(&painter, area, &one.coordinates[..3], class, hovered, theme);
    }
    let parts = scene.run.parts();
    let list = Rect::from_min_max(pos2(rect.right() - ranks, rect.top()), rect.max);
    if let Some(image) = ranking(&painter, list, one, (response.hover_pos(), parts), theme) {
        scene.view.hovering.image = Some(class * one.images.len() + image);
    }
}

/// The features that add most: a bar for the centroid, a mark for each image.
fn distributions(
    painter: &Painter,
    rect: Rect,
    one: &ClassInformation,
    color: egui::Color32,
    hovered: Option<usize>,
    theme: &Theme,
) {
    let small = FontId::proportional(10.5);
    painter.text(rect.min, Align2::LEFT_TOP, "feature", small.clone(), theme.dim);
    let bar_left = rect.left() + 44.0;
    let text = match rect.width() {
        330.0.. => "probability: bar centroid, marks images",
        170.0.. => "probability",
        _ => "",
    };
    painter.text(pos2(bar_left, rect.top()), Align2::LEFT_TOP, text, small.clone(), theme.dim);
    painter.text(rect.right_top(), Align2::RIGHT_TOP, "adds", small.clone(), theme.dim);
    let width = (rect.right() - bar_left - 40.0).max(20.0);
    let all = one.coordinates.iter().flat_map(|one| one.images.iter().copied());
    let most = all.fold(f64::MIN_POSITIVE, f64::max);
    let rows = ((rect.height() - 18.0) / ROW).floor().max(0.0) as usize;
    for (row, coordinate) in one.coordinates.iter().take(rows).enumerate() {
        let y = rect.top() + 18.0 + ROW * (row as f32 + 0.5);
        let x = |p: f64| bar_left + width * (p / most) as f32;
        painter.text(pos2(rect.left(), y), Align2::LEFT_CENTER, coordinate.index.to_string(), small.clone(), theme.dim);
        let bar = Rect::from_min_max(pos2(bar_left, y - 5.0), pos2(x(coordinate.centroid), y + 5.0));
        painter.rect_filled(bar, 2.0, theme::fade(color, 0.35));
        for (image, &p) in coordinate.images.iter().enumerate() {
            let marked = hovered == Some(image);
            let stroke = Stroke::new(if marked { 2.5 } else { 1.2 }, if marked { theme.text } else { color });
            painter.vline(x(p), egui::Rangef::new(y - 6.0, y + 6.0), stroke);
        }
        let share = format!("{:.0} %", 100.0 * coordinate.share);
        painter.text(pos2(rect.right(), y), Align2::RIGHT_CENTER, share, small.clone(), theme.dim);
    }
}

/// Three features as the corners of a triangle: an image stands near the corner that it says most of.
fn corners(painter: &Painter, rect: Rect, three: &[Coordinate], class: usize, hovered: Option<usize>, theme: &Theme) {
    let small = FontId::proportional(10.5);
    let side = rect.width().min(rect.height() - 30.0);
    let (left, top) = (rect.left(), rect.top() + 14.0);
    let at = [pos2(left, top + 0.87 * side), pos2(left + side, top + 0.87 * side), pos2(left + 0.5 * side, top)];
    let place = |p: [f64; 3]| -> Pos2 {
        let sum = p.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let sides = p.iter().zip(at).map(|(p, corner)| corner.to_vec2() * (p / sum) as f32);
        sides.fold(egui::Vec2::ZERO, |sum, side| sum + side).to_pos2()
    };
    for (one, other) in [(0, 1), (1, 2), (2, 0)] {
        painter.line_segment([at[one], at[other]], Stroke::new(1.0, theme.line));
    }
    let below = [(at[0], Align2::LEFT_TOP), (at[1], Align2::RIGHT_TOP), (at[2] - vec2(0.0, 13.0), Align2::CENTER_TOP)];
    for ((corner, align), coordinate) in below.into_iter().zip(three) {
        painter.text(corner + vec2(0.0, 2.0), align, coordinate.index.to_string(), small.clone(), theme.dim);
    }
    let color = theme.class(class);
    for image in 0..three[0].images.len() {
        let at = place([three[0].images[image], three[1].images[image], three[2].images[image]]);
        let marked = hovered == Some(image);
        let stroke = Stroke::new(if marked { 2.5 } else { 1.0 }, if marked { theme.text } else { color });
        marker::paint(painter, class, at, if marked { 5.0 } else { 3.5 }, color, stroke);
    }
    let centre = place([three[0].centroid, three[1].centroid, three[2].centroid]);
    for arm in [vec2(6.0, 0.0), vec2(0.0, 6.0)] {
        painter.line_segment([centre - arm, centre + arm], Stroke::new(2.0, theme.text));
    }
}

/// The images by their divergence, largest first; returns the one under the pointer.
fn ranking(
    painter: &Painter,
    rect: Rect,
    one: &ClassInformation,
    (pointer, parts): (Option<Pos2>, usize),
    theme: &Theme,
) -> Option<usize> {
    let small = FontId::proportional(10.5);
    painter.text(rect.min, Align2::LEFT_TOP, "divergence", small.clone(), theme.dim);
    let mut order: Vec<usize> = (0..one.images.len()).collect();
    order.sort_by(|&a, &b| one.images[b].total_cmp(&one.images[a]));
    let mut found = None;
    for (row, &image) in order.iter().enumerate() {
        let line = Rect::from_min_size(rect.min + vec2(0.0, 16.0 + 15.0 * row as f32), vec2(rect.width(), 15.0));
        if line.bottom() > rect.bottom() {
            break;
        }
        if pointer.is_some_and(|at| line.contains(at)) {
            painter.rect_filled(line, 2.0, theme.raised);
            found = Some(image);
        }
        let text = match parts {
            1 => format!("image {}", image + 1),
            _ => format!("image {}.{}", image / parts + 1, image % parts + 1),
        };
        painter.text(line.left_center(), Align2::LEFT_CENTER, text, small.clone(), theme.text);
        let value = format!("{:.3}", one.images[image]);
        painter.text(line.right_center(), Align2::RIGHT_CENTER, value, small.clone(), theme.dim);
    }
    found
}

/// The values of all classes as the run goes on.
fn over_steps(ui: &mut Ui, run: &RunState) {
    let theme = theme::of(ui);
    let before = &run.pictures.information_before;
    let classes = before.last().map_or(0, |(_, values)| values.len());
    let steps = Extent::of(before.iter().map(|(step, _)| *step as f64));
    let values = Extent::of(before.iter().flat_map(|(_, values)| values.iter().copied()));
    let area = Chart::new(ui, "information", &Axis::steps(), &Axis::from_zero("nats"), steps).show(ui, values);
    for class in 0..classes {
        let points = before.iter().filter_map(|(step, values)| Some([*step as f64, *values.get(class)?]));
        area.line(points, Stroke::new(1.4, theme.class(class)), false);
    }
}

/// The panel in a sentence.
fn describe(run: &RunState, view: &InformationView) -> String {
    let most = (0..view.classes.len()).max_by(|&a, &b| view.classes[a].value.total_cmp(&view.classes[b].value));
    let mean = view.classes.iter().map(|one| one.value).sum::<f64>() / view.classes.len().max(1) as f64;
    let most = most.map(|class| format!(", most in {}", run.class_name(class))).unwrap_or_default();
    format!("{mean:.3} nats on average{most}")
}
