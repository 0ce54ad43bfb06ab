//! The mixer: what people set, what the engine was told, and what it has acknowledged.
//!
//! Mute and solo are known here only; the engine hears weights. A muted strip sends 0 and remembers its fader.

use crate::report::{Control, ControlKind, RunInfo};

/// One strip: the first control of a group, with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// What it turns.
    pub control: Control,
    /// Where the fader stands.
    pub fader: f64,
    /// Silenced, with the fader kept.
    pub muted: bool,
    /// What the engine was told last.
    pub sent: f64,
    /// What the engine has acknowledged.
    pub applied: f64,
    /// What belongs to it, for example the radius of a ball.
    pub others: Vec<Strip>,
}

impl Strip {
    fn of(control: &Control) -> Self {
        let value = control.value;
        Self { control: control.clone(), fader: value, muted: false, sent: value, applied: value, others: Vec::new() }
    }

    /// True for the weight of a term of the loss.
    pub fn is_loss(&self) -> bool {
        self.control.kind == ControlKind::LossWeight
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

    /// What the engine has not acknowledged goes back to what is in force.
    fn settle(&mut self) {
        if self.is_pending() {
            self.sent = self.applied;
            self.fader = self.applied;
        }
    }
}

/// All strips of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mixer {
    /// One for each group of controls, in the order of the run.
    pub strips: Vec<Strip>,
    /// The strip that is heard alone.
    pub solo: Option<usize>,
}

impl Mixer {
    /// The strips of a run as it starts.
    pub fn of(info: &RunInfo) -> Self {
        let mut strips: Vec<Strip> = Vec::new();
        for control in &info.controls {
            match strips.last_mut().filter(|strip| control.belongs_to() == Some(&strip.control.id)) {
                Some(strip) => strip.others.push(Strip::of(control)),
                None => strips.push(Strip::of(control)),
            }
        }
        Self { strips, solo: None }
    }

    /// The strip of a control.
    pub fn strip_mut(&mut self, control: &str) -> Option<&mut Strip> {
        let all = self.strips.iter_mut().flat_map(|strip| {
            let Strip { control: head, .. } = strip;
            if head.id == control { vec![strip] } else { strip.others.iter_mut().collect() }
        });
        all.into_iter().find(|strip| strip.control.id == control)
    }

    /// True when a strip is silent because of mute or of a solo elsewhere: the weight of a term of the loss.
    pub fn is_silent(&self, index: usize) -> bool {
        let strip = &self.strips[index];
        strip.is_loss() && (strip.muted || self.solo.is_some_and(|solo| solo != index))
    }

    /// The values that the engine must be told now, by their controls; marks them as sent.
    pub fn unsent(&mut self) -> Vec<(String, f64)> {
        let mut told = Vec::new();
        for index in 0..self.strips.len() {
            let silent = self.is_silent(index);
            let strip = &mut self.strips[index];
            let heard = if silent { 0.0 } else { strip.fader };
            let others = strip.others.iter_mut().map(|other| (other.fader, other));
            let changed: Vec<(f64, &mut Strip)> = others.filter(|(value, other)| other.sent != *value).collect();
            for (value, other) in changed {
                other.sent = value;
                told.push((other.control.id.clone(), value));
            }
            if strip.sent != heard {
                strip.sent = heard;
                told.push((strip.control.id.clone(), heard));
            }
        }
        told
    }

    /// A value is in force.
    pub fn acknowledge(&mut self, control: &str, value: f64) {
        if let Some(strip) = self.strip_mut(control) {
            strip.acknowledge(value);
        }
    }

    /// A request was refused: what the engine has not acknowledged goes back to what is in force.
    pub fn settle(&mut self) {
        for strip in &mut self.strips {
            strip.settle();
            strip.others.iter_mut().for_each(Strip::settle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixer() -> Mixer {
        let strip = |id: &str, kind| Strip::of(&Control::new(id, "", kind, 1.0, 1.0));
        let mut ball = strip("ball", ControlKind::LossWeight);
        ball.others.push(strip("ball.radius", ControlKind::POSITIVE));
        let strips = vec![strip("mean", ControlKind::LossWeight), ball, strip("learning_rate", ControlKind::POSITIVE)];
        Mixer { strips, solo: None }
    }

    #[test]
    fn solo_silences_the_others_and_gives_them_back() {
        let mut mixer = mixer();
        mixer.solo = Some(0);
        assert_eq!(mixer.unsent(), [("ball".to_owned(), 0.0)]);
        assert!(mixer.unsent().is_empty(), "a value is told once");
        mixer.solo = None;
        assert_eq!(mixer.unsent(), [("ball".to_owned(), 1.0)]);
    }

    #[test]
    fn a_strip_is_pending_until_its_last_value_is_acknowledged() {
        let mut mixer = mixer();
        mixer.strips[0].fader = 0.5;
        mixer.unsent();
        mixer.strips[0].fader = 0.25;
        mixer.unsent();
        mixer.acknowledge("mean", 0.5);
        assert!(mixer.strips[0].is_pending());
        mixer.acknowledge("mean", 0.25);
        assert!(!mixer.strips[0].is_pending());
    }

    #[test]
    fn what_belongs_to_a_strip_is_told_by_its_own_name() {
        let mut mixer = mixer();
        mixer.solo = Some(0);
        mixer.strip_mut("ball.radius").unwrap().fader = 2.0;
        mixer.strip_mut("learning_rate").unwrap().fader = 0.5;
        let told = [("ball.radius", 2.0), ("ball", 0.0), ("learning_rate", 0.5)];
        assert_eq!(mixer.unsent(), told.map(|(id, value)| (id.to_owned(), value)), "solo silences terms alone");
        mixer.acknowledge("ball.radius", 2.0);
        assert!(!mixer.strips[1].others[0].is_pending() && mixer.strips[1].is_pending());
    }

    #[test]
    fn a_replayed_change_moves_the_fader() {
        let mut mixer = mixer();
        mixer.acknowledge("mean", 3.0);
        assert_eq!(mixer.strips[0].fader, 3.0);
        assert!(mixer.unsent().is_empty(), "what the engine did itself is not told back");
    }
}
