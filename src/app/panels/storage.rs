//! Storage and accuracy: what the images are worth against what they weigh, beside random images and the whole set.
//!
//! Results of different protocols, networks or test sets are different questions: each has a marker and a legend entry
//! of its own, and no line ever joins two of them.

use std::path::Path;

use egui::{Color32, ComboBox, RichText, Role, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::{HLine, Line, Plot, PlotPoints, PlotTransform, PlotUi};

use super::{
    compared::{self, Reference},
    judged,
};
use crate::{
    app::{
        action::Action,
        opening::short_name,
        state::RunState,
        theme::{self, Theme},
        view::{JudgedAs, Scene},
        widgets::{chart, marker},
    },
    report::{Evaluation, Subject, TestedOn, WhySkipped},
    words::{bytes, duration, grouped},
};

/// Evaluations that may be compared: one protocol, one network, one test set.
#[derive(Clone, PartialEq)]
struct Question {
    protocol: String,
    network: String,
    tested_on: TestedOn,
}

impl Question {
    fn of(evaluation: &Evaluation) -> Self {
        let (protocol, network) = (evaluation.accuracy.protocol.clone(), evaluation.network.clone());
        Self { protocol, network, tested_on: evaluation.tested_on }
    }

    /// In words; the network where it is not the usual one of the run.
    fn name(&self, usual: &str) -> String {
        let set = match self.tested_on {
            TestedOn::Holdout => "hold-out",
            TestedOn::Test => "test",
        };
        match self.network == usual {
            true => format!("{} on {set}", self.protocol),
            false => format!("{} on {set}, {}", self.protocol, self.network),
        }
    }
}

/// The network with which a run is judged first.
fn usual(run: &RunState) -> &str {
    run.evaluations.first().map_or("", |evaluation| &evaluation.network)
}

/// Draws the panel.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let questions = questions(scene.run);
    header(ui, scene, &questions);
    progress(ui, scene);
    owed(ui, scene);
    opened(ui, scene);
    let run = scene.run;
    let shown: Vec<(usize, &Evaluation)> = run
        .evaluations
        .iter()
        .filter_map(|evaluation| {
            let question = Question::of(evaluation);
            // Columns are networks there.
            let name = match scene.view.judged_as {
                JudgedAs::Networks => Question { network: usual(run).to_owned(), ..question.clone() }.name(usual(run)),
                _ => question.name(usual(run)),
            };
            let wanted = scene.view.protocol.as_ref().is_none_or(|wanted| *wanted == name);
            wanted.then(|| (questions.iter().position(|known| *known == question).unwrap_or(0), evaluation))
        })
        .collect();
    let over_storage = scene.view.judged_as == JudgedAs::Storage;
    let references = if over_storage { compared::references(run, &shown) } else { Vec::new() };
    if shown.is_empty() && references.is_empty() {
        super::empty(ui, "Not judged yet", "Evaluations during the run appear here, or ask for one in the run panel");
        return;
    }
    let evaluations: Vec<&Evaluation> = shown.iter().map(|(_, evaluation)| *evaluation).collect();
    match scene.view.judged_as {
        JudgedAs::Networks => return judged::networks(ui, scene, &evaluations),
        JudgedAs::Classes => return judged::classes(ui, scene, &evaluations),
        JudgedAs::Storage | JudgedAs::Steps => {}
    }
    chart::summary(ui, ui.available_rect_before_wrap(), "Storage and accuracy", &describe(&shown));
    legend(ui, &shown, &questions, usual(run));
    plot(ui, scene, &shown, &references);
}

/// Every question in the order in which it was first answered.
fn questions(run: &RunState) -> Vec<Question> {
    let mut questions = Vec::new();
    for evaluation in &run.evaluations {
        let question = Question::of(evaluation);
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    questions
}

fn header(ui: &mut Ui, scene: &mut Scene<'_>, questions: &[Question]) {
    let usual = usual(scene.run);
    ui.horizontal_wrapped(|ui| {
        let options = [
            (JudgedAs::Storage, "By storage", "Accuracy against the bytes of the training images"),
            (JudgedAs::Steps, "By step", "Accuracy as the run goes on"),
            (JudgedAs::Networks, "By network", "Accuracy of other networks that learn from the same images"),
            (JudgedAs::Classes, "By class", "Which class is taken for which"),
        ];
        super::choices(ui, &mut scene.view.judged_as, &options);
        ui.add_space(6.0);
        if scene.view.protocol.as_ref().is_some_and(|name| questions.iter().all(|known| known.name(usual) != *name)) {
            scene.view.protocol = None;
        }
        let text = scene.view.protocol.clone().unwrap_or_else(|| "All protocols, apart".to_owned());
        let combo = ComboBox::from_id_salt("protocol").selected_text(text).show_ui(ui, |ui| {
            ui.selectable_value(&mut scene.view.protocol, None, "All protocols, apart");
            for question in questions {
                ui.selectable_value(&mut scene.view.protocol, Some(question.name(usual)), question.name(usual));
            }
        });
        let hint = "Only results of the same protocol on the same images may be compared";
        combo.response.on_hover_text(hint).widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Protocol"));
    });
}

/// The evaluation under way, with a way out.
pub(crate) fn progress(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(progress) = &scene.run.evaluating else { return };
    ui.horizontal(|ui| {
        if ui.button("Cancel").on_hover_text("Give up this evaluation; the run goes on").clicked() {
            scene.actions.push(Action::CancelEvaluation);
        }
        let left = progress.secs_left.is_finite().then(|| format!(" · {} left", duration(progress.secs_left)));
        let text = format!("{}{}", progress.what, left.unwrap_or_default());
        let bar = egui::ProgressBar::new(progress.done as f32).desired_height(16.0).fill(theme::of(ui).wash);
        ui.add(bar.text(RichText::new(text).small()));
    });
}

/// What was left out or given up, each with a button that asks for it, and what that takes.
fn owed(ui: &mut Ui, scene: &mut Scene<'_>) {
    let run = scene.run;
    for owed in &run.owed {
        ui.horizontal_wrapped(|ui| {
            let word = match owed.why {
                WhySkipped::Interrupted => "Go on",
                WhySkipped::Failed => "Try again",
                WhySkipped::NotAsked | WhySkipped::TooLarge => "Judge it",
            };
            let price = match run.price(owed) {
                // Of what was given up, some networks are tested already.
                Some(secs) if owed.why == WhySkipped::Interrupted => format!(", {} at most", duration(secs)),
                Some(secs) => format!(", about {}", duration(secs)),
                None => String::new(),
            };
            let button = egui::Button::new(format!("{word}{price}")).small();
            let response = ui.add_enabled(run.is_open(), button);
            let name = format!("{word}: {}", owed.what());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, run.is_open(), &name));
            if response.on_hover_text("Forecast from what was judged before").clicked() {
                scene.actions.push(Action::Evaluate(owed.trial.clone()));
            }
            super::caption(ui, format!("{}: {}", owed.what(), owed.reason()));
        });
    }
}

/// What was opened beside the run, by name, with a way to close it.
fn opened(ui: &mut Ui, scene: &mut Scene<'_>) {
    let run = scene.run;
    if let Some(opened) = run.comparison_shown() {
        let about = format!("{}\n{} on {}", opened.path.display(), opened.comparison.protocol, opened.comparison.data);
        if super::opened(ui, &opened.path, &about) {
            scene.actions.push(Action::CloseComparison);
        }
    }
    if let Some(opened) = &run.opened
        && super::opened(ui, &opened.set.path, &opened.set.describe())
    {
        scene.actions.push(Action::CloseSet);
    }
}

fn subject_color(subject: Subject, theme: &Theme) -> Color32 {
    match subject {
        Subject::Synthetic | Subject::Exported => theme.accent,
        Subject::Random => theme.second,
        Subject::Medoids | Subject::FeatureMedoids => theme.warn,
        Subject::Herding => theme.classes[4],
        Subject::KCenter => theme.classes[9],
        Subject::Forgetting => theme.classes[5],
        Subject::Whole => theme.text,
    }
}

pub(crate) fn subject_name(subject: Subject) -> &'static str {
    match subject {
        Subject::Synthetic => "Synthetic",
        Subject::Random => "Random real",
        Subject::Medoids => "Medoids",
        Subject::FeatureMedoids => "Medoids in features",
        Subject::Herding => "Herding",
        Subject::KCenter => "k-center",
        Subject::Forgetting => "Most forgotten",
        Subject::Exported => "Exported",
        Subject::Whole => "Whole set",
    }
}

/// The name of what was judged; of images from files the file.
fn name_of(evaluation: &Evaluation) -> String {
    match &evaluation.source {
        Some(source) => short_name(Path::new(source)),
        None => subject_name(evaluation.subject).to_owned(),
    }
}

/// The marker of a question; filled ones belong to synthetic images.
const MARKERS: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

fn legend(ui: &mut Ui, shown: &[(usize, &Evaluation)], questions: &[Question], usual: &str) {
    let theme = theme::of(ui);
    let mut seen = Vec::new();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 2.0);
        for (question, evaluation) in shown {
            let key = (*question, evaluation.subject, evaluation.source.as_ref());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 14.0), egui::Sense::hover());
            symbol(ui.painter(), *question, evaluation.subject, rect.center(), 4.0, theme);
            let name = format!("{} · {}", name_of(evaluation), questions[*question].name(usual));
            ui.label(RichText::new(name).small().color(theme.dim));
            ui.add_space(6.0);
        }
    });
}

fn symbol(painter: &egui::Painter, question: usize, subject: Subject, at: egui::Pos2, size: f32, theme: &Theme) {
    let color = subject_color(subject, theme);
    let fill = if subject == Subject::Synthetic { color } else { theme.panel };
    marker::paint(painter, MARKERS[question % MARKERS.len()], at, size, fill, Stroke::new(1.6, color));
}

fn x_of(evaluation: &Evaluation, over_steps: bool) -> f64 {
    if over_steps { evaluation.step as f64 } else { (evaluation.bytes.max(1) as f64).log10() }
}

fn plot(ui: &mut Ui, scene: &Scene<'_>, shown: &[(usize, &Evaluation)], references: &[Reference]) {
    let theme = theme::of(ui);
    let over_steps = scene.view.judged_as == JudgedAs::Steps;
    let mut plot = Plot::new(("storage", over_steps))
        .show_background(false)
        .grid_color(theme.line)
        .cursor_color(Color32::TRANSPARENT)
        .show_x(false)
        .show_y(false)
        .set_margin_fraction(vec2(0.08, 0.1))
        .y_axis_min_width(40.0)
        .y_axis_formatter(|mark, _| {
            if (0.0..=1.0001).contains(&mark.value) { format!("{:.0} %", 100.0 * mark.value) } else { String::new() }
        });
    plot = match over_steps {
        true => plot.x_axis_formatter(chart::step_label).include_x(0.0),
        false => plot.x_grid_spacer(chart::log_grid).x_axis_formatter(|mark, range| {
            let round = chart::has_room(mark, range) && !chart::log_label(mark).is_empty();
            if round { bytes(10_f64.powf(mark.value)) } else { String::new() }
        }),
    };
    // Room for the markers with their spread; a single one gets neighbours on both axes, so that it can be read.
    for (_, evaluation) in shown {
        let (x, accuracy) = (x_of(evaluation, over_steps), &evaluation.accuracy);
        let (around, reach) = (if over_steps { 0.0 } else { 0.35 }, accuracy.std.max(0.01));
        plot = plot.include_x(x - around).include_x(x + around);
        plot = plot.include_y(accuracy.mean - reach).include_y(accuracy.mean + reach);
    }
    for one in references {
        // Room for their names.
        let x = (one.bytes.max(1) as f64).log10();
        plot = plot.include_x(x - 0.35).include_x(x + 0.7).include_y(one.mean - 0.01).include_y(one.mean + 0.01);
    }
    let response = plot.show(ui, |plot| {
        lines(plot, shown, over_steps, theme);
        if let (false, Some(opened)) = (over_steps, scene.run.comparison_shown()) {
            compared::frontier(plot, &opened.comparison, theme);
        }
    });
    let transform = response.transform;
    let painter = ui.painter().with_clip_rect(transform.frame().expand(4.0));
    let newest = shown.iter().map(|(_, evaluation)| evaluation.step).max().unwrap_or(0);
    for (question, evaluation) in shown {
        // Over storage the past of a run lies under its present: smaller.
        let old = !over_steps && evaluation.subject == Subject::Synthetic && evaluation.step < newest;
        dot(&painter, *question, evaluation, &transform, over_steps, if old { 3.0 } else { 5.0 }, theme);
    }
    compared::points(&painter, references, &transform, theme);
    hover(shown, references, &response.response, &transform, over_steps);
}

/// Lines join the evaluations of one question only; in the picture over steps, baselines are level lines.
fn lines(plot: &mut PlotUi<'_>, shown: &[(usize, &Evaluation)], over_steps: bool, theme: &Theme) {
    let count = shown.iter().map(|(question, _)| question + 1).max().unwrap_or(0);
    for question in 0..count {
        let of = |subject: Subject| {
            shown.iter().filter(move |(known, evaluation)| *known == question && evaluation.subject == subject)
        };
        let points: Vec<[f64; 2]> = of(Subject::Synthetic)
            .map(|(_, evaluation)| [x_of(evaluation, over_steps), evaluation.accuracy.mean])
            .collect();
        let color = theme::fade(theme.accent, 0.55);
        let line = Line::new("", PlotPoints::from(points)).stroke(Stroke::new(1.5, color));
        plot.line(line.allow_hover(false).id(("synthetic", question)));
        for subject in Subject::SELECTIONS.into_iter().chain([Subject::Whole]) {
            for (at, (_, evaluation)) in of(subject).enumerate() {
                let stroke = Stroke::new(1.0, theme::fade(subject_color(subject, theme), 0.5));
                let style = egui_plot::LineStyle::dashed_dense();
                let level = HLine::new("", evaluation.accuracy.mean).stroke(stroke).style(style).allow_hover(false);
                if over_steps {
                    plot.hline(level.id(("level", question, at, subject as u8)));
                }
            }
        }
    }
}

fn dot(
    painter: &egui::Painter,
    question: usize,
    evaluation: &Evaluation,
    transform: &PlotTransform,
    over_steps: bool,
    size: f32,
    theme: &Theme,
) {
    let accuracy = &evaluation.accuracy;
    let place = |y: f64| transform.position_from_point(&egui_plot::PlotPoint::new(x_of(evaluation, over_steps), y));
    let color = subject_color(evaluation.subject, theme);
    if accuracy.repeats > 1 && accuracy.std > 0.0 {
        let (low, high) = (place(accuracy.mean - accuracy.std), place(accuracy.mean + accuracy.std));
        let stroke = Stroke::new(1.2, theme::fade(color, 0.8));
        painter.line_segment([low, high], stroke);
        for end in [low, high] {
            painter.line_segment([end - vec2(4.0, 0.0), end + vec2(4.0, 0.0)], stroke);
        }
    }
    symbol(painter, question, evaluation.subject, place(accuracy.mean), size, theme);
}

fn hover(
    shown: &[(usize, &Evaluation)],
    references: &[Reference],
    response: &egui::Response,
    transform: &PlotTransform,
    over_steps: bool,
) {
    let Some(pointer) = response.hover_pos() else { return };
    let place = |one: &Reference| {
        let point = egui_plot::PlotPoint::new((one.bytes.max(1) as f64).log10(), one.mean);
        transform.position_from_point(&point).distance(pointer)
    };
    if let Some(one) = references.iter().find(|one| place(one) < 8.0) {
        let spread = one.std.map_or_else(String::new, |std| format!(" ± {:.1}", 100.0 * std));
        super::card(response, |ui| {
            ui.label(RichText::new(format!("{} {:.1}{spread} %", one.name, 100.0 * one.mean)).strong());
            ui.label(RichText::new(&one.source).small().weak());
        });
        return;
    }
    let near = shown.iter().map(|(question, evaluation)| {
        let point = egui_plot::PlotPoint::new(x_of(evaluation, over_steps), evaluation.accuracy.mean);
        (transform.position_from_point(&point).distance(pointer), question, evaluation)
    });
    let Some((distance, _, evaluation)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    if distance > 16.0 {
        return;
    }
    super::card(response, |ui| {
        let accuracy = &evaluation.accuracy;
        ui.label(RichText::new(sentence(evaluation)).strong());
        let lines = [
            format!("protocol {}, {} networks", Question::of(evaluation).name(""), accuracy.repeats),
            format!("{} images, {}", grouped(evaluation.images as u64), bytes(evaluation.bytes as f64)),
            format!("step {} · took {}", grouped(evaluation.step), duration(evaluation.secs)),
        ];
        for line in lines {
            ui.label(RichText::new(line).small().weak());
        }
    });
}

fn sentence(evaluation: &Evaluation) -> String {
    let accuracy = &evaluation.accuracy;
    let spread = match accuracy.repeats {
        0 | 1 => "one network".to_owned(),
        _ => format!("± {:.1}", 100.0 * accuracy.std),
    };
    format!("{} {:.1} % ({spread})", name_of(evaluation), 100.0 * accuracy.mean)
}

/// The chart in a sentence: the newest result of each subject, each with its protocol.
fn describe(shown: &[(usize, &Evaluation)]) -> String {
    let newest = Subject::ALL.into_iter().filter_map(|subject| {
        let (_, evaluation) = shown.iter().rev().find(|(_, evaluation)| evaluation.subject == subject)?;
        Some(format!("{} by {}", sentence(evaluation), Question::of(evaluation).name(&evaluation.network)))
    });
    newest.collect::<Vec<_>>().join("; ")
}
