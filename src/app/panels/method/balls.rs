//! What stands for the ball of a class: its sigma points, the real images that were picked for them, and the Gaussian that can be
//! rebuilt from the picks.

use egui::{Align2, FontId, Painter, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::plane::Plane;
use crate::{
    app::{
        theme::{self, Theme},
        view::Scene,
        widgets::{chart, classes},
    },
    report::{BallView, EnergyView, OnMap},
    words::{bytes, grouped},
};

/// Width of the list of classes.
const LIST: f32 = 86.0;
/// Width of the numbers.
const NUMBERS: f32 = 190.0;
/// Below this width the numbers are left out.
const NARROW: f32 = 520.0;

/// Draws the page.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let run = scene.run;
    let Some((step, view)) = run.pictures.energy.as_ref().filter(|(_, view)| !view.balls.is_empty()) else {
        super::super::empty(ui, "Nothing to read yet", "The balls appear with the map");
        return;
    };
    let class = scene.view.selected.class.unwrap_or(0).min(view.balls.len() - 1);
    let ball = &view.balls[class];
    let text = format!(
        "Step {} · {}: ellipse 1\u{3c3} · crosses sigma points, as large as their weight · rings picks · dashed: rebuilt from {} picks",
        grouped(*step),
        run.class_name(class),
        ball.picks.len()
    );
    chart::summary(ui, ui.available_rect_before_wrap(), "Sigma points", &text);
    super::super::caption(ui, text);
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let theme = theme::of(ui);
    let list = Rect::from_min_max(rect.min, pos2(rect.left() + LIST, rect.bottom()));
    let figures = vec![String::new(); view.balls.len()];
    if let Some(chosen) = classes::list(ui, list, scene, class, "Ball of", &figures) {
        scene.view.selected.class = Some(chosen);
    }
    let wide = rect.width() > NARROW;
    let right = if wide { rect.right() - NUMBERS } else { rect.right() };
    let area = Rect::from_min_max(pos2(list.right() + 6.0, rect.top()), pos2(right - 6.0, rect.bottom()));
    picture(&ui.painter().with_clip_rect(area), area.shrink(8.0), view, class, theme);
    if wide {
        let numbers_at = Rect::from_min_max(pos2(right, rect.top()), rect.max);
        numbers(&ui.painter().with_clip_rect(numbers_at), numbers_at, ball, scene.run.on_map.as_ref(), theme);
    }
}

fn picture(painter: &Painter, rect: Rect, view: &EnergyView, class: usize, theme: &Theme) {
    let ball = &view.balls[class];
    let own = view.points.iter().filter(|(_, of)| usize::from(*of) == class).map(|(at, _)| *at);
    let plane = Plane::fit(own.clone().chain(ball.sigma.iter().map(|one| one.at)), rect);
    let color = theme.class(class);
    for at in own {
        painter.circle_filled(plane.place(at), 1.8, theme::fade(color, 0.5));
    }
    for (pick, sigma) in &ball.picks {
        let ends = [plane.place(*pick), plane.place(ball.sigma[*sigma].at)];
        painter.line_segment(ends, Stroke::new(1.0, theme::fade(theme.text, 0.25)));
    }
    let most = ball.sigma.iter().map(|one| one.weight.abs()).fold(f64::MIN_POSITIVE, f64::max);
    for one in &ball.sigma {
        // The middle one often weighs forty times as much: areas, not lengths.
        let arm = 4.0 + 8.0 * (one.weight.abs() / most).sqrt() as f32;
        let at = plane.place(one.at);
        for way in [vec2(arm, 0.0), vec2(0.0, arm)] {
            let color = if one.weight < 0.0 { theme.bad } else { theme.text };
            painter.line_segment([at - way, at + way], Stroke::new(1.3, color));
        }
    }
    for (pick, _) in &ball.picks {
        painter.circle(plane.place(*pick), 4.5, theme::fade(color, 0.9), Stroke::new(1.5, theme.text));
    }
    plane.ellipse(painter, &ball.ellipse, Stroke::new(1.6, color), false);
    plane.ellipse(painter, &ball.rebuilt, Stroke::new(1.6, theme.accent), true);
}

/// How well the points stand for the ball, and what classifiers make of all balls.
fn numbers(painter: &Painter, rect: Rect, ball: &BallView, judged: Option<&OnMap>, theme: &Theme) {
    let font = FontId::proportional(11.0);
    let mut y = rect.top();
    let mut line = |cells: [String; 3], color: egui::Color32| {
        let ends = [
            (rect.left(), Align2::LEFT_TOP),
            (rect.left() + 0.66 * rect.width(), Align2::RIGHT_TOP),
            (rect.right(), Align2::RIGHT_TOP),
        ];
        for (text, (x, align)) in cells.into_iter().zip(ends) {
            painter.text(pos2(x, y), align, text, font.clone(), color);
        }
        y += 15.0;
    };
    let words = |cells: [&str; 3]| cells.map(str::to_owned);
    line(words(["error of", "mean", "covariance"]), theme.dim);
    for (name, [mean, covariance]) in [("sigma points", ball.sigma_errors), ("rebuilt", ball.rebuilt_errors)] {
        let share = format!("{:.2} %", 100.0 * covariance);
        line([name.to_owned(), format!("{mean:.1e}"), share], theme.text);
    }
    let Some(judged) = judged else { return };
    line(words(["", "", ""]), theme.dim);
    line([format!("step {}, learned from", grouped(judged.step)), String::new(), "right".to_owned()], theme.dim);
    for row in &judged.rows {
        let stored = if row.bytes > 0 { bytes(row.bytes as f64) } else { String::new() };
        let name = row.form.short().to_owned();
        let right = format!("{:.1} %", 100.0 * row.logistic.mean);
        line([name, stored, right], theme.text);
    }
}
