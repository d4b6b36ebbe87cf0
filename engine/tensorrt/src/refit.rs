//! Replacing the weights of an engine in place: a LoRA, or a plan that was built without weights.
#![allow(unsafe_code)]

use std::ffi::{CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::build::{Fault, fault};
use crate::engine::{ElementType, Engine};
use crate::{Words, log, sys};

/// New values for one weight.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The weight's name in the ONNX file.
    pub name: &'a str,
    /// What it is made of.
    pub element: ElementType,
    /// The values, in host memory.
    pub bytes: &'a [u8],
}

/// Why weights were not replaced.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RefitError {
    /// The plan was not built for it: build it with `refit`.
    #[error("the plan was built without refitting")]
    NotRefittable,
    /// A weight's bytes are no whole number of elements: the caller's mistake in sizes.
    #[error("weight `{name}`: {bytes} bytes are no whole number of {element:?} elements")]
    Size {
        /// The weight.
        name: String,
        /// Its bytes.
        bytes: usize,
        /// What it should be made of.
        element: ElementType,
    },
    /// The ONNX file does not fit the plan.
    #[error("{}: {}", .path.display(), .faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
    File {
        /// The file.
        path: PathBuf,
        /// All that is wrong with it.
        faults: Vec<Fault>,
    },
    /// TensorRT refuses; the engine's weights may be half old, half new: load the plan again.
    #[error("the weights were not replaced: {words}")]
    Failed {
        /// TensorRT's words.
        words: Words,
    },
}

impl Engine {
    /// Replaces weights by name; the others stay.
    ///
    /// # Errors
    /// See [`RefitError`].
    ///
    /// # Panics
    /// When a name has a zero byte in it.
    ///
    /// # Safety
    /// No context of this engine has work on a stream that is not finished, and none is given any until this returns.
    pub unsafe fn refit(&self, weights: &[Weights<'_>]) -> Result<(), RefitError> {
        if !self.refittable() {
            return Err(RefitError::NotRefittable);
        }
        let mut names = Vec::new();
        let mut list = Vec::new();
        for it in weights {
            let size = it.element.bytes().filter(|size| it.bytes.len() % *size == 0);
            let Some(size) = size else {
                let (name, bytes) = (it.name.to_owned(), it.bytes.len());
                return Err(RefitError::Size { name, bytes, element: it.element });
            };
            let name = CString::new(it.name).expect("a weight's name has no zero in it");
            list.push(sys::dt_weights {
                name: name.as_ptr(),
                type_: it.element.to_raw(),
                values: it.bytes.as_ptr().cast(),
                count: (it.bytes.len() / size) as i64,
            });
            names.push(name);
        }
        let mark = log::mark();
        let library = &self.inner.runtime.library;
        // SAFETY: engine and library are alive; `list`, `names` and the caller's bytes outlive the call, which copies them;
        // the caller says that the engine is at rest.
        let status = unsafe { library.shim.dt_engine_refit(library.raw, self.inner.raw, list.as_ptr(), list.len()) };
        drop(names);
        if status == sys::DT_OK { Ok(()) } else { Err(RefitError::Failed { words: log::since(mark) }) }
    }

    /// Takes all weights from an ONNX file with the same graph.
    ///
    /// # Errors
    /// See [`RefitError`].
    ///
    /// # Panics
    /// When the path has a zero byte in it.
    ///
    /// # Safety
    /// As for [`Engine::refit`].
    pub unsafe fn refit_from(&self, onnx: &Path) -> Result<(), RefitError> {
        if !self.refittable() {
            return Err(RefitError::NotRefittable);
        }
        let raw_path = CString::new(onnx.as_os_str().as_bytes()).expect("a path has no zero in it");
        let mut faults: Vec<Fault> = Vec::new();
        let mark = log::mark();
        let library = &self.inner.runtime.library;
        let user = (&raw mut faults).cast();
        // SAFETY: engine, library, path and `faults` outlive the call, and `faults` is not touched before it returns; the
        // caller says that the engine is at rest.
        let status = unsafe {
            library.shim.dt_engine_refit_from(library.raw, self.inner.raw, raw_path.as_ptr(), Some(on_fault), user)
        };
        match status {
            sys::DT_OK => Ok(()),
            sys::DT_NOT_PARSED if !faults.is_empty() => Err(RefitError::File { path: onnx.to_owned(), faults }),
            _ => Err(RefitError::Failed { words: log::since(mark) }),
        }
    }
}

unsafe extern "C" fn on_fault(user: *mut c_void, raw: *const sys::dt_fault) {
    // SAFETY: `user` is the list of the call that is going on; `raw` lives for the call.
    let (faults, raw) = unsafe { (&mut *user.cast::<Vec<Fault>>(), &*raw) };
    faults.push(fault(raw));
}
