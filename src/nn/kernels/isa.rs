//! The kernels as a table of functions, one table per instruction set, chosen once at run time.

use std::sync::OnceLock;

use super::lanes::{LANES, Portable};
use super::norm::{self, Moments, NormBackward, NormSums, Pool};
use super::product::{self, Product};
use super::tiles::{self, InputTiles, InputTilesAdjoint, OutputTiles, WeightTiles, WeightTilesAdjoint};

/// The kernels of one instruction set.
pub(super) struct Kernels {
    pub(super) name: &'static str,
    /// Channels of a panel: what the product holds in registers beside its rows.
    pub(super) panel: usize,
    product: unsafe fn(&mut Product),
    input_tiles: unsafe fn(&mut InputTiles),
    input_tiles_adjoint: unsafe fn(&mut InputTilesAdjoint),
    output_tiles: unsafe fn(&mut OutputTiles),
    weight_tiles: unsafe fn(&mut WeightTiles),
    weight_tiles_adjoint: unsafe fn(&mut WeightTilesAdjoint),
    moments: unsafe fn(&mut Moments),
    pool: unsafe fn(&mut Pool),
    norm_sums: unsafe fn(&mut NormSums),
    norm_backward: unsafe fn(&mut NormBackward),
}

macro_rules! entries {
    ($($entry:ident: $arguments:ident),*) => {
        impl Kernels {
            $(pub(super) fn $entry(&self, mut arguments: $arguments) {
                arguments.check();
                // SAFETY: the arguments were just checked, and a table is only handed out on a processor that has its
                // instruction set.
                unsafe { (self.$entry)(&mut arguments) }
            })*
        }
    };
}
entries!(
    product: Product,
    input_tiles: InputTiles,
    input_tiles_adjoint: InputTilesAdjoint,
    output_tiles: OutputTiles,
    weight_tiles: WeightTiles,
    weight_tiles_adjoint: WeightTilesAdjoint,
    moments: Moments,
    pool: Pool,
    norm_sums: NormSums,
    norm_backward: NormBackward
);

/// Compiles every kernel for one kind of lanes. `$most` rows of the product fit the registers.
macro_rules! table {
    ($module:ident, $name:literal, $lanes:ty, panel $panel:expr, rows $most:expr $(, #[$feature:meta])?) => {
        mod $module {
            use super::*;
            macro_rules! wrap {
                ($entry:ident, $arguments:ident, $kernel:expr) => {
                    $(#[$feature])?
                    unsafe fn $entry(p: &mut $arguments) {
                        // SAFETY: passed on to the caller.
                        unsafe { $kernel(p) }
                    }
                };
            }
            wrap!(product, Product, product::product::<$lanes, $most>);
            wrap!(input_tiles, InputTiles, tiles::input_tiles::<$lanes>);
            wrap!(input_tiles_adjoint, InputTilesAdjoint, tiles::input_tiles_adjoint::<$lanes>);
            wrap!(output_tiles, OutputTiles, tiles::output_tiles::<$lanes>);
            wrap!(weight_tiles, WeightTiles, tiles::weight_tiles::<$lanes>);
            wrap!(weight_tiles_adjoint, WeightTilesAdjoint, tiles::weight_tiles_adjoint::<$lanes>);
            wrap!(moments, Moments, norm::moments::<$lanes>);
            wrap!(pool, Pool, norm::pool::<$lanes>);
            wrap!(norm_sums, NormSums, norm::norm_sums::<$lanes>);
            wrap!(norm_backward, NormBackward, norm::norm_backward::<$lanes>);
            pub(super) static TABLE: Kernels = Kernels {
                name: $name,
                panel: $panel,
                product,
                input_tiles,
                input_tiles_adjoint,
                output_tiles,
                weight_tiles,
                weight_tiles_adjoint,
                moments,
                pool,
                norm_sums,
                norm_backward,
            };
        }
    };
}

// Four SSE registers make the lanes of one row on an x86 without AVX2, out of sixteen; elsewhere there are thirty-two.
#[cfg(target_arch = "x86_64")]
table!(portable, "portable", Portable, panel LANES, rows 3);
#[cfg(not(target_arch = "x86_64"))]
table!(portable, "portable", Portable, panel LANES, rows 6);
#[cfg(target_arch = "x86_64")]
table!(avx2, "avx2", super::super::x86::Avx2, panel LANES, rows 6, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
table!(avx512, "avx512", super::super::x86::Avx512, panel 2 * LANES, rows 14, #[target_feature(enable = "avx512f")]);

static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();

/// What this processor can run, best first.
pub(super) fn available() -> Vec<&'static Kernels> {
    let mut tables = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            tables.push(&avx512::TABLE);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            tables.push(&avx2::TABLE);
        }
    }
    tables.push(&portable::TABLE);
    tables
}

/// The table in use.
pub(super) fn kernels() -> &'static Kernels {
    CHOSEN.get_or_init(|| available()[0])
}

/// The instruction set in use: `avx512`, `avx2` or `portable`. The first call fixes it.
#[must_use]
pub fn instruction_set() -> &'static str {
    kernels().name
}

/// The best instruction set of this processor, by which libraries choose theirs.
#[must_use]
pub fn best_instruction_set() -> &'static str {
    available()[0].name
}

/// Fixes the instruction set, before the first use.
///
/// # Errors
/// Where this processor does not have it, or another one is already in use.
pub fn pin_instruction_set(name: &str) -> Result<(), String> {
    let tables = available();
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    let Some(table) = tables.iter().find(|table| table.name == name) else {
        return Err(format!("this processor has no instruction set {name:?}; choose one of {}", names.join(", ")));
    };
    let used = CHOSEN.get_or_init(|| table).name;
    if used == name {
        Ok(())
    } else {
        Err(format!("the instruction set is already {used}: pin {name} before the first use"))
    }
}
