//! Networks and what they are made of.

pub mod kernels;
