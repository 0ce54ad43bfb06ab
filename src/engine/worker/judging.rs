//! Evaluations: asked for, on the way, at the end.

use std::time::Duration;

use super::{Mode, Worker};
use crate::{
    engine::{Event, jobs::Slice},
    error::Result,
    evaluate::{Judge, Protocol},
    words::duration,
};

/// An evaluation that nobody asked for must be forecast to take no longer than this.
const UNASKED_SECS: f64 = 60.0;

impl Worker {
    /// Somebody asks for an evaluation.
    pub(super) fn begin_evaluation(&mut self, protocol: Protocol) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        if let Some(known) = run.known_whole(protocol) {
            self.backstage.tell(Event::Evaluated(known));
            self.backstage.tell(Event::EvaluationsDone);
            return Ok(());
        }
        let judges = run.judges(protocol, &self.jobs)?;
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
        for protocol in [run.config.evaluation.last, run.config.evaluation.whole] {
            if let Some(known) = run.known_whole(protocol) {
                self.backstage.tell(Event::Evaluated(known));
                continue;
            }
            let judges = run.judges(protocol, &self.jobs)?;
            let secs = forecast(&judges)?;
            if secs <= UNASKED_SECS {
                self.jobs.add(judges, run.at());
            } else {
                self.backstage.tell(Event::Warning(format!(
                    "judging by {protocol} is forecast to take {} and was not begun. Ask for it when you have the time, \
                     or for a smaller protocol",
                    duration(secs)
                )));
            }
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
            Slice::Done { judge, step, values, secs } => {
                let evaluation = run.add_evaluation(&judge, step, values, secs)?;
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
