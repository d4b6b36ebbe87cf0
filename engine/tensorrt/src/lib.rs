//! TensorRT as this project uses it: open it at run time, build a plan from an ONNX file, run the plan on a CUDA stream.
//!
//! The C++ interface is wrapped by a C shim of our own (`shim/`), compiled once per flavour where NVIDIA's libraries are
//! installed (`make tensorrt`), and opened with dlopen. So building this crate needs no C++, no headers and no GPU, one binary
//! runs everywhere, and a stub written in C stands in for TensorRT in the tests, failures included.
//!
//! Every file that talks to the shim is a fence: a safe owner, the check of the status, and nothing raw past it. Device
//! addresses are plain numbers that only the GPU follows; handing work to a stream is the one `unsafe` thing left to a caller.
//!
//! Owners keep what they were made from: a context its engine, an engine its runtime. So nothing can be destroyed too early,
//! in whichever order the caller drops them.

mod blob;
mod build;
mod cache;
mod context;
mod dims;
mod driver;
mod engine;
mod library;
mod log;
mod refit;
mod runtime;
mod search;
mod sys;
mod verdict;

pub use blob::Blob;
pub use build::{BuildError, BuildOptions, Fault, Flow, Profile, Progress, Range, Target};
pub use cache::{CacheError, RuntimeCache};
pub use context::{Context, ContextError, EnqueueError, NewShapes, SetError};
pub use dims::Dims;
pub use driver::{Driver, DriverError, Gpu};
pub use engine::{Direction, ElementType, Engine, ProfileDims, Tensor};
pub use library::{OpenError, TensorRt, Version};
pub use log::Words;
pub use refit::{RefitError, Weights};
pub use runtime::{EngineError, Runtime, RuntimeError};
pub use search::{Flavour, Search};
