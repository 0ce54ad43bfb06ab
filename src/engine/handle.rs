//! The handle to an engine: commands go in, events come out, the newest frame lies in a slot.
//!
//! What stands behind the handle is not visible: the real worker, a scripted one for tests, a recorded one for replay
//! all use the same [`Backstage`].

use std::{
    cell::Cell,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use arc_swap::ArcSwapOption;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Command, Event, Request, event::Answer};
use crate::report::Frame;

/// The end that a window or a command line holds. Dropping it ends the engine.
pub struct Engine {
    commands: Option<Sender<Request>>,
    /// The number of the newest request.
    asked: Cell<u64>,
    events: Receiver<Event>,
    frame: Arc<ArcSwapOption<Frame>>,
    thread: Option<JoinHandle<()>>,
}

/// The end that an engine works with.
pub struct Backstage {
    /// What is asked. Every request is to be [answered](Self::answer) once.
    pub commands: Receiver<Request>,
    events: Sender<Event>,
    frame: Arc<ArcSwapOption<Frame>>,
    /// The last field: when an engine ends, or dies, its events are closed first and then somebody looks.
    wake: Wake,
}

/// Calls whoever listens, for the last time when it is dropped.
struct Wake(Box<dyn Fn() + Send>);

impl Drop for Wake {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Engine {
    /// Starts `work` on a thread of its own. `wake` is called after every event and frame, and when it has ended.
    pub fn with(wake: impl Fn() + Send + 'static, work: impl FnOnce(Backstage) + Send + 'static) -> Self {
        let (commands, asked) = unbounded();
        let (told, events) = unbounded();
        let frame = Arc::new(ArcSwapOption::empty());
        let backstage = Backstage { commands: asked, events: told, frame: frame.clone(), wake: Wake(Box::new(wake)) };
        let thread = Builder::new()
            .name("engine".to_owned())
            .spawn(move || work(backstage))
            .expect("the operating system refuses to start a thread");
        Self { commands: Some(commands), asked: Cell::new(0), events, frame, thread: Some(thread) }
    }

    /// Asks for something and returns the number by which it will be answered. An engine that has ended ignores it; its last
    /// event said why.
    pub fn send(&self, command: Command) -> u64 {
        let number = self.asked.get() + 1;
        self.asked.set(number);
        if let Some(commands) = &self.commands {
            let _ = commands.send(Request { number, command });
        }
        number
    }

    /// Asks for nothing more: the engine saves what is not saved yet, and ends. Dropping the handle waits for that.
    pub fn close(&mut self) {
        self.commands = None;
    }

    /// The events, oldest first. Disconnected when the engine has ended.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// The newest picture of the run.
    pub fn frame(&self) -> Option<Arc<Frame>> {
        self.frame.load_full()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Backstage {
    /// Says something. Nobody listening any more is no error: the engine will see its command channel closed.
    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
        (self.wake.0)();
    }

    /// Has whoever listens look.
    pub fn wake(&self) {
        (self.wake.0)();
    }

    /// Answers a request. Nobody is woken for what has only been taken note of.
    pub fn answer(&self, request: u64, answer: Answer) {
        let event = Event::Answered { request, answer };
        let _ = self.events.send(event);
    }

    /// Puts a picture into the slot, over the one before.
    pub fn show(&self, frame: Frame) {
        self.frame.store(Some(Arc::new(frame)));
        (self.wake.0)();
    }
}
