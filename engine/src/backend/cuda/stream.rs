//! Work for the card: queues, recorded graphs, kernels, and points to wait for.
//!
//! Copies and launches only enqueue; [`Stream::wait`] and [`Event::wait`] are the only calls that block. Nothing here
//! allocates on the card, so everything but the waits can be recorded in a graph.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_void};
use std::sync::Arc;

use bytemuck::Pod;
use cudarc::driver::{result, sys};

use super::driver::{Device, Done, sorted, words};
use super::error::DeviceError;
use super::memory::Pinned;
use super::trace;

/// A queue of work on a card.
#[derive(Debug)]
pub struct Stream {
    device: Arc<Device>,
    raw: sys::CUstream,
}

// SAFETY: streams may be used from any thread; we use each from one at a time.
unsafe impl Send for Stream {}

/// One argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend) enum Argument<'a> {
    /// A pointer.
    Address(u64),
    /// An `int`.
    Int(i32),
    /// A structure, passed by value.
    Structure(&'a [u64]),
}

impl Stream {
    /// A queue that waits for no other. Urgent ones are served first where the card has to choose.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn new(device: &Arc<Device>, urgent: bool) -> Done<Self> {
        device.enter()?;
        let (least, most) =
            result::stream::get_priority_range().map_err(|error| sorted("cuCtxGetStreamPriorityRange", error))?;
        let priority = if urgent { most } else { least };
        let raw = result::stream::create_with_priority(result::stream::StreamKind::NonBlocking, priority);
        Ok(Self { device: Arc::clone(device), raw: raw.map_err(|error| sorted("cuStreamCreate", error))? })
    }

    /// The card.
    #[must_use]
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// The driver's handle, for a library that enqueues on it.
    #[must_use]
    pub fn handle(&self) -> *mut c_void {
        self.raw.cast()
    }

    /// Blocks until everything enqueued is done.
    ///
    /// # Errors
    /// What went wrong on the card meanwhile.
    pub fn wait(&self) -> Done<()> {
        trace::note("cuStreamSynchronize");
        // SAFETY: the stream lives until `drop`.
        unsafe { result::stream::synchronize(self.raw) }.map_err(|error| sorted("cuStreamSynchronize", error))
    }

    /// Enqueues a copy to the card.
    pub(in crate::backend) fn upload<T: Pod>(&self, to: u64, from: &Pinned<T>, first: usize, count: usize) -> Done<()> {
        trace::note("cuMemcpyHtoDAsync");
        // SAFETY: the range is inside the pinned memory (the slice asserts it), which outlives the copy by the rule above.
        let copied = unsafe { result::memcpy_htod_async(to, &from[first..first + count], self.raw) };
        copied.map_err(|error| sorted("cuMemcpyHtoDAsync", error))
    }

    /// Enqueues a copy from the card.
    pub(in crate::backend) fn download<T: Pod>(
        &self,
        to: &mut Pinned<T>,
        first: usize,
        count: usize,
        from: u64,
    ) -> Done<()> {
        trace::note("cuMemcpyDtoHAsync");
        // SAFETY: as in `upload`.
        let copied = unsafe { result::memcpy_dtoh_async(&mut to[first..first + count], from, self.raw) };
        copied.map_err(|error| sorted("cuMemcpyDtoHAsync", error))
    }

    /// Enqueues a kernel.
    pub(in crate::backend) fn launch<const N: usize>(
        &self,
        kernel: &Kernel,
        grid: (u32, u32),
        threads: u32,
        arguments: [Argument<'_>; N],
    ) -> Done<()> {
        let mut pointers: [*mut c_void; N] = [std::ptr::null_mut(); N];
        for (pointer, argument) in pointers.iter_mut().zip(&arguments) {
            *pointer = match argument {
                Argument::Address(value) => std::ptr::from_ref(value).cast_mut().cast(),
                Argument::Int(value) => std::ptr::from_ref(value).cast_mut().cast(),
                Argument::Structure(words) => words.as_ptr().cast_mut().cast(),
            };
        }
        trace::note("cuLaunchKernel");
        let (grid, block) = ((grid.0, grid.1, 1), (threads, 1, 1));
        // SAFETY: the arguments outlive the call, which copies them; their number and types are the kernel's (each call
        // stands beside its kernel's name in `kernels.rs`).
        let launched = unsafe { result::launch_kernel(kernel.raw, grid, block, 0, self.raw, &mut pointers) };
        launched.map_err(|error| sorted("cuLaunchKernel", error))
    }

    /// Records what `enqueue` enqueues instead of running it, and takes the recording to the card, so that its first
    /// replay is as short as every other.
    ///
    /// # Errors
    /// The first thing that could not be recorded.
    pub(in crate::backend) fn capture<E: From<DeviceError>>(
        &self,
        enqueue: impl FnOnce() -> Result<(), E>,
    ) -> Result<Graph, E> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream lives; every path below ends the capture.
        unsafe { result::stream::begin_capture(self.raw, mode) }
            .map_err(|error| sorted("cuStreamBeginCapture", error))?;
        let enqueued = enqueue();
        // SAFETY: begun just above.
        let ended = unsafe { result::stream::end_capture(self.raw) };
        let graph = match (enqueued, ended) {
            (Ok(()), ended) => ended.map_err(|error| sorted("cuStreamEndCapture", error))?,
            (Err(error), Ok(graph)) => {
                // SAFETY: ours, and not used again.
                let _ = unsafe { result::graph::destroy(graph) };
                return Err(error);
            }
            (Err(error), Err(_)) => return Err(error),
        };
        let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
        // SAFETY: the graph came from the capture; the executable is destroyed once, in `drop`.
        let executable = unsafe { result::graph::instantiate(graph, flags) };
        // SAFETY: ours; the executable does not need it any more.
        let _ = unsafe { result::graph::destroy(graph) };
        let executable = executable.map_err(|error| sorted("cuGraphInstantiate", error))?;
        let recorded = Graph { device: Arc::clone(&self.device), executable };
        // SAFETY: both live.
        unsafe { result::graph::upload(executable, self.raw) }.map_err(|error| sorted("cuGraphUpload", error))?;
        self.wait()?;
        Ok(recorded)
    }

    /// Enqueues a recorded graph: one call, however much it holds.
    pub(in crate::backend) fn replay(&self, graph: &Graph) -> Done<()> {
        trace::note("cuGraphLaunch");
        // SAFETY: both live.
        unsafe { result::graph::launch(graph.executable, self.raw) }.map_err(|error| sorted("cuGraphLaunch", error))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // Copies into memory that is freed next must be over.
            let _ = self.wait();
            // SAFETY: created in `new`.
            let _ = unsafe { result::stream::destroy(self.raw) };
        }
    }
}

/// Recorded work.
#[derive(Debug)]
pub struct Graph {
    device: Arc<Device>,
    executable: sys::CUgraphExec,
}

// SAFETY: launched from one thread at a time.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: made in `capture`.
            let _ = unsafe { result::graph::exec_destroy(self.executable) };
        }
    }
}

/// A point in a stream that the host can wait for.
#[derive(Debug)]
pub struct Event {
    device: Arc<Device>,
    raw: sys::CUevent,
}

// SAFETY: used from one thread at a time.
unsafe impl Send for Event {}

impl Event {
    /// An event. `timed` ones can be measured with [`Self::ms_since`] and cost a little more.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn new(device: &Arc<Device>, timed: bool) -> Done<Self> {
        device.enter()?;
        // Waiting for a tick of tens of milliseconds must not burn a core that a fader needs.
        let flags =
            if timed { sys::CUevent_flags::CU_EVENT_DEFAULT } else { sys::CUevent_flags::CU_EVENT_BLOCKING_SYNC };
        let flags_value = flags as u32 | if timed { 0 } else { sys::CUevent_flags::CU_EVENT_DISABLE_TIMING as u32 };
        let mut raw = std::ptr::null_mut();
        // SAFETY: writes one handle, destroyed once, in `drop`.
        let made = unsafe { sys::cuEventCreate(&raw mut raw, flags_value) };
        made.result().map_err(|error| sorted("cuEventCreate", error))?;
        Ok(Self { device: Arc::clone(device), raw })
    }

    /// Marks the present end of a stream.
    ///
    /// # Errors
    /// When the card is gone.
    pub fn record(&self, stream: &Stream) -> Done<()> {
        trace::note("cuEventRecord");
        // SAFETY: both live.
        unsafe { result::event::record(self.raw, stream.raw) }.map_err(|error| sorted("cuEventRecord", error))
    }

    /// Blocks until the marked point is reached.
    ///
    /// # Errors
    /// What went wrong on the card meanwhile.
    pub fn wait(&self) -> Done<()> {
        trace::note("cuEventSynchronize");
        // SAFETY: the event lives.
        unsafe { result::event::synchronize(self.raw) }.map_err(|error| sorted("cuEventSynchronize", error))
    }

    /// Milliseconds of the card's time from `earlier` to here; both timed, recorded and passed.
    ///
    /// # Errors
    /// When they are not.
    pub fn ms_since(&self, earlier: &Self) -> Done<f32> {
        // SAFETY: both live.
        unsafe { result::event::elapsed(earlier.raw, self.raw) }.map_err(|error| sorted("cuEventElapsedTime", error))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: created in `new`.
            let _ = unsafe { result::event::destroy(self.raw) };
        }
    }
}

/// Compiled kernels.
#[derive(Debug)]
pub struct Module {
    device: Arc<Device>,
    raw: sys::CUmodule,
}

// SAFETY: only asked for functions and unloaded.
unsafe impl Send for Module {}
// SAFETY: as above; the driver's own functions are safe to call from several threads.
unsafe impl Sync for Module {}

/// One kernel; valid as long as its module, which its owner keeps beside it.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend) struct Kernel {
    raw: sys::CUfunction,
}

// SAFETY: a handle that is only launched.
unsafe impl Send for Kernel {}
// SAFETY: as above; launches read it and change nothing.
unsafe impl Sync for Kernel {}

impl Module {
    /// Loads PTX; the driver translates it for the card.
    ///
    /// # Errors
    /// [`DeviceError::WrongCard`] when the card or the driver cannot run it.
    pub fn load(device: &Arc<Device>, what: &str, ptx: &str) -> Done<Self> {
        device.enter()?;
        let text = CString::new(ptx).expect("PTX is text without a zero");
        // SAFETY: a text that ends with a zero, as the driver expects of PTX.
        let raw = unsafe { result::module::load_data(text.as_ptr().cast()) }.map_err(|error| {
            use sys::CUresult as R;
            let words = words(error);
            match error.0 {
                R::CUDA_ERROR_NO_BINARY_FOR_GPU
                | R::CUDA_ERROR_INVALID_PTX
                | R::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
                | R::CUDA_ERROR_INVALID_SOURCE => {
                    DeviceError::WrongCard { what: what.to_owned(), card: device.card().to_string(), words }
                }
                _ => sorted("cuModuleLoadData", error),
            }
        })?;
        Ok(Self { device: Arc::clone(device), raw })
    }

    /// The kernel of that name.
    pub(in crate::backend) fn kernel(&self, name: &CStr) -> Done<Kernel> {
        // SAFETY: the module lives.
        let raw = unsafe { result::module::get_function(self.raw, name.to_owned()) };
        Ok(Kernel { raw: raw.map_err(|error| sorted("cuModuleGetFunction", error))? })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: loaded in `load`.
            let _ = unsafe { result::module::unload(self.raw) };
        }
    }
}
