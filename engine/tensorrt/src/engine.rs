//! An engine: a plan on the card. What it takes and gives is read once, when it is made, so asking later costs nothing.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr::null;
use std::sync::Arc;

use crate::runtime::RuntimeInner;
use crate::{Dims, Words, log, sys};

/// Which way a tensor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Input,
    /// Out.
    Output,
}

/// What a tensor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    F32,
    /// 16-bit IEEE float.
    F16,
    /// 16-bit float with f32's range.
    Bf16,
    /// 8-bit float.
    Fp8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// A byte, 0 or 1.
    Bool,
    /// Another, by TensorRT's number.
    Other(i32),
}

impl ElementType {
    /// Bytes of an element; none for types that we do not know.
    #[must_use]
    pub fn bytes(self) -> Option<usize> {
        match self {
            Self::I64 => Some(8),
            Self::F32 | Self::I32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::Fp8 | Self::I8 | Self::U8 | Self::Bool => Some(1),
            Self::Other(_) => None,
        }
    }

    fn from_raw(raw: i32) -> Self {
        let known = [Self::F32, Self::F16, Self::I8, Self::I32, Self::Bool, Self::U8, Self::Fp8, Self::Bf16, Self::I64];
        usize::try_from(raw).ok().and_then(|index| known.get(index).copied()).unwrap_or(Self::Other(raw))
    }

    pub(crate) fn to_raw(self) -> i32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::I8 => 2,
            Self::I32 => 3,
            Self::Bool => 4,
            Self::U8 => 5,
            Self::Fp8 => 6,
            Self::Bf16 => 7,
            Self::I64 => 8,
            Self::Other(raw) => raw,
        }
    }
}

/// The shapes an input was built for, in one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileDims {
    /// The smallest.
    pub least: Dims,
    /// The one it is fastest at.
    pub best: Dims,
    /// The largest.
    pub most: Dims,
}

/// A tensor that goes in or out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the ONNX file.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// What it is made of.
    pub element: ElementType,
    /// Its address is one in host memory: its values decide shapes.
    pub on_host: bool,
    /// Its dimensions, -1 where they are decided at run time.
    pub dims: Dims,
    /// For an input, its shapes profile by profile.
    pub profiles: Vec<ProfileDims>,
    pub(crate) raw_name: CString,
}

/// An engine. Cloning is cheap.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<EngineInner>,
}

pub(crate) struct EngineInner {
    pub(crate) raw: *mut sys::dt_engine,
    pub(crate) runtime: Arc<RuntimeInner>,
    pub(crate) tensors: Vec<Tensor>,
}

// SAFETY: TensorRT lets any thread ask an engine and make contexts of it; refitting asks its caller for more.
unsafe impl Send for EngineInner {}
// SAFETY: as above.
unsafe impl Sync for EngineInner {}

impl EngineInner {
    /// The tensor of that name, with the name as C wants it: a tick looks here and allocates nothing.
    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|it| it.name == name)
    }
}

impl Engine {
    /// Takes over `raw`; the error is what TensorRT says when it cannot describe its own engine.
    pub(crate) fn new(raw: *mut sys::dt_engine, runtime: Arc<RuntimeInner>) -> Result<Self, Words> {
        // Owned from here on, so that the engine is destroyed when something below fails.
        let mut inner = EngineInner { raw, runtime, tensors: Vec::new() };
        let mark = log::mark();
        // SAFETY: `raw` is alive until `inner` is dropped.
        let count = unsafe { inner.runtime.library.shim.dt_engine_tensor_count(raw) };
        for index in 0..count {
            let tensor = inner.read_tensor(index).ok_or_else(|| log::since(mark))?;
            inner.tensors.push(tensor);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What goes in and out, in TensorRT's order.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.inner.tensors
    }

    /// Profiles that the plan was built with.
    #[must_use]
    pub fn profiles(&self) -> usize {
        self.inner.profiles()
    }

    /// Device memory that a context wants besides tensors and weights, for the largest shapes of a profile.
    #[must_use]
    pub fn device_memory_bytes(&self, profile: usize) -> u64 {
        let profile = i32::try_from(profile).unwrap_or(i32::MAX);
        // SAFETY: the engine is alive.
        let bytes = unsafe { self.inner.runtime.library.shim.dt_engine_device_memory(self.inner.raw, profile) };
        u64::try_from(bytes).unwrap_or(0)
    }

    /// Whether its weights can be replaced.
    #[must_use]
    pub fn refittable(&self) -> bool {
        // SAFETY: the engine is alive.
        unsafe { self.inner.runtime.library.shim.dt_engine_refittable(self.inner.raw) != 0 }
    }
}

impl EngineInner {
    fn profiles(&self) -> usize {
        // SAFETY: `raw` is alive.
        let count = unsafe { self.runtime.library.shim.dt_engine_profile_count(self.raw) };
        usize::try_from(count).unwrap_or(0)
    }

    fn read_tensor(&self, index: i32) -> Option<Tensor> {
        let dims = sys::dt_dims { rank: 0, size: [0; sys::DT_RANK_MAX as usize] };
        let mut raw = sys::dt_tensor { name: null(), is_output: 0, type_: 0, on_host: 0, dims };
        // SAFETY: `self.raw` is alive and `raw` is ours.
        let status = unsafe { self.runtime.library.shim.dt_engine_tensor(self.raw, index, &mut raw) };
        if status != sys::DT_OK || raw.name.is_null() {
            return None;
        }
        // SAFETY: the name ends with a zero and lives as long as the engine.
        let raw_name = unsafe { CStr::from_ptr(raw.name) }.to_owned();
        let direction = if raw.is_output == 0 { Direction::Input } else { Direction::Output };
        let profiles = if direction == Direction::Input { self.read_profiles(&raw_name)? } else { Vec::new() };
        Some(Tensor {
            name: raw_name.to_string_lossy().into_owned(),
            direction,
            element: ElementType::from_raw(raw.type_),
            on_host: raw.on_host != 0,
            dims: Dims::from_raw(&raw.dims),
            profiles,
            raw_name,
        })
    }

    fn read_profiles(&self, name: &CStr) -> Option<Vec<ProfileDims>> {
        let dims = sys::dt_dims { rank: 0, size: [0; sys::DT_RANK_MAX as usize] };
        let mut found = Vec::new();
        for profile in 0..self.profiles() {
            let mut range = sys::dt_range { tensor: null(), least: dims, best: dims, most: dims };
            // SAFETY: `self.raw` is alive, the name ends with a zero, `range` is ours.
            let status = unsafe {
                self.runtime.library.shim.dt_engine_range(self.raw, name.as_ptr(), profile as i32, &mut range)
            };
            if status != sys::DT_OK {
                return None;
            }
            let [least, best, most] = [range.least, range.best, range.most].map(|it| Dims::from_raw(&it));
            found.push(ProfileDims { least, best, most });
        }
        Some(found)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Engine").field("tensors", &self.inner.tensors).finish_non_exhaustive()
    }
}

impl Drop for EngineInner {
    fn drop(&mut self) {
        // SAFETY: every context holds an `Arc` of this, so none is left; the runtime outlives this call as a field.
        unsafe { self.runtime.library.shim.dt_engine_destroy(self.raw) }
    }
}

#[cfg(test)]
mod tests {
    use super::ElementType;

    #[test]
    fn element_types_have_the_numbers_that_tensorrt_gives_them() {
        for raw in 0..12 {
            assert_eq!(ElementType::from_raw(raw).to_raw(), raw);
        }
        assert_eq!(ElementType::from_raw(7), ElementType::Bf16);
        assert_eq!(ElementType::from_raw(9).bytes(), None);
    }
}
