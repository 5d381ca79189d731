//! Devices: each owns the arena of a plan, and runs its nodes.
//!
//! Whatever the device, a processor reads and writes the arena between steps, so parameters, batches and results are slices.

mod cpu;
#[cfg_attr(not(feature = "cuda"), path = "cuda_absent.rs")]
mod cuda;

use std::fmt;
use std::ptr::NonNull;

use crate::Result;
use crate::operator::{Call, Operator};

/// Where a plan runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A CUDA device by number, with the feature `cuda`: products of matrices by cuBLAS, functions of elements by kernels that
    /// are compiled when the run starts. The memory is managed, so that operators without a kernel run on the processor.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl Device {
    /// Takes so many bytes of zeros.
    pub(crate) fn open(self, bytes: usize) -> Result<Box<dyn Backend>> {
        match self {
            Self::Cpu => Ok(Box::new(cpu::Cpu::open(bytes)?)),
            Self::Cuda(number) => cuda::open(number, bytes),
        }
    }
}

/// A device with its memory.
pub(crate) trait Backend: fmt::Debug + Send + Sync {
    /// The arena; the processor may use it after [`wait`](Self::wait).
    fn memory(&self) -> NonNull<u8>;

    /// Runs an operator on tensors of the arena, or begins to: what follows sees it done.
    fn run(&self, operator: &dyn Operator, call: &Call<'_>) -> Result<()>;

    /// Returns when all that was begun is done.
    fn wait(&self) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        assert_eq!(Device::default(), Device::Cpu);
        // no machine has so many
        let error = Device::Cuda(1 << 20).open(64).unwrap_err();
        assert!(matches!(&error, Error::Device { device, .. } if device == "cuda:1048576"), "{error}");
    }
}
