//! Long work on a thread of its own that computes only while it has its turn.
//!
//! The worker gives a turn and waits until the time is up or a command comes; so pause and stop are answered at once, however
//! long a piece of the work takes. Between two turns the thread stands still and costs nothing. A task that is dropped ends
//! at its next tick. The threads that it computes with are its own, since one that stands still would be missing elsewhere.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::Builder,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::inbox::Inbox;
use crate::{
    error::{Error, Result},
    slices::Slices,
};

/// Work under way.
pub(super) struct Task<T> {
    turns: Sender<Duration>,
    said: Receiver<Said<T>>,
    /// True while the thread has its turn.
    at_work: bool,
    unwanted: Arc<AtomicBool>,
}

enum Said<T> {
    Slice(Progress),
    Done(Result<T>),
}

/// How far work is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    /// What is under way, in words, where the work says it.
    pub(super) what: Option<String>,
    /// The share that is done.
    pub(super) done: f64,
    /// Forecast of the rest, where the work has one.
    pub(super) secs_left: Option<f64>,
}

/// What came of a turn.
pub(super) enum Turn<T> {
    /// The turn goes on, or another one is to be given; how far the work is, where that is news.
    Working(Option<Progress>),
    /// The work has ended.
    Done(Result<T>),
}

impl<T: Send + 'static> Task<T> {
    /// Prepares work; it begins with its first turn.
    pub(super) fn new(work: impl FnOnce(&mut Turns<T>) -> Result<T> + Send + 'static) -> Result<Self> {
        let (turns, given) = bounded(1);
        let (say, said) = unbounded();
        let unwanted = Arc::new(AtomicBool::new(false));
        let mut own =
            Turns { given, said: say.clone(), unwanted: unwanted.clone(), ends: None, progress: Progress::default() };
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                own.begin()?;
                let refused = |error| Error::Device(format!("the operating system gives no threads: {error}"));
                let threads = rayon::ThreadPoolBuilder::new().build().map_err(refused)?;
                threads.install(|| work(&mut own))
            }));
            let _ = say.send(Said::Done(outcome.unwrap_or_else(|panic| Err(broken(panic.as_ref())))));
        };
        let refused = |error| Error::Device(format!("the operating system gives no thread: {error}"));
        Builder::new().name("task".to_owned()).spawn(body).map_err(refused)?;
        Ok(Self { turns, said, at_work: false, unwanted })
    }

    /// True while the thread computes.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work
    }

    /// Gives a turn of about `budget`, one piece of work at least, and waits for its end; or for the end of the one under way.
    /// Comes back at once when there is a command to obey.
    pub(super) fn advance(&mut self, budget: Duration, inbox: &Inbox) -> Turn<T> {
        if !self.at_work {
            self.at_work = true;
            let _ = self.turns.send(budget); // A thread that has ended has said so.
        }
        match inbox.first_of(&self.said) {
            None => Turn::Working(None),
            Some(said) => self.hear(said),
        }
    }

    /// Tells the work to end; it hears that at its next tick.
    pub(super) fn give_up(mut self) -> Self {
        self.unwanted.store(true, Ordering::Relaxed);
        if !std::mem::replace(&mut self.at_work, true) {
            let _ = self.turns.send(Duration::ZERO);
        }
        self
    }

    /// True once work that was given up has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.said.try_iter().any(|said| matches!(said, Said::Done(_)))
    }

    /// Waits until work that was given up has ended, or there is a command to obey.
    pub(super) fn await_end(&self, inbox: &Inbox) {
        inbox.await_word(&self.said);
    }

    /// Tells the work to end and waits until it has.
    pub(super) fn end(mut self) -> Option<T> {
        self.unwanted.store(true, Ordering::Relaxed);
        loop {
            if !std::mem::replace(&mut self.at_work, true) {
                let _ = self.turns.send(Duration::ZERO);
            }
            let said = self.said.recv().ok()?;
            if let Turn::Done(outcome) = self.hear(said) {
                return outcome.ok();
            }
        }
    }

    fn hear(&mut self, said: Said<T>) -> Turn<T> {
        match said {
            Said::Slice(progress) => {
                self.at_work = false;
                Turn::Working(Some(progress))
            }
            Said::Done(outcome) => Turn::Done(outcome),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}

fn broken(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::Device(format!("something that was worked out beside the run broke down: {text}. The run is none the worse"))
}

/// The end that the work holds.
pub(super) struct Turns<T> {
    given: Receiver<Duration>,
    said: Sender<Said<T>>,
    unwanted: Arc<AtomicBool>,
    ends: Option<Instant>,
    progress: Progress,
}

impl<T> Turns<T> {
    /// Says in words what comes next, and how long the whole will take from here.
    pub(super) fn describe(&mut self, what: Option<String>, secs_left: Option<f64>) {
        self.progress.what = what;
        self.progress.secs_left = secs_left;
    }

    /// Waits for a turn.
    fn begin(&mut self) -> Result<()> {
        let budget = self.given.recv().map_err(|_| Error::Interrupted)?;
        self.ends = Instant::now().checked_add(budget);
        if self.unwanted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl<T> Slices for Turns<T> {
    fn tick(&mut self, done: f64) -> Result<()> {
        if self.unwanted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if self.ends.is_none_or(|ends| Instant::now() < ends) {
            return Ok(());
        }
        self.progress.done = done;
        self.said.send(Said::Slice(self.progress.clone())).map_err(|_| Error::Interrupted)?;
        self.begin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Command, Request};

    fn inbox() -> (Sender<Request>, Inbox) {
        let (send, receive) = unbounded();
        (send, Inbox::new(receive))
    }

    #[test]
    fn work_goes_on_only_in_its_turns_and_ends_with_its_result() {
        let (_keep, inbox) = inbox();
        let work = |turns: &mut Turns<u32>| {
            for piece in 0..3 {
                turns.tick(f64::from(piece) / 3.0)?;
            }
            Ok(7)
        };
        let mut task = Task::new(work).unwrap();
        let mut shares = Vec::new();
        let outcome = loop {
            match task.advance(Duration::ZERO, &inbox) {
                Turn::Working(progress) => shares.push(progress.unwrap().done),
                Turn::Done(outcome) => break outcome.unwrap(),
            }
        };
        assert_eq!((outcome, shares), (7, vec![0.0, 1.0 / 3.0, 2.0 / 3.0]));
    }

    #[test]
    fn a_command_is_not_kept_waiting_by_a_long_piece() {
        let (send, inbox) = inbox();
        let (let_go, held) = bounded::<()>(1);
        let mut task = Task::new(move |_: &mut Turns<()>| {
            let _ = held.recv();
            Ok(())
        })
        .unwrap();
        send.send(Request { number: 1, command: Command::Pause }).unwrap();
        assert!(matches!(task.advance(Duration::ZERO, &inbox), Turn::Working(None)));
        assert!(task.is_at_work() && inbox.take().is_some());
        let_go.send(()).unwrap();
        assert!(matches!(task.advance(Duration::ZERO, &inbox), Turn::Done(Ok(()))));
    }

    #[test]
    fn what_is_unwanted_ends_at_its_next_tick_and_a_panic_is_an_error() {
        let (_keep, inbox) = inbox();
        let endless = |turns: &mut Turns<()>| -> Result<()> {
            loop {
                turns.tick(0.0)?;
            }
        };
        let mut task = Task::new(endless).unwrap();
        assert!(matches!(task.advance(Duration::ZERO, &inbox), Turn::Working(Some(_))));
        assert!(task.end().is_none());
        let mut breaks = Task::new(|_: &mut Turns<()>| panic!("as asked")).unwrap();
        let Turn::Done(Err(error)) = breaks.advance(Duration::ZERO, &inbox) else { panic!("it breaks") };
        assert!(error.to_string().contains("as asked"), "{error}");
    }
}
