//! Storage and accuracy: what the images are worth against what they weigh, beside random images and the whole set.
//!
//! Results of different protocols, networks or test sets are different questions: each has a marker and a legend entry
//! of its own, and no line ever joins two of them.

use std::path::Path;

use egui::{Color32, ComboBox, Pos2, RichText, Role, Stroke, Ui, WidgetInfo, vec2};

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
        widgets::{
            chart::{self, Area, Chart, Extent, Spot},
            marker,
        },
    },
    evaluate::{Family, Protocol},
    report::{
        Evaluation, Subject, TestedOn, WhySkipped,
        page::{Axis, Table, Unit},
    },
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
    let room = ui.available_rect_before_wrap();
    chart::told(ui, room, "Storage and accuracy", &describe(&shown), || vec![table(&shown)]);
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

/// The name of what was judged; of images from files the file.
fn name_of(evaluation: &Evaluation) -> String {
    match &evaluation.source {
        Some(source) => short_name(Path::new(source)),
        None => super::judged::subject_name(evaluation.subject).to_owned(),
    }
}

/// The marker of a protocol, by its rules: it is the same in every run.
fn marker_of(protocol: &str) -> usize {
    match protocol.parse::<Protocol>().map(|protocol| protocol.family) {
        Ok(Family::Dm) => 0,
        Ok(Family::Whole) => 1,
        Ok(Family::Quick) => 2,
        Ok(Family::Idc) => 3,
        Ok(Family::Dance) => 5,
        Ok(Family::Ncfm) => 6,
        Ok(Family::Fkd) => 7,
        Err(_) => 9,
    }
}

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
            symbol(ui.painter(), evaluation, rect.center(), 4.0, theme);
            let name = format!("{} · {}", name_of(evaluation), questions[*question].name(usual));
            ui.label(RichText::new(name).small().color(theme.dim));
            ui.add_space(6.0);
        }
    });
}

/// The marker of an evaluation; filled ones belong to synthetic images.
fn symbol(painter: &egui::Painter, evaluation: &Evaluation, at: Pos2, size: f32, theme: &Theme) {
    let (class, fill, edge) = look(evaluation, theme);
    marker::paint(painter, class, at, size, fill, edge);
}

fn look(evaluation: &Evaluation, theme: &Theme) -> (usize, Color32, Stroke) {
    let color = subject_color(evaluation.subject, theme);
    let fill = if evaluation.subject == Subject::Synthetic { color } else { theme.panel };
    (marker_of(&evaluation.accuracy.protocol), fill, Stroke::new(1.6, color))
}

fn x_of(evaluation: &Evaluation, over_steps: bool) -> f64 {
    if over_steps { evaluation.step as f64 } else { evaluation.bytes.max(1) as f64 }
}

fn plot(ui: &mut Ui, scene: &mut Scene<'_>, shown: &[(usize, &Evaluation)], references: &[Reference]) {
    let theme = theme::of(ui);
    let over_steps = scene.view.judged_as == JudgedAs::Steps;
    let x_axis = match over_steps {
        true => Axis::steps(),
        false => Axis { unit: Unit::Bytes, ..Axis::logarithmic("bytes of the images") },
    };
    let y_axis = Axis { label: "accuracy".to_owned(), unit: Unit::Percent, ..Axis::default() };
    // Room for the markers with their spread, and for names to the right.
    let room = if over_steps { [1.0, 1.0] } else { [1.0 / 1.6, 1.6] };
    let mut x = Extent::of(shown.iter().flat_map(|(_, one)| room.map(|room| room * x_of(one, over_steps))));
    let mut y = Extent::of(shown.iter().flat_map(|(_, one)| {
        let (mean, reach) = (one.accuracy.mean, one.accuracy.std.max(0.01));
        [mean - reach, mean + reach]
    }));
    for one in references {
        [0.6, 2.0].iter().for_each(|room| x.add(room * one.bytes.max(1) as f64));
        let reach = one.std.unwrap_or_default().max(0.01);
        [one.mean - reach, one.mean + reach].into_iter().for_each(|value| y.add(value));
    }
    let mut chart = Chart::new(ui, ("storage", over_steps), &x_axis, &y_axis, x).zooming_both();
    lines(&mut chart, shown, over_steps, theme);
    if let (false, Some(opened)) = (over_steps, scene.run.comparison_shown()) {
        compared::frontier(&mut chart, &opened.comparison, theme);
    }
    let newest = shown.iter().map(|(_, evaluation)| evaluation.step).max().unwrap_or(0);
    for (_, evaluation) in shown {
        // Over storage the past of a run lies under its present: smaller.
        let old = !over_steps && evaluation.subject == Subject::Synthetic && evaluation.step < newest;
        chart.spot(dot(evaluation, over_steps, if old { 3.0 } else { 5.0 }, theme));
    }
    compared::points(&mut chart, references, theme);
    if let (true, Some(step)) = (over_steps, scene.view.hover.step) {
        chart.upright(step as f64, Stroke::new(1.0, theme::fade(theme.text, 0.4)));
    }
    let area = chart.show(ui, y);
    compared::names(&area, references, theme);
    hover(scene, shown, references, &area, over_steps);
}

/// Lines join the evaluations of one question only; in the picture over steps, baselines are level lines.
fn lines(chart: &mut Chart<'_>, shown: &[(usize, &Evaluation)], over_steps: bool, theme: &Theme) {
    let count = shown.iter().map(|(question, _)| question + 1).max().unwrap_or(0);
    for question in 0..count {
        let of = |subject: Subject| {
            shown.iter().filter(move |(known, evaluation)| *known == question && evaluation.subject == subject)
        };
        let points = of(Subject::Synthetic).map(|(_, one)| [x_of(one, over_steps), one.accuracy.mean]);
        let points: Vec<[f64; 2]> = points.collect();
        if points.len() > 1 {
            chart.line(points, Stroke::new(1.5, theme::fade(theme.accent, 0.55)), false);
        }
        for subject in Subject::SELECTIONS.into_iter().chain([Subject::Whole]).filter(|_| over_steps) {
            let stroke = Stroke::new(1.0, theme::fade(subject_color(subject, theme), 0.5));
            of(subject).for_each(|(_, one)| chart.level(one.accuracy.mean, stroke));
        }
    }
}

fn dot(evaluation: &Evaluation, over_steps: bool, radius: f32, theme: &Theme) -> Spot {
    let accuracy = &evaluation.accuracy;
    let (class, fill, edge) = look(evaluation, theme);
    Spot {
        at: [x_of(evaluation, over_steps), accuracy.mean],
        spread: Some(accuracy.std).filter(|std| accuracy.repeats > 1 && *std > 0.0),
        whisker: (Stroke::new(1.2, theme::fade(edge.color, 0.8)), 4.0),
        class,
        radius,
        fill,
        edge,
    }
}

fn hover(
    scene: &mut Scene<'_>,
    shown: &[(usize, &Evaluation)],
    references: &[Reference],
    area: &Area,
    over_steps: bool,
) {
    let Some(pointer) = area.response.hover_pos() else { return };
    let distance = |at: [f64; 2]| area.place(at).map_or(f32::INFINITY, |at| at.distance(pointer));
    let is_near = |one: &&Reference| distance(compared::place(one)) < 8.0;
    if let Some(one) = references.iter().find(is_near) {
        let spread = one.std.map_or_else(String::new, |std| format!(" ± {:.1}", 100.0 * std));
        super::card(&area.response, |ui| {
            ui.label(RichText::new(format!("{} {:.1}{spread} %", one.name, 100.0 * one.mean)).strong());
            ui.label(RichText::new(&one.source).small().weak());
        });
        return;
    }
    let near = shown.iter().map(|(_, one)| (distance([x_of(one, over_steps), one.accuracy.mean]), one));
    let Some((distance, evaluation)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    if distance > 16.0 {
        return;
    }
    scene.view.hovering.step = Some(evaluation.step);
    super::card(&area.response, |ui| {
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

/// Every evaluation that is shown.
fn table(shown: &[(usize, &Evaluation)]) -> Table {
    let columns = ["images", "protocol", "step", "bytes", "accuracy", "spread"];
    let mut table = Table::with("Storage and accuracy", &columns);
    for (_, one) in shown {
        let accuracy = &one.accuracy;
        let numbers =
            [one.step.to_string(), one.bytes.to_string(), accuracy.mean.to_string(), accuracy.std.to_string()];
        table.push([name_of(one), accuracy.protocol.clone()].into_iter().chain(numbers));
    }
    table
}
