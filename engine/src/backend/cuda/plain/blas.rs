//! The fence around cuBLASLt: matrix products whose algorithm is chosen when they are made.
//!
//! [`super::cublaslt`] opens the library at run time. Nothing is allocated when a product is enqueued: the caller lends
//! the workspace, so products can be recorded in a graph.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::cublaslt::sys;

use super::PlanError;
use super::cublaslt::{self, Algorithm, CublasLt, Heuristic, Opaque, check};
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
    library: &'static CublasLt,
    handle: Opaque,
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
    algorithm: Algorithm,
    addresses: [u64; 3],
}

impl Blas {
    /// Opens the library.
    pub(super) fn open(device: &Arc<Device>) -> Result<Self, PlanError> {
        device.enter()?;
        let (library, handle) = cublaslt::open()?;
        Ok(Self { device: Arc::clone(device), library, handle })
    }

    /// Chooses the algorithm for a product.
    pub(super) fn matmul(&self, it: &Product) -> Result<Matmul, PlanError> {
        self.device.enter()?;
        // Row by row is column by column of the transposed, which is how the library counts: y' = w' x'.
        let kind = kind_of(it.precision);
        let (w_rows, w_columns) = if it.transposed { (it.depth, it.columns) } else { (it.columns, it.depth) };
        let library = self.library;
        let x = Layout::new(library, kind, (it.depth, it.rows), it.x, it.count)?;
        let w = Layout::new(library, kind, (w_rows, w_columns), it.w, it.count)?;
        let y = Layout::new(library, sys::cudaDataType::CUDA_R_32F, (it.columns, it.rows), it.y, it.count)?;
        let description = Description::new(library, it)?;
        let preference = Preference::new(library, [it.w.address, it.x.address, it.y.address])?;
        let (mut chosen, mut count) = (Heuristic::room(), 0);
        // SAFETY: all of them were just made; one heuristic is asked for, and there is room for one.
        let asked = unsafe {
            let (a, b, c, d) = (w.it, x.it, y.it, y.it);
            let preference = preference.it;
            (library.heuristic)(self.handle, description.it, a, b, c, d, preference, 1, &raw mut chosen, &raw mut count)
        };
        let asked = check("cublasLtMatmulAlgoGetHeuristic", asked);
        let asked = asked.and_then(|()| check("cublasLtMatmulAlgoGetHeuristic", chosen.state));
        let none = |words: String| PlanError::NoAlgorithm {
            rows: it.rows,
            columns: it.columns,
            depth: it.depth,
            precision: it.precision,
            words,
        };
        asked.map_err(|error| none(error.to_string()))?;
        if count < 1 || WORKSPACE_BYTES < chosen.workspace {
            return Err(none(format!("{count} algorithms, {} bytes of workspace", chosen.workspace)));
        }
        let addresses = [it.w.address, it.x.address, it.y.address];
        Ok(Matmul { description, x, w, y, algorithm: chosen.algorithm, addresses })
    }

    /// Enqueues a product. `workspace` is the first of [`WORKSPACE_BYTES`] bytes that nothing else uses meanwhile.
    pub(super) fn enqueue(&self, it: &Matmul, workspace: u64, stream: &Stream) -> Result<(), DeviceError> {
        let (one, zero) = (1.0_f32, 0.0_f32);
        let [w, x, y] = it.addresses.map(|address| address as *mut c_void);
        // SAFETY: the handles live as long as `self` and `it`; the addresses are of buffers that the plan holds, with room
        // for the layouts (the lowering made both); the factors are read before the call returns.
        let done = unsafe {
            (self.library.matmul)(
                self.handle,
                it.description.it,
                (&raw const one).cast(),
                w,
                it.w.it,
                x,
                it.x.it,
                (&raw const zero).cast(),
                y,
                it.y.it,
                y,
                it.y.it,
                &raw const it.algorithm,
                workspace as *mut c_void,
                WORKSPACE_BYTES,
                stream.handle(),
            )
        };
        check("cublasLtMatmul", done)
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: created in `open`.
            let _ = unsafe { (self.library.destroy)(self.handle) };
        }
    }
}

// SAFETY: descriptors are plain memory of the library, used from one thread at a time.
unsafe impl Send for Matmul {}

/// Something of the library that is made, told what it is, and given back.
macro_rules! owned {
    ($name:ident, $set:ident, $destroy:ident, $attribute:ty, $call:literal) => {
        #[derive(Debug)]
        struct $name {
            library: &'static CublasLt,
            it: Opaque,
        }

        impl $name {
            fn set<T: Copy>(&self, attribute: $attribute, value: &T) -> Result<(), DeviceError> {
                let value: *const T = value;
                // SAFETY: the library copies `size_of::<T>()` bytes, and checks that the attribute has that size.
                let set = unsafe { (self.library.$set)(self.it, attribute as u32, value.cast(), size_of::<T>()) };
                check($call, set)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: created in `new`.
                let _ = unsafe { (self.library.$destroy)(self.it) };
            }
        }
    };
}

owned!(Layout, layout_set, layout_destroy, Shape, "cublasLtMatrixLayoutSetAttribute");
owned!(Description, description_set, description_destroy, Desc, "cublasLtMatmulDescSetAttribute");
owned!(Preference, preference_set, preference_destroy, Pref, "cublasLtMatmulPreferenceSetAttribute");

impl Layout {
    fn new(
        library: &'static CublasLt,
        kind: sys::cudaDataType,
        (rows, columns): (usize, usize),
        at: Operand,
        count: usize,
    ) -> Result<Self, DeviceError> {
        let mut it = std::ptr::null_mut();
        // SAFETY: writes one layout.
        let made =
            unsafe { (library.layout_create)(&raw mut it, kind as u32, rows as u64, columns as u64, at.pitch as i64) };
        check("cublasLtMatrixLayoutCreate", made)?;
        let it = Self { library, it };
        it.set(Shape::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &(count as i32))?;
        it.set(Shape::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &(at.step as i64))?;
        Ok(it)
    }
}

impl Description {
    fn new(library: &'static CublasLt, product: &Product) -> Result<Self, DeviceError> {
        // Sums in f32, and f32 operands as they are: the faster kind of card arithmetic would cut them to 10 bits.
        let compute = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        let mut it = std::ptr::null_mut();
        let scale = sys::cudaDataType::CUDA_R_32F;
        // SAFETY: writes one description.
        let made = unsafe { (library.description_create)(&raw mut it, compute as u32, scale as u32) };
        check("cublasLtMatmulDescCreate", made)?;
        let it = Self { library, it };
        it.set(Desc::CUBLASLT_MATMUL_DESC_TRANSA, &i32::from(product.transposed))?;
        if let Some(bias) = product.bias {
            let epilogue = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS as u32;
            it.set(Desc::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
            it.set(Desc::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)?;
        }
        Ok(it)
    }
}

impl Preference {
    /// For operands w, x and y at these addresses.
    fn new(library: &'static CublasLt, [w, x, y]: [u64; 3]) -> Result<Self, DeviceError> {
        let mut it = std::ptr::null_mut();
        // SAFETY: writes one preference.
        check("cublasLtMatmulPreferenceCreate", unsafe { (library.preference_create)(&raw mut it) })?;
        let it = Self { library, it };
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
}

fn kind_of(precision: Precision) -> sys::cudaDataType {
    match precision {
        Precision::F32 => sys::cudaDataType::CUDA_R_32F,
        Precision::F16 => sys::cudaDataType::CUDA_R_16F,
        Precision::Bf16 => sys::cudaDataType::CUDA_R_16BF,
    }
}
