//! Spirit Safe: watch, steer and judge dataset distillation while it runs.
//!
//! Modules stand in layer order; imports only point up this list. `ARCHITECTURE.md` says why,
//! `tests/it/architecture.rs` holds the allowed edges.

pub mod error;
pub mod fingerprint;
pub mod folders;
pub mod math;
pub mod memory;
pub mod names;
pub mod program;
pub mod random;
pub mod report;
pub mod slices;
pub mod words;

pub mod data;
pub mod nn;

pub mod latent;

pub mod distilled;
pub mod evaluate;

pub mod methods;

pub mod benchmark;
pub mod store;

pub mod config;
pub mod engine;

#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
