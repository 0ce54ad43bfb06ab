//! The feature space: real and synthetic images as points in one plane that never moves while a run goes on.
//!
//! The plane is an orthonormal projection through a fixed network, so lengths are true or shortened, never invented:
//! ellipses are exact shadows, and what the plane hides is drawn as a ring around each synthetic point.

use std::sync::Arc;

use egui::{
    Align, Color32, ColorImage, Key, Layout, Mesh, Painter, Pos2, Rect, RichText, Role, Sense, Shape, Stroke,
    TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::{
    app::{
        state::Phase,
        theme::{self, Theme},
        view::Scene,
        widgets::marker,
    },
    report::{Ellipse, FeaturePlane, Ground, Point},
};

/// Where the picture stands, and the real points as one mesh.
#[derive(Default)]
pub(crate) struct Panel {
    /// Zoom and pan over the fitted view.
    zoom: f32,
    pan: Vec2,
    disc: Option<TextureHandle>,
    mesh: Option<(MeshKey, Arc<Mesh>)>,
}

#[derive(Clone, Copy, PartialEq)]
struct MeshKey {
    ground: usize,
    map: Map,
    dark: bool,
}

/// From the plane to the screen, with equal scales.
#[derive(Clone, Copy, PartialEq)]
struct Map {
    centre: [f32; 2],
    scale: f32,
    middle: Pos2,
}

impl Map {
    fn place(&self, at: [f32; 2]) -> Pos2 {
        // Up is positive, as in every chart.
        self.middle + vec2(at[0] - self.centre[0], self.centre[1] - at[1]) * self.scale
    }

    /// The view that holds nearly all real points and every ellipse.
    fn fit(ground: &Ground, rect: Rect) -> Self {
        let mut low = [f32::INFINITY; 2];
        let mut high = [f32::NEG_INFINITY; 2];
        let spreads = ground.spreads.iter().flat_map(|ellipse| {
            let reach = |axis: usize| 2.2 * ellipse.major[axis].hypot(ellipse.minor[axis]);
            let (x, y) = (reach(0), reach(1));
            let [cx, cy] = ellipse.centre;
            [[cx - x, cy - y], [cx + x, cy + y]]
        });
        for at in ground.real.iter().map(|point| point.at).chain(spreads) {
            for axis in 0..2 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        if low.iter().chain(&high).any(|value| !value.is_finite()) {
            (low, high) = ([-1.0; 2], [1.0; 2]);
        }
        let span = |axis: usize| (high[axis] - low[axis]).max(1e-6) * 1.06;
        let scale = (rect.width() / span(0)).min(rect.height() / span(1));
        let centre = [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])];
        Self { centre, scale, middle: rect.center() }
    }
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let failed = scene.run.phase == Phase::Failed && scene.run.pictures.features.is_none();
        if failed || scene.run.info.is_none() {
            super::empty(ui, "No points yet", "They appear as soon as a run stands ready");
            return;
        }
        let Some((step, plane)) = &scene.run.pictures.features else {
            let hint = match scene.view.pictures {
                true => "A network is being trained on the real images; then points appear",
                false => "Pictures are off; press P to see them again",
            };
            super::empty(ui, "No points yet", hint);
            return;
        };
        let ground = &plane.ground;
        header(ui, *step, ground);
        // From the bottom up: the text below takes the lines that it needs, the plane what is left.
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            footer(ui, scene, plane);
            self.plane(ui, scene, plane);
        });
    }

    fn plane(&mut self, ui: &mut Ui, scene: &mut Scene<'_>, plane: &FeaturePlane) {
        let ground = &plane.ground;
        let rect = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        super::space_runs(ui, &response, scene.actions);
        self.steer(ui, &response);
        let mut map = Map::fit(ground, rect.shrink(6.0));
        map.scale *= self.zoom;
        map.middle += self.pan;
        let painter = ui.painter().with_clip_rect(rect);
        self.draw(ui, &painter, scene, plane, map);
        hover(scene, plane, map, &response);
        let text = describe(scene, plane);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
    }

    /// Drag moves, the wheel and + and - zoom, a double click or Home fits.
    fn steer(&mut self, ui: &Ui, response: &egui::Response) {
        if self.zoom == 0.0 {
            self.zoom = 1.0;
        }
        self.pan += response.drag_delta();
        let mut factor = 1.0;
        let mut anchor = response.rect.center();
        if let Some(pointer) = response.hover_pos() {
            anchor = pointer;
            factor *= ui.input(|input| input.zoom_delta() * (0.003 * input.smooth_scroll_delta().y).exp());
        }
        if response.clicked() {
            response.request_focus();
        }
        let mut home = response.double_clicked();
        if response.has_focus() {
            ui.input_mut(|input| {
                let pressed = |input: &mut egui::InputState, key| input.consume_key(egui::Modifiers::NONE, key);
                factor *= if pressed(input, Key::Plus) || pressed(input, Key::Equals) { 1.25 } else { 1.0 };
                factor *= if pressed(input, Key::Minus) { 0.8 } else { 1.0 };
                home |= pressed(input, Key::Home);
            });
        }
        if home {
            (self.zoom, self.pan) = (1.0, Vec2::ZERO);
        } else if factor != 1.0 {
            let zoom = (self.zoom * factor).clamp(0.2, 60.0);
            let from_middle = anchor - response.rect.center() - self.pan;
            self.pan -= from_middle * (zoom / self.zoom - 1.0);
            self.zoom = zoom;
        }
    }

    fn draw(&mut self, ui: &Ui, painter: &Painter, scene: &Scene<'_>, plane: &FeaturePlane, map: Map) {
        let theme = theme::of(ui);
        let ground = &plane.ground;
        painter.add(Shape::Mesh(self.real_points(ui, ground, theme, map)));
        for (class, ellipse) in ground.spreads.iter().enumerate() {
            let color = theme.class(class);
            let width = if scene.view.hover.class == Some(class) { 2.6 } else { 1.0 };
            for (sigma, opacity) in [(1.0, 0.65), (2.0, 0.32)] {
                let stroke = Stroke::new(width, theme::fade(color, opacity));
                painter.add(Shape::closed_line(outline(ellipse, sigma, map), stroke));
            }
        }
        for (class, ellipse) in plane.spreads.iter().enumerate() {
            for (sigma, width) in [(1.0, 1.8), (2.0, 1.0)] {
                let mut points = outline(ellipse, sigma, map);
                points.push(points[0]);
                let stroke = Stroke::new(width, theme::fade(theme.class(class), 0.9));
                painter.extend(Shape::dashed_line(&points, stroke, 5.0, 4.0));
            }
        }
        for (class, ball) in plane.balls.iter().enumerate() {
            let color = theme.class(class);
            let centre = map.place(ball.centre);
            if let Some(threshold) = plane.threshold {
                let stroke = Stroke::new(1.5, theme::fade(color, 0.8));
                painter.circle(centre, threshold * map.scale, theme::fade(color, 0.06), stroke);
            }
            if shows_rings(scene) {
                painter.circle_stroke(centre, ball.radius * map.scale, Stroke::new(1.0, theme::fade(color, 0.8)));
            }
        }
        for (class, ellipse) in ground.spreads.iter().enumerate() {
            cross(painter, map.place(ellipse.centre), theme.class(class), theme);
        }
        synthetic_points(painter, scene, plane, theme, map);
    }

    /// The real points: one mesh, made anew only when the view changes.
    fn real_points(&mut self, ui: &Ui, ground: &Arc<Ground>, theme: &Theme, map: Map) -> Arc<Mesh> {
        let key = MeshKey { ground: Arc::as_ptr(ground) as usize, map, dark: ui.visuals().dark_mode };
        if let Some((known, mesh)) = &self.mesh
            && *known == key
        {
            return mesh.clone();
        }
        let disc = self.disc.get_or_insert_with(|| disc(ui.ctx()));
        let mut mesh = Mesh::with_texture(disc.id());
        let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        mesh.reserve_vertices(4 * ground.real.len());
        mesh.reserve_triangles(2 * ground.real.len());
        for point in &ground.real {
            let color = theme::fade(theme.class(point.class.into()), theme.real_alpha);
            mesh.add_rect_with_uv(Rect::from_center_size(map.place(point.at), Vec2::splat(4.0)), whole, color);
        }
        let mesh = Arc::new(mesh);
        self.mesh = Some((key, mesh.clone()));
        mesh
    }
}

/// Rings belong to the term that makes them small.
fn shows_rings(scene: &Scene<'_>) -> bool {
    scene.run.mixer.strips.iter().any(|strip| strip.control.id == "centralization" && strip.applied > 0.0)
}

/// A soft disc, white, to be tinted.
fn disc(ctx: &egui::Context) -> TextureHandle {
    const SIDE: usize = 16;
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let pixel = |index: usize| {
        let (x, y) = ((index % SIDE) as f32 - middle, (index / SIDE) as f32 - middle);
        theme::coverage((255.0 * (middle + 0.5 - x.hypot(y)).clamp(0.0, 1.0)) as u8)
    };
    let image = ColorImage::new([SIDE, SIDE], (0..SIDE * SIDE).map(pixel).collect());
    ctx.load_texture("disc", image, TextureOptions::LINEAR)
}

fn outline(ellipse: &Ellipse, sigma: f32, map: Map) -> Vec<Pos2> {
    let corner = |step: usize| {
        let (sin, cos) = (step as f32 / 48.0 * std::f32::consts::TAU).sin_cos();
        let at = |axis: usize| ellipse.centre[axis] + sigma * (cos * ellipse.major[axis] + sin * ellipse.minor[axis]);
        map.place([at(0), at(1)])
    };
    (0..48).map(corner).collect()
}

/// The centre of a real class.
fn cross(painter: &Painter, at: Pos2, color: Color32, theme: &Theme) {
    for (width, color) in [(4.0, theme.panel), (1.8, color)] {
        painter.line_segment([at - vec2(5.5, 0.0), at + vec2(5.5, 0.0)], Stroke::new(width, color));
        painter.line_segment([at - vec2(0.0, 5.5), at + vec2(0.0, 5.5)], Stroke::new(width, color));
    }
}

fn synthetic_points(painter: &Painter, scene: &Scene<'_>, plane: &FeaturePlane, theme: &Theme, map: Map) {
    let most = plane.synthetic.iter().map(|point| point.hidden).fold(1e-9, f32::max);
    // Small pictures and crowds get small marks.
    let room = painter.clip_rect().size().min_elem() / if plane.synthetic.len() > 200 { 130.0 } else { 90.0 };
    let radius = room.clamp(2.4, 4.5);
    for (index, point) in plane.synthetic.iter().enumerate() {
        let at = map.place(point.at);
        let color = theme.class(point.class.into());
        let ring = radius * (1.3 + 1.3 * point.hidden / most);
        painter.circle_stroke(at, ring, Stroke::new(1.0, theme::fade(color, 0.4)));
        let near = scene.view.hover.image == Some(index) || scene.view.selected.image == Some(index);
        let size = if near { 1.5 * radius } else { radius };
        marker::paint(painter, point.class.into(), at, size, color, Stroke::new(1.0, theme.ground));
        if near {
            painter.circle_stroke(at, ring + 3.0, Stroke::new(2.0, theme.accent));
        }
    }
}

fn hover(scene: &mut Scene<'_>, plane: &FeaturePlane, map: Map, response: &egui::Response) {
    let Some(pointer) = response.hover_pos() else { return };
    let nearest = |points: &[Point], reach: f32| {
        let distances = points.iter().enumerate().map(|(at, point)| (at, map.place(point.at).distance(pointer)));
        distances.filter(|(_, distance)| *distance < reach).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    };
    let synthetic = nearest(&plane.synthetic, 11.0);
    if let Some(image) = synthetic {
        scene.view.hovering.image = synthetic;
        scene.view.hovering.class = Some(plane.synthetic[image].class.into());
    }
    let real = if synthetic.is_none() { nearest(&plane.ground.real, 6.0) } else { None };
    let (point, title) = match (synthetic, real) {
        (Some(at), _) => {
            let point = plane.synthetic[at];
            let before = plane.synthetic[..at].iter().filter(|other| other.class == point.class).count();
            (point, format!("{} · {}", scene.run.class_name(point.class.into()), scene.run.image_name(before)))
        }
        (None, Some(at)) => {
            let point = plane.ground.real[at];
            (point, format!("{} · real", scene.run.class_name(point.class.into())))
        }
        _ => return,
    };
    super::card(response, |ui| {
        ui.label(RichText::new(title).strong());
        ui.label(
            RichText::new(format!("{:.3} away from the plane, which the picture hides", point.hidden)).small().weak(),
        );
        let centre = plane.ground.spreads.get(usize::from(point.class)).map(|spread| spread.centre);
        if let Some([x, y]) = centre {
            let distance = (point.at[0] - x).hypot(point.at[1] - y);
            ui.label(RichText::new(format!("{distance:.3} from its class centre in the plane")).small().weak());
        }
    });
}

fn header(ui: &mut Ui, step: u64, ground: &Ground) {
    let accuracy = ground.accuracy.map_or(String::new(), |accuracy| format!(", {:.1} % right", 100.0 * accuracy));
    let of = if ground.pool > 1 { format!(", network 1 of {}", ground.pool) } else { String::new() };
    let text = format!("Seen through {}{accuracy}{of}", ground.probe);
    let hint = "The network that turns images into points: trained on the real images, then held still. The terms \
                that look through trained networks draw one of the pool at every step; this is the first";
    super::caption(ui, format!("Step {step} · {text}")).on_hover_text(hint);
}

fn footer(ui: &mut Ui, scene: &Scene<'_>, plane: &FeaturePlane) {
    let ground = &plane.ground;
    let kept = format!(
        "This plane shows {:.0} % of the variance in {} dimensions",
        100.0 * ground.kept_variance,
        ground.dimensions
    );
    let disc = if plane.threshold.is_some() { " · disc: ball of its radius in all dimensions" } else { "" };
    let ring = if shows_rings(scene) { " · circle: root-mean-square distance in all dimensions" } else { "" };
    let marks = format!(
        "Small: real · large: synthetic, rings grow with what the plane hides · + real centre · ellipses 1σ and 2σ, dashed synthetic{disc}{ring}"
    );
    let hint = "In a plane, one standard deviation holds 39 % of a Gaussian, two hold 86 %";
    ui.spacing_mut().item_spacing.y = 2.0;
    // A low panel keeps its room for the points.
    let label = egui::Label::new(RichText::new(&marks).small().color(theme::of(ui).dim));
    let label = if ui.available_height() > 240.0 { label.wrap() } else { label.truncate() };
    ui.add(label.show_tooltip_when_elided(false)).on_hover_text(format!("{marks}\n\n{hint}"));
    ui.label(RichText::new(kept).small());
}

/// The chart in a sentence.
fn describe(scene: &Scene<'_>, plane: &FeaturePlane) -> String {
    let ground = &plane.ground;
    let classes = scene.run.info.as_ref().map_or(ground.spreads.len(), |info| info.classes.len());
    format!(
        "Feature space: {} real and {} synthetic points of {classes} classes through {}, {:.0} % of the variance shown",
        ground.real.len(),
        plane.synthetic.len(),
        ground.probe,
        100.0 * ground.kept_variance
    )
}
