//! The ConvNet's blocks as one fused CPU operation, and nearly all the `unsafe` of the project.
