//! The mixer: what people set, what the engine was told, and what it has acknowledged.
//!
//! Mute and solo are known here only; the engine hears weights. A muted strip sends 0 and remembers its fader.

use crate::report::{PaperMark, ParameterInfo, RunInfo, TermInfo};

/// One strip: a term of the loss, or the learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Name of the term.
    pub id: String,
    /// What it measures, in one sentence.
    pub meaning: String,
    /// Where the fader stands.
    pub fader: f64,
    /// The value of the preset.
    pub default: f64,
    /// Values of papers, that for this run (or the one nearest to it) first.
    pub paper: Vec<PaperMark>,
    /// The largest value that means something, where there is one.
    pub most: Option<f64>,
    /// Silenced, with the fader kept.
    pub muted: bool,
    /// What the engine was told last.
    pub sent: f64,
    /// What the engine has acknowledged.
    pub applied: f64,
    /// True if only whole numbers from 1 mean something.
    pub whole: bool,
    /// Other numbers of the term, for example the radius of a ball.
    pub parameters: Vec<Strip>,
    /// True if the term looks through networks that are trained before it counts.
    pub needs_pool: bool,
    /// Why the term has no effect, where it has none.
    pub no_effect: Option<String>,
}

impl Strip {
    fn new(id: &str, meaning: &str, default: f64, paper: Vec<PaperMark>, value: f64) -> Self {
        Self {
            id: id.to_owned(),
            meaning: meaning.to_owned(),
            fader: value,
            default,
            paper,
            most: None,
            whole: false,
            muted: false,
            sent: value,
            applied: value,
            parameters: Vec::new(),
            needs_pool: false,
            no_effect: None,
        }
    }

    fn of(term: &TermInfo) -> Self {
        let knob = |one: &ParameterInfo| Self {
            whole: one.whole,
            ..Self::new(&one.id, &one.meaning, one.default, Vec::new(), one.value)
        };
        let parameters = term.parameters.iter().map(knob).collect();
        let plain = Self::new(&term.id, &term.meaning, term.default_weight, term.paper.clone(), term.weight);
        Self { parameters, most: term.most, needs_pool: term.needs_pool, no_effect: term.no_effect.clone(), ..plain }
    }

    /// True until the engine has acknowledged the last value.
    pub fn is_pending(&self) -> bool {
        self.sent != self.applied
    }

    /// The engine says that a value is in force.
    fn acknowledge(&mut self, value: f64) {
        let was_settled = !self.is_pending();
        self.applied = value;
        // A change that nobody asked for here, from a replayed script, moves the fader.
        if was_settled && value != self.sent {
            self.sent = value;
            self.fader = value;
        }
    }
}

/// All strips of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    /// One for each term, in the order of the run.
    pub terms: Vec<Strip>,
    /// The learning rate of the images.
    pub rate: Option<Strip>,
    /// The strip that is heard alone.
    pub solo: Option<usize>,
}

impl Desk {
    /// The strips of a run as it starts.
    pub fn of(info: &RunInfo, default_rate: Option<f64>) -> Self {
        let meaning = "How far pixels, a map or points move in a step";
        let default = default_rate.unwrap_or(info.learning_rate);
        let rate = Strip::new("learning rate", meaning, default, Vec::new(), info.learning_rate);
        Self { terms: info.terms.iter().map(Strip::of).collect(), rate: Some(rate), solo: None }
    }

    /// True when a strip is silent because of mute or of a solo elsewhere.
    pub fn is_silent(&self, index: usize) -> bool {
        self.terms[index].muted || self.solo.is_some_and(|solo| solo != index)
    }

    /// The weights that the engine must be told now, with the strips they belong to; marks them as sent.
    pub fn unsent(&mut self) -> Vec<(String, f64)> {
        let mut told = Vec::new();
        for index in 0..self.terms.len() {
            let weight = if self.is_silent(index) { 0.0 } else { self.terms[index].fader };
            let strip = &mut self.terms[index];
            if strip.sent != weight {
                strip.sent = weight;
                told.push((strip.id.clone(), weight));
            }
        }
        told
    }

    /// A weight is in force.
    pub fn acknowledge_weight(&mut self, term: &str, weight: f64) {
        if let Some(strip) = self.terms.iter_mut().find(|strip| strip.id == term) {
            strip.acknowledge(weight);
        }
    }

    /// A parameter is in force.
    pub fn acknowledge_parameter(&mut self, term: &str, parameter: &str, value: f64) {
        let strip = self.terms.iter_mut().find(|strip| strip.id == term);
        let knobs = strip.map(|strip| strip.parameters.iter_mut()).into_iter().flatten();
        for knob in knobs.filter(|knob| knob.id == parameter) {
            knob.acknowledge(value);
        }
    }

    /// A request was refused: what the engine has not acknowledged goes back to what is in force.
    pub fn settle(&mut self) {
        let knobs = |strip: &mut Strip| {
            if strip.is_pending() {
                strip.sent = strip.applied;
                strip.fader = strip.applied;
            }
        };
        for strip in &mut self.terms {
            knobs(strip);
            strip.parameters.iter_mut().for_each(knobs);
        }
        self.rate.iter_mut().for_each(knobs);
    }

    /// A learning rate is in force.
    pub fn acknowledge_rate(&mut self, value: f64) {
        if let Some(strip) = &mut self.rate {
            strip.acknowledge(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        let strip = |id: &str| Strip::new(id, "", 1.0, Vec::new(), 1.0);
        Desk { terms: vec![strip("mean"), strip("covariance")], rate: Some(strip("learning rate")), solo: None }
    }

    #[test]
    fn solo_silences_the_others_and_gives_them_back() {
        let mut desk = desk();
        desk.solo = Some(0);
        assert_eq!(desk.unsent(), [("covariance".to_owned(), 0.0)]);
        assert!(desk.unsent().is_empty(), "a value is told once");
        desk.solo = None;
        assert_eq!(desk.unsent(), [("covariance".to_owned(), 1.0)]);
    }

    #[test]
    fn a_strip_is_pending_until_its_last_value_is_acknowledged() {
        let mut desk = desk();
        desk.terms[0].fader = 0.5;
        desk.unsent();
        desk.terms[0].fader = 0.25;
        desk.unsent();
        desk.acknowledge_weight("mean", 0.5);
        assert!(desk.terms[0].is_pending());
        desk.acknowledge_weight("mean", 0.25);
        assert!(!desk.terms[0].is_pending());
    }

    #[test]
    fn a_replayed_change_moves_the_fader() {
        let mut desk = desk();
        desk.acknowledge_weight("mean", 3.0);
        assert_eq!(desk.terms[0].fader, 3.0);
        assert!(desk.unsent().is_empty(), "what the engine did itself is not told back");
    }
}
