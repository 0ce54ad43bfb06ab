//! What stands beside a run: a set and a comparison that were opened, and what is still to be judged.

use std::path::PathBuf;

use crate::{
    engine::{Answer, Trial},
    evaluate::Protocol,
    report::{Comparison, Evaluation, OpenedSet, Skipped, Subject, WhySkipped},
};

use super::RunState;

/// What was asked of the engine, for requests whose answer matters by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// What is in a data set.
    Inspect,
    /// An evaluation.
    Trial(Trial),
}

/// A set that was read from files.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Where it lies, and how it was read.
    pub set: OpenedSet,
    /// The fingerprint of the data set that it belongs to.
    pub fingerprint: String,
    /// How it was judged.
    pub judged: Vec<Evaluation>,
}

/// Presets beside each other, as they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedComparison {
    /// The file, or the folder that holds it.
    pub path: PathBuf,
    /// What stands in it.
    pub comparison: Comparison,
}

/// Something that was left out or given up, and can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// What to ask for.
    pub trial: Trial,
    /// What was left out at the end of the run; none for a trial that somebody asked for.
    pub subject: Option<Subject>,
    /// Why it is not there.
    pub why: WhySkipped,
}

impl Owed {
    fn skipped(skipped: &Skipped) -> Self {
        let Skipped { subject, protocol, why } = skipped;
        // The whole set has a protocol of its own; what else there is stands beside the distilled images.
        let against = if *subject == Subject::Whole { Vec::new() } else { vec![*subject] };
        let trial = Trial { protocol: protocol.clone(), against, ..Trial::default() };
        Self { trial, subject: Some(*subject), why: *why }
    }

    /// What is to be judged, in words.
    pub fn what(&self) -> String {
        let Trial { protocol, networks, .. } = &self.trial;
        let by = if networks.is_empty() { String::new() } else { format!(" with {}", networks.join(", ")) };
        format!("{} by {protocol}{by}", self.subject.map_or("images as they are", Subject::describe))
    }

    /// Why it is not there, in words.
    pub fn reason(&self) -> &'static str {
        match self.why {
            WhySkipped::Interrupted => "given up; the networks that were tested are kept",
            WhySkipped::NotAsked => "not asked for",
            WhySkipped::TooLarge => "left out, since it takes long",
            WhySkipped::Failed => "could not be judged; the log says why",
        }
    }
}

impl RunState {
    /// Remembers what was asked under a number.
    pub fn ask(&mut self, number: u64, asked: Asked) {
        if let Asked::Trial(trial) = &asked {
            self.owed.retain(|owed| owed.trial != *trial);
        }
        self.requests.insert(number, asked);
    }

    /// True while somebody waits for what is in a data set.
    pub fn is_inspecting(&self) -> bool {
        self.requests.values().any(|asked| *asked == Asked::Inspect)
    }

    /// True while the engine holds the run that is shown: it can be judged, exported and saved.
    pub fn is_open(&self) -> bool {
        self.phase.is_live() || matches!(self.phase, super::Phase::Finished { .. })
    }

    /// True while changes of the mixer would be felt by a step.
    pub fn can_change(&self) -> bool {
        self.phase.is_live() && !self.is_complete()
    }

    /// True when all steps of the run that is shown are done.
    pub fn is_complete(&self) -> bool {
        self.info.as_ref().is_some_and(|info| self.step >= info.steps)
    }

    /// A request was answered; what was given up can be taken up.
    pub(super) fn answered(&mut self, number: u64, answer: Answer) {
        let asked = self.requests.remove(&number);
        match (asked, answer) {
            (Some(Asked::Trial(trial)), Answer::Cancelled) => {
                self.owed.push(Owed { trial, subject: None, why: WhySkipped::Interrupted });
            }
            (_, Answer::Refused { message, .. }) => {
                self.mixer.settle();
                self.tell_failure(message);
            }
            _ => {}
        }
    }

    /// Something is not judged at the end.
    pub(super) fn skip(&mut self, skipped: &Skipped) {
        let owed = Owed::skipped(skipped);
        self.journal.write(super::Grade::Note, format!("{}: {}", owed.what(), owed.reason()), self.step);
        // What somebody gave up while it was asked for stands here once.
        self.owed.retain(|known| known.trial != owed.trial);
        self.owed.push(owed);
    }

    /// Something was judged.
    pub(super) fn judged(&mut self, evaluation: &Evaluation) {
        let (subject, protocol) = (evaluation.subject, &evaluation.accuracy.protocol);
        self.owed.retain(|owed| owed.subject != Some(subject) || owed.trial.protocol != *protocol);
        if let Some(opened) = &mut self.opened
            && evaluation.source.as_ref().is_some_and(|source| *source == opened.set.path.display().to_string())
        {
            opened.judged.push(evaluation.clone());
        }
    }

    /// About how many seconds it takes to judge what is owed, from what the newest evaluation took.
    pub fn price(&self, owed: &Owed) -> Option<f64> {
        let (info, subject) = (self.info.as_ref()?, owed.subject?);
        let work = |protocol: &str, images: usize| {
            let protocol: Protocol = protocol.parse().ok()?;
            Some((protocol.epochs * protocol.repeats * images) as f64)
        };
        let measured = self.evaluations.iter().rev().find(|one| one.secs > 0.0 && one.images > 0)?;
        let images = match subject {
            Subject::Whole => info.data.train * info.classes.len() / info.data.class_names.len().max(1),
            Subject::Synthetic => info.classes.len() * info.per_class * self.parts(),
            _ => info.classes.len() * info.per_class,
        };
        let known = work(&measured.accuracy.protocol, measured.images).filter(|work| *work > 0.0)?;
        Some(measured.secs * work(&owed.trial.protocol, images)? / known)
    }

    /// A set was read for the run that is shown; one that was read otherwise before gives way.
    pub(super) fn open_set(&mut self, set: OpenedSet) {
        self.journal.write(super::Grade::Note, set.describe(), self.step);
        self.evaluations.retain(|one| one.source != Some(set.path.display().to_string()));
        let fingerprint = self.info.as_ref().map(|info| info.data.fingerprint.clone()).unwrap_or_default();
        self.opened = Some(Opened { set, fingerprint, judged: Vec::new() });
        self.pictures.close_set(); // That of the one before.
        self.sets_opened += 1;
    }

    /// The set that was opened stands here no longer, nor what it reached.
    pub fn close_set(&mut self) {
        if let Some(opened) = self.opened.take() {
            let source = opened.set.path.display().to_string();
            self.evaluations.retain(|one| one.source.as_ref() != Some(&source));
            self.pictures.close_set();
        }
    }

    /// A comparison was read; one of another data set says so instead of showing.
    pub(super) fn open_comparison(&mut self, path: PathBuf, comparison: Comparison) {
        match self.info.as_ref().filter(|info| !self.phase.is_moving_in() && !comparison.is_about(&info.data)) {
            Some(info) => {
                let (about, here) = (&comparison.data, &info.data.name);
                let text = if about == here {
                    format!("it compares presets on another {about} than that of this run: the images differ")
                } else {
                    format!(
                        "it compares presets on {about}, and this run is on {here}. Start a run on {about} to see it"
                    )
                };
                self.tell_failure(format!("{}: {text}", path.display()));
            }
            None => self.comparison = Some(OpenedComparison { path, comparison }),
        }
    }

    /// The comparison that fits the run that is shown.
    pub fn comparison_shown(&self) -> Option<&OpenedComparison> {
        let info = self.info.as_ref()?;
        self.comparison.as_ref().filter(|opened| opened.comparison.is_about(&info.data))
    }

    /// A run stands ready: what belongs to another data set is closed, and said.
    pub(super) fn keep_what_fits(&mut self) {
        let Some(info) = &self.info else { return };
        let mut closed = Vec::new();
        if let Some(opened) = self.opened.take_if(|opened| opened.fingerprint != info.data.fingerprint) {
            closed.push(opened.set.path);
        }
        if let Some(opened) = self.comparison.take_if(|opened| !opened.comparison.is_about(&info.data)) {
            closed.push(opened.path);
        }
        for path in closed {
            let text = format!("{} is closed: it belongs to another data set", path.display());
            self.journal.write(super::Grade::Note, text, self.step);
        }
    }
}
