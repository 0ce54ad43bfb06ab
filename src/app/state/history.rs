//! What every step computed, column by column, and the marks that stand beside it.

use std::collections::BTreeMap;

use crate::report::{Control, ControlKind, Evaluation, Intervention, LEARNING_RATE, StepReport};

use super::Series;

/// All steps of a run that this window has seen.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The steps, rising.
    steps: Vec<u64>,
    /// Sum of the weighted terms.
    pub total: Series,
    /// One for each term of the run; a step that did not compute a term has no number (NaN) there.
    pub terms: Vec<TermHistory>,
    /// What steps say beside the losses, by name; a step that does not say it has no number (NaN) there.
    named: BTreeMap<String, Series>,
    /// The newest report.
    pub newest: Option<StepReport>,
}

/// The values of a term over the steps.
#[derive(Clone, Debug, Default)]
pub struct TermHistory {
    /// Name of the term.
    pub id: String,
    /// False for what is set and makes no part of the loss.
    pub is_loss: bool,
    /// Unweighted values.
    pub raw: Series,
    /// Weight times value.
    pub weighted: Series,
}

/// Something that happened at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When.
    pub step: u64,
    /// What.
    pub kind: MarkKind,
}

/// What a mark stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkKind {
    /// Somebody changed the run; in words.
    Change(String),
    /// The images were judged; in words.
    Evaluation(String),
}

impl History {
    /// Of a run with these controls, before its first step: the first of each group has a value at every step.
    pub fn of(controls: &[Control]) -> Self {
        let has_values = |control: &&Control| control.belongs_to().is_none() && control.id != LEARNING_RATE;
        let term = |control: &Control| TermHistory {
            id: control.id.clone(),
            is_loss: control.kind == ControlKind::LossWeight,
            ..Default::default()
        };
        Self { terms: controls.iter().filter(has_values).map(term).collect(), ..Default::default() }
    }

    /// Takes a report. A step that comes again, after a roll-back, replaces what stood there and after it.
    pub fn push(&mut self, report: StepReport) {
        let keep = self.steps.partition_point(|&step| step < report.step);
        if keep < self.steps.len() {
            self.steps.truncate(keep);
            self.total.truncate(keep);
            for term in &mut self.terms {
                term.raw.truncate(keep);
                term.weighted.truncate(keep);
            }
            self.named.values_mut().for_each(|series| series.truncate(keep));
        }
        self.steps.push(report.step);
        self.total.push(report.total);
        for term in &mut self.terms {
            let value = report.terms.iter().find(|value| value.term == term.id);
            term.raw.push(value.map_or(f64::NAN, |value| value.raw));
            term.weighted.push(value.map_or(f64::NAN, |value| value.weight * value.raw));
        }
        for (name, value) in report.named() {
            let series = self.named.entry(name).or_default();
            (series.len() + 1..self.steps.len()).for_each(|_| series.push(f64::NAN));
            series.push(value);
        }
        let count = self.steps.len();
        self.named.values_mut().filter(|series| series.len() < count).for_each(|series| series.push(f64::NAN));
        self.newest = Some(report);
    }

    /// How many steps are kept.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True before the first step.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step at a position.
    pub fn step(&self, position: usize) -> u64 {
        self.steps.get(position).copied().unwrap_or_default()
    }

    /// First and last step.
    pub fn range(&self) -> Option<(u64, u64)> {
        Some((*self.steps.first()?, *self.steps.last()?))
    }

    /// The first position whose step is not before `step`.
    pub fn position(&self, step: f64) -> usize {
        self.steps.partition_point(|&here| (here as f64) < step)
    }

    /// True if losses below zero are seen, which have no place on a logarithmic axis.
    pub fn goes_below_zero(&self) -> bool {
        let series = std::iter::once(&self.total).chain(self.terms.iter().map(|term| &term.weighted));
        series.into_iter().any(|series| series.extent(0, series.len()).is_some_and(|(low, _)| low < 0.0))
    }

    /// Positions of the steps of a part, one more on each side, so that lines run out of the picture instead of ending inside it.
    fn positions(&self, part: Option<(f64, f64)>) -> (usize, usize) {
        match part {
            Some((left, right)) => (self.position(left).saturating_sub(1), (self.position(right) + 2).min(self.len())),
            None => (0, self.len()),
        }
    }

    /// A series over the steps, thinned to the columns of a screen; what was not computed is no number.
    pub fn drawn(&self, series: &Series, part: Option<(f64, f64)>, columns: usize) -> Vec<[f64; 2]> {
        let (from, to) = self.positions(part);
        series.thinned(from, to, columns).into_iter().map(|(at, value)| [self.step(at) as f64, value]).collect()
    }

    /// The means of a series over a fiftieth of the steps that are shown, one for each column of a screen at most.
    pub fn smoothed(&self, series: &Series, part: Option<(f64, f64)>, columns: usize) -> Vec<[f64; 2]> {
        let (from, to) = self.positions(part);
        let reach = (to - from) / 100 + 1;
        let stride = (to - from).div_ceil(columns.max(1)).max(1);
        let mean = |at: usize| {
            // A gap stays a gap.
            let value = series.get(at).filter(|value| value.is_finite());
            value.and_then(|_| series.mean(at.saturating_sub(reach), (at + reach + 1).min(series.len())))
        };
        let point = |at: usize| [self.step(at) as f64, mean(at).unwrap_or(f64::NAN)];
        (from..to).step_by(stride).chain((to > from).then(|| to - 1)).map(point).collect()
    }

    /// What steps report by a name: the total, a term by its name (weight times value), or what they say beside the losses.
    pub fn scalar(&self, name: &str) -> Option<&Series> {
        let term = || self.terms.iter().find(|term| term.id == name).map(|term| &term.weighted);
        if name == "total" { Some(&self.total) } else { self.named.get(name).or_else(term) }
    }

    /// Share of each term in the newest total, in the order of the terms; 0 for what is no part of it.
    pub fn loss_shares(&self) -> Vec<f64> {
        let newest = |term: &TermHistory| term.weighted.last().filter(|value| term.is_loss && value.is_finite());
        let parts: Vec<f64> = self.terms.iter().map(|term| newest(term).unwrap_or_default().abs()).collect();
        let sum: f64 = parts.iter().sum();
        parts.into_iter().map(|part| if sum > 0.0 { part / sum } else { 0.0 }).collect()
    }
}

/// A control as it is said: `radius of ball`, `learning rate`.
pub fn in_words(control: &str) -> String {
    let words = match control.split_once('.') {
        Some((group, name)) => format!("{name} of {group}"),
        None => control.to_owned(),
    };
    words.replace('_', " ")
}

impl Mark {
    /// The mark of a change.
    pub fn change(intervention: &Intervention) -> Self {
        let Intervention { control, old, new, .. } = intervention;
        let text = format!("{} {} to {}", in_words(control), short(*old), short(*new));
        Self { step: intervention.step, kind: MarkKind::Change(text) }
    }

    /// The mark of an evaluation.
    pub fn evaluation(evaluation: &Evaluation) -> Self {
        let accuracy = &evaluation.accuracy;
        let text = format!("{:.1} % · {}", 100.0 * accuracy.mean, accuracy.protocol);
        Self { step: evaluation.step, kind: MarkKind::Evaluation(text) }
    }

    /// What happened, in words.
    pub fn text(&self) -> &str {
        match &self.kind {
            MarkKind::Change(text) | MarkKind::Evaluation(text) => text,
        }
    }
}

/// A number in at most four digits.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::TermValue;

    fn report(step: u64, raw: f64) -> StepReport {
        let terms = vec![TermValue {
            term: "mean".to_owned(),
            raw,
            weight: 2.0,
            parameters: std::collections::BTreeMap::new(),
        }];
        StepReport {
            step,
            total: 2.0 * raw,
            learning_rate: 1.0,
            gradient_norm: 0.1,
            network: None,
            network_accuracy: None,
            cells: Vec::new(),
            terms,
        }
    }

    fn history() -> History {
        let term = |id: &str| TermHistory { id: id.to_owned(), is_loss: true, ..Default::default() };
        History { terms: vec![term("mean"), term("ball")], ..Default::default() }
    }

    #[test]
    fn a_term_that_was_not_computed_leaves_a_gap() {
        let mut history = history();
        history.push(report(1, 0.5));
        assert_eq!(history.terms[0].weighted.last(), Some(1.0));
        assert!(history.terms[1].raw.last().is_some_and(f64::is_nan));
        assert_eq!(history.loss_shares(), [1.0, 0.0]);
    }

    #[test]
    fn a_step_that_comes_again_replaces_the_old_future() {
        let mut history = history();
        (1..=10).for_each(|step| history.push(report(step, 1.0)));
        history.push(report(6, 3.0));
        assert_eq!(history.range(), Some((1, 6)));
        assert_eq!(history.total.last(), Some(6.0));
        assert_eq!(history.terms[0].weighted.len(), 6);
    }

    #[test]
    fn what_steps_say_by_name_stands_at_their_steps() {
        let mut history = history();
        history.push(report(1, 0.5));
        (2..=4).for_each(|step| history.push(StepReport { network_accuracy: Some(0.25), ..report(step, 1.0) }));
        history.push(report(5, 1.0));
        let drawn = history.drawn(history.scalar("network_accuracy").unwrap(), None, 100);
        assert!(drawn[0][1].is_nan() && drawn[4][1].is_nan());
        assert_eq!(drawn[1..4], [[2.0, 0.25], [3.0, 0.25], [4.0, 0.25]]);
        history.push(report(3, 1.0));
        assert_eq!(history.scalar("network_accuracy").unwrap().len(), 3, "a roll-back takes it along");
        assert!(history.scalar("total").is_some() && history.scalar("mean").is_some() && history.scalar("x").is_none());
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (1.0, "1"), (0.05, "0.05"), (12345.6, "12346"), (1e-6, "1.0e-6"), (2.5, "2.5")]
        {
            assert_eq!(short(value), text);
        }
    }
}
