//! Small parts that panels share. Each knows what it draws and nothing of the run.

pub(crate) mod atlas;
pub(crate) mod chart;
pub(crate) mod fader;
pub(crate) mod icon;
pub(crate) mod marker;
pub(crate) mod page;
