//! The ConvNet's blocks as one fused CPU operation, and nearly all the `unsafe` of the project.

/// The instruction set in use.
pub fn instruction_set() -> &'static str {
    "portable"
}
