//! How the window is left: it is gone at once, and the program saves behind it.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::Frame;

use super::App;
use crate::engine::Engine;

/// An engine that outlives the window: while it saves, the window is gone already.
pub(super) struct Behind {
    engine: Option<Engine>,
    /// Where it goes when the window is closed.
    pub(super) afterwards: Afterwards,
}

/// What the program waits for once the window is gone.
pub(super) type Afterwards = Arc<Mutex<Option<Engine>>>;

impl std::ops::Deref for Behind {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.engine.as_ref().expect("it is here until the window is dropped")
    }
}

impl Behind {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine: Some(engine), afterwards: Afterwards::default() }
    }

    /// It saves and ends; nobody waits for that yet.
    fn close(&mut self) {
        self.engine.iter_mut().for_each(Engine::close);
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.close();
        let engine = self.engine.take();
        *self.afterwards.lock().unwrap_or_else(PoisonError::into_inner) = engine;
    }
}

impl App {
    /// The window is gone before a last frame is drawn and its choices are kept.
    pub(super) fn leave(&mut self, frame: &Frame) {
        self.is_leaving = true;
        self.engine.close();
        if let Some(window) = frame.winit_window() {
            window.set_visible(false);
        }
    }
}
