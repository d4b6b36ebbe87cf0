//! cuBLASLt as a table of functions, opened at run time whatever its version: the calls that we make are the same since
//! version 11, and machines have the one that their driver, their toolkit or their PyTorch came with.
//!
//! A library that opens and does not start (it may be newer than the driver) is passed over for the next. Statuses are
//! numbers here, as a newer library may say one that has no name yet.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::OnceLock;

use libloading::Library as Opened;

use super::PlanError;
use crate::backend::cuda::DeviceError;

/// Majors that are looked for, newest first, after the plain name that a person or a toolkit gives to the one that is meant.
const MAJORS: std::ops::RangeInclusive<u32> = 11..=19;
/// Where toolkits and boxes keep it when the loader does not know it.
const FOLDERS: [&str; 4] =
    ["/usr/lib/demon/", "/usr/local/cuda/lib64/", "/usr/local/cuda/targets/x86_64-linux/lib/", "/opt/cuda/lib64/"];

/// A handle, a descriptor, a layout, a preference: opaque.
pub(super) type Opaque = *mut c_void;
/// What a call answers; 0 is success.
pub(super) type Status = u32;

/// An algorithm, opaque: its size is part of the library's interface.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Algorithm([u64; 8]);

/// What the heuristic gives for a product.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Heuristic {
    pub(super) algorithm: Algorithm,
    pub(super) workspace: usize,
    pub(super) state: Status,
    waves: f32,
    reserved: [i32; 4],
}

impl Heuristic {
    /// Room for one.
    pub(super) fn room() -> Self {
        Self { algorithm: Algorithm([0; 8]), workspace: 0, state: 0, waves: 0.0, reserved: [0; 4] }
    }
}

macro_rules! functions {
    ($($field:ident = $symbol:literal ($($argument:ty),*);)*) => {
        /// The functions. Opened once a process and never closed.
        #[derive(Debug)]
        pub(super) struct CublasLt {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) -> Status,)*
            _opened: Opened,
        }

        impl CublasLt {
            fn load(name: &str) -> Result<Self, libloading::Error> {
                // SAFETY: NVIDIA's library, or one that stands for it under its name: opening it runs nothing of ours.
                let opened = unsafe { Opened::new(name) }?;
                // SAFETY: the symbols have these signatures in every version since 11 (cublasLt.h).
                unsafe {
                    Ok(Self { $($field: *opened.get(concat!($symbol, "\0").as_bytes())?,)* _opened: opened })
                }
            }
        }
    };
}

functions! {
    create = "cublasLtCreate" (*mut Opaque);
    destroy = "cublasLtDestroy" (Opaque);
    layout_create = "cublasLtMatrixLayoutCreate" (*mut Opaque, u32, u64, u64, i64);
    layout_set = "cublasLtMatrixLayoutSetAttribute" (Opaque, u32, *const c_void, usize);
    layout_destroy = "cublasLtMatrixLayoutDestroy" (Opaque);
    description_create = "cublasLtMatmulDescCreate" (*mut Opaque, u32, u32);
    description_set = "cublasLtMatmulDescSetAttribute" (Opaque, u32, *const c_void, usize);
    description_destroy = "cublasLtMatmulDescDestroy" (Opaque);
    preference_create = "cublasLtMatmulPreferenceCreate" (*mut Opaque);
    preference_set = "cublasLtMatmulPreferenceSetAttribute" (Opaque, u32, *const c_void, usize);
    preference_destroy = "cublasLtMatmulPreferenceDestroy" (Opaque);
    heuristic = "cublasLtMatmulAlgoGetHeuristic"
        (Opaque, Opaque, Opaque, Opaque, Opaque, Opaque, Opaque, i32, *mut Heuristic, *mut i32);
    matmul = "cublasLtMatmul" (Opaque, Opaque, *const c_void, *const c_void, Opaque, *const c_void, Opaque, *const c_void,
        *const c_void, Opaque, *mut c_void, Opaque, *const Algorithm, *mut c_void, usize, Opaque);
}

/// The library and a handle of it on the card that is current.
///
/// # Errors
/// [`PlanError::NoBlas`] when none opens; what the last one said when none of those that open starts.
pub(super) fn open() -> Result<(&'static CublasLt, Opaque), PlanError> {
    static CHOSEN: OnceLock<CublasLt> = OnceLock::new();
    if let Some(chosen) = CHOSEN.get() {
        return Ok((chosen, start(chosen)?));
    }
    let mut refused = None;
    for name in names() {
        let Ok(found) = CublasLt::load(&name) else { continue };
        match start(&found) {
            Ok(handle) => return Ok((CHOSEN.get_or_init(|| found), handle)),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or(PlanError::NoBlas, PlanError::Device))
}

fn start(library: &CublasLt) -> Result<Opaque, DeviceError> {
    let mut handle = std::ptr::null_mut();
    // SAFETY: writes one handle.
    check("cublasLtCreate", unsafe { (library.create)(&raw mut handle) })?;
    Ok(handle)
}

/// Names to be tried, in their order.
fn names() -> impl Iterator<Item = String> {
    let files: Vec<String> = std::iter::once("libcublasLt.so".to_owned())
        .chain(MAJORS.rev().map(|major| format!("libcublasLt.so.{major}")))
        .collect();
    std::iter::once("")
        .chain(FOLDERS)
        .flat_map(move |folder| files.iter().map(|file| format!("{folder}{file}")).collect::<Vec<_>>())
}

/// Sorts what the library says by what the caller does next.
pub(super) fn check(call: &'static str, status: Status) -> Result<(), DeviceError> {
    let name = match status {
        0 => return Ok(()),
        1 => "CUBLAS_STATUS_NOT_INITIALIZED",
        3 => return Err(DeviceError::OutOfMemory { wanted: 0, free: 0, total: 0 }),
        7 => "CUBLAS_STATUS_INVALID_VALUE",
        8 => "CUBLAS_STATUS_ARCH_MISMATCH",
        11 => "CUBLAS_STATUS_MAPPING_ERROR",
        13 => "CUBLAS_STATUS_EXECUTION_FAILED",
        14 => "CUBLAS_STATUS_INTERNAL_ERROR",
        15 => "CUBLAS_STATUS_NOT_SUPPORTED",
        _ => "CUBLAS_STATUS",
    };
    let words = format!("{name} ({status})");
    // The card failed while the library worked on it; what else is there is as gone as after a kernel of ours.
    let is_fault = matches!(status, 11 | 13);
    Err(if is_fault { DeviceError::KernelFault { call, words } } else { DeviceError::Refused { call, words } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_name_comes_first_and_then_the_newest() {
        let names: Vec<String> = names().collect();
        assert_eq!(names[0], "libcublasLt.so");
        let place =
            |name: &str| names.iter().position(|it| it == name).unwrap_or_else(|| panic!("{name} is not asked"));
        assert!(place("libcublasLt.so.13") < place("libcublasLt.so.12"));
        assert!(place("libcublasLt.so.12") < place("/usr/local/cuda/lib64/libcublasLt.so"));
    }

    #[test]
    fn a_status_without_a_name_is_an_error_too() {
        assert_eq!(check("cublasLtCreate", 0), Ok(()));
        assert!(matches!(check("cublasLtMatmul", 13), Err(DeviceError::KernelFault { .. })));
        assert!(matches!(check("cublasLtCreate", 3), Err(DeviceError::OutOfMemory { .. })));
        let unknown = check("cublasLtCreate", 99).expect_err("it is no success");
        assert_eq!(unknown.to_string(), "cublasLtCreate: CUBLAS_STATUS (99)");
    }
}
