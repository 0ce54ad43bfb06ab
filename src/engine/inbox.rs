//! The commands that wait for the worker.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::Duration,
};

use crossbeam_channel::{Receiver, TryRecvError};

use super::Command;

/// Commands in the order in which they came; of several values for one fader only the last is left.
pub(super) struct Inbox {
    receiver: Receiver<Command>,
    waiting: RefCell<VecDeque<Command>>,
    closed: Cell<bool>,
}

impl Inbox {
    pub(super) fn new(receiver: Receiver<Command>) -> Self {
        Self { receiver, waiting: RefCell::default(), closed: Cell::new(false) }
    }

    /// The next command; waits for one. None when nobody holds the handle any more.
    pub(super) fn wait(&self) -> Option<Command> {
        self.take().or_else(|| self.receiver.recv().ok())
    }

    /// The next command, if one comes in time.
    pub(super) fn wait_for(&self, time: Duration) -> Option<Command> {
        self.take().or_else(|| self.receiver.recv_timeout(time).ok())
    }

    /// The next command, if there is one.
    pub(super) fn take(&self) -> Option<Command> {
        self.look();
        let mut waiting = self.waiting.borrow_mut();
        while let Some(command) = waiting.pop_front() {
            if !waiting.iter().any(|later| overrides(later, &command)) {
                return Some(command);
            }
        }
        None
    }

    /// True when the step under way should be dropped.
    pub(super) fn wants_to_stop(&self) -> bool {
        self.look();
        let ends = |command: &Command| matches!(command, Command::Stop | Command::Start(_));
        self.closed.get() || self.waiting.borrow().iter().any(ends)
    }

    /// True when nobody holds the handle any more.
    pub(super) fn is_closed(&self) -> bool {
        self.look();
        self.closed.get()
    }

    fn look(&self) {
        loop {
            match self.receiver.try_recv() {
                Ok(command) => self.waiting.borrow_mut().push_back(command),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.closed.set(true),
            }
        }
    }
}

/// True if `later` makes `earlier` needless.
fn overrides(later: &Command, earlier: &Command) -> bool {
    match (later, earlier) {
        (Command::SetWeight { term: later, .. }, Command::SetWeight { term: earlier, .. }) => later == earlier,
        (
            Command::SetParameter { term, parameter, .. },
            Command::SetParameter { term: earlier, parameter: its, .. },
        ) => (term, parameter) == (earlier, its),
        (Command::SetLearningRate(_), Command::SetLearningRate(_))
        | (Command::SetPace(_), Command::SetPace(_))
        | (Command::Watch(_), Command::Watch(_))
        | (Command::FrameDrawn(_), Command::FrameDrawn(_)) => true,
        _ => false,
    }
}
