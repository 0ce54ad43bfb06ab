//! Which images to use, in plain words: distilled ones beside as many real ones and beside all of them.

use crate::report::{Evaluation, Subject, Verdict, VerdictRow};
use crate::words;

/// The verdict on the images of `step` by a protocol, from what was measured; none where the distilled images or random
/// selection were not judged by it. The whole set is told apart: its protocol is another one.
pub fn verdict(evaluations: &[Evaluation], step: u64, protocol: &str) -> Option<Verdict> {
    let newest = |subject: Subject| {
        let fits = |evaluation: &&Evaluation| {
            evaluation.subject == subject
                && match subject {
                    Subject::Whole => true,
                    Subject::Exported => false,
                    Subject::Synthetic => evaluation.step == step && evaluation.accuracy.protocol == protocol,
                    _ => evaluation.accuracy.protocol == protocol,
                }
        };
        evaluations.iter().rev().find(fits)
    };
    let (distilled, random) = (newest(Subject::Synthetic)?, newest(Subject::Random)?);
    let selections = Subject::SELECTIONS.into_iter().filter_map(newest);
    let selection =
        selections.fold(random, |best, one| if one.accuracy.mean > best.accuracy.mean { one } else { best });
    let gain = distilled.accuracy.mean - selection.accuracy.mean;
    let margin = margin(&distilled.values, &selection.values);
    let best = match margin {
        Some(margin) if gain > margin => Some(Subject::Synthetic),
        Some(margin) if gain < -margin => Some(selection.subject),
        _ => None,
    };
    let rows: Vec<VerdictRow> =
        Subject::ALL.into_iter().filter_map(newest).map(|evaluation| row(evaluation, protocol)).collect();
    let text = text(&rows, best, (gain, margin), selection.subject);
    Some(Verdict { step, protocol: protocol.to_owned(), rows, best, gain, margin, text })
}

fn row(evaluation: &Evaluation, protocol: &str) -> VerdictRow {
    VerdictRow {
        subject: evaluation.subject,
        accuracy: evaluation.accuracy.clone(),
        images: evaluation.images,
        bytes: evaluation.bytes,
        is_comparable: evaluation.accuracy.protocol == protocol,
    }
}

fn text(rows: &[VerdictRow], best: Option<Subject>, (gain, margin): (f64, Option<f64>), selection: Subject) -> String {
    let points = format!("{:.1} points", 100.0 * gain.abs());
    let within = match margin {
        Some(margin) => format!("95 % margin {:.1}", 100.0 * margin),
        None => "one network each, so the spread is not known".to_owned(),
    };
    let advice = match best {
        Some(Subject::Synthetic) => {
            format!("Use the distilled images: {points} better than {} ({within}).", selection.describe())
        }
        Some(other) => format!(
            "Use {} instead: {points} better than the distilled images ({within}). Real images that win are the better \
             choice: they need no explanation.",
            other.describe()
        ),
        None => format!(
            "No difference beyond the spread: the distilled images and {} are {points} apart ({within}). Real images are \
             the simpler choice; more steps, more networks or other weights may tell them apart.",
            selection.describe()
        ),
    };
    let line = |row: &VerdictRow| {
        format!(
            "{}: {:.1} ± {:.1} % with {} images, {} ({}, {} networks)",
            row.subject.describe(),
            100.0 * row.accuracy.mean,
            100.0 * row.accuracy.std,
            words::grouped(row.images as u64),
            words::bytes(row.bytes as f64),
            row.accuracy.protocol,
            row.accuracy.repeats
        )
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{advice}\n{}", lines.join("\n"))
}

/// Half the 95 % interval of the difference of two means, by Welch's test; none where one has a single value.
fn margin(a: &[f64], b: &[f64]) -> Option<f64> {
    let share = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (variance / count, count - 1.0)
    };
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((a, free_a), (b, free_b)) = (share(a), share(b));
    let squares = a.powi(2) / free_a + b.powi(2) / free_b;
    let freedom = if squares > 0.0 { (a + b).powi(2) / squares } else { free_a + free_b };
    Some(quantile(freedom) * (a + b).sqrt())
}

/// The 97.5 % quantile of Student's law, between tabled degrees of freedom by the next smaller one.
fn quantile(freedom: f64) -> f64 {
    const TABLE: [(f64, f64); 14] = [
        (1.0, 12.706),
        (2.0, 4.303),
        (3.0, 3.182),
        (4.0, 2.776),
        (5.0, 2.571),
        (6.0, 2.447),
        (7.0, 2.365),
        (8.0, 2.306),
        (10.0, 2.228),
        (12.0, 2.179),
        (15.0, 2.131),
        (20.0, 2.086),
        (30.0, 2.042),
        (100.0, 1.984),
    ];
    TABLE.iter().rev().find(|(known, _)| *known <= freedom).map_or(TABLE[0].1, |(_, quantile)| *quantile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Accuracy, TestedOn};

    fn judged(subject: Subject, values: &[f64]) -> Evaluation {
        let protocol = if subject == Subject::Whole { "whole@60" } else { "dm@300x5" };
        Evaluation {
            step: 300,
            subject,
            tested_on: TestedOn::Test,
            accuracy: Accuracy::of(values, protocol),
            values: values.to_vec(),
            network: "ConvNet".to_owned(),
            confusion: Vec::new(),
            called: Vec::new(),
            images: 100,
            bytes: 6400,
            secs: 1.0,
            test_uses: 1,
        }
    }

    fn best_of(distilled: &[f64], random: &[f64], medoids: &[f64]) -> (Option<Subject>, String) {
        let evaluations = [
            judged(Subject::Whole, &[0.97]),
            judged(Subject::Synthetic, distilled),
            judged(Subject::Random, random),
            judged(Subject::Medoids, medoids),
        ];
        let verdict = verdict(&evaluations, 300, "dm@300x5").unwrap();
        assert_eq!(verdict.rows.len(), 4);
        (verdict.best, verdict.text)
    }

    #[test]
    fn the_verdict_names_what_wins_beyond_the_spread() {
        let around = |mean: f64| [mean - 0.004, mean, mean + 0.004, mean - 0.002, mean + 0.002];
        let (best, text) = best_of(&around(0.95), &around(0.90), &around(0.92));
        assert_eq!(best, Some(Subject::Synthetic));
        assert!(text.contains("Use the distilled images: 3.0 points better than k-means medoids"), "{text}");
        let (best, text) = best_of(&around(0.90), &around(0.88), &around(0.93));
        assert_eq!(best, Some(Subject::Medoids));
        assert!(text.starts_with("Use k-means medoids instead"), "{text}");
        let (best, text) = best_of(&around(0.901), &around(0.9), &around(0.89));
        assert_eq!(best, None);
        assert!(text.starts_with("No difference beyond the spread") && text.contains("whole@60"), "{text}");
        assert_eq!(best_of(&[0.95], &around(0.5), &around(0.5)).0, None, "one network proves nothing");
    }

    #[test]
    fn protocols_and_steps_are_never_mixed() {
        let mut other = judged(Subject::Synthetic, &[0.9, 0.9]);
        other.accuracy.protocol = "quick@100x3".to_owned();
        let random = judged(Subject::Random, &[0.8, 0.8]);
        assert!(verdict(&[other, random.clone()], 300, "dm@300x5").is_none());
        assert!(verdict(&[judged(Subject::Synthetic, &[0.9]), random], 299, "dm@300x5").is_none());
    }

    #[test]
    fn welchs_margin_is_that_of_the_textbook() {
        // Two samples of three with variance 1: standard error sqrt(2/3), 4 degrees of freedom.
        let margin = margin(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).unwrap();
        assert!((margin - 2.776 * (2.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{margin}");
    }
}
