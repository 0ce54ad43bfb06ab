//! Long work comes in slices: between two of them it says how far it is and hears whether it is still wanted.
//!
//! Work is written top to bottom as a plain function that takes `&mut dyn Slices` and calls [`tick`](Slices::tick) in its
//! loops. Who runs it decides what a slice is: the engine lets it go on for a budget of time and then turns to the run, a test
//! lets it go through.

use crate::error::Result;

/// What long work is done for.
pub trait Slices {
    /// Stands between two pieces of work, of which the share `done` (0 to 1) is behind. An error
    /// ([`Interrupted`](crate::error::Error::Interrupted)) says that nobody wants the rest.
    fn tick(&mut self, done: f64) -> Result<()>;
}

/// Nobody waits and nobody cancels.
pub struct Undisturbed;

impl Slices for Undisturbed {
    fn tick(&mut self, _done: f64) -> Result<()> {
        Ok(())
    }
}

/// A part of longer work: its shares lie between `from` and `to` of the whole.
pub struct Part<'a> {
    whole: &'a mut dyn Slices,
    from: f64,
    to: f64,
}

impl<'a> Part<'a> {
    /// The part of `whole` between two shares.
    pub fn new(whole: &'a mut dyn Slices, from: f64, to: f64) -> Self {
        Self { whole, from, to }
    }
}

impl Slices for Part<'_> {
    fn tick(&mut self, done: f64) -> Result<()> {
        self.whole.tick(self.from + done * (self.to - self.from))
    }
}
