//! The shim's C header in Rust, written by `make tensorrt-bindings`: change the header, not this file.
#![allow(unsafe_code, missing_docs, non_camel_case_types, dead_code, unsafe_op_in_unsafe_fn, clippy::all)]
// SAFETY: declarations only; every caller says why its call is sound. The signatures are the header's, which a test holds.
/// `cksum` of the header this was written from.
pub const HEADER_SUM: u32 = 3919148584;

pub const DT_ABI: i32 = 1;
pub const DT_RANK_MAX: i32 = 8;
pub const DT_OK: i32 = 0;
pub const DT_FAILED: i32 = 1;
pub const DT_NOT_OPENED: i32 = 2;
pub const DT_NO_SYMBOL: i32 = 3;
pub const DT_OTHER_VERSION: i32 = 4;
pub const DT_STOPPED: i32 = 5;
pub const DT_NOT_PARSED: i32 = 6;
pub const DT_UNSUPPORTED: i32 = 7;
pub const DT_FLAVOUR_RTX: i32 = 1;
pub const DT_FLAVOUR_DATACENTRE: i32 = 2;
pub const DT_PHASE_STARTED: i32 = 0;
pub const DT_STEP_DONE: i32 = 1;
pub const DT_PHASE_DONE: i32 = 2;
pub const DT_CAPABILITY_CURRENT: i32 = 1;
pub const DT_BUILD_REFIT: i32 = 1;
pub const DT_BUILD_STRIP: i32 = 2;
pub const DT_BUILD_NO_TF32: i32 = 4;
pub const DT_BUILD_STREAM_WEIGHTS: i32 = 8;
pub const DT_VALID: i32 = 0;
pub const DT_SUBOPTIMAL: i32 = 1;
pub const DT_INVALID: i32 = 2;
pub const DT_WHY_VERSION: i32 = 1;
pub const DT_WHY_CAPABILITY: i32 = 2;
pub const DT_WHY_DRIVER: i32 = 4;
pub const DT_WHY_CUDA_RUNTIME: i32 = 8;
pub const DT_WHY_MEMORY: i32 = 16;
pub const DT_WHY_MALFORMED: i32 = 32;
pub const DT_WHY_CUDA: i32 = 64;
pub const DT_SHAPES_LAZY: i32 = 0;
pub const DT_SHAPES_EAGER: i32 = 1;
pub const DT_SHAPES_NEVER: i32 = 2;
pub type dt_status = i32;
pub type dt_log_fn = ::std::option::Option<
    unsafe extern "C" fn(user: *mut ::std::os::raw::c_void, severity: i32, text: *const ::std::os::raw::c_char),
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_library {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_blob {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_runtime {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_engine {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_cache {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_context {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_dims {
    pub rank: i32,
    pub size: [i64; 8usize],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_progress {
    pub kind: i32,
    pub phase: *const ::std::os::raw::c_char,
    pub parent: *const ::std::os::raw::c_char,
    pub step: i32,
    pub steps: i32,
}
pub type dt_progress_fn =
    ::std::option::Option<unsafe extern "C" fn(user: *mut ::std::os::raw::c_void, progress: *const dt_progress) -> i32>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_fault {
    pub code: i32,
    pub node: i32,
    pub node_name: *const ::std::os::raw::c_char,
    pub operation: *const ::std::os::raw::c_char,
    pub text: *const ::std::os::raw::c_char,
}
pub type dt_fault_fn =
    ::std::option::Option<unsafe extern "C" fn(user: *mut ::std::os::raw::c_void, fault: *const dt_fault)>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_range {
    pub tensor: *const ::std::os::raw::c_char,
    pub least: dt_dims,
    pub best: dt_dims,
    pub most: dt_dims,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_profile {
    pub ranges: *const dt_range,
    pub count: usize,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_build_options {
    pub onnx: *const ::std::os::raw::c_char,
    pub profiles: *const dt_profile,
    pub profile_count: usize,
    pub capabilities: *const i32,
    pub capability_count: usize,
    pub level: i32,
    pub threads: i32,
    pub workspace_bytes: u64,
    pub flags: u32,
    pub progress: dt_progress_fn,
    pub fault: dt_fault_fn,
    pub user: *mut ::std::os::raw::c_void,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_tensor {
    pub name: *const ::std::os::raw::c_char,
    pub is_output: i32,
    pub type_: i32,
    pub on_host: i32,
    pub dims: dt_dims,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct dt_weights {
    pub name: *const ::std::os::raw::c_char,
    pub type_: i32,
    pub values: *const ::std::os::raw::c_void,
    pub count: i64,
}
pub struct Shim {
    __library: ::libloading::Library,
    pub dt_abi: unsafe extern "C" fn() -> u32,
    pub dt_flavour: unsafe extern "C" fn() -> i32,
    pub dt_headers_version: unsafe extern "C" fn() -> i32,
    pub dt_library_create: unsafe extern "C" fn(
        infer: *const ::std::os::raw::c_char,
        parser: *const ::std::os::raw::c_char,
        log: dt_log_fn,
        user: *mut ::std::os::raw::c_void,
        out: *mut *mut dt_library,
        why: *mut ::std::os::raw::c_char,
        why_bytes: usize,
    ) -> dt_status,
    pub dt_library_version: unsafe extern "C" fn(library: *const dt_library) -> i32,
    pub dt_library_destroy: unsafe extern "C" fn(library: *mut dt_library),
    pub dt_blob_data: unsafe extern "C" fn(blob: *const dt_blob) -> *const ::std::os::raw::c_void,
    pub dt_blob_bytes: unsafe extern "C" fn(blob: *const dt_blob) -> usize,
    pub dt_blob_destroy: unsafe extern "C" fn(blob: *mut dt_blob),
    pub dt_build: unsafe extern "C" fn(
        library: *mut dt_library,
        options: *const dt_build_options,
        out: *mut *mut dt_blob,
    ) -> dt_status,
    pub dt_runtime_create: unsafe extern "C" fn(library: *mut dt_library, out: *mut *mut dt_runtime) -> dt_status,
    pub dt_runtime_destroy: unsafe extern "C" fn(runtime: *mut dt_runtime),
    pub dt_plan_validity: unsafe extern "C" fn(
        runtime: *mut dt_runtime,
        plan: *const ::std::os::raw::c_void,
        bytes: usize,
        validity: *mut i32,
        why: *mut u64,
    ) -> dt_status,
    pub dt_engine_create: unsafe extern "C" fn(
        runtime: *mut dt_runtime,
        plan: *const ::std::os::raw::c_void,
        bytes: usize,
        out: *mut *mut dt_engine,
    ) -> dt_status,
    pub dt_engine_destroy: unsafe extern "C" fn(engine: *mut dt_engine),
    pub dt_engine_tensor_count: unsafe extern "C" fn(engine: *const dt_engine) -> i32,
    pub dt_engine_tensor: unsafe extern "C" fn(engine: *const dt_engine, index: i32, out: *mut dt_tensor) -> dt_status,
    pub dt_engine_profile_count: unsafe extern "C" fn(engine: *const dt_engine) -> i32,
    pub dt_engine_range: unsafe extern "C" fn(
        engine: *const dt_engine,
        tensor: *const ::std::os::raw::c_char,
        profile: i32,
        out: *mut dt_range,
    ) -> dt_status,
    pub dt_engine_device_memory: unsafe extern "C" fn(engine: *const dt_engine, profile: i32) -> i64,
    pub dt_engine_refittable: unsafe extern "C" fn(engine: *const dt_engine) -> i32,
    pub dt_engine_refit: unsafe extern "C" fn(
        library: *mut dt_library,
        engine: *mut dt_engine,
        weights: *const dt_weights,
        count: usize,
    ) -> dt_status,
    pub dt_engine_refit_from: unsafe extern "C" fn(
        library: *mut dt_library,
        engine: *mut dt_engine,
        onnx: *const ::std::os::raw::c_char,
        fault: dt_fault_fn,
        user: *mut ::std::os::raw::c_void,
    ) -> dt_status,
    pub dt_cache_create: unsafe extern "C" fn(engine: *mut dt_engine, out: *mut *mut dt_cache) -> dt_status,
    pub dt_cache_destroy: unsafe extern "C" fn(cache: *mut dt_cache),
    pub dt_cache_load:
        unsafe extern "C" fn(cache: *mut dt_cache, bytes: *const ::std::os::raw::c_void, count: usize) -> dt_status,
    pub dt_cache_save: unsafe extern "C" fn(cache: *const dt_cache, out: *mut *mut dt_blob) -> dt_status,
    pub dt_context_create: unsafe extern "C" fn(
        engine: *mut dt_engine,
        cache: *mut dt_cache,
        shapes: i32,
        out: *mut *mut dt_context,
    ) -> dt_status,
    pub dt_context_destroy: unsafe extern "C" fn(context: *mut dt_context),
    pub dt_context_set_profile:
        unsafe extern "C" fn(context: *mut dt_context, profile: i32, stream: *mut ::std::os::raw::c_void) -> dt_status,
    pub dt_context_set_shape: unsafe extern "C" fn(
        context: *mut dt_context,
        tensor: *const ::std::os::raw::c_char,
        dims: *const dt_dims,
    ) -> dt_status,
    pub dt_context_shape: unsafe extern "C" fn(
        context: *const dt_context,
        tensor: *const ::std::os::raw::c_char,
        out: *mut dt_dims,
    ) -> dt_status,
    pub dt_context_set_address: unsafe extern "C" fn(
        context: *mut dt_context,
        tensor: *const ::std::os::raw::c_char,
        address: u64,
    ) -> dt_status,
    pub dt_context_device_memory: unsafe extern "C" fn(context: *mut dt_context) -> i64,
    pub dt_context_set_device_memory:
        unsafe extern "C" fn(context: *mut dt_context, address: u64, bytes: i64) -> dt_status,
    pub dt_context_capturable:
        unsafe extern "C" fn(context: *const dt_context, stream: *mut ::std::os::raw::c_void) -> i32,
    pub dt_context_enqueue:
        unsafe extern "C" fn(context: *mut dt_context, stream: *mut ::std::os::raw::c_void) -> dt_status,
}
impl Shim {
    pub unsafe fn new<P>(path: P) -> Result<Self, ::libloading::Error>
    where
        P: AsRef<::std::ffi::OsStr>,
    {
        let library = ::libloading::Library::new(path)?;
        Self::from_library(library)
    }
    pub unsafe fn from_library<L>(library: L) -> Result<Self, ::libloading::Error>
    where
        L: Into<::libloading::Library>,
    {
        let __library = library.into();
        let dt_abi = __library.get(b"dt_abi\0").map(|sym| *sym)?;
        let dt_flavour = __library.get(b"dt_flavour\0").map(|sym| *sym)?;
        let dt_headers_version = __library.get(b"dt_headers_version\0").map(|sym| *sym)?;
        let dt_library_create = __library.get(b"dt_library_create\0").map(|sym| *sym)?;
        let dt_library_version = __library.get(b"dt_library_version\0").map(|sym| *sym)?;
        let dt_library_destroy = __library.get(b"dt_library_destroy\0").map(|sym| *sym)?;
        let dt_blob_data = __library.get(b"dt_blob_data\0").map(|sym| *sym)?;
        let dt_blob_bytes = __library.get(b"dt_blob_bytes\0").map(|sym| *sym)?;
        let dt_blob_destroy = __library.get(b"dt_blob_destroy\0").map(|sym| *sym)?;
        let dt_build = __library.get(b"dt_build\0").map(|sym| *sym)?;
        let dt_runtime_create = __library.get(b"dt_runtime_create\0").map(|sym| *sym)?;
        let dt_runtime_destroy = __library.get(b"dt_runtime_destroy\0").map(|sym| *sym)?;
        let dt_plan_validity = __library.get(b"dt_plan_validity\0").map(|sym| *sym)?;
        let dt_engine_create = __library.get(b"dt_engine_create\0").map(|sym| *sym)?;
        let dt_engine_destroy = __library.get(b"dt_engine_destroy\0").map(|sym| *sym)?;
        let dt_engine_tensor_count = __library.get(b"dt_engine_tensor_count\0").map(|sym| *sym)?;
        let dt_engine_tensor = __library.get(b"dt_engine_tensor\0").map(|sym| *sym)?;
        let dt_engine_profile_count = __library.get(b"dt_engine_profile_count\0").map(|sym| *sym)?;
        let dt_engine_range = __library.get(b"dt_engine_range\0").map(|sym| *sym)?;
        let dt_engine_device_memory = __library.get(b"dt_engine_device_memory\0").map(|sym| *sym)?;
        let dt_engine_refittable = __library.get(b"dt_engine_refittable\0").map(|sym| *sym)?;
        let dt_engine_refit = __library.get(b"dt_engine_refit\0").map(|sym| *sym)?;
        let dt_engine_refit_from = __library.get(b"dt_engine_refit_from\0").map(|sym| *sym)?;
        let dt_cache_create = __library.get(b"dt_cache_create\0").map(|sym| *sym)?;
        let dt_cache_destroy = __library.get(b"dt_cache_destroy\0").map(|sym| *sym)?;
        let dt_cache_load = __library.get(b"dt_cache_load\0").map(|sym| *sym)?;
        let dt_cache_save = __library.get(b"dt_cache_save\0").map(|sym| *sym)?;
        let dt_context_create = __library.get(b"dt_context_create\0").map(|sym| *sym)?;
        let dt_context_destroy = __library.get(b"dt_context_destroy\0").map(|sym| *sym)?;
        let dt_context_set_profile = __library.get(b"dt_context_set_profile\0").map(|sym| *sym)?;
        let dt_context_set_shape = __library.get(b"dt_context_set_shape\0").map(|sym| *sym)?;
        let dt_context_shape = __library.get(b"dt_context_shape\0").map(|sym| *sym)?;
        let dt_context_set_address = __library.get(b"dt_context_set_address\0").map(|sym| *sym)?;
        let dt_context_device_memory = __library.get(b"dt_context_device_memory\0").map(|sym| *sym)?;
        let dt_context_set_device_memory = __library.get(b"dt_context_set_device_memory\0").map(|sym| *sym)?;
        let dt_context_capturable = __library.get(b"dt_context_capturable\0").map(|sym| *sym)?;
        let dt_context_enqueue = __library.get(b"dt_context_enqueue\0").map(|sym| *sym)?;
        Ok(Shim {
            __library,
            dt_abi,
            dt_flavour,
            dt_headers_version,
            dt_library_create,
            dt_library_version,
            dt_library_destroy,
            dt_blob_data,
            dt_blob_bytes,
            dt_blob_destroy,
            dt_build,
            dt_runtime_create,
            dt_runtime_destroy,
            dt_plan_validity,
            dt_engine_create,
            dt_engine_destroy,
            dt_engine_tensor_count,
            dt_engine_tensor,
            dt_engine_profile_count,
            dt_engine_range,
            dt_engine_device_memory,
            dt_engine_refittable,
            dt_engine_refit,
            dt_engine_refit_from,
            dt_cache_create,
            dt_cache_destroy,
            dt_cache_load,
            dt_cache_save,
            dt_context_create,
            dt_context_destroy,
            dt_context_set_profile,
            dt_context_set_shape,
            dt_context_shape,
            dt_context_set_address,
            dt_context_device_memory,
            dt_context_set_device_memory,
            dt_context_capturable,
            dt_context_enqueue,
        })
    }
    pub unsafe fn dt_abi(&self) -> u32 {
        (self.dt_abi)()
    }
    pub unsafe fn dt_flavour(&self) -> i32 {
        (self.dt_flavour)()
    }
    pub unsafe fn dt_headers_version(&self) -> i32 {
        (self.dt_headers_version)()
    }
    pub unsafe fn dt_library_create(
        &self,
        infer: *const ::std::os::raw::c_char,
        parser: *const ::std::os::raw::c_char,
        log: dt_log_fn,
        user: *mut ::std::os::raw::c_void,
        out: *mut *mut dt_library,
        why: *mut ::std::os::raw::c_char,
        why_bytes: usize,
    ) -> dt_status {
        (self.dt_library_create)(infer, parser, log, user, out, why, why_bytes)
    }
    pub unsafe fn dt_library_version(&self, library: *const dt_library) -> i32 {
        (self.dt_library_version)(library)
    }
    pub unsafe fn dt_library_destroy(&self, library: *mut dt_library) {
        (self.dt_library_destroy)(library)
    }
    pub unsafe fn dt_blob_data(&self, blob: *const dt_blob) -> *const ::std::os::raw::c_void {
        (self.dt_blob_data)(blob)
    }
    pub unsafe fn dt_blob_bytes(&self, blob: *const dt_blob) -> usize {
        (self.dt_blob_bytes)(blob)
    }
    pub unsafe fn dt_blob_destroy(&self, blob: *mut dt_blob) {
        (self.dt_blob_destroy)(blob)
    }
    pub unsafe fn dt_build(
        &self,
        library: *mut dt_library,
        options: *const dt_build_options,
        out: *mut *mut dt_blob,
    ) -> dt_status {
        (self.dt_build)(library, options, out)
    }
    pub unsafe fn dt_runtime_create(&self, library: *mut dt_library, out: *mut *mut dt_runtime) -> dt_status {
        (self.dt_runtime_create)(library, out)
    }
    pub unsafe fn dt_runtime_destroy(&self, runtime: *mut dt_runtime) {
        (self.dt_runtime_destroy)(runtime)
    }
    pub unsafe fn dt_plan_validity(
        &self,
        runtime: *mut dt_runtime,
        plan: *const ::std::os::raw::c_void,
        bytes: usize,
        validity: *mut i32,
        why: *mut u64,
    ) -> dt_status {
        (self.dt_plan_validity)(runtime, plan, bytes, validity, why)
    }
    pub unsafe fn dt_engine_create(
        &self,
        runtime: *mut dt_runtime,
        plan: *const ::std::os::raw::c_void,
        bytes: usize,
        out: *mut *mut dt_engine,
    ) -> dt_status {
        (self.dt_engine_create)(runtime, plan, bytes, out)
    }
    pub unsafe fn dt_engine_destroy(&self, engine: *mut dt_engine) {
        (self.dt_engine_destroy)(engine)
    }
    pub unsafe fn dt_engine_tensor_count(&self, engine: *const dt_engine) -> i32 {
        (self.dt_engine_tensor_count)(engine)
    }
    pub unsafe fn dt_engine_tensor(&self, engine: *const dt_engine, index: i32, out: *mut dt_tensor) -> dt_status {
        (self.dt_engine_tensor)(engine, index, out)
    }
    pub unsafe fn dt_engine_profile_count(&self, engine: *const dt_engine) -> i32 {
        (self.dt_engine_profile_count)(engine)
    }
    pub unsafe fn dt_engine_range(
        &self,
        engine: *const dt_engine,
        tensor: *const ::std::os::raw::c_char,
        profile: i32,
        out: *mut dt_range,
    ) -> dt_status {
        (self.dt_engine_range)(engine, tensor, profile, out)
    }
    pub unsafe fn dt_engine_device_memory(&self, engine: *const dt_engine, profile: i32) -> i64 {
        (self.dt_engine_device_memory)(engine, profile)
    }
    pub unsafe fn dt_engine_refittable(&self, engine: *const dt_engine) -> i32 {
        (self.dt_engine_refittable)(engine)
    }
    pub unsafe fn dt_engine_refit(
        &self,
        library: *mut dt_library,
        engine: *mut dt_engine,
        weights: *const dt_weights,
        count: usize,
    ) -> dt_status {
        (self.dt_engine_refit)(library, engine, weights, count)
    }
    pub unsafe fn dt_engine_refit_from(
        &self,
        library: *mut dt_library,
        engine: *mut dt_engine,
        onnx: *const ::std::os::raw::c_char,
        fault: dt_fault_fn,
        user: *mut ::std::os::raw::c_void,
    ) -> dt_status {
        (self.dt_engine_refit_from)(library, engine, onnx, fault, user)
    }
    pub unsafe fn dt_cache_create(&self, engine: *mut dt_engine, out: *mut *mut dt_cache) -> dt_status {
        (self.dt_cache_create)(engine, out)
    }
    pub unsafe fn dt_cache_destroy(&self, cache: *mut dt_cache) {
        (self.dt_cache_destroy)(cache)
    }
    pub unsafe fn dt_cache_load(
        &self,
        cache: *mut dt_cache,
        bytes: *const ::std::os::raw::c_void,
        count: usize,
    ) -> dt_status {
        (self.dt_cache_load)(cache, bytes, count)
    }
    pub unsafe fn dt_cache_save(&self, cache: *const dt_cache, out: *mut *mut dt_blob) -> dt_status {
        (self.dt_cache_save)(cache, out)
    }
    pub unsafe fn dt_context_create(
        &self,
        engine: *mut dt_engine,
        cache: *mut dt_cache,
        shapes: i32,
        out: *mut *mut dt_context,
    ) -> dt_status {
        (self.dt_context_create)(engine, cache, shapes, out)
    }
    pub unsafe fn dt_context_destroy(&self, context: *mut dt_context) {
        (self.dt_context_destroy)(context)
    }
    pub unsafe fn dt_context_set_profile(
        &self,
        context: *mut dt_context,
        profile: i32,
        stream: *mut ::std::os::raw::c_void,
    ) -> dt_status {
        (self.dt_context_set_profile)(context, profile, stream)
    }
    pub unsafe fn dt_context_set_shape(
        &self,
        context: *mut dt_context,
        tensor: *const ::std::os::raw::c_char,
        dims: *const dt_dims,
    ) -> dt_status {
        (self.dt_context_set_shape)(context, tensor, dims)
    }
    pub unsafe fn dt_context_shape(
        &self,
        context: *const dt_context,
        tensor: *const ::std::os::raw::c_char,
        out: *mut dt_dims,
    ) -> dt_status {
        (self.dt_context_shape)(context, tensor, out)
    }
    pub unsafe fn dt_context_set_address(
        &self,
        context: *mut dt_context,
        tensor: *const ::std::os::raw::c_char,
        address: u64,
    ) -> dt_status {
        (self.dt_context_set_address)(context, tensor, address)
    }
    pub unsafe fn dt_context_device_memory(&self, context: *mut dt_context) -> i64 {
        (self.dt_context_device_memory)(context)
    }
    pub unsafe fn dt_context_set_device_memory(&self, context: *mut dt_context, address: u64, bytes: i64) -> dt_status {
        (self.dt_context_set_device_memory)(context, address, bytes)
    }
    pub unsafe fn dt_context_capturable(&self, context: *const dt_context, stream: *mut ::std::os::raw::c_void) -> i32 {
        (self.dt_context_capturable)(context, stream)
    }
    pub unsafe fn dt_context_enqueue(
        &self,
        context: *mut dt_context,
        stream: *mut ::std::os::raw::c_void,
    ) -> dt_status {
        (self.dt_context_enqueue)(context, stream)
    }
}
