//! What an evaluation says beyond its one number: how other networks take the images, and which class is taken for
//! which.

use egui::{
    Align2, ComboBox, FontId, Grid, Rect, RichText, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    app::{action::Action, state::RunState, theme, view::Scene, widgets::chart},
    engine::Trial,
    evaluate::Protocol,
    report::{Evaluation, Subject},
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
                ui.label(super::storage::subject_name(*row));
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
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Networks"));
    });
}

/// Which class is taken for which, and how well each is known.
pub(crate) fn classes(ui: &mut Ui, scene: &mut Scene<'_>, shown: &[&Evaluation]) {
    let known: Vec<&Evaluation> = shown.iter().filter(|one| !one.confusion.is_empty()).copied().collect();
    let Some(chosen) = choose(ui, scene, &known) else {
        super::empty(ui, "Not counted yet", "The next evaluation shows here which class is taken for which");
        return;
    };
    let room = ui.available_rect_before_wrap();
    chart::summary(ui, room, "Confusion", &worst(scene.run, &chosen.confusion));
    let (rect, response) = ui.allocate_exact_size(room.size(), Sense::hover());
    matrix(ui, scene.run, chosen, rect, &response);
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
    response.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Evaluation"));
    Some(known[chosen])
}

fn name(one: &Evaluation) -> String {
    let subject = super::storage::subject_name(one.subject);
    format!("{subject}, step {}, {}, {}", grouped(one.step), one.accuracy.protocol, one.network)
}

fn sentence(one: &Evaluation) -> String {
    let accuracy = &one.accuracy;
    format!(
        "{} by {} with {}: {:.1} ± {:.1} %, {} networks",
        super::storage::subject_name(one.subject),
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

/// Rows are what images are, columns what they were taken for; a bar behind each row is the accuracy of its class.
fn matrix(ui: &Ui, run: &RunState, one: &Evaluation, rect: Rect, response: &egui::Response) {
    let theme = theme::of(ui);
    let rows: Vec<usize> = (0..one.confusion.len()).filter(|&row| one.confusion[row].iter().any(|&n| n > 0)).collect();
    if rows.is_empty() {
        return;
    }
    let count = rows.len() as f32;
    let small = FontId::proportional(11.0);
    let (names, bars, top) = (if count > 30.0 { 0.0 } else { 92.0 }, 96.0, 18.0);
    let side = ((rect.width() - names - bars) / count).min((rect.height() - top) / count).clamp(3.0, 46.0);
    let origin = pos2(rect.left() + names, rect.top() + top);
    let painter = ui.painter().with_clip_rect(rect);
    let share = |row: usize, column: usize| {
        let counts = &one.confusion[rows[row]];
        f64::from(counts[rows[column]]) / f64::from(counts.iter().sum::<u32>().max(1))
    };
    painter.text(pos2(origin.x, rect.top()), Align2::LEFT_TOP, "taken for", small.clone(), theme.dim);
    let right = pos2(origin.x + side * count + 8.0, rect.top());
    painter.text(right, Align2::LEFT_TOP, "accuracy", small.clone(), theme.dim);
    for row in 0..rows.len() {
        let y = origin.y + side * row as f32;
        let middle = y + 0.5 * side;
        if names > 0.0 {
            let text: String = label(run, rows[row]).chars().take(14).collect();
            painter.text(pos2(origin.x - 6.0, middle), Align2::RIGHT_CENTER, text, small.clone(), theme.dim);
        }
        for column in 0..rows.len() {
            let cell = Rect::from_min_size(pos2(origin.x + side * column as f32, y), vec2(side, side)).shrink(0.5);
            let share = share(row, column);
            let color = if row == column { theme.second } else { theme.accent };
            painter.rect_filled(cell, 1.0, theme.raised);
            painter.rect_filled(cell, 1.0, theme::fade(color, (share as f32).sqrt()));
            if side > 24.0 && share >= 0.005 {
                let text = format!("{:.0}", 100.0 * share);
                painter.text(cell.center(), Align2::CENTER_CENTER, text, small.clone(), theme.text);
            }
        }
        let bar = Rect::from_min_size(pos2(right.x, middle - 4.0), vec2(48.0 * share(row, row) as f32, 8.0));
        painter.rect_filled(bar, 2.0, theme.second);
        if side > 10.0 {
            let text = format!("{:.0} %", 100.0 * share(row, row));
            painter.text(pos2(right.x + 54.0, middle), Align2::LEFT_CENTER, text, small.clone(), theme.dim);
        }
    }
    let list = pos2(right.x + 104.0, rect.top());
    if rect.right() - list.x > 150.0 {
        painter.text(list, Align2::LEFT_TOP, "most often", small.clone(), theme.dim);
        let lines = ((rect.height() - top) / 17.0).max(0.0) as usize;
        for (line, &one) in confusions(&one.confusion).iter().take(lines.min(12)).enumerate() {
            let at = list + vec2(0.0, top + 17.0 * line as f32);
            painter.text(at, Align2::LEFT_TOP, in_words(run, one), small.clone(), theme.text);
        }
    }
    let Some(at) = response.hover_pos() else { return };
    let (column, row) = (((at.x - origin.x) / side).floor(), ((at.y - origin.y) / side).floor());
    if (0.0..count).contains(&column) && (0.0..count).contains(&row) {
        let (row, column) = (row as usize, column as usize);
        let of: u32 = one.confusion[rows[row]].iter().sum();
        let (is, taken) = (label(run, rows[row]), label(run, rows[column]));
        let text = match row == column {
            true => format!("{is} is known: {:.1} %", 100.0 * share(row, column)),
            false => format!("{is} is taken for {taken}: {:.1} %", 100.0 * share(row, column)),
        };
        super::card(response, |ui| {
            ui.label(RichText::new(text).strong());
            let networks = one.accuracy.repeats;
            let text = format!("of {} answers, {networks} networks", grouped(u64::from(of)));
            ui.label(RichText::new(text).small().weak());
        });
    }
}
