//! CUDA devices: managed memory, cuBLAS for products of matrices, compiled kernels for functions of elements.
//!
//! All work goes to one stream, in order. Libraries are looked for when a run starts, and a missing one is an error.

#![allow(unsafe_code)] // calls into the driver, see each SAFETY

#[path = "cuda/source.rs"]
mod source;

use std::any::Any;
use std::fmt::Display;
use std::ptr::NonNull;
use std::sync::Arc;

use cudarc::cublas::{CudaBlas, result as blas, sys as blas_sys};
use cudarc::driver::{
    CudaContext, CudaModule, CudaStream, LaunchConfig, PushKernelArg, result as driver, sys,
};
use cudarc::nvrtc;

use super::{Backend, Device};
use crate::operator::{Affine, Arithmetic, Binary, Call, Linear, MatMul, Operator, Unary, UnaryGradient};
use crate::{DType, Error, Result};

/// A device, its memory, and what was compiled for it.
#[derive(Debug)]
struct Cuda {
    number: usize,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    blas: CudaBlas,
    module: Arc<CudaModule>,
    memory: NonNull<u8>,
}

// SAFETY: handles of the driver may be used from any thread that the context is bound to, and `bind` does that.
unsafe impl Send for Cuda {}
// SAFETY: the memory is written through `&mut Run` only; the stream takes one call after another.
unsafe impl Sync for Cuda {}

fn failed(number: usize, reason: impl Display) -> Error {
    Error::Device { device: Device::Cuda(number).to_string(), reason: reason.to_string() }
}

pub(super) fn open(number: usize, bytes: usize) -> Result<Box<dyn Backend>> {
    let fail = |reason: &dyn Display| failed(number, reason);
    // SAFETY: these only look for the libraries; what follows would panic without them.
    let present = unsafe {
        [
            ("the driver, libcuda", sys::is_culib_present()),
            ("cuBLAS", blas_sys::is_culib_present()),
            ("NVRTC", nvrtc::sys::is_culib_present()),
        ]
    };
    if let Some((library, _)) = present.iter().find(|(_, there)| !there) {
        return Err(fail(&format!("{library} is not installed")));
    }
    let context = CudaContext::new(number).map_err(|error| fail(&error))?;
    let stream = context.default_stream();
    let blas = CudaBlas::new(Arc::clone(&stream)).map_err(|error| fail(&error))?;
    let compiled = nvrtc::compile_ptx(source::source()).map_err(|error| fail(&error))?;
    let module = context.load_module(compiled).map_err(|error| fail(&error))?;
    // SAFETY: the context is bound to this thread; the memory is set to zeros before anyone reads it.
    let memory = unsafe {
        let attached = sys::CUmemAttach_flags_enum::CU_MEM_ATTACH_GLOBAL;
        let memory = driver::malloc_managed(bytes.max(64), attached).map_err(|_| Error::Memory { bytes })?;
        driver::memset_d8_sync(memory, 0, bytes.max(64)).map_err(|error| fail(&error))?;
        memory
    };
    let memory = NonNull::new(memory as *mut u8).ok_or(Error::Memory { bytes })?;
    Ok(Box::new(Cuda { number, context, stream, blas, module, memory }))
}

impl Backend for Cuda {
    fn memory(&self) -> NonNull<u8> {
        self.memory
    }

    fn run(&self, operator: &dyn Operator, call: &Call<'_>) -> Result<()> {
        if operator.is_view() {
            return Ok(());
        }
        self.context.bind_to_thread().map_err(|error| failed(self.number, error))?;
        if self.begin(operator, call)? {
            return Ok(());
        }
        // no kernel: the memory is the processor's, too
        self.wait()?;
        operator.run(call)
    }

    fn wait(&self) -> Result<()> {
        self.stream.synchronize().map_err(|error| failed(self.number, error))
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // what fails here cannot be told any more
        let _ = self.context.bind_to_thread();
        let _ = self.stream.synchronize();
        // SAFETY: allocated in `open`, and nothing runs any more.
        let _ = unsafe { driver::memory_free(self.memory.as_ptr() as sys::CUdeviceptr) };
    }
}

impl Cuda {
    /// Begins an operator; says whether there is a kernel for it.
    fn begin(&self, operator: &dyn Operator, call: &Call<'_>) -> Result<bool> {
        let extents = (0..call.operand_count()).map(|k| call.operand_extent(k));
        if extents.chain([call.result_extent(0)]).any(|extent| extent.dtype != DType::F32) {
            return Ok(false);
        }
        let any: &dyn Any = operator;
        if let Some(Linear) = any.downcast_ref() {
            self.linear(call)?;
        } else if let Some(product) = any.downcast_ref() {
            self.product(*product, call)?;
        } else if let Some(Unary(function)) = any.downcast_ref() {
            self.elements(function.name(), call, 1, (0.0, 0.0))?;
        } else if let Some(UnaryGradient(function)) = any.downcast_ref() {
            self.elements(&source::slope(*function), call, 2, (0.0, 0.0))?;
        } else if let Some(Affine { scale, shift }) = any.downcast_ref() {
            self.elements("affine", call, 1, (*scale as f32, *shift as f32))?;
        } else if let Some(Binary(arithmetic)) = any.downcast_ref()
            && (0..2).all(|k| call.operand_extent(k).dims == call.result_extent(0).dims)
        {
            let name = match arithmetic {
                Arithmetic::Add => "add",
                Arithmetic::Subtract => "subtract",
                Arithmetic::Multiply => "multiply",
                Arithmetic::Divide => "divide",
            };
            self.elements(name, call, 2, (0.0, 0.0))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `y = f(x)` or `y = f(x, a)` with two numbers besides.
    fn elements(&self, name: &str, call: &Call<'_>, operands: usize, numbers: (f32, f32)) -> Result<()> {
        let fail = |error: &dyn Display| failed(self.number, format!("`{name}`: {error}"));
        let kernel = self.module.load_function(name).map_err(|error| fail(&error))?;
        let count = call.result_extent(0).elements() as u64;
        let (x, y) = (call.operands[0].pointer as u64, call.results[0].pointer as u64);
        let a = call.operands[operands - 1].pointer as u64;
        let mut launch = self.stream.launch_builder(&kernel);
        launch.arg(&x).arg(&a).arg(&y).arg(&count).arg(&numbers.0).arg(&numbers.1);
        let grid = LaunchConfig::for_num_elems(count.min(1 << 30) as u32);
        // SAFETY: the kernel takes these arguments, and the plan laid out so many elements at each place; it strides over
        // what the grid does not cover.
        unsafe { launch.launch(grid) }.map_err(|error| fail(&error))?;
        Ok(())
    }

    /// `y = x w^T + b`, seen by columns as `y^T = w x^T + b`.
    fn linear(&self, call: &Call<'_>) -> Result<()> {
        let (x, w) = (call.operand_extent(0), call.operand_extent(1));
        let (rows, out, inner) = (x.rows() as i32, w.dims[0] as i32, w.dims[1] as i32);
        let bias = call.operand_count() > 2;
        if bias {
            let fail = |error: &dyn Display| failed(self.number, format!("`rows`: {error}"));
            let kernel = self.module.load_function("rows").map_err(|error| fail(&error))?;
            let count = call.result_extent(0).elements() as u64;
            let (b, y) = (call.operands[2].pointer as u64, call.results[0].pointer as u64);
            let width = out as u64;
            let mut launch = self.stream.launch_builder(&kernel);
            launch.arg(&b).arg(&y).arg(&count).arg(&width);
            // SAFETY: as in `elements`.
            unsafe { launch.launch(LaunchConfig::for_num_elems(count.min(1 << 30) as u32)) }
                .map_err(|error| fail(&error))?;
        }
        let beta = f32::from(u8::from(bias));
        // SAFETY: matrices of these sizes lie there, as the plan laid them out.
        let done = unsafe {
            blas::sgemm(
                *self.blas.handle(),
                blas_sys::cublasOperation_t::CUBLAS_OP_T,
                blas_sys::cublasOperation_t::CUBLAS_OP_N,
                out,
                rows,
                inner,
                &1.0,
                call.operands[1].pointer.cast(),
                inner,
                call.operands[0].pointer.cast(),
                inner,
                &raw const beta,
                call.results[0].pointer.cast(),
                out,
            )
        };
        done.map_err(|error| failed(self.number, error))
    }

    /// `c = a b` for each of several, seen by columns as `c^T = b^T a^T`.
    fn product(&self, product: MatMul, call: &Call<'_>) -> Result<()> {
        let (m, n, k) = product.sizes(&call.operand_extent(0).dims, &call.operand_extent(1).dims);
        let count = call.result_extent(0).elements() / (m * n);
        let turned = |turned: bool| {
            if turned {
                blas_sys::cublasOperation_t::CUBLAS_OP_T
            } else {
                blas_sys::cublasOperation_t::CUBLAS_OP_N
            }
        };
        // SAFETY: matrices of these sizes lie there, as the plan laid them out.
        let done = unsafe {
            blas::sgemm_strided_batched(
                *self.blas.handle(),
                turned(product.transpose_b),
                turned(product.transpose_a),
                n as i32,
                m as i32,
                k as i32,
                &1.0,
                call.operands[1].pointer.cast(),
                if product.transpose_b { k } else { n } as i32,
                (n * k) as i64,
                call.operands[0].pointer.cast(),
                if product.transpose_a { m } else { k } as i32,
                (m * k) as i64,
                &0.0,
                call.results[0].pointer.cast(),
                n as i32,
                (m * n) as i64,
                count as i32,
            )
        };
        done.map_err(|error| failed(self.number, error))
    }
}
