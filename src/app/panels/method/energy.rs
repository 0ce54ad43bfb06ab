//! Pairs on the curve of their energy, one well at two scales, and the class balls with the forces between them: the picture
//! behind PEMDD.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::plane::Plane;
use crate::{
    app::{
        theme::{self, Theme},
        view::Scene,
        widgets::{chart, marker},
    },
    report::EnergyView,
    words::grouped,
};

/// Bottom of the well: where it lies and how deep it is.
const WELL: (f32, f32) = (1.5, -4.0 / 27.0);
/// The curve is drawn up to this scaled distance at least.
const FARTHEST: f32 = 3.0;
/// And from this energy down; above, the axis would hide the well.
const HIGHEST: f32 = 0.6;
/// The longest arrow.
const ARROW: f32 = 34.0;

/// Draws the page.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let Some((step, view)) = &scene.run.pictures.energy else {
        super::waits(ui, scene.run, "The pairs appear with the map");
        return;
    };
    let [within, between] = view.energy;
    let text = format!(
        "Step {} · energy {:.3}, of pairs of one class {within:.3}, of two {between:.3} · classes lie {:.1} times as far apart as \
         they are wide",
        grouped(*step),
        within + between,
        view.spread
    );
    chart::summary(ui, ui.available_rect_before_wrap(), "Energy", &text);
    let rest = |gamma: f64| (1.5 - view.offset) / gamma;
    let hint = format!(
        "Two points repel each other to the left of the well and attract each other to the right. Points of one class rest {:.1} \
         apart, points of two classes {:.1}. Apart and wide are meant as variances.",
        rest(1.0),
        rest(view.ratio)
    );
    super::super::caption(ui, text).on_hover_text(hint);
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let theme = theme::of(ui);
    let (left, right) = if rect.width() > 1.3 * rect.height() {
        rect.split_left_right_at_fraction(0.5)
    } else {
        rect.split_top_bottom_at_fraction(0.5)
    };
    curve(&painter.with_clip_rect(left), left.shrink(4.0), view, theme);
    balls(&painter.with_clip_rect(right), right.shrink(6.0), view, theme);
}

fn energy(r: f32) -> f32 {
    let inverse = 1.0 / r;
    inverse * inverse * (inverse - 1.0)
}

/// The curve with its well, and every drawn pair upon it.
fn curve(painter: &Painter, rect: Rect, view: &EnergyView, theme: &Theme) {
    let small = FontId::proportional(10.5);
    let plot = Rect::from_min_max(rect.min + vec2(4.0, 14.0), rect.max - vec2(4.0, 16.0));
    let most = view.between.iter().chain(&view.within).copied().fold(FARTHEST, f32::max).min(8.0);
    let least = (view.offset as f32).min(0.6);
    let low = 1.35 * WELL.1;
    let place = |r: f32, e: f32| -> Pos2 {
        let x = plot.left() + plot.width() * ((r - least) / (most - least)).clamp(0.0, 1.0);
        let y = plot.bottom() - plot.height() * ((e.min(HIGHEST) - low) / (HIGHEST - low)).clamp(0.0, 1.0);
        pos2(x, y)
    };
    let zero = place(least, 0.0).y;
    painter.hline(plot.x_range(), zero, Stroke::new(1.0, theme.line));
    painter.text(pos2(plot.right(), zero - 2.0), Align2::RIGHT_BOTTOM, "energy 0", small.clone(), theme.dim);
    let well = place(WELL.0, WELL.1);
    painter.vline(well.x, egui::Rangef::new(well.y, plot.bottom()), Stroke::new(1.0, theme.line));
    painter.text(pos2(well.x, plot.bottom() + 2.0), Align2::CENTER_TOP, "rest 1.5", small.clone(), theme.dim);
    let steps = 160_u8;
    let line = (0..=steps).map(|step| {
        let r = least + (most - least) * f32::from(step) / f32::from(steps);
        place(r, energy(r))
    });
    painter.line(line.collect(), Stroke::new(1.5, theme.faint));
    let kinds: [(&[f32], Color32, f32, &str); 2] =
        [(&view.within, theme.accent, -4.0, "pairs of a class"), (&view.between, theme.second, 4.0, "pairs of two")];
    for (row, (pairs, color, above, name)) in kinds.into_iter().enumerate() {
        // A little above and below the curve, so that both kinds are seen where they meet.
        for &r in pairs {
            painter.circle_filled(place(r, energy(r)) + vec2(0.0, above), 1.7, theme::fade(color, 0.55));
        }
        let at = pos2(plot.right() - 4.0, rect.top() + 13.0 * row as f32);
        let text = painter.text(at, Align2::RIGHT_TOP, name, small.clone(), theme.dim);
        painter.circle_filled(text.left_center() - vec2(7.0, 0.0), 3.0, color);
    }
    painter.text(plot.right_bottom() + vec2(0.0, 2.0), Align2::RIGHT_TOP, "farther apart", small, theme.dim);
}

/// The samples in their plane, the balls, and the force of all other classes on each.
fn balls(painter: &Painter, rect: Rect, view: &EnergyView, theme: &Theme) {
    let ends = view.points.iter().map(|(at, _)| *at);
    let plane = Plane::fit(ends, Rect::from_min_max(rect.min, rect.max - vec2(0.0, 14.0)));
    for (at, class) in &view.points {
        painter.circle_filled(plane.place(*at), 1.4, theme::fade(theme.class((*class).into()), theme.real_alpha));
    }
    let length = |force: &[f32; 2]| force[0].hypot(force[1]);
    let most = view.forces.iter().map(length).fold(f32::MIN_POSITIVE, f32::max);
    for (class, (ball, force)) in view.balls.iter().zip(&view.forces).enumerate() {
        let color = theme.class(class);
        plane.ellipse(painter, &ball.ellipse, Stroke::new(1.3, color), false);
        let centre = plane.place(ball.ellipse.centre);
        let arrow = vec2(force[0], -force[1]) * (ARROW / most);
        if arrow.length() > 3.0 {
            painter.arrow(centre, arrow, Stroke::new(1.5, theme.text));
        }
        marker::paint(painter, class, centre, 4.0, color, Stroke::new(1.0, theme.ground));
    }
    let small = FontId::proportional(10.5);
    let text = match rect.width() {
        260.0.. => format!("arrows: forces between classes · {} dimensions in a plane", view.dimensions),
        _ => "arrows: forces".to_owned(),
    };
    painter.text(rect.center_bottom(), Align2::CENTER_BOTTOM, text, small, theme.dim);
}
