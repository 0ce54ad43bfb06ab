//! Which images to use, in plain words: distilled ones beside as many real ones and beside all of them.

use std::f64::consts::FRAC_PI_2;

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
    let selections: Vec<&Evaluation> = Subject::SELECTIONS.into_iter().filter_map(newest).collect();
    let best = selections.iter().copied().max_by(|a, b| a.accuracy.mean.total_cmp(&b.accuracy.mean));
    let selection = best.unwrap_or(random);
    let gain = distilled.accuracy.mean - selection.accuracy.mean;
    let margin = margin(&distilled.values, &selection.values, selections.len());
    let best = match margin {
        Some(margin) if gain > margin => Some(Subject::Synthetic),
        Some(margin) if gain < -margin => Some(selection.subject),
        _ => None,
    };
    let rows: Vec<VerdictRow> =
        Subject::ALL.into_iter().filter_map(newest).map(|evaluation| row(evaluation, protocol)).collect();
    let text = text(&rows, best, (gain, margin, selections.len()), selection.subject);
    Some(Verdict { step, protocol: protocol.to_owned(), rows, best, gain, margin, text })
}

fn row(evaluation: &Evaluation, protocol: &str) -> VerdictRow {
    VerdictRow {
        subject: evaluation.subject,
        accuracy: evaluation.accuracy.clone(),
        spread: evaluation.spread().describe(),
        images: evaluation.images,
        bytes: evaluation.bytes,
        is_comparable: evaluation.accuracy.protocol == protocol,
    }
}

fn text(
    rows: &[VerdictRow],
    best: Option<Subject>,
    (gain, margin, of): (f64, Option<f64>, usize),
    selection: Subject,
) -> String {
    let points = format!("{:.1} points", 100.0 * gain.abs());
    let within = match margin {
        Some(margin) if of > 1 => {
            format!("95 % margin {:.1}, widened for the best of {of} selections (Bonferroni)", 100.0 * margin)
        }
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
        let spread = row.spread.as_ref().map_or_else(String::new, |spread| format!("; spread {spread}"));
        format!(
            "{}: {} with {}, {} ({}, {}{spread})",
            row.subject.describe(),
            words::percent(row.accuracy.mean, row.accuracy.std, row.accuracy.repeats),
            words::counted(row.images as u64, "image", "images"),
            words::bytes(row.bytes as f64),
            row.accuracy.protocol,
            words::counted(row.accuracy.repeats as u64, "network", "networks")
        )
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{advice}\n{}", lines.join("\n"))
}

/// Half the 95 % interval of the difference of two means, by Welch's test; none where one has a single value.
///
/// The second is the best of `of` candidates. Picking it flatters it, so the interval is that of `of` differences at once, each at
/// the level `5 % / of` (Bonferroni): with a chance of 95 % all of them hold together, whichever is picked.
fn margin(a: &[f64], b: &[f64], of: usize) -> Option<f64> {
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
    Some(student(freedom, 0.025 / of.max(1) as f64) * (a + b).sqrt())
}

/// What Student's law with so many degrees of freedom, one at least, exceeds with the chance `tail`.
///
/// With `t = sqrt(freedom) tan(angle)` its density becomes `cos(angle)^(freedom - 1)` on half a circle, which is added up from the
/// far end until the share is there.
fn student(freedom: f64, tail: f64) -> f64 {
    const PARTS: usize = 200_000;
    let part = FRAC_PI_2 / PARTS as f64;
    // Middles of the parts, from the far end.
    let density = |at: usize| ((at as f64 + 0.5) * part).sin().powf(freedom - 1.0);
    let whole = 2.0 * (0..PARTS).map(density).sum::<f64>();
    let mut left = tail * whole;
    for at in 0..PARTS {
        let here = density(at);
        if left <= here {
            // How far from the end, at the place within the part.
            let angle = (at as f64 + if here > 0.0 { left / here } else { 1.0 }) * part;
            return freedom.sqrt() / angle.tan();
        }
        left -= here;
    }
    0.0
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
            source: None,
            tested_on: TestedOn::Test,
            accuracy: Accuracy::of(values, protocol),
            values: values.to_vec(),
            draws: 1,
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
        let margin = margin(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 1).unwrap();
        assert!((margin - 2.776_445 * (2.0_f64 / 3.0).sqrt()).abs() < 1e-5, "{margin}");
    }

    #[test]
    fn quantiles_are_those_of_the_tables_and_grow_with_the_selections() {
        // Two-sided 95 %, and the same for one of two, three and six (Bonferroni), from tables of Student's law.
        for (freedom, tail, expected) in [
            (1.0, 0.025, 12.7062),
            (2.0, 0.025, 4.302_65),
            (4.0, 0.025, 2.776_45),
            (8.0, 0.025, 2.306_00),
            (30.0, 0.025, 2.042_27),
            (100.0, 0.025, 1.983_97),
            (8.0, 0.0125, 2.751_52),
            (8.0, 0.025 / 3.0, 3.015_76),
            (8.0, 0.025 / 6.0, 3.478_88),
        ] {
            let found = student(freedom, tail);
            assert!((found - expected).abs() < 1e-3 * expected, "{freedom} {tail}: {found} for {expected}");
        }
        let of = |count| margin(&[0.5, 0.52, 0.54], &[0.4, 0.42, 0.45], count).unwrap();
        assert!(of(1) < of(2) && of(2) < of(6));
    }

    /// Many experiments without a difference: the best of six random selections rarely beats, or is beaten.
    #[test]
    fn picking_the_best_of_six_seldom_finds_a_difference_that_is_not_there() {
        use rand::Rng;
        let mut rng = crate::random::stream(1, crate::random::Purpose::Selection, 0, 0);
        let mut five = || -> Vec<f64> { (0..5).map(|_| (0..6).map(|_| rng.random::<f64>()).sum()).collect() };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / 5.0;
        let (mut corrected, mut plain) = (0, 0);
        for _ in 0..400 {
            let distilled = five();
            let best = (0..6).map(|_| five()).max_by(|a, b| mean(a).total_cmp(&mean(b))).unwrap();
            let gap = (mean(&distilled) - mean(&best)).abs();
            corrected += usize::from(gap > margin(&distilled, &best, 6).unwrap());
            plain += usize::from(gap > margin(&distilled, &best, 1).unwrap());
        }
        assert!(corrected <= 20, "5 % of 400 at most: {corrected}");
        assert!(plain > 20, "without the correction there are more: {plain}");
    }
}
