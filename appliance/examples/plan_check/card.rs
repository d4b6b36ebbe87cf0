//! What only a card can show: a plan runs, gives the right values, and gives them again from a CUDA graph.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;

use libloading::Library;
use tensorrt::{Context, NewShapes, Runtime, TensorRt};

use crate::report::Seen;

/// Rows and columns of the values that are compared.
const ROWS: usize = 4;
const WIDTH: usize = 16;
/// Multiplications may round to ten bits.
const TOLERANCE: f32 = 5e-3;

/// A primary context and a stream on the first card.
struct Card {
    driver: Library,
    stream: *mut c_void,
}

impl Card {
    fn open() -> Result<Self, String> {
        // SAFETY: the driver's library is made to be opened so.
        let driver = unsafe { Library::new("libcuda.so.1") }.map_err(|why| why.to_string())?;
        let mut card = Self { driver, stream: null_mut() };
        let (mut device, mut context): (c_int, *mut c_void) = (0, null_mut());
        // SAFETY: the driver's documented signatures; every pointer is to a local of ours.
        unsafe {
            card.call::<unsafe extern "C" fn(c_uint) -> c_int>("cuInit", |it| it(0))?;
            card.call::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>("cuDeviceGet", |it| it(&mut device, 0))?;
            type Retain = unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int;
            card.call::<Retain>("cuDevicePrimaryCtxRetain", |it| it(&mut context, device))?;
            card.call::<unsafe extern "C" fn(*mut c_void) -> c_int>("cuCtxSetCurrent", |it| it(context))?;
            let mut stream = null_mut();
            card.call::<unsafe extern "C" fn(*mut *mut c_void, c_uint) -> c_int>("cuStreamCreate", |it| {
                it(&mut stream, 1)
            })?;
            card.stream = stream;
        }
        Ok(card)
    }

    /// # Safety
    /// `F` is the type of the function of that name, and `call` calls it as documented.
    unsafe fn call<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) -> Result<(), String> {
        // SAFETY: the caller's promise.
        let function = unsafe { self.driver.get::<F>(name.as_bytes()) }.map_err(|why| why.to_string())?;
        match call(*function) {
            0 => Ok(()),
            code => Err(format!("{name} answered {code}")),
        }
    }

    fn memory(&self, bytes: usize) -> Result<u64, String> {
        let mut address = 0_u64;
        type Alloc = unsafe extern "C" fn(*mut u64, usize) -> c_int;
        // SAFETY: the driver's documented signature. Never freed: the process ends soon.
        unsafe { self.call::<Alloc>("cuMemAlloc_v2", |it| it(&mut address, bytes.max(256))) }.map(|()| address)
    }

    fn write(&self, address: u64, values: &[f32]) -> Result<(), String> {
        type Copy = unsafe extern "C" fn(u64, *const f32, usize) -> c_int;
        // SAFETY: the block at `address` was made for these values.
        unsafe { self.call::<Copy>("cuMemcpyHtoD_v2", |it| it(address, values.as_ptr(), size_of_val(values))) }
    }

    fn read(&self, address: u64, count: usize) -> Result<Vec<f32>, String> {
        let mut values = vec![0.0_f32; count];
        type Copy = unsafe extern "C" fn(*mut f32, u64, usize) -> c_int;
        // SAFETY: the block at `address` holds as many values.
        unsafe {
            self.call::<unsafe extern "C" fn(*mut c_void) -> c_int>("cuStreamSynchronize", |it| it(self.stream))?;
            self.call::<Copy>("cuMemcpyDtoH_v2", |it| it(values.as_mut_ptr(), address, count * 4))?;
        }
        Ok(values)
    }

    /// Captures one enqueue and launches the graph.
    fn through_a_graph(&self, context: &mut Context) -> Result<(), String> {
        let (mut graph, mut ready): (*mut c_void, *mut c_void) = (null_mut(), null_mut());
        // SAFETY: the driver's documented signatures; stream and graphs are alive; the context's addresses are.
        unsafe {
            self.call::<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>("cuStreamBeginCapture_v2", |it| {
                it(self.stream, 1)
            })?;
            let captured = context.enqueue(self.stream).map_err(|error| error.to_string());
            type End = unsafe extern "C" fn(*mut c_void, *mut *mut c_void) -> c_int;
            self.call::<End>("cuStreamEndCapture", |it| it(self.stream, &mut graph))?;
            captured?;
            type Instantiate = unsafe extern "C" fn(*mut *mut c_void, *mut c_void, u64) -> c_int;
            self.call::<Instantiate>("cuGraphInstantiateWithFlags", |it| it(&mut ready, graph, 0))?;
            type Launch = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
            self.call::<Launch>("cuGraphLaunch", |it| it(ready, self.stream))
        }
    }
}

/// Runs the plan on four rows, then once more through a CUDA graph, then again from kernels that were kept.
pub fn run(tensorrt: &TensorRt, plan: &[u8], values: &[f32]) -> Seen {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let (x, wanted) = values.split_at(ROWS * WIDTH);
    let card = Card::open()?;
    let runtime = Runtime::new(tensorrt).map_err(|it| said(&it))?;
    let engine = runtime.engine(plan).map_err(|it| said(&it))?;
    let cache = engine.runtime_cache().ok();
    let mut context = engine.context(cache.as_ref(), NewShapes::Eager).map_err(|it| said(&it))?;
    context.set_shape("x", &[ROWS as i64, WIDTH as i64]).map_err(|it| said(&it))?;
    let (from, to) = (card.memory(x.len() * 4)?, card.memory(wanted.len() * 4)?);
    context.set_address("x", from).map_err(|it| said(&it))?;
    context.set_address("y", to).map_err(|it| said(&it))?;
    let bytes = context.device_memory_bytes().ok_or("a shape is missing")?;
    context.set_device_memory(card.memory(bytes as usize)?, bytes).map_err(|it| said(&it))?;
    card.write(from, x)?;
    // SAFETY: the stream is alive, and every address has room for its tensor until the process ends.
    unsafe { context.enqueue(card.stream) }.map_err(|it| said(&it))?;
    let plain = compare(&card.read(to, wanted.len())?, wanted)?;
    card.write(to, &vec![0.0; wanted.len()])?;
    card.through_a_graph(&mut context)?;
    let graphed = compare(&card.read(to, wanted.len())?, wanted)?;
    let kept = cache.and_then(|it| it.save().ok()).map_or(0, |it| it.len());
    Ok(format!("largest difference {plain:.1e}, from a CUDA graph {graphed:.1e}; {kept} bytes of kernels to keep"))
}

fn compare(found: &[f32], wanted: &[f32]) -> Result<f32, String> {
    let worst = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    if worst <= TOLERANCE { Ok(worst) } else { Err(format!("differs by {worst}, allowed is {TOLERANCE}")) }
}
