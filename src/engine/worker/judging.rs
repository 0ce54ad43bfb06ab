//! What is worked out beside a run: asked for, on the way, at the end.

use std::time::Duration;

use super::{Mode, Next, Worker};
use crate::{
    engine::{
        Answer, Command, Event, JudgeAtEnd, Trial,
        jobs::{Ended, Key, Product, Slice, UNASKED},
        order::Order,
        run::{Asked, Plan},
    },
    error::{Error, Result},
    evaluate::{Family as Rules, Protocol},
    report::{Skipped, Subject, WhySkipped},
};

impl Worker {
    /// Somebody asks for something that takes long.
    pub(super) fn work_out(&mut self, command: Command, number: u64) -> Result<Next> {
        let Some(run) = &mut self.run else { return Ok(Next::Answer) };
        let job = match command {
            Command::Evaluate(trial) => return self.begin_evaluation(&trial, number),
            Command::Judge => return self.begin_verdict(number),
            Command::Analyse(asked) => return self.analyse(asked, number),
            Command::Export(folder) => run.writing(folder),
            Command::OpenSet { path, reading } => run.opening(path, reading),
            Command::ExportSelection { what, folder } => run.selecting(what, folder),
            // Asked too late.
            _ => return Ok(Next::Answer),
        };
        self.jobs.add(job, run.at(), &[number]);
        Ok(Next::Wait)
    }

    /// Somebody asks for an evaluation.
    fn begin_evaluation(&mut self, trial: &Trial, number: u64) -> Result<Next> {
        let Some(run) = &mut self.run else { return Ok(Next::Answer) };
        let protocol: Protocol = trial.protocol.parse()?;
        let plain = trial.networks.is_empty() && trial.against.is_empty();
        if let Some(known) = run.known_whole(protocol).filter(|_| plain) {
            self.backstage.tell(Event::Evaluated(known));
            self.backstage.tell(Event::EvaluationsDone);
            return Ok(Next::Answer);
        }
        let orders = run.orders_for_trial(trial, &self.jobs)?;
        if orders.is_empty() {
            self.backstage.tell(Event::EvaluationsDone); // All of it is known.
            return Ok(Next::Answer);
        }
        let what = format!("by {protocol}");
        self.backstage.tell(Event::Evaluating { what, done: 0.0, secs_left: f64::INFINITY });
        self.order(orders, &[number]);
        Ok(Next::Wait)
    }

    fn order(&mut self, orders: Vec<Order>, requests: &[u64]) {
        let Some(run) = &self.run else { return };
        orders.into_iter().for_each(|order| self.jobs.add(order.job(), run.at(), requests));
    }

    /// All steps are done: save, then judge. What is judged does not depend on how long it takes.
    pub(super) fn end(&mut self) -> Result<()> {
        self.viewer.press();
        self.mode = Mode::Ending;
        let judge = self.judge;
        let Some(run) = &mut self.run else { return Ok(()) };
        let was_saved = run.is_saved();
        let path = run.save_all()?;
        self.backstage.tell(Event::Exported(path));
        let Plan { orders, known, skipped, has_verdict } = run.plan(judge, &self.jobs);
        let (artifacts, missing) = match judge {
            JudgeAtEnd::Usual | JudgeAtEnd::All => run.analyses_at_end(),
            JudgeAtEnd::Images | JudgeAtEnd::Nothing => Default::default(),
        };
        if was_saved && orders.is_empty() && missing.is_empty() {
            let text = "this run is finished and has all its results; the test split was not used again";
            self.backstage.tell(Event::Note(text.to_owned()));
        }
        artifacts.into_iter().for_each(|artifact| self.backstage.tell(Event::Analysed(Box::new(artifact))));
        self.awaiting.extend(missing.into_iter().map(|analysis| (UNASKED, Asked::of(analysis))));
        known.into_iter().for_each(|known| self.backstage.tell(Event::Evaluated(known)));
        skipped.into_iter().for_each(|skipped| self.backstage.tell(Event::Skipped(skipped)));
        self.order(orders, &[UNASKED]);
        if has_verdict {
            self.owes_verdict.get_or_insert_default();
        }
        Ok(())
    }

    /// Somebody asks for something that the method can work out; it waits for the networks that it looks through.
    fn analyse(&mut self, asked: Asked, number: u64) -> Result<Next> {
        if let Some(run) = &self.run {
            run.analysis_info(&asked)?;
            self.awaiting.push((number, asked));
        }
        Ok(Next::Wait)
    }

    /// Analyses whose networks are there become jobs.
    fn begin_analyses(&mut self) {
        let Some(run) = &self.run else { return };
        let awaiting = std::mem::take(&mut self.awaiting);
        for (number, asked) in awaiting {
            if !run.can_analyse(&asked) {
                self.awaiting.push((number, asked));
                continue;
            }
            match run.analysis(asked) {
                Ok(job) => self.jobs.add(job, run.at(), &[number]),
                Err(error) => {
                    self.backstage.tell(Event::Warning(error.to_string()));
                    self.backstage.answer(number, Answer::Failed);
                }
            }
        }
    }

    /// Somebody asks which images to use.
    fn begin_verdict(&mut self, number: u64) -> Result<Next> {
        let Some(run) = &mut self.run else { return Ok(Next::Answer) };
        let (last, whole) = (run.config.evaluation.last, run.config.evaluation.whole);
        if last.family == Rules::Whole {
            let text = format!("{last} judges the whole set only. Set evaluation.last=\"dm@300x5\" for a verdict");
            return Err(Error::Config(text));
        }
        let mut orders = run.orders_for_verdict(last, &self.jobs);
        orders.extend(run.order_for_whole(whole, self.judge, &self.jobs));
        let what = format!("a verdict by {last}");
        self.backstage.tell(Event::Evaluating { what, done: 0.0, secs_left: f64::INFINITY });
        self.order(orders, &[number]);
        self.owes_verdict.get_or_insert_default().push(number);
        Ok(Next::Wait)
    }

    /// Everything was judged.
    pub(super) fn pass_verdict(&mut self) {
        let Some(requests) = self.owes_verdict.take() else { return };
        let Some(run) = &mut self.run else { return };
        if let Some(verdict) = run.verdict(run.config.evaluation.last) {
            self.backstage.tell(Event::Verdict(Box::new(verdict)));
        }
        self.answer_served(&requests);
    }

    /// A slice of what is worked out beside the run.
    pub(super) fn work_beside(&mut self, budget: Duration) -> Result<()> {
        self.begin_analyses();
        match self.jobs.advance(budget, &self.inbox) {
            Slice::Quiet => {}
            Slice::Progress { what, done, secs_left } => {
                self.backstage.tell(Event::Evaluating { what, done, secs_left });
            }
            Slice::Ended(ended) => {
                let Ended { key, step, requests, secs, outcome } = *ended;
                let taken = outcome.and_then(|product| self.take_product(product, step, &requests, secs));
                let refused = taken.map_err(|error| self.drop_requests(&requests, &key, &error)).is_err();
                self.let_go()?;
                if self.jobs.is_empty() {
                    self.backstage.tell(Event::EvaluationsDone);
                }
                if !refused {
                    self.answer_served(&requests);
                }
            }
        }
        Ok(())
    }

    /// Makes facts of what a job has brought; what has to be judged because of it is ordered for the same requests.
    fn take_product(&mut self, product: Product, step: u64, requests: &[u64], secs: f64) -> Result<()> {
        if let Product::Inspected(summary) = product {
            self.backstage.tell(Event::Inspected(summary));
            return Ok(());
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        match product {
            Product::Judged { judge, outcome, key, source } => {
                let evaluation = run.add_evaluation(&judge, step, (outcome, &key), source, secs)?;
                self.backstage.tell(Event::Evaluated(evaluation));
            }
            Product::Artifact(artifact) => self.backstage.tell(Event::Analysed(artifact)),
            Product::Written { folder, images } => {
                self.backstage.tell(Event::Exported(folder.clone()));
                let orders = run.orders_of_written(folder, images, &self.jobs);
                self.order(orders, requests);
            }
            Product::Selected(folder) => self.backstage.tell(Event::Exported(folder)),
            Product::Opened { set, images, opened } => {
                let order = run.order_of_read(images, opened.path.clone());
                run.opened = Some(*set);
                self.backstage.tell(Event::Opened(opened));
                self.order(vec![order], requests);
                self.viewer.press();
            }
            Product::Inspected(_) => {}
        }
        Ok(())
    }

    /// Something could not be worked out: who asked for it hears why, and what else they asked for is given up.
    fn drop_requests(&mut self, requests: &[u64], key: &Key, error: &Error) {
        for &request in requests {
            if request == UNASKED {
                self.backstage.tell(Event::Warning(format!("{}: {error}", describe(key))));
                if let (Mode::Ending, Key::Judge(subject, protocol, _)) = (self.mode, key) {
                    self.skip(*subject, *protocol, WhySkipped::Failed);
                }
                continue;
            }
            self.jobs.give_up(request);
            if let Some(waiting) = &mut self.owes_verdict {
                waiting.retain(|known| *known != request);
            }
            self.refuse(request, error);
        }
        // A verdict that nobody waits for any more is none.
        if self.mode != Mode::Ending && self.owes_verdict.as_ref().is_some_and(Vec::is_empty) {
            self.owes_verdict = None;
        }
    }

    /// Gives up everything that is worked out about the run. What a finished run lacks because of it is said.
    pub(super) fn drop_jobs(&mut self) {
        let (keys, mut requests) = self.jobs.clear();
        requests.extend(self.owes_verdict.take().unwrap_or_default());
        requests.extend(self.awaiting.drain(..).map(|(request, _)| request));
        requests.sort_unstable();
        requests.dedup();
        for request in requests.into_iter().filter(|request| *request != UNASKED) {
            self.backstage.answer(request, Answer::Cancelled);
        }
        if self.mode == Mode::Ending {
            for key in keys {
                if let Key::Judge(subject, protocol, _) = key {
                    self.skip(subject, protocol, WhySkipped::Interrupted);
                }
            }
        }
    }

    fn skip(&self, subject: Subject, protocol: Protocol, why: WhySkipped) {
        self.backstage.tell(Event::Skipped(Skipped { subject, protocol: protocol.to_string(), why }));
    }

    /// Answers those requests for which nothing more is worked out.
    pub(super) fn answer_served(&mut self, requests: &[u64]) {
        for &request in requests {
            let awaits = self.awaiting.iter().any(|(awaiting, _)| *awaiting == request)
                || self.owes_verdict.as_ref().is_some_and(|waiting| waiting.contains(&request));
            if request != UNASKED && !awaits && !self.jobs.serves(request) {
                self.backstage.answer(request, Answer::Done);
            }
        }
    }
}

fn describe(key: &Key) -> String {
    match key {
        Key::Judge(subject, protocol, _) => format!("{} by {protocol}", subject.describe()),
        Key::Analysis(what) => what.clone(),
        Key::Files(path) | Key::Set(path, _) => path.display().to_string(),
        Key::Inspect => "a look at the data".to_owned(),
    }
}
