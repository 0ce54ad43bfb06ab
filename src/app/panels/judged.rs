//! What an evaluation says beyond its one number: how other networks take the images, and which class is taken for
//! which.

use egui::{ComboBox, Grid, RichText, ScrollArea, Sense, TextEdit, Ui, WidgetInfo};

use crate::{
    app::{
        action::Action,
        state::RunState,
        theme,
        view::Scene,
        widgets::{
            atlas::Atlas,
            chart,
            page::{self, Canvas},
        },
    },
    engine::Trial,
    evaluate::Protocol,
    report::{
        Evaluation, Subject,
        page::{Block, Body, Heat, Page, Role, Table, Tint},
    },
    words::grouped,
};

/// A row for each subject, a column for each network; all by one protocol on the same images.
pub(crate) fn networks(ui: &mut Ui, scene: &mut Scene<'_>, shown: &[&Evaluation]) {
    ask(ui, scene);
    let synthetic = shown.iter().rev().find(|one| one.subject == Subject::Synthetic);
    let Some(newest) = synthetic.or(shown.last()) else { return };
    // The whole set has a protocol of its own, which stands beside its figure.
    let same = |one: &&&Evaluation| {
        one.subject == Subject::Whole
            || one.accuracy.protocol == newest.accuracy.protocol && one.tested_on == newest.tested_on
    };
    let shown: Vec<&Evaluation> = shown.iter().filter(same).copied().collect();
    let mut columns: Vec<&str> = Vec::new();
    for one in &shown {
        if !columns.contains(&one.network.as_str()) {
            columns.push(&one.network);
        }
    }
    let find = |subject: Subject, network: &str| {
        shown.iter().rev().find(|one| one.subject == subject && one.network == network).copied()
    };
    let rows: Vec<Subject> =
        Subject::ALL.into_iter().filter(|&subject| shown.iter().any(|one| one.subject == subject)).collect();
    let text = rows.iter().flat_map(|&row| columns.iter().filter_map(move |column| find(row, column))).map(sentence);
    let text = text.collect::<Vec<_>>().join("; ");
    chart::summary(ui, ui.available_rect_before_wrap(), "Accuracy by network", &text);
    let theme = theme::of(ui);
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        Grid::new("networks").striped(true).spacing([14.0, 6.0]).show(ui, |ui| {
            ui.label("");
            for column in &columns {
                ui.label(RichText::new(*column).small().color(theme.dim));
            }
            ui.end_row();
            for row in &rows {
                ui.label(subject_name(*row));
                for column in &columns {
                    match find(*row, column) {
                        Some(one) => {
                            let mut text = if one.accuracy.repeats > 1 {
                                format!("{:.1} ± {:.1} %", 100.0 * one.accuracy.mean, 100.0 * one.accuracy.std)
                            } else {
                                format!("{:.1} %", 100.0 * one.accuracy.mean)
                            };
                            if one.accuracy.protocol != newest.accuracy.protocol {
                                text += &format!(" ({})", one.accuracy.protocol);
                            }
                            ui.label(RichText::new(text).monospace()).on_hover_text(sentence(one));
                        }
                        None => drop(ui.label(RichText::new("–").color(theme.faint))),
                    }
                }
                ui.end_row();
            }
        });
        super::caption(
            ui,
            format!(
                "Accuracy by {}; a set is worth something where other networks learn from it too",
                newest.accuracy.protocol
            ),
        );
    });
}

/// Other networks on demand.
fn ask(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let names: Vec<String> = scene.view.networks.split(',').map(|name| name.trim().to_owned()).collect();
        let ready = scene.run.evaluating.is_none() && scene.run.info.is_some();
        let rules = scene.run.config.as_ref().map(|config| config.evaluation.last.to_string());
        let protocol = scene.view.protocol_name().or(rules).filter(|name| name.parse::<Protocol>().is_ok());
        let hint = "Train each of these networks on the images and on random ones by the protocol that is chosen above";
        let button = ui.add_enabled(ready && protocol.is_some(), egui::Button::new("Judge by")).on_hover_text(hint);
        if let (true, Some(protocol)) = (button.clicked(), protocol) {
            scene.actions.push(Action::Evaluate(Trial { protocol, networks: names, against: vec![Subject::Random] }));
        }
        let edit = TextEdit::singleline(&mut scene.view.networks).desired_width(ui.available_width());
        let response = ui.add(edit).on_hover_text(
            "mlp, lenet, alexnet, vgg11, resnet18, with bn behind some for batch norm; convnet is the run's own",
        );
        response.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Networks"));
    });
}

/// Which class is taken for which, and how well each is known.
pub(crate) fn classes(ui: &mut Ui, scene: &mut Scene<'_>, shown: &[&Evaluation]) {
    let known: Vec<&Evaluation> = shown.iter().filter(|one| !one.confusion.is_empty()).copied().collect();
    let Some(chosen) = choose(ui, scene, &known) else {
        super::empty(ui, "Not counted yet", "The next evaluation shows here which class is taken for which");
        return;
    };
    let rect = ui.available_rect_before_wrap();
    let page = Page { blocks: vec![confusion(scene.run, chosen)], ..Page::default() };
    chart::told(ui, rect, "Confusion", &worst(scene.run, &chosen.confusion), || page.tables(&|_| Vec::new()));
    let (rect, _) = ui.allocate_exact_size(rect.size(), Sense::hover());
    let mut canvas = Canvas {
        trace: &|_, _, _| Vec::new(),
        hover: scene.view.hover,
        hovering: &mut scene.view.hovering,
        atlas: &mut Atlas::default(),
    };
    page::blocks(ui, &page.blocks, rect, &mut canvas);
}

/// The evaluation that is looked at; the newest of the synthetic images where nobody chose.
fn choose<'a>(ui: &mut Ui, scene: &mut Scene<'_>, known: &[&'a Evaluation]) -> Option<&'a Evaluation> {
    let newest = known.iter().rposition(|one| one.subject == Subject::Synthetic).or(known.len().checked_sub(1))?;
    let chosen = scene.view.judged.filter(|&at| at < known.len()).unwrap_or(newest);
    let combo =
        ComboBox::from_id_salt("judged").width(ui.available_width().min(360.0)).selected_text(name(known[chosen]));
    let response = combo.show_ui(ui, |ui| {
        for (at, one) in known.iter().enumerate().rev() {
            if ui.selectable_label(at == chosen, name(one)).clicked() {
                scene.view.judged = Some(at);
            }
        }
    });
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Evaluation"));
    Some(known[chosen])
}

fn name(one: &Evaluation) -> String {
    let subject = subject_name(one.subject);
    format!("{subject}, step {}, {}, {}", grouped(one.step), one.accuracy.protocol, one.network)
}

fn sentence(one: &Evaluation) -> String {
    let accuracy = &one.accuracy;
    format!(
        "{} by {} with {}: {:.1} ± {:.1} %, {} networks",
        subject_name(one.subject),
        accuracy.protocol,
        one.network,
        100.0 * accuracy.mean,
        100.0 * accuracy.std,
        accuracy.repeats
    )
}

/// What is taken for what, most often first: share of the row, row, column.
fn confusions(counts: &[Vec<u32>]) -> Vec<(f64, usize, usize)> {
    let of_row = |(row, counts): (usize, &Vec<u32>)| {
        let sum = f64::from(counts.iter().sum::<u32>().max(1));
        let share = move |(column, &count): (usize, &u32)| (f64::from(count) / sum, row, column);
        counts.iter().enumerate().map(share).filter(move |(share, _, column)| *column != row && *share > 0.0).collect()
    };
    let mut all: Vec<(f64, usize, usize)> = counts.iter().enumerate().flat_map::<Vec<_>, _>(of_row).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all
}

fn in_words(run: &RunState, (share, row, column): (f64, usize, usize)) -> String {
    format!("{} is taken for {}: {:.0} %", label(run, row), label(run, column), 100.0 * share)
}

/// The largest confusion in words.
fn worst(run: &RunState, counts: &[Vec<u32>]) -> String {
    match confusions(counts).first() {
        Some(&worst) => format!("most often {}", in_words(run, worst)),
        None => "every image is known".to_owned(),
    }
}

fn label(run: &RunState, class: usize) -> String {
    let names = run.info.as_ref().map(|info| info.data.class_names.as_slice()).unwrap_or_default();
    names.get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// Rows are what images are, columns what they were taken for, bars the accuracy of each class; beside it what happens most often.
fn confusion(run: &RunState, one: &Evaluation) -> Block {
    let rows: Vec<usize> = (0..one.confusion.len()).filter(|&row| one.confusion[row].iter().any(|&n| n > 0)).collect();
    let shares = |row: &usize| -> Vec<f64> {
        let counts = &one.confusion[*row];
        let sum = f64::from(counts.iter().sum::<u32>().max(1));
        rows.iter().map(|&column| f64::from(counts[column]) / sum).collect()
    };
    let names: Vec<String> = rows.iter().map(|&row| label(run, row)).collect();
    let values: Vec<Vec<f64>> = rows.iter().map(shares).collect();
    let heat = Heat {
        head: "taken for".to_owned(),
        rows: names.clone(),
        columns: names,
        sides: values.iter().enumerate().map(|(at, row)| row[at]).collect(),
        values,
        tints: [Tint::Role(Role::Second), Tint::Role(Role::First)],
        side: "accuracy".to_owned(),
    };
    let mut often = Table::with("", &["most often"]);
    confusions(&one.confusion).into_iter().take(12).for_each(|one| often.push([in_words(run, one)]));
    let often = Block::new("", Body::Table(often)).share(0.7).least(560.0, 0.0);
    Block::new("", Body::Row(vec![Block::new("", Body::Heat(heat)).share(1.8), often]))
}

/// What was judged, as a heading.
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
