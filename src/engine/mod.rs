//! The engine: a worker that owns the device and everything on it, behind a handle.
//!
//! Commands go in, events come out, both plain data. Large pictures never queue: the newest lies in a slot. What a viewer
//! asks for is computed on the side and never changes what the run computes.

mod command;
mod event;
mod handle;
mod inbox;
mod inspect;
mod jobs;
mod known;
mod latent;
mod order;
mod parameters;
mod pretraining;
mod run;
mod task;
mod viewer;
mod worker;

pub use crate::folders::runs;
pub use command::{Allow, Command, JudgeAtEnd, Request, Start, Trial, free_folder};
pub use event::{Answer, Event};
pub use handle::{Backstage, Engine};
pub use run::Asked;
