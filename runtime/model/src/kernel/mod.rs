//! What processors do: loops over slices, without shapes, graphs or plans.
//!
//! Kernels are compiled for AVX-512, for AVX2 with FMA and for the portable baseline, and chosen when the process starts; products
//! and convolutions of singles use the matrix unit (AMX) where there is one. `KETLINE_MAX_ISA` names the last instructions that may
//! be used. None allocates; scratch memory is planned. What a number is the sum of, and in which order, depends on sizes alone and
//! never on the number of threads, so that results are the same bits on any number of them.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "amx_absent.rs")]
pub(crate) mod amx;
pub(crate) mod attention;
pub(crate) mod convolution;
pub(crate) mod elementwise;
pub(crate) mod gemm;
pub(crate) mod half;
pub(crate) mod layout;
pub(crate) mod level;
pub(crate) mod loss;
pub(crate) mod norm;
pub(crate) mod optimiser;
pub(crate) mod pairs;
pub(crate) mod pool;
pub(crate) mod real;
pub(crate) mod reduce;
pub(crate) mod shared;
pub(crate) mod team;
pub(crate) mod turn;
pub(crate) mod vector;

/// The instructions that kernels use, by the names that `KETLINE_MAX_ISA` takes.
pub(crate) fn instructions() -> &'static str {
    if amx::has_amx() { level::AMX } else { level::level().name() }
}
