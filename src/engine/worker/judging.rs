//! Evaluations: asked for, on the way, at the end.

use std::{path::Path, time::Duration};

use super::{Mode, Worker};
use crate::{
    data::DataSpec,
    engine::{Event, Trial, jobs::Slice},
    error::{Error, Result},
    evaluate::{Family as Rules, Judge, Protocol},
    words::duration,
};

/// An evaluation that nobody asked for must be forecast to take no longer than this.
const UNASKED_SECS: f64 = 60.0;

impl Worker {
    /// Somebody asks for an evaluation.
    pub(super) fn begin_evaluation(&mut self, trial: &Trial) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let protocol: Protocol = trial.protocol.parse()?;
        let plain = trial.networks.is_empty() && trial.against.is_empty();
        if let Some(known) = run.known_whole(protocol).filter(|_| plain) {
            self.backstage.tell(Event::Evaluated(known));
            self.backstage.tell(Event::EvaluationsDone);
            return Ok(());
        }
        let judges = run.judges_for_trial(trial, &self.jobs)?;
        if judges.is_empty() {
            self.backstage.tell(Event::EvaluationsDone); // All of it is known.
            return Ok(());
        }
        let secs_left = forecast(&judges)?;
        self.backstage.tell(Event::Evaluating { what: format!("by {protocol}"), done: 0.0, secs_left });
        self.jobs.add(judges, run.at());
        Ok(())
    }

    /// All steps are done: save, then judge what takes less than a minute.
    pub(super) fn end(&mut self) -> Result<()> {
        self.viewer.press();
        self.mode = Mode::Ending;
        let Some(run) = &mut self.run else { return Ok(()) };
        let path = run.save_all()?;
        self.backstage.tell(Event::Exported(path));
        if run.method.energy().is_some() {
            self.judge_on_map()?;
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        let (last, whole) = (run.config.evaluation.last, run.config.evaluation.whole);
        if let Some(known) = run.known_whole(last) {
            self.backstage.tell(Event::Evaluated(known)); // A run may end with the whole set as its protocol.
        } else {
            let judges = run.judges(last, &self.jobs)?;
            if self.judge_unasked(judges, last)? {
                self.add_medoids(last)?;
            }
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        if let Some(known) = run.known_whole(whole) {
            self.backstage.tell(Event::Evaluated(known));
        } else {
            let judges = run.judges(whole, &self.jobs)?;
            self.judge_unasked(judges, whole)?;
        }
        Ok(())
    }

    /// Classifiers learn on the map of an energy run.
    pub(super) fn judge_on_map(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        run.bring_trained()?;
        let judged = run.judge_on_map()?;
        self.backstage.tell(Event::OnMap(Box::new(judged)));
        Ok(())
    }

    /// Points and images of a quantizer are measured against their classes.
    pub(super) fn measure_distances(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        run.bring_trained()?;
        let measured = run.distances()?;
        self.backstage.tell(Event::Measured(Box::new(measured)));
        Ok(())
    }

    /// What an energy run has left is joined with new data.
    pub(super) fn fuse(&mut self, data: &DataSpec, folder: &Path) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        run.bring_trained()?;
        let fused = run.fuse(data, folder)?;
        self.backstage.tell(Event::Fused(Box::new(fused)));
        Ok(())
    }

    /// The medoids belong to the verdict that ends a run.
    fn add_medoids(&mut self, protocol: Protocol) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        self.owes_verdict = protocol.family != Rules::Whole;
        if self.owes_verdict {
            let judges = run.judges_for_verdict(protocol, &self.jobs)?;
            self.judge_unasked(judges, protocol)?;
        }
        Ok(())
    }

    /// Judges what takes less than a minute; says what else could be asked for. True if it was begun.
    fn judge_unasked(&mut self, judges: Vec<Judge>, protocol: Protocol) -> Result<bool> {
        let Some(run) = &mut self.run else { return Ok(false) };
        let secs = forecast(&judges)?;
        if secs <= UNASKED_SECS {
            self.jobs.add(judges, run.at());
            return Ok(true);
        }
        self.backstage.tell(Event::Warning(format!(
            "judging by {protocol} is forecast to take {} and was not begun. Ask for it when you have the time, or for a \
             smaller protocol",
            duration(secs)
        )));
        Ok(false)
    }

    /// Somebody asks which images to use.
    pub(super) fn begin_verdict(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let (last, whole) = (run.config.evaluation.last, run.config.evaluation.whole);
        if last.family == Rules::Whole {
            let text = format!("{last} judges the whole set only. Set evaluation.last=\"dm@300x5\" for a verdict");
            return Err(Error::Config(text));
        }
        let mut judges = run.judges_for_verdict(last, &self.jobs)?;
        if run.known_whole(whole).is_none() {
            judges.extend(run.judges(whole, &self.jobs)?);
        }
        let secs_left = forecast(&judges)?;
        self.backstage.tell(Event::Evaluating { what: format!("a verdict by {last}"), done: 0.0, secs_left });
        self.jobs.add(judges, run.at());
        self.owes_verdict = true;
        Ok(())
    }

    /// Everything was judged.
    pub(super) fn pass_verdict(&mut self) -> Result<()> {
        self.owes_verdict = false;
        let Some(run) = &mut self.run else { return Ok(()) };
        if let Some(verdict) = run.verdict(run.config.evaluation.last)? {
            self.backstage.tell(Event::Verdict(Box::new(verdict)));
        }
        Ok(())
    }

    pub(super) fn evaluate(&mut self, budget: Duration) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        match self.jobs.advance(budget)? {
            Slice::Quiet => {}
            Slice::Progress { what, done, secs_left } => {
                self.backstage.tell(Event::Evaluating { what, done, secs_left });
            }
            Slice::Done { judge, step, outcome, secs } => {
                let evaluation = run.add_evaluation(&judge, step, outcome, secs)?;
                self.let_go()?;
                self.backstage.tell(Event::Evaluated(evaluation));
                if self.jobs.is_empty() {
                    self.backstage.tell(Event::EvaluationsDone);
                }
            }
        }
        Ok(())
    }
}

/// How many seconds some evaluations will take.
fn forecast(judges: &[Judge]) -> Result<f64> {
    judges.iter().map(Judge::forecast).sum()
}
