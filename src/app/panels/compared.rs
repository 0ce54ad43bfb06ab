//! What stands beside the evaluations of the run over storage: presets of a comparison with the frontier that they make,
//! and published figures by the same protocol.

use egui::{Color32, Stroke};

use crate::{
    app::{
        opening::short_name,
        state::{Opened, RunState},
        theme::{self, Theme},
        widgets::chart::{Area, Chart, Spot},
    },
    evaluate::published,
    report::{Comparison, Evaluation, Stored},
};

/// The marker of what others measured.
const MARKER: usize = 4;

/// Something to stand beside the run.
pub(crate) struct Reference {
    pub(crate) name: String,
    /// Where it comes from: a protocol and network, or a paper.
    pub(crate) source: String,
    pub(crate) bytes: u64,
    pub(crate) mean: f64,
    pub(crate) std: Option<f64>,
    /// False for figures of papers.
    pub(crate) is_measured: bool,
}

/// What may stand beside the evaluations that are shown.
pub(crate) fn references(run: &RunState, shown: &[(usize, &Evaluation)]) -> Vec<Reference> {
    let mut references: Vec<Reference> =
        run.artifacts.iter().flat_map(|artifact| &artifact.stored).map(stored).collect();
    if let Some(opened) = run.comparison_shown() {
        let comparison = &opened.comparison;
        let measured = comparison.rows.iter().filter(|row| row.accuracy.protocol == comparison.protocol);
        references.extend(measured.map(|row| Reference {
            name: row.preset.clone(),
            source: format!(
                "{}: {} on {}, {}",
                short_name(&opened.path),
                comparison.protocol,
                comparison.data,
                comparison.network
            ),
            bytes: row.bytes,
            mean: row.accuracy.mean,
            std: Some(row.accuracy.std),
            is_measured: true,
        }));
        let bytes = comparison.rows.first().map_or(1, |row| row.bytes);
        references.extend(of_papers(&comparison.data, comparison.per_class, &comparison.protocol, bytes));
    }
    references.extend(run.opened.iter().flat_map(|opened| of_set(run, opened)));
    if let Some(info) = &run.info {
        let mut protocols: Vec<&str> = Vec::new();
        for (_, evaluation) in shown {
            let protocol = evaluation.accuracy.protocol.as_str();
            if !protocols.contains(&protocol) {
                protocols.push(protocol);
                references.extend(of_papers(&info.data.name, info.per_class, protocol, info.bytes));
            }
        }
    }
    references
}

/// A set that stays open beside the next run on the same data, as it was judged beside the one before.
fn of_set<'a>(run: &'a RunState, opened: &'a Opened) -> impl Iterator<Item = Reference> + 'a {
    let is_of_this_run = |one: &Evaluation| run.evaluations.contains(one);
    opened.judged.iter().filter(move |one| !is_of_this_run(one)).map(|one| Reference {
        name: short_name(&opened.set.path),
        source: format!("{}, {}", one.accuracy.protocol, one.network),
        bytes: one.bytes,
        mean: one.accuracy.mean,
        std: (one.accuracy.repeats > 1).then_some(one.accuracy.std),
        is_measured: true,
    })
}

/// A form in which what was distilled may be stored.
fn stored(one: &Stored) -> Reference {
    let Stored { name, source, bytes, mean, std } = one.clone();
    Reference { name, source, bytes, mean, std, is_measured: true }
}

fn of_papers(data: &str, per_class: usize, protocol: &str, bytes: u64) -> impl Iterator<Item = Reference> + use<> {
    let of_whole = |name: &str| name == "whole set";
    published(data, per_class, protocol).into_iter().filter(move |row| !of_whole(&row.method)).map(move |row| {
        Reference {
            name: row.method,
            source: match &row.note {
                Some(note) => format!("published: {}; {note}; stored: {}", row.source, row.stored),
                None => format!("published: {}; stored: {}", row.source, row.stored),
            },
            bytes,
            mean: row.accuracy,
            std: row.std,
            is_measured: false,
        }
    })
}

/// Joins what no other beats with as few bytes: more bytes only where they bring more accuracy.
pub(crate) fn frontier(chart: &mut Chart<'_>, comparison: &Comparison, theme: &Theme) {
    let points = best(comparison).into_iter().map(|(bytes, mean)| [bytes, mean]);
    chart.line(points, Stroke::new(1.2, theme::fade(theme.text, 0.45)), false);
}

fn best(comparison: &Comparison) -> Vec<(f64, f64)> {
    let measured = comparison.rows.iter().filter(|row| row.accuracy.protocol == comparison.protocol);
    let mut points: Vec<(f64, f64)> = measured.map(|row| (row.bytes.max(1) as f64, row.accuracy.mean)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut most = f64::NEG_INFINITY;
    points.retain(|point| {
        let is_more = point.1 > most;
        most = most.max(point.1);
        is_more
    });
    points
}

/// Adds the points.
pub(crate) fn points(chart: &mut Chart<'_>, references: &[Reference], theme: &Theme) {
    for one in references {
        let color = if one.is_measured { theme.second } else { theme.faint };
        chart.spot(Spot {
            at: place(one),
            spread: one.std.filter(|std| *std > 0.0),
            whisker: (Stroke::new(1.0, theme::fade(color, 0.7)), 0.0),
            class: MARKER,
            radius: 4.0,
            fill: if one.is_measured { color } else { Color32::TRANSPARENT },
            edge: Stroke::new(1.4, color),
        });
    }
}

/// Writes their names.
pub(crate) fn names(area: &Area, references: &[Reference], theme: &Theme) {
    let names = references.iter().filter_map(|one| Some((area.place(place(one))?, one.name.as_str())));
    area.names(&names.collect::<Vec<_>>(), theme);
}

/// Where a reference stands over storage.
pub(crate) fn place(one: &Reference) -> [f64; 2] {
    [one.bytes.max(1) as f64, one.mean]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Accuracy, Compared};

    #[test]
    fn the_frontier_takes_more_bytes_only_for_more_accuracy() {
        let row = |bytes, mean: f64, protocol: &str| Compared {
            preset: "p".to_owned(),
            accuracy: Accuracy::of(&[mean], protocol),
            seeds: 1,
            spread: crate::report::Spread::default(),
            bytes,
            images: 1,
            secs: None,
            peak_rss_bytes: None,
        };
        let rows = vec![
            row(100, 0.5, "dm@3x1"),
            row(100, 0.6, "dm@3x1"),
            row(900, 0.55, "dm@3x1"),
            row(1000, 0.7, "dm@3x1"),
            row(2000, 0.97, "whole@60"),
        ];
        let comparison = Comparison { protocol: "dm@3x1".to_owned(), rows, ..Comparison::default() };
        assert_eq!(best(&comparison), [(100.0, 0.6), (1000.0, 0.7)]);
    }
}
