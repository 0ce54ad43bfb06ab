//! Scratch memory of one thread: grown on demand, kept between calls, so that no page is touched for the first time in
//! the middle of the arithmetic.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Bytes of a cache line.
const LINE: usize = 64;

/// Memory between calls: packed weights and traces that were dropped.
static SPARE: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());
/// Floats of the smallest buffer worth keeping (16 KiB), and of all together (64 MiB).
const LEAST_SPARE: usize = 1 << 12;
const MOST_SPARE: usize = 1 << 24;

/// Floats that begin at a cache line. Large ones come from the system as zeros that nobody had to write.
#[derive(Default)]
pub(super) struct Buffer {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    pub(super) fn zeroed(len: usize) -> Self {
        let values = vec![0.0; len + LINE / size_of::<f32>()];
        let start = values.as_ptr().align_offset(LINE).min(values.len() - len);
        Self { values, start, len }
    }

    /// `len` floats of any content, where possible from memory that was used before: touching new pages costs a fifth
    /// of a call with ten images.
    pub(super) fn recycled(len: usize) -> Self {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spare.iter().position(|buffer| (len..=2 * len).contains(&buffer.len));
        fitting.map_or_else(|| Self::zeroed(len), |at| spare.swap_remove(at))
    }

    /// Leaves the memory to later calls, up to a bound.
    pub(super) fn recycle(&mut self) {
        let buffer = std::mem::take(self);
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = spare.iter().map(|buffer| buffer.len).sum();
        if buffer.len >= LEAST_SPARE && held + buffer.len <= MOST_SPARE {
            spare.push(buffer);
        }
    }

    /// At least `len` floats of any content.
    pub(super) fn take(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            *self = Self::recycled(len);
        }
        &mut self.as_mut_slice()[..len]
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        &self.values[self.start..self.start + self.len]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.len]
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

impl Drop for Trace {
    fn drop(&mut self) {
        for buffers in [&mut self.maps, &mut self.results, &mut self.statistics] {
            buffers.iter_mut().for_each(Buffer::recycle);
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
