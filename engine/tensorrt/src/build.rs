//! Building a plan: an ONNX file, the shapes it will be asked for, the card it is for. Minutes for a large model; needs no GPU
//! where the target is named.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use crate::blob::Blob;
use crate::driver::{Driver, DriverError};
use crate::library::TensorRt;
use crate::search::Flavour;
use crate::{Dims, Words, log, sys};

/// The shapes of one input: the smallest, the one to be fastest at, the largest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The input's name in the ONNX file.
    pub tensor: String,
    /// The smallest shape.
    pub least: Dims,
    /// The shape to be fastest at.
    pub best: Dims,
    /// The largest shape.
    pub most: Dims,
}

impl Range {
    /// One shape and no other.
    #[must_use]
    pub fn fixed(tensor: &str, dims: Dims) -> Self {
        Self { tensor: tensor.to_owned(), least: dims, best: dims, most: dims }
    }
}

/// The ranges of all inputs that are not fixed in the file.
pub type Profile = Vec<Range>;

/// The card that a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one that is there.
    Current,
    /// A compute capability, 120 for 12.0. Only TensorRT for RTX can build for a card that is not there.
    Capability(u16),
}

/// How to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// None where every shape is fixed in the file.
    pub profiles: Vec<Profile>,
    /// The card.
    pub target: Target,
    /// Builder optimisation level, 0 to 5; TensorRT's own where none is said.
    pub level: Option<u8>,
    /// Threads to build with; TensorRT's own number where none is said.
    pub threads: Option<u16>,
    /// Device memory that kernels may use besides tensors, in bytes; all of it where none is said.
    pub workspace_bytes: Option<u64>,
    /// Weights can be replaced later. Needs a GPU while building.
    pub refit: bool,
    /// The plan holds no weights; they come with a refit. Needs a GPU while building.
    pub strip: bool,
    /// Multiplications in f32 may round their factors to 10 bits.
    pub tf32: bool,
}

impl BuildOptions {
    /// For a card; everything else as TensorRT does it by itself.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            profiles: Vec::new(),
            target,
            level: None,
            threads: None,
            workspace_bytes: None,
            refit: false,
            strip: false,
            tf32: true,
        }
    }
}

/// How far a build is. Phases nest, and their names are TensorRT's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A phase begins.
    Started {
        /// Its name.
        phase: &'a str,
        /// The phase it is part of.
        parent: Option<&'a str>,
        /// Its steps.
        steps: u32,
    },
    /// A step of a phase is done.
    Step {
        /// The phase.
        phase: &'a str,
        /// Steps done, from 1.
        done: u32,
    },
    /// A phase is over; not always after all of its steps.
    Done {
        /// The phase.
        phase: &'a str,
    },
}

/// Whether a build goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On.
    Go,
    /// Stop at the next step that TensorRT can stop at.
    Stop,
}

/// What the parser finds wrong with an ONNX file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number of the node in the file; none when the file as a whole is meant.
    pub node: Option<u32>,
    /// Its name.
    pub name: String,
    /// Its operation.
    pub operation: String,
    /// The parser's words.
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node {
            Some(node) => write!(out, "node {node} `{}` ({}): {}", self.name, self.operation, self.text),
            None => out.write_str(&self.text),
        }
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BuildError {
    /// The progress function asked to stop.
    #[error("the build was interrupted")]
    Interrupted,
    /// No such file: write it first.
    #[error("{}: no such ONNX file", .path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The parser refuses the file: change what writes it.
    #[error("{}: TensorRT does not take this file: {}", .path.display(), each(.faults, .words))]
    Refused {
        /// The file.
        path: PathBuf,
        /// All that is wrong with it.
        faults: Vec<Fault>,
        /// What was said besides.
        words: Words,
    },
    /// What is asked for can only be built where a card is: build there, or name the card and leave refitting out.
    #[error("{what} needs a GPU while building: {source}")]
    NoGpu {
        /// What was asked for.
        what: &'static str,
        /// Why there is none.
        source: DriverError,
    },
    /// This TensorRT cannot build for that card: use the other flavour, or another backend.
    #[error("this TensorRT cannot build for {target}: {words}")]
    Target {
        /// The card.
        target: String,
        /// TensorRT's words.
        words: Words,
    },
    /// The builder gave up: another level, another precision, or more memory may help.
    #[error("{}: TensorRT could not build a plan: {words}", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// TensorRT's words.
        words: Words,
    },
}

fn each(faults: &[Fault], words: &Words) -> String {
    if faults.is_empty() {
        return words.to_string();
    }
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

impl TensorRt {
    /// Builds a plan. External data of the ONNX file is looked for beside it. `progress` may be called from threads of
    /// TensorRT's, one call at a time.
    ///
    /// # Errors
    /// See [`BuildError`].
    ///
    /// # Panics
    /// When a name has a zero byte in it, and when `progress` panics.
    pub fn build(
        &self,
        onnx: &Path,
        options: &BuildOptions,
        progress: &mut (dyn FnMut(Progress<'_>) -> Flow + Send),
    ) -> Result<Blob, BuildError> {
        let path = onnx.to_owned();
        if !onnx.is_file() {
            return Err(BuildError::NoFile { path });
        }
        if let Some(what) = needs_gpu(self.version().flavour, options) {
            // Asked here, because TensorRT only finds out at the end of the build, and says so in riddles.
            Driver::open(&self.search).map_err(|source| BuildError::NoGpu { what, source })?;
        }
        // Parsing cannot be interrupted, so this is the last chance before it.
        let reading = "Reading the ONNX file";
        if progress(Progress::Started { phase: reading, parent: None, steps: 1 }) == Flow::Stop {
            return Err(BuildError::Interrupted);
        }
        let mut listener = Listener { progress, faults: Vec::new(), panic: None };
        let mark = log::mark();
        let request = Request::new(onnx, options);
        let (status, raw) = request.send(self, options, &mut listener);
        let Listener { faults, panic, .. } = listener;
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        let words = log::since(mark);
        match status {
            sys::DT_OK => Ok(Blob::new(raw, self.library.clone())),
            sys::DT_STOPPED => Err(BuildError::Interrupted),
            sys::DT_NOT_PARSED => Err(BuildError::Refused { path, faults, words }),
            sys::DT_UNSUPPORTED => Err(BuildError::Target { target: said(options.target), words }),
            _ if no_such_card(&words) => Err(BuildError::Target { target: said(options.target), words }),
            _ => Err(BuildError::Failed { path, words }),
        }
    }
}

fn said(target: Target) -> String {
    match target {
        Target::Current => "the card in this machine".to_owned(),
        Target::Capability(number) => format!("compute capability {}.{}", number / 10, number % 10),
    }
}

/// The part of the request that no machine without a card can fulfil.
fn needs_gpu(flavour: Flavour, options: &BuildOptions) -> Option<&'static str> {
    match options {
        _ if flavour == Flavour::Datacentre => Some("a plan of data-centre TensorRT"),
        BuildOptions { target: Target::Current, .. } => Some("a plan for the card in this machine"),
        BuildOptions { refit: true, .. } => Some("a plan whose weights can be replaced"),
        BuildOptions { strip: true, .. } => Some("a plan without weights"),
        _ => None,
    }
}

/// TensorRT has no code for it; this is its sentence.
fn no_such_card(words: &Words) -> bool {
    words.0.iter().any(|sentence| sentence.contains("Compute capability is invalid or not supported"))
}

/// What the shim reads while it builds: the strings and lists must stay where they are.
struct Request {
    onnx: CString,
    _names: Vec<CString>,
    _ranges: Vec<Vec<sys::dt_range>>,
    profiles: Vec<sys::dt_profile>,
    capability: [i32; 1],
}

impl Request {
    fn new(onnx: &Path, options: &BuildOptions) -> Self {
        let mut names = Vec::new();
        let mut ranges: Vec<Vec<sys::dt_range>> = Vec::new();
        for profile in &options.profiles {
            let mut list = Vec::new();
            for range in profile {
                // The string's bytes stay where they are when the owner moves into the list.
                let name = CString::new(range.tensor.as_str()).expect("a tensor's name has no zero in it");
                let (least, best, most) = (range.least.to_raw(), range.best.to_raw(), range.most.to_raw());
                list.push(sys::dt_range { tensor: name.as_ptr(), least, best, most });
                names.push(name);
            }
            ranges.push(list);
        }
        let profiles = ranges.iter().map(|list| sys::dt_profile { ranges: list.as_ptr(), count: list.len() }).collect();
        let capability = match options.target {
            Target::Current => sys::DT_CAPABILITY_CURRENT,
            Target::Capability(number) => i32::from(number),
        };
        let onnx = CString::new(onnx.as_os_str().as_bytes()).expect("a path that exists has no zero in it");
        Self { onnx, _names: names, _ranges: ranges, profiles, capability: [capability] }
    }

    fn send(
        &self,
        tensorrt: &TensorRt,
        options: &BuildOptions,
        listener: &mut Listener<'_>,
    ) -> (i32, *mut sys::dt_blob) {
        let flag = |on: bool, bit: i32| if on { bit as u32 } else { 0 };
        let raw = sys::dt_build_options {
            onnx: self.onnx.as_ptr(),
            profiles: self.profiles.as_ptr(),
            profile_count: self.profiles.len(),
            capabilities: self.capability.as_ptr(),
            capability_count: self.capability.len(),
            level: options.level.map_or(-1, i32::from),
            threads: options.threads.map_or(0, i32::from),
            workspace_bytes: options.workspace_bytes.unwrap_or(0),
            flags: flag(options.refit, sys::DT_BUILD_REFIT)
                | flag(options.strip, sys::DT_BUILD_STRIP)
                | flag(!options.tf32, sys::DT_BUILD_NO_TF32),
            progress: Some(on_progress),
            fault: Some(on_fault),
            user: (&raw mut *listener).cast(),
        };
        let mut out = null_mut();
        // SAFETY: everything `raw` points at is owned by `self` or the caller and outlives the call; the shim calls back
        // one call at a time and not after it returns, so `listener` is never used twice at once.
        let status = unsafe { tensorrt.library.shim.dt_build(tensorrt.library.raw, &raw const raw, &mut out) };
        (status, out)
    }
}

/// The Rust side of the shim's two functions. A panic must not cross C++, so it waits here.
struct Listener<'a> {
    progress: &'a mut (dyn FnMut(Progress<'_>) -> Flow + Send),
    faults: Vec<Fault>,
    panic: Option<Box<dyn Any + Send>>,
}

unsafe extern "C" fn on_progress(user: *mut c_void, raw: *const sys::dt_progress) -> i32 {
    // SAFETY: `user` is the listener of the build that is going on, lent to nobody else meanwhile; `raw` lives for the call.
    let (listener, raw) = unsafe { (&mut *user.cast::<Listener<'_>>(), &*raw) };
    let (phase, parent) = (text(raw.phase), text(raw.parent));
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    let now = match raw.kind {
        sys::DT_PHASE_STARTED => {
            let parent = Some(parent.as_str()).filter(|it| !it.is_empty());
            Progress::Started { phase: &phase, parent, steps: count(raw.steps) }
        }
        sys::DT_STEP_DONE => Progress::Step { phase: &phase, done: count(raw.step).saturating_add(1) },
        _ => Progress::Done { phase: &phase },
    };
    let flow = catch_unwind(AssertUnwindSafe(|| (listener.progress)(now))).unwrap_or_else(|panic| {
        listener.panic = Some(panic);
        Flow::Stop
    });
    i32::from(flow == Flow::Stop)
}

unsafe extern "C" fn on_fault(user: *mut c_void, raw: *const sys::dt_fault) {
    // SAFETY: as in `on_progress`.
    let (listener, raw) = unsafe { (&mut *user.cast::<Listener<'_>>(), &*raw) };
    listener.faults.push(fault(raw));
}

pub(crate) fn fault(raw: &sys::dt_fault) -> Fault {
    let node = u32::try_from(raw.node).ok();
    Fault { node, name: text(raw.node_name), operation: text(raw.operation), text: text(raw.text) }
}

fn text(raw: *const c_char) -> String {
    if raw.is_null() {
        return String::new();
    }
    // SAFETY: the shim's strings end with a zero and live for the call in which they are read.
    unsafe { CStr::from_ptr(raw) }.to_string_lossy().trim().to_owned()
}
