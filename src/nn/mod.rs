//! Networks and what they are made of.

pub mod augment;
pub mod kernels;
