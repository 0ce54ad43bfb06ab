//! Pooling over windows that do not overlap; edges that fill no window are dropped.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    numbers::{Number, by_precision, forward_by_precision, is_ours, on_values, tensor_like, values},
    plain,
};

/// Mean of windows of `side x side`: `(n, c, h, w) -> (n, c, h / side, w / side)`.
pub(in crate::nn) fn avg_pool(x: &Tensor, side: usize) -> Result<Tensor> {
    pool(x, side, Kind::Mean, plain::avg_pool)
}

/// Largest of windows of `side x side`; its gradient goes to the first that is as large.
pub(in crate::nn) fn max_pool(x: &Tensor, side: usize) -> Result<Tensor> {
    pool(x, side, Kind::Largest, plain::max_pool)
}

fn pool(x: &Tensor, side: usize, kind: Kind, plain: fn(&Tensor, usize) -> Result<Tensor>) -> Result<Tensor> {
    if !is_ours(x) {
        return plain(x, side);
    }
    let (images, channels, height, width) = x.dims4()?;
    if height < side || width < side {
        bail!("maps of {height}x{width} cannot be pooled by {side}x{side}: the images are too small for the network");
    }
    let shape = (images, channels, height / side, width / side).into();
    x.contiguous()?.apply_op1(Operation { kind, side, height, width, shape })
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Mean,
    Largest,
}

struct Operation {
    kind: Kind,
    side: usize,
    height: usize,
    width: usize,
    shape: Shape,
}

impl CustomOp1 for Operation {
    fn name(&self) -> &'static str {
        "pooling"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let storage = forward_by_precision!(self, (storage, layout));
        Ok((storage, self.shape.clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        by_precision!(x.dtype(), to_x, (self, x, &gradient.contiguous()?)).map(Some)
    }
}

fn to_x<T: Number>(operation: &Operation, x: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let to_x = on_values::<T, 2, _>([x, gradient], |[x, gradient]| operation.backward(x, gradient))?;
    tensor_like(to_x, x)
}

impl Operation {
    fn plane(&self) -> usize {
        self.height * self.width
    }
    fn out_width(&self) -> usize {
        self.width / self.side
    }
    fn out_plane(&self) -> usize {
        self.height / self.side * self.out_width()
    }
    /// Where the numbers of a window stand in its plane.
    fn window(&self, window: usize) -> impl Iterator<Item = usize> {
        let (row, column) = (window / self.out_width() * self.side, window % self.out_width() * self.side);
        let (side, width) = (self.side, self.width);
        (row..row + side).flat_map(move |y| (column..column + side).map(move |x| y * width + x))
    }
    fn mean_share<T: Number>(&self) -> T {
        T::from_f64(1.0 / (self.side * self.side) as f64)
    }

    fn forward<T: Number>(&self, x: &[T]) -> Vec<T> {
        let mut y = vec![T::zero(); self.shape.elem_count()];
        y.par_chunks_exact_mut(self.out_plane()).zip(x.par_chunks_exact(self.plane())).for_each(|(y, x)| {
            for (window, y) in y.iter_mut().enumerate() {
                let numbers = self.window(window).map(|at| x[at]);
                *y = match self.kind {
                    Kind::Mean => numbers.fold(T::zero(), |sum, x| sum + x) * self.mean_share::<T>(),
                    Kind::Largest => numbers.fold(T::neg_infinity(), |most, x| if x > most { x } else { most }),
                };
            }
        });
        y
    }

    fn backward<T: Number>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let mut to_x = vec![T::zero(); x.len()];
        let planes = to_x.par_chunks_exact_mut(self.plane()).zip(x.par_chunks_exact(self.plane()));
        planes.zip(gradient.par_chunks_exact(self.out_plane())).for_each(|((to, x), gradient)| {
            for (window, gradient) in gradient.iter().enumerate() {
                match self.kind {
                    Kind::Mean => self.window(window).for_each(|at| to[at] = *gradient * self.mean_share::<T>()),
                    Kind::Largest => {
                        let first = self.window(window).reduce(|best, at| if x[at] > x[best] { at } else { best });
                        if let Some(first) = first {
                            to[first] = *gradient;
                        }
                    }
                }
            }
        });
        to_x
    }
}
