//! The fence around cuBLASLt: matrix products whose algorithm is chosen when they are made.
//!
//! The library is opened at run time, as the driver is. Nothing is allocated when a product is enqueued: the caller lends
//! the workspace, so products can be recorded in a graph.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::cublaslt::{result, sys};

use super::PlanError;
use crate::backend::cuda::{Device, DeviceError, Stream};
use crate::graph::Precision;

use sys::cublasLtMatmulDescAttributes_t as Desc;
use sys::cublasLtMatmulPreferenceAttributes_t as Pref;
use sys::cublasLtMatrixLayoutAttribute_t as Shape;

/// Bytes that a product may use besides its operands: what NVIDIA advises for Hopper and later.
pub(super) const WORKSPACE_BYTES: usize = 32 << 20;
/// Addresses are said to be aligned to no more than this; the fastest kernels ask for 16.
const ALIGNMENT: u64 = 256;

/// The library on a card.
#[derive(Debug)]
pub(super) struct Blas {
    device: Arc<Device>,
    handle: sys::cublasLtHandle_t,
}

// SAFETY: a handle of cuBLASLt may be used from any thread, and from several at a time (its manual's words).
unsafe impl Send for Blas {}
// SAFETY: as above.
unsafe impl Sync for Blas {}

/// Where a matrix lies: its first number, and how many numbers lie between its rows and between matrices of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub(super) address: u64,
    pub(super) pitch: usize,
    pub(super) step: usize,
}

impl Operand {
    /// One matrix without gaps.
    pub(super) fn dense(address: u64, pitch: usize) -> Self {
        Self { address, pitch, step: 0 }
    }
}

/// `y [rows, columns] = x [rows, depth] w + bias`, `count` times; x and w in `precision`, sums, bias and y in f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) count: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) depth: usize,
    pub(super) precision: Precision,
    pub(super) x: Operand,
    pub(super) w: Operand,
    /// Whether w is `[columns, depth]`, as checkpoints and keys are, or `[depth, columns]`, as values are.
    pub(super) transposed: bool,
    pub(super) y: Operand,
    /// `[columns]`.
    pub(super) bias: Option<u64>,
}

/// A product ready to be enqueued.
#[derive(Debug)]
pub(super) struct Matmul {
    description: Description,
    x: Layout,
    w: Layout,
    y: Layout,
    algorithm: sys::cublasLtMatmulAlgo_t,
    addresses: [u64; 3],
}

impl Blas {
    /// Opens the library.
    pub(super) fn open(device: &Arc<Device>) -> Result<Self, PlanError> {
        // SAFETY: asks the dynamic loader only. Everything else in cudarc would panic without the library.
        if !unsafe { sys::is_culib_present() } {
            return Err(PlanError::NoBlas);
        }
        device.enter()?;
        let handle = result::create_handle().map_err(|error| failed("cublasLtCreate", error))?;
        Ok(Self { device: Arc::clone(device), handle })
    }

    /// Chooses the algorithm for a product.
    pub(super) fn matmul(&self, it: &Product) -> Result<Matmul, PlanError> {
        self.device.enter()?;
        // Row by row is column by column of the transposed, which is how the library counts: y' = w' x'.
        let kind = kind_of(it.precision);
        let (w_rows, w_columns) = if it.transposed { (it.depth, it.columns) } else { (it.columns, it.depth) };
        let x = Layout::new(kind, it.depth, it.rows, it.x, it.count)?;
        let w = Layout::new(kind, w_rows, w_columns, it.w, it.count)?;
        let y = Layout::new(sys::cudaDataType::CUDA_R_32F, it.columns, it.rows, it.y, it.count)?;
        let description = Description::new(it)?;
        let preference = Preference::new([it.w.address, it.x.address, it.y.address])?;
        // SAFETY: all of them were just made.
        let chosen =
            unsafe { result::get_matmul_algo_heuristic(self.handle, description.0, w.0, x.0, y.0, y.0, preference.0) };
        let chosen = chosen.map_err(|error| PlanError::NoAlgorithm {
            rows: it.rows,
            columns: it.columns,
            depth: it.depth,
            precision: it.precision,
            words: error.to_string(),
        })?;
        let addresses = [it.w.address, it.x.address, it.y.address];
        Ok(Matmul { description, x, w, y, algorithm: chosen.algo, addresses })
    }

    /// Enqueues a product. `workspace` is the first of [`WORKSPACE_BYTES`] bytes that nothing else uses meanwhile.
    pub(super) fn enqueue(&self, it: &Matmul, workspace: u64, stream: &Stream) -> Result<(), DeviceError> {
        let (one, zero) = (1.0_f32, 0.0_f32);
        let [w, x, y] = it.addresses.map(|address| address as *mut c_void);
        // SAFETY: the handles live as long as `self` and `it`; the addresses are of buffers that the plan holds, with room
        // for the layouts (the lowering made both); the factors are read before the call returns.
        let done = unsafe {
            result::matmul(
                self.handle,
                it.description.0,
                (&raw const one).cast(),
                (&raw const zero).cast(),
                w,
                it.w.0,
                x,
                it.x.0,
                y,
                it.y.0,
                y,
                it.y.0,
                &raw const it.algorithm,
                workspace as *mut c_void,
                WORKSPACE_BYTES,
                stream.handle().cast(),
            )
        };
        done.map_err(|error| failed("cublasLtMatmul", error))
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: created in `open`.
            let _ = unsafe { result::destroy_handle(self.handle) };
        }
    }
}

// SAFETY: descriptors are plain memory of the library, used from one thread at a time.
unsafe impl Send for Matmul {}

#[derive(Debug)]
struct Layout(sys::cublasLtMatrixLayout_t);

impl Layout {
    fn new(
        kind: sys::cudaDataType,
        rows: usize,
        columns: usize,
        at: Operand,
        count: usize,
    ) -> Result<Self, DeviceError> {
        let made = result::create_matrix_layout(kind, rows as u64, columns as u64, at.pitch as i64);
        let it = Self(made.map_err(|error| failed("cublasLtMatrixLayoutCreate", error))?);
        it.set(Shape::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &(count as i32))?;
        it.set(Shape::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &(at.step as i64))?;
        Ok(it)
    }

    fn set<T: Copy>(&self, attribute: Shape, value: &T) -> Result<(), DeviceError> {
        let value: *const T = value;
        // SAFETY: the library copies `size_of::<T>()` bytes, and checks that the attribute has that size.
        let set = unsafe { result::set_matrix_layout_attribute(self.0, attribute, value.cast(), size_of::<T>()) };
        set.map_err(|error| failed("cublasLtMatrixLayoutSetAttribute", error))
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: created in `new`.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

#[derive(Debug)]
struct Description(sys::cublasLtMatmulDesc_t);

impl Description {
    fn new(product: &Product) -> Result<Self, DeviceError> {
        // Sums in f32, and f32 operands as they are: the faster kind of card arithmetic would cut them to 10 bits.
        let compute = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        let made = result::create_matmul_desc(compute, sys::cudaDataType::CUDA_R_32F);
        let it = Self(made.map_err(|error| failed("cublasLtMatmulDescCreate", error))?);
        it.set(Desc::CUBLASLT_MATMUL_DESC_TRANSA, &i32::from(product.transposed))?;
        if let Some(bias) = product.bias {
            let epilogue = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS as u32;
            it.set(Desc::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
            it.set(Desc::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)?;
        }
        Ok(it)
    }

    fn set<T: Copy>(&self, attribute: Desc, value: &T) -> Result<(), DeviceError> {
        let value: *const T = value;
        // SAFETY: as in `Layout::set`.
        let set = unsafe { result::set_matmul_desc_attribute(self.0, attribute, value.cast(), size_of::<T>()) };
        set.map_err(|error| failed("cublasLtMatmulDescSetAttribute", error))
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: created in `new`.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

struct Preference(sys::cublasLtMatmulPreference_t);

impl Preference {
    /// For operands w, x and y at these addresses.
    fn new([w, x, y]: [u64; 3]) -> Result<Self, DeviceError> {
        let made = result::create_matmul_pref();
        let it = Self(made.map_err(|error| failed("cublasLtMatmulPreferenceCreate", error))?);
        it.set(Pref::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &(WORKSPACE_BYTES as u64))?;
        for (attribute, address) in [
            (Pref::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, w),
            (Pref::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, x),
            (Pref::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, y),
            (Pref::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, y),
        ] {
            let alignment = ALIGNMENT.min(1 << address.trailing_zeros().min(8));
            it.set(attribute, &(alignment as u32))?;
        }
        Ok(it)
    }

    fn set<T: Copy>(&self, attribute: Pref, value: &T) -> Result<(), DeviceError> {
        let value: *const T = value;
        // SAFETY: as in `Layout::set`.
        let set = unsafe { result::set_matmul_pref_attribute(self.0, attribute, value.cast(), size_of::<T>()) };
        set.map_err(|error| failed("cublasLtMatmulPreferenceSetAttribute", error))
    }
}

impl Drop for Preference {
    fn drop(&mut self) {
        // SAFETY: created in `new`.
        let _ = unsafe { result::destroy_matmul_pref(self.0) };
    }
}

fn kind_of(precision: Precision) -> sys::cudaDataType {
    match precision {
        Precision::F32 => sys::cudaDataType::CUDA_R_32F,
        Precision::F16 => sys::cudaDataType::CUDA_R_16F,
        Precision::Bf16 => sys::cudaDataType::CUDA_R_16BF,
    }
}

/// Sorts what the library says by what the caller does next.
fn failed(call: &'static str, error: result::CublasError) -> DeviceError {
    use sys::cublasStatus_t as S;
    let words = error.to_string();
    match error.0 {
        S::CUBLAS_STATUS_ALLOC_FAILED => DeviceError::OutOfMemory { wanted: 0, free: 0, total: 0 },
        // The card failed while the library worked on it; what else is there is as gone as after a kernel of ours.
        S::CUBLAS_STATUS_EXECUTION_FAILED | S::CUBLAS_STATUS_MAPPING_ERROR => DeviceError::KernelFault { call, words },
        _ => DeviceError::Refused { call, words },
    }
}
