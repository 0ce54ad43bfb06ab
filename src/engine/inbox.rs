//! The commands that wait for the worker.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::Duration,
};

use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::{Command, Request};

/// Requests in the order in which they came; of several values for one control only the last is left.
pub(super) struct Inbox {
    receiver: Receiver<Request>,
    waiting: RefCell<VecDeque<Request>>,
    /// Numbers of requests that a later one has replaced.
    replaced: RefCell<Vec<u64>>,
    closed: Cell<bool>,
}

impl Inbox {
    pub(super) fn new(receiver: Receiver<Request>) -> Self {
        Self { receiver, waiting: RefCell::default(), replaced: RefCell::default(), closed: Cell::new(false) }
    }

    /// The next request; waits for one. None when nobody holds the handle any more.
    pub(super) fn wait(&self) -> Option<Request> {
        self.take().or_else(|| self.receiver.recv().ok())
    }

    /// The next request, if one comes in time.
    pub(super) fn wait_for(&self, time: Duration) -> Option<Request> {
        self.take().or_else(|| self.receiver.recv_timeout(time).ok())
    }

    /// The next request, if there is one.
    pub(super) fn take(&self) -> Option<Request> {
        self.look();
        let mut waiting = self.waiting.borrow_mut();
        while let Some(request) = waiting.pop_front() {
            if !waiting.iter().any(|later| overrides(&later.command, &request.command)) {
                return Some(request);
            }
            self.replaced.borrow_mut().push(request.number);
        }
        None
    }

    /// The requests that were replaced since this was asked last.
    pub(super) fn replaced(&self) -> Vec<u64> {
        self.replaced.take()
    }

    /// Waits until there is a word of something that works elsewhere, or a request, or nobody holds the handle any more.
    pub(super) fn await_word<T>(&self, said: &Receiver<T>) {
        if !self.is_closed() && self.waiting.borrow().is_empty() {
            let mut select = Select::new();
            select.recv(said);
            select.recv(&self.receiver);
            select.ready();
        }
    }

    /// Waits for the first word of something that works elsewhere; none as soon as a request waits, or nobody holds the handle any
    /// more.
    pub(super) fn first_of<T>(&self, said: &Receiver<T>) -> Option<T> {
        let mut select = Select::new();
        let theirs = select.recv(said);
        select.recv(&self.receiver);
        while !self.is_closed() && self.waiting.borrow().is_empty() {
            if select.ready() == theirs
                && let Ok(word) = said.try_recv()
            {
                return Some(word);
            }
        }
        said.try_recv().ok()
    }

    /// True when the step under way should be dropped: it is done again when the run goes on.
    pub(super) fn wants_to_stop(&self) -> bool {
        self.look();
        let ends = |request: &Request| matches!(request.command, Command::Pause | Command::Stop | Command::Start(_));
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
                Ok(request) => self.waiting.borrow_mut().push_back(request),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.closed.set(true),
            }
        }
    }
}

/// True if `later` makes `earlier` needless.
fn overrides(later: &Command, earlier: &Command) -> bool {
    match (later, earlier) {
        (Command::Set { control: later, .. }, Command::Set { control: earlier, .. }) => later == earlier,
        (Command::SetPace(_), Command::SetPace(_))
        | (Command::Watch(_), Command::Watch(_))
        | (Command::FrameDrawn(_), Command::FrameDrawn(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Sender, unbounded};

    use super::*;

    fn inbox() -> (Sender<Request>, Inbox) {
        let (send, receive) = unbounded();
        (send, Inbox::new(receive))
    }

    fn set(control: &str, value: f64) -> Command {
        Command::Set { control: control.to_owned(), value }
    }

    #[test]
    fn the_last_value_of_a_control_wins_and_the_others_are_told_apart() {
        let (send, inbox) = inbox();
        let commands = [set("a", 1.0), set("b", 2.0), Command::Step, set("a", 3.0)];
        for (number, command) in (1..).zip(commands) {
            send.send(Request { number, command }).unwrap();
        }
        let taken: Vec<u64> = std::iter::from_fn(|| inbox.take()).map(|request| request.number).collect();
        assert_eq!((taken, inbox.replaced(), inbox.replaced()), (vec![2, 3, 4], vec![1], Vec::new()));
    }

    #[test]
    fn only_what_ends_a_step_drops_it() {
        let (send, inbox) = inbox();
        send.send(Request { number: 1, command: Command::Checkpoint }).unwrap();
        assert!(!inbox.wants_to_stop());
        send.send(Request { number: 2, command: Command::Pause }).unwrap();
        assert!(inbox.wants_to_stop() && !inbox.is_closed());
        drop(send);
        assert!(inbox.is_closed());
        assert!(inbox.wait().is_some() && inbox.wait().is_some() && inbox.wait().is_none());
    }

    #[test]
    fn words_from_elsewhere_come_first_come_first_served() {
        let (send, inbox) = inbox();
        let (say, said) = unbounded();
        say.send(5).unwrap();
        assert_eq!(inbox.first_of(&said), Some(5));
        send.send(Request { number: 1, command: Command::Step }).unwrap();
        assert_eq!(inbox.first_of(&said), None);
        drop((inbox.take(), send));
        assert_eq!(inbox.first_of(&said), None);
    }
}
