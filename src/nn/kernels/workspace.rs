//! Scratch memory of one thread: grown on demand, kept between calls, so that no page is touched for the first time in
//! the middle of the arithmetic.

use std::cell::RefCell;

use super::lanes::LANES;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Floats that begin at a cache line.
#[derive(Default)]
pub(super) struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    pub(super) fn zeroed(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LANES]); len.div_ceil(LANES)] }
    }

    /// At least `len` floats of any content.
    pub(super) fn take(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(LANES);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; LANES]));
        }
        &mut self.as_mut_slice()[..len]
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: a `Line` is sixteen floats without padding (size 64, alignment 64).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LANES) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: a `Line` is sixteen floats without padding (size 64, alignment 64).
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LANES) }
    }
}

/// What the blocks behind the first leave for the backward, by block. The first block's own is three quarters of all
/// activations and made in a seventh of the arithmetic: the backward computes it again.
#[derive(Default)]
pub(super) struct Trace {
    /// The maps that a block reads, `(image, y, x, channel)` with borders.
    pub(super) maps: Vec<Buffer>,
    /// The convolution's results, `(image, panel, y, x, lane)`.
    pub(super) results: Vec<Buffer>,
    /// What the norm measured and made of it, `(image, row of Statistics, channel)`.
    pub(super) statistics: Vec<Buffer>,
}

impl Trace {
    pub(super) fn prepare(&mut self, stages: usize) {
        for buffers in [&mut self.maps, &mut self.results, &mut self.statistics] {
            if buffers.len() < stages {
                buffers.resize_with(stages, Buffer::default);
            }
        }
    }
}

/// One image in the first block: its map, the convolution's result, the norm's statistics.
#[derive(Default)]
pub(super) struct First {
    pub(super) map: Buffer,
    pub(super) result: Buffer,
    pub(super) statistics: Buffer,
}

/// What a group of images needs on its way through the stack.
#[derive(Default)]
pub(super) struct Workspace {
    pub(super) first: First,
    pub(super) trace: Trace,
    /// The convolution's results of the block at hand, where they are not kept.
    pub(super) passing: Buffer,
    /// The last block's pooled map, `(image, y, x, channel)`.
    pub(super) pooled: Buffer,
    /// Where the forward of a backward puts its result.
    pub(super) output: Buffer,
    /// Transformed tiles of the input, `(plane, tile, channel)`, and their products, `(plane, tile, lane)`.
    pub(super) tiles: Buffer,
    pub(super) products: Buffer,
    /// Transformed tiles of the result's gradient, `(plane, tile, channel)`.
    pub(super) tile_gradients: Buffer,
    /// Gradient of the first convolution's result, `(panel, y, x, lane)`, and its products with the taps.
    pub(super) first_gradient: Buffer,
    pub(super) taps: Buffer,
    /// Where a group gathers the gradients of its parameters.
    pub(super) sums: Buffer,
    /// Per image: what the norm's backward multiplies with.
    pub(super) coefficients: Buffer,
    /// Gradients of the maps of the block at hand and of the one before.
    pub(super) map_gradients: [Buffer; 2],
}

impl Workspace {
    /// Lends this thread's workspace.
    pub(super) fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        thread_local! {
            static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace::default());
        }
        WORKSPACE.with(|workspace| f(&mut workspace.borrow_mut()))
    }
}
