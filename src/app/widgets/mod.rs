//! Small parts that panels share. Each knows what it draws and nothing of the run.

pub mod atlas;
pub mod chart;
pub mod fader;
pub mod icon;
pub mod marker;
