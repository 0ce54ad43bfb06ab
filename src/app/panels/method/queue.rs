//! The networks that learn beside the run, the idea of IDM: a strip of them by age, and which one looked at which step.

use egui::{Align2, FontId, Painter, Rect, RichText, Sense, Stroke, Ui, pos2, vec2};

use crate::{
    app::{
        state::RunState,
        theme::{self, Theme},
        view::Scene,
        widgets::{
            chart::{self, Chart, Extent},
            icon::{self, Icon},
        },
    },
    report::{
        QueueInfo, QueuedNetwork,
        page::{Axis, Unit},
    },
    words::grouped,
};

/// A network is never drawn wider or narrower.
const WIDEST: f32 = 46.0;
const NARROWEST: f32 = 7.0;
/// Below this width the batches are not written under a network.
const WITH_TEXT: f32 = 26.0;
/// Below this height the looks over the steps are left out.
const LOW: f32 = 200.0;
/// Looks that are drawn at most.
const MOST_LOOKS: usize = 1500;

/// Draws the page.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let run = scene.run;
    let Some(((step, networks), info)) =
        run.pictures.queue.as_ref().zip(run.info.as_ref().and_then(|info| info.queue.as_ref()))
    else {
        super::super::empty(ui, "Nothing to read yet", "The networks appear with the run");
        return;
    };
    chart::summary(ui, ui.available_rect_before_wrap(), "Queue", &describe(*step, networks));
    let text = format!(
        "Step {} · {} networks, oldest to the left; height: real images named rightly while learning · {}",
        grouped(*step),
        networks.len(),
        next(*step, info)
    );
    let hint = format!(
        "At every step one network, marked by an eye, looks at real and synthetic images. Then {} of them, marked by a dot, \
         learn from {} batches of real images each. At most {} stay.",
        info.trained, info.batches, info.most
    );
    super::super::caption(ui, text).on_hover_text(hint);
    let below = if ui.available_height() > LOW { 0.46 * ui.available_height() } else { 0.0 };
    strip(ui, networks, ui.available_height() - below);
    if below > 0.0 {
        looks(ui, run);
    }
}

/// When something changes next, in words.
fn next(step: u64, info: &QueueInfo) -> String {
    let left = |every: u64| every - step % every;
    let young = format!("a young one comes in {}", grouped(left(info.push_every)));
    let every = (info.forget_every > 0).then(|| left(info.forget_every));
    let at = info.forget_at.iter().filter(|&&at| at > step).map(|at| at - step);
    match every.into_iter().chain(at).min() {
        None => young,
        Some(left) => format!("{young}, heights begin anew in {}", grouped(left)),
    }
}

fn strip(ui: &mut Ui, networks: &[QueuedNetwork], height: f32) {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let across = (rect.width() / networks.len().max(1) as f32).clamp(NARROWEST, WIDEST);
    // Where not all have room, the youngest are shown.
    let shown = networks.len().min((rect.width() / across) as usize);
    let texts = if across >= WITH_TEXT { 15.0 } else { 2.0 };
    let bars = Rect::from_min_max(rect.min + vec2(0.0, 16.0), pos2(rect.right(), rect.bottom() - texts));
    for percent in [0.5, 1.0] {
        let y = bars.bottom() - percent * bars.height();
        painter.hline(rect.left()..=rect.left() + across * shown as f32, y, Stroke::new(1.0, theme.line));
    }
    let mut under_pointer = None;
    for (at, one) in networks.iter().skip(networks.len() - shown).enumerate() {
        let left = rect.left() + across * at as f32;
        let column = Rect::from_min_max(pos2(left, rect.top()), pos2(left + across, rect.bottom()));
        network(&painter, column, bars, one, theme);
        if across >= WITH_TEXT {
            let font = FontId::proportional(10.5);
            painter.text(column.center_bottom(), Align2::CENTER_BOTTOM, grouped(one.batches), font, theme.dim);
        }
        if response.hover_pos().is_some_and(|pointer| column.contains(pointer)) {
            under_pointer = Some(one);
        }
    }
    if let Some(one) = under_pointer {
        super::super::card(&response, |ui| {
            ui.label(RichText::new(format!("Network {}", one.serial + 1)).strong());
            for line in words(one) {
                ui.label(RichText::new(line).small().weak());
            }
        });
    }
}

/// A network: a bar as high as its accuracy, an eye where it looks, a dot where it learns.
fn network(painter: &Painter, column: Rect, bars: Rect, one: &QueuedNetwork, theme: &Theme) {
    let gap = (0.12 * column.width()).clamp(1.0, 4.0);
    let (left, right) = (column.left() + gap, column.right() - gap);
    let top = bars.bottom() - one.accuracy.unwrap_or(0.0) as f32 * bars.height();
    let frame = Rect::from_min_max(pos2(left, bars.top()), pos2(right, bars.bottom()));
    painter.rect_filled(frame, 2.0, theme.raised);
    let color = if one.looks { theme.accent } else { theme::fade(theme.second, 0.8) };
    painter.rect_filled(Rect::from_min_max(pos2(left, top), frame.max), 2.0, color);
    if one.looks {
        let eye = Rect::from_center_size(pos2(column.center().x, column.top() + 7.0), vec2(14.0, 9.0));
        icon::paint(painter, Icon::Eye, eye, theme.accent);
    }
    if one.learns {
        let aside = if one.looks { 11.0 } else { 0.0 };
        painter.circle_filled(pos2(column.center().x + aside, column.top() + 8.0), 2.5, theme.second);
    }
}

/// What is known of a network.
fn words(one: &QueuedNetwork) -> Vec<String> {
    let mut lines = vec![match one.batches {
        0 => "has learned nothing yet".to_owned(),
        batches => format!("has learned from {} batches of real images", grouped(batches)),
    }];
    lines.push(match one.accuracy {
        Some(accuracy) => format!("named {:.1} % of them rightly before it learned from them", 100.0 * accuracy),
        None => "has not learned since heights began anew".to_owned(),
    });
    lines.extend(one.looks.then(|| "looks at the images in the next step".to_owned()));
    lines.extend(one.learns.then(|| "learns after the next step".to_owned()));
    lines
}

/// The accuracy of the network that looked, step by step.
fn looks(ui: &mut Ui, run: &RunState) {
    let theme = theme::of(ui);
    let looks = &run.history.looks;
    let points: Vec<[f64; 2]> = looks.iter().map(|&(step, accuracy)| [step as f64, f64::from(accuracy)]).collect();
    super::super::caption(ui, "Accuracy of the network that looked, over the steps");
    let axes = [Axis::steps(), Axis { unit: Unit::Percent, from: Some(0.0), to: Some(1.0), ..Axis::default() }];
    let steps = Extent::of(points.iter().map(|point| point[0]));
    let chart = Chart::new(ui, "looks", &axes[0], &axes[1], steps);
    let points = chart::thinned(&points, chart.part(), MOST_LOOKS / 4);
    let area = chart.show(ui, Extent::default());
    for at in points.into_iter().filter_map(|point| area.place(point)) {
        area.painter.circle_filled(at, 1.6, theme::fade(theme.accent, 0.8));
    }
}

/// The page in a sentence.
fn describe(step: u64, networks: &[QueuedNetwork]) -> String {
    let looks = networks.iter().find(|one| one.looks);
    let looks = looks.map(|one| format!("; network {} looks, it {}", one.serial + 1, words(one)[0]));
    format!("step {}, {} networks{}", grouped(step), networks.len(), looks.unwrap_or_default())
}
