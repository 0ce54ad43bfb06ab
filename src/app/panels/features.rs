//! The feature space: real points small and dim, synthetic ones large, in a plane that is held still.
//!
//! The map is linear and orthonormal: an ellipse is the exact shadow of a class's spread, a ball's shadow is a disc of
//! the same radius. The ring round a synthetic point tells how far it lies off the plane.

use std::sync::Arc;

use egui::{Color32, Painter, Pos2, Shape, Stroke, Ui, vec2};
use egui_plot::{Plot, PlotBounds, PlotPoint, PlotTransform};

use crate::{
    app::{
        theme,
        view::Scene,
        widgets::{chart, marker},
    },
    report::{Ellipse, FeaturePlane, Point},
};

/// What the panel keeps: the bounds, so that the picture stands still while points move.
#[derive(Default)]
pub struct Panel {
    bounds: Option<(usize, PlotBounds)>,
    /// The real points and the width for which the whole plane was last shown.
    drawn_for: Option<(usize, u32)>,
}

impl Panel {
    /// Draws the panel.
    pub fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some((step, plane)) = &scene.run.pictures.features else {
            let (title, hint) = match (&scene.run.info, scene.view.pictures) {
                (None, _) => ("No run yet", "Points appear when a run stands ready"),
                (_, false) => ("Pictures are off", "Press P to see them again"),
                _ => ("Training the lens", "The network through which points are seen learns beside the run"),
            };
            super::empty(ui, title, hint);
            return;
        };
        let (step, plane) = (*step, plane.clone());
        ui.horizontal_wrapped(|ui| legend(ui, scene, &plane));
        let caption_height = if ui.available_width() < 520.0 { 52.0 } else { 38.0 };
        let height = (ui.available_height() - caption_height).max(80.0);
        let bounds = fill(self.bounds_of(&plane), ui.available_width() / height);
        let faint = theme::of(ui).line;
        let plot = Plot::new("features")
            .height(height)
            .data_aspect(1.0)
            .show_axes(false)
            .grid_color(theme::fade(faint, 0.6))
            .allow_scroll(false)
            .show_x(false)
            .show_y(false)
            .default_x_bounds(bounds.min()[0], bounds.max()[0])
            .default_y_bounds(bounds.min()[1], bounds.max()[1]);
        let whole = self.drawn_for != Some((Arc::as_ptr(&plane.ground) as usize, ui.available_width() as u32));
        self.drawn_for = Some((Arc::as_ptr(&plane.ground) as usize, ui.available_width() as u32));
        let shown = plot.show(ui, |plot| {
            if whole {
                plot.set_plot_bounds(bounds); // Zoom and place stay as people left them until then.
            }
        });
        let rect = shown.response.rect;
        let painter = ui.painter_at(rect);
        let canvas = Canvas { painter: &painter, map: &shown.transform };
        canvas.paint(ui, scene, &plane);
        if let Some(pointer) = shown.response.hover_pos() {
            hover(ui, scene, &plane, &canvas, pointer, &shown.response);
        } else {
            scene.view.hovered = scene.view.hovered.filter(|_| !shown.response.hovered());
        }
        caption(ui, &plane, step);
        let text = format!(
            "step {step}, {} synthetic and {} real points, {:.0} % of the variance kept",
            plane.synthetic.len(),
            plane.ground.real.len(),
            100.0 * plane.ground.kept_variance
        );
        chart::summary(ui, rect, "Feature space", &text);
    }

    /// Fitted on the real points once; a new lens or run fits anew.
    fn bounds_of(&mut self, plane: &FeaturePlane) -> PlotBounds {
        let ground = Arc::as_ptr(&plane.ground) as usize;
        match self.bounds {
            Some((known, bounds)) if known == ground => bounds,
            _ => {
                let mut bounds = PlotBounds::NOTHING;
                for point in plane.ground.real.iter().chain(&plane.synthetic) {
                    bounds.extend_with(&PlotPoint::new(point.at[0], point.at[1]));
                }
                bounds.expand_x(bounds.width() * 0.06);
                bounds.expand_y(bounds.height() * 0.06);
                self.bounds = Some((ground, bounds));
                bounds
            }
        }
    }
}

/// The bounds, widened to the shape of the panel, so that equal lengths look equal and nothing is cut off.
fn fill(mut bounds: PlotBounds, aspect: f32) -> PlotBounds {
    let missing = bounds.height() * f64::from(aspect) - bounds.width();
    if missing > 0.0 {
        bounds.expand_x(missing / 2.0);
    } else {
        bounds.expand_y(-missing / f64::from(aspect) / 2.0);
    }
    bounds
}

/// A painter that knows the plane.
struct Canvas<'a> {
    painter: &'a Painter,
    map: &'a PlotTransform,
}

impl Canvas<'_> {
    fn place(&self, at: [f32; 2]) -> Pos2 {
        self.map.position_from_point(&PlotPoint::new(at[0], at[1]))
    }

    fn paint(&self, ui: &Ui, scene: &Scene<'_>, plane: &FeaturePlane) {
        let theme = theme::of(ui);
        let reach = self.painter.clip_rect().expand(8.0);
        for point in &plane.ground.real {
            let at = self.place(point.at);
            if reach.contains(at) {
                let color = theme::fade(theme.class(point.class.into()), theme.real_alpha);
                self.painter.circle_filled(at, 1.6, color);
            }
        }
        for (class, ellipse) in plane.ground.spreads.iter().enumerate() {
            self.ellipse(ellipse, 1.0, Stroke::new(1.0, theme::fade(theme.class(class), 0.55)), false);
            self.ellipse(ellipse, 2.0, Stroke::new(1.0, theme::fade(theme.class(class), 0.25)), false);
        }
        for (class, ellipse) in plane.spreads.iter().enumerate() {
            self.ellipse(ellipse, 1.0, Stroke::new(1.6, theme.class(class)), true);
            let centre = self.place(ellipse.centre);
            self.cross(centre, theme.class(class));
        }
        if plane.ground.is_matching_space {
            for (class, ball) in plane.balls.iter().enumerate() {
                let centre = self.place(ball.centre);
                let edge = self.place([ball.centre[0] + ball.radius, ball.centre[1]]);
                let color = theme.class(class);
                self.painter.circle(centre, edge.x - centre.x, theme::fade(color, 0.10), Stroke::new(1.2, color));
            }
        }
        let furthest = plane.synthetic.iter().map(|point| point.hidden).fold(1e-9_f32, f32::max);
        for (index, point) in plane.synthetic.iter().enumerate() {
            let at = self.place(point.at);
            if !reach.contains(at) {
                continue;
            }
            let on = scene.view.hovered == Some(index);
            let radius = if on { 7.5 } else { 4.6 };
            // A wider ring is further off the plane.
            let ring = radius + 1.5 + 5.0 * point.hidden / furthest;
            let color = theme.class(point.class.into());
            if furthest > 1e-6 {
                self.painter.circle_stroke(at, ring, Stroke::new(0.8, theme::fade(color, 0.4)));
            }
            let edge = Stroke::new(if on { 2.0 } else { 1.0 }, if on { theme.text } else { theme.panel });
            marker::paint(self.painter, point.class.into(), at, radius, color, edge);
        }
    }

    fn ellipse(&self, ellipse: &Ellipse, deviations: f32, stroke: Stroke, dashed: bool) {
        let points: Vec<Pos2> = (0..=48_u8)
            .map(|part| {
                let (sine, cosine) = (f32::from(part) / 48.0 * std::f32::consts::TAU).sin_cos();
                let along = |axis: usize| {
                    ellipse.centre[axis] + deviations * (cosine * ellipse.major[axis] + sine * ellipse.minor[axis])
                };
                self.place([along(0), along(1)])
            })
            .collect();
        if dashed {
            self.painter.extend(Shape::dashed_line(&points, stroke, 5.0, 4.0));
        } else {
            self.painter.line(points, stroke);
        }
    }

    fn cross(&self, at: Pos2, color: Color32) {
        for arm in [vec2(5.0, 5.0), vec2(5.0, -5.0)] {
            self.painter.line_segment([at - arm, at + arm], Stroke::new(1.4, color));
        }
    }
}

/// The nearest synthetic point lights up everywhere; its numbers stand beside the pointer.
fn hover(
    ui: &Ui,
    scene: &mut Scene<'_>,
    plane: &FeaturePlane,
    canvas: &Canvas<'_>,
    pointer: Pos2,
    response: &egui::Response,
) {
    let distance = |(_, point): &(usize, &Point)| canvas.place(point.at).distance(pointer);
    let near = plane.synthetic.iter().enumerate().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let near = near.filter(|near| distance(near) < 14.0);
    let index = near.map(|(index, _)| index);
    if scene.view.hovered != index {
        scene.view.hovered = index;
        ui.ctx().request_repaint();
    }
    if let Some((index, point)) = near {
        let class = scene.run.class_name(point.class.into());
        let per_class = scene.run.info.as_ref().map_or(1, |info| info.per_class.max(1));
        let text = format!("{class}, image {}\noff the plane by {:.2}", index % per_class + 1, point.hidden);
        response.clone().on_hover_text_at_pointer(text);
    }
}

fn legend(ui: &mut Ui, scene: &Scene<'_>, plane: &FeaturePlane) {
    let theme = theme::of(ui);
    ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
    for class in 0..plane.spreads.len().min(20) {
        let (rect, _) = ui.allocate_exact_size(vec2(11.0, 14.0), egui::Sense::hover());
        let edge = Stroke::new(0.5, theme.panel);
        marker::paint(ui.painter(), class, rect.center(), 4.0, theme.class(class), edge);
        ui.label(egui::RichText::new(scene.run.class_name(class)).small().color(theme.dim));
        ui.add_space(3.0);
    }
}

fn caption(ui: &mut Ui, plane: &FeaturePlane, step: u64) {
    let ground = &plane.ground;
    let accuracy =
        ground.accuracy.map_or_else(String::new, |share| format!(", {:.0} % right on the hold-out", 100.0 * share));
    let kept = 100.0 * ground.kept_variance;
    let shape = if ground.is_matching_space { ", discs: class balls" } else { "" };
    let text = format!(
        "Step {step}. Seen through {}{accuracy}. This plane shows {kept:.0} % of the variance of {} dimensions. \
         Ellipses: one and two deviations of the real class, dashed: of the synthetic{shape}",
        ground.lens, ground.dimensions
    );
    super::caption(ui, text);
}
