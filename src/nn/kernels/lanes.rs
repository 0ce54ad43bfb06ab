//! Sixteen floats that move together: the one vector type every kernel is written in.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled three times (see `isa.rs`). All of it is
//! `#[inline(always)]`, because the intrinsics only become single instructions once they stand inside a function
//! that has their `#[target_feature]`.

/// Floats in one [`Lanes`], whatever the processor: channels are padded to a multiple of it.
pub(super) const LANES: usize = 16;

/// Sixteen f32 lanes.
///
/// # Safety
/// Every method needs the instruction set of the implementing type, and pointers valid for sixteen floats.
pub(super) trait Lanes: Copy {
    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + term`
    unsafe fn fma(self, factor: Self, term: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    /// Asks for a cache line ahead of its use; the pointer may be any.
    unsafe fn prefetch(_at: *const f32) {}
    /// `self` where `gate` is above zero, zero elsewhere.
    unsafe fn where_positive(self, gate: Self) -> Self;
}

/// Plain Rust, for every processor; the compiler turns the loops into whatever vectors there are.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

/// One fused operation where the processor has it, two roundings where it would be a call into libm.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        Self(out)
    }
}

impl Lanes for Portable {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; LANES])
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen floats.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, term: Self) -> Self {
        let mut out = term.0;
        for ((c, a), b) in out.iter_mut().zip(self.0).zip(factor.0) {
            *c = multiply_add(a, b, *c);
        }
        Self(out)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn where_positive(self, gate: Self) -> Self {
        self.zip(gate, |a, g| if g > 0.0 { a } else { 0.0 })
    }
}
