//! The tests of the whole, in one program, so that the library is linked once. Pictures of the window are in a second one.

mod aging;
#[cfg(feature = "gui")]
mod app;
mod architecture;
mod archives;
mod arithmetic;
mod augmentation;
mod cli;
mod constraints;
#[cfg(feature = "gui")]
mod controls;
mod disturbed;
mod downloads;
mod energy;
mod engine;
mod evil_names;
mod folders;
mod foreign_sets;
mod fuzzing;
mod generative;
mod gradients;
mod integrity;
mod judging;
mod kernels;
mod killed;
mod licences;
mod loaders;
mod networks;
mod numpy;
mod opening;
mod presets;
mod quantizer;
mod reference;
mod results;
mod same_bits;
mod sets;
mod support;
mod tables;
mod toy;
mod traps;
mod turns;
#[cfg(feature = "gui")]
mod window;
