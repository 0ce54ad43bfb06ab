//! Results as tables of text.

use std::fmt::Write as _;

use crate::{
    evaluate::{AugmentationRobust, LabelRobust, Protocol},
    report::{Accuracy, CellDistances, Distances, Evaluation, OnMap, Subject},
    words::bytes,
};

/// `95.4 ± 0.5`, in per cent.
pub(super) fn percent(accuracy: &Accuracy) -> String {
    match accuracy.repeats {
        0 | 1 => format!("{:.1}", 100.0 * accuracy.mean),
        _ => format!("{:.1} ± {:.1}", 100.0 * accuracy.mean, 100.0 * accuracy.std),
    }
}

/// What an energy map leaves: classifiers on the map, and bytes.
pub(super) fn on_map(judged: &OnMap) -> String {
    let head = ["on the map", "logistic, %", "5 nearest, %", "points a class", "as points", "as images"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let size = |size: u64| if size > 0 { bytes(size as f64) } else { "–".to_owned() };
    rows.extend(judged.rows.iter().map(|row| {
        vec![
            row.form.describe().to_owned(),
            percent(&row.logistic),
            percent(&row.neighbours),
            row.points.to_string(),
            size(row.bytes),
            size(row.image_bytes),
        ]
    }));
    let [before, now] = judged.spread;
    let [mean, covariance] = judged.rebuilt_errors;
    format!(
        "{}{} dimensions of {}, step {}, test split. Classes lie {now:.1} times as far apart as they are wide (variances; {before:.1} \
         before the first step). Rebuilt Gaussians: means {mean:.2} off, covariances {:.0} %. Picks as positions in the data {}, \
         as features {}; the map itself {}\n",
        aligned(&rows),
        judged.dimensions,
        judged.features,
        judged.step,
        100.0 * covariance,
        bytes(judged.index_bytes as f64),
        bytes(judged.feature_bytes as f64),
        bytes(judged.map_bytes as f64)
    )
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

/// How far a quantizer's points and images are from their classes.
pub(super) fn distances(measured: &Distances) -> String {
    let head = ["", "own masses", "equal masses", "effective points"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let line = |name: &str, one: CellDistances| {
        vec![name.to_owned(), number(Some(one.free)), number(one.uniform), format!("{:.1}", one.effective)]
    };
    rows.extend(measured.classes.iter().map(|(name, one)| line(name, *one)));
    let count = measured.classes.len().max(1) as f64;
    let mean = |part: &dyn Fn(&CellDistances) -> Option<f64>| {
        measured.classes.iter().map(|(_, one)| part(one)).sum::<Option<f64>>().map(|sum| sum / count)
    };
    let (free, uniform, effective) =
        (mean(&|one| Some(one.free)), mean(&|one| one.uniform), mean(&|one| Some(one.effective)));
    let means = CellDistances { free: free.unwrap_or(0.0), uniform, effective: effective.unwrap_or(0.0) };
    rows.push(line("mean", means));
    let mut text = format!(
        "2-Wasserstein distance of the samples to {} points for each class, in {}\n{}",
        measured.points,
        measured.space,
        aligned(&rows)
    );
    if let Some(uniform) = uniform {
        text += &format!("own masses bring it down by {:.1} %\n", 100.0 * (1.0 - means.free / uniform));
    }
    let curve: Vec<String> = measured.curve.iter().map(|(count, value)| format!("{count}: {value:.3}")).collect();
    text += &format!("distortion by number of points, {}", curve.join(", "));
    if let Some(slope) = measured.slope {
        text += &format!("; slope {slope:.2}, as in {:.1} dimensions", -2.0 / slope);
    }
    if let Some([through, components]) = measured.reconstruction {
        text += &format!(
            "\nmean squared error of test images: {through:.4} through the autoencoder, {components:.4} through {} principal components",
            measured.dimensions
        );
    }
    let head = ["", "pixels", "features"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(
        measured
            .images
            .iter()
            .map(|one| vec![one.what.clone(), format!("{:.3}", one.pixels), format!("{:.3}", one.features)]),
    );
    text + &format!(
        "\n2-Wasserstein distance of images with their masses to the test images of their class\n{}",
        aligned(&rows)
    )
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
