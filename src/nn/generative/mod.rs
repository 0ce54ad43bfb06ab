//! Networks that make images and points: an autoencoder, and what brings noisy points back.

mod autoencoder;
mod denoiser;

pub use autoencoder::{Autoencoder, AutoencoderSpec};
pub use denoiser::{Denoiser, DenoiserSpec, strength_of_time, time_of_strength};
