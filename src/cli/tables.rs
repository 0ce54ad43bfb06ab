//! Results as tables of text.

use std::fmt::Write as _;

use crate::{
    evaluate::{AugmentationRobust, LabelRobust, Protocol},
    report::{Accuracy, Evaluation, Subject, page::Page},
};

/// `95.4 ± 0.5`, in per cent.
pub(super) fn percent(accuracy: &Accuracy) -> String {
    match accuracy.repeats {
        0 | 1 => format!("{:.1}", 100.0 * accuracy.mean),
        _ => format!("{:.1} ± {:.1}", 100.0 * accuracy.mean, 100.0 * accuracy.std),
    }
}

/// A page in a terminal: what it says, its tables, how it is read.
pub(super) fn page(page: &Page) -> String {
    let mut text = format!("{}: {}\n", page.title, page.caption);
    for table in page.tables(&|_| Vec::new()) {
        if !table.title.is_empty() {
            text += &format!("{}\n", table.title);
        }
        let rows: Vec<Vec<String>> =
            std::iter::once(table.columns).chain(table.rows.into_iter().map(|row| row.cells)).collect();
        text += &aligned(&rows);
    }
    if !page.hint.is_empty() {
        text += &format!("{}\n", page.hint);
    }
    text
}

/// A row for each subject, a column for each network; all by one protocol but the whole set, whose own stands behind it.
pub(super) fn by_network(evaluations: &[Evaluation]) -> String {
    let mut networks: Vec<&str> = Vec::new();
    for evaluation in evaluations {
        if !networks.contains(&evaluation.network.as_str()) {
            networks.push(&evaluation.network);
        }
    }
    let mut rows = vec![std::iter::once(String::new()).chain(networks.iter().map(|name| (*name).to_owned())).collect()];
    let rules = evaluations.iter().find(|one| one.subject != Subject::Whole).or(evaluations.first());
    let rules = rules.map(|one| (one.accuracy.protocol.as_str(), tested_on(one))).unwrap_or_default();
    for subject in Subject::ALL.into_iter().chain([Subject::Exported]) {
        let of = |network: &&str| evaluations.iter().find(|one| one.subject == subject && one.network == *network);
        if networks.iter().any(|network| of(network).is_some()) {
            let cell = |one: &Evaluation| match one.accuracy.protocol == rules.0 {
                true => percent(&one.accuracy),
                false => format!("{} ({})", percent(&one.accuracy), one.accuracy.protocol),
            };
            let cells = networks.iter().map(|network| of(network).map_or_else(String::new, cell));
            rows.push(std::iter::once(subject.describe().to_owned()).chain(cells).collect());
        }
    }
    let mut text = aligned(&rows);
    let _ = writeln!(text, "accuracy in per cent by {}, on the {}", rules.0, rules.1);
    text
}

fn tested_on(evaluation: &Evaluation) -> &'static str {
    match evaluation.tested_on {
        crate::report::TestedOn::Holdout => "hold-out",
        crate::report::TestedOn::Test => "test split",
    }
}

/// Rows are what images are, columns what they were taken for, with the accuracy of each class behind; in per cent of
/// the row.
pub(super) fn confusion(counts: &[Vec<u32>]) -> String {
    let head = std::iter::once(String::new()).chain((0..counts.len()).map(|class| class.to_string()));
    let mut rows = vec![head.collect::<Vec<_>>()];
    for (class, row) in counts.iter().enumerate() {
        let sum: u32 = row.iter().sum();
        let share = |count: &u32| match (*count, sum) {
            (0, _) | (_, 0) => ".".to_owned(),
            (count, sum) => format!("{:.0}", 100.0 * f64::from(count) / f64::from(sum)),
        };
        rows.push(std::iter::once(class.to_string()).chain(row.iter().map(share)).collect());
    }
    aligned(&rows)
}

/// The two scores with what they were made of.
pub(super) fn scores(labels: &LabelRobust, augmentation: &AugmentationRobust, by: [Protocol; 4]) -> String {
    let percent = |x: f64| format!("{:.1}", 100.0 * x);
    let [protocol, hard, plain, whole] = by.map(|protocol| protocol.to_string());
    let rows = [
        ["label-robust score".to_owned(), percent(labels.score()), "0 to 100, 26.9 is no gain and no loss".to_owned()],
        [
            "  hard label recovery".to_owned(),
            percent(labels.hard_label_recovery()),
            format!("{} by {whole} minus {} by {hard}", percent(labels.real_hard), percent(labels.synthetic_hard)),
        ],
        [
            "  improvement over random".to_owned(),
            percent(labels.improvement_over_random()),
            format!("{} minus {} by {protocol}", percent(labels.synthetic), percent(labels.random)),
        ],
        [
            "augmentation-robust score".to_owned(),
            percent(augmentation.score()),
            format!(
                "without augmentation {} minus {} by {plain}",
                percent(augmentation.synthetic_plain),
                percent(augmentation.random_plain)
            ),
        ],
    ];
    aligned(&rows.map(Vec::from))
}

/// Columns as wide as their widest cell: the first to the left, the others to the right, a last one of text to the left.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            let is_text = column == 0 || cell.contains(" by ");
            let _ = if is_text { write!(line, "{cell}{pad}  ") } else { write!(line, "{pad}{cell}  ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_classes_divide_nothing() {
        let text = confusion(&[vec![9, 1], vec![0, 0]]);
        assert_eq!(text, "    0   1\n0  90  10\n1   .   .\n");
    }
}
