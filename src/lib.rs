//! Spirit Safe: watch, steer and judge dataset distillation while it runs.

pub mod nn;
