//! One engine at one shape: its context with its memory, ready to be enqueued.
#![allow(unsafe_code)]

use std::sync::Arc;

use ::tensorrt::{Context, Engine, NewShapes, RuntimeCache};

use crate::backend::cuda::{Buffer, Device, DeviceError, Stream};

/// TensorRT wants its memory aligned so; the driver's allocations are.
const ALIGNMENT: u64 = 256;

/// A context whose shapes and addresses are set.
pub(super) struct Session {
    context: Context,
}

impl Session {
    /// A context of the profile that fits `shapes` best, with these addresses. `addresses` must be of tensors with room
    /// for the shapes.
    pub(super) fn new(
        engine: &Engine,
        cache: Option<&RuntimeCache>,
        stream: &Stream,
        shapes: &[(&str, Vec<i64>)],
        addresses: &[(String, u64)],
    ) -> Result<Self, DeviceError> {
        let mut context = engine.context(cache, NewShapes::Eager)?;
        let profile = profile_for(engine, shapes);
        if 0 < profile {
            // SAFETY: the stream is alive, on the card that the engine is on.
            unsafe { context.set_profile(profile, stream.handle()) }?;
        }
        for (name, dims) in shapes {
            context.set_shape(name, dims)?;
        }
        for (name, address) in addresses {
            context.set_address(name, *address)?;
        }
        Ok(Self { context })
    }

    /// Device memory that it needs while it runs.
    pub(super) fn memory_bytes(&mut self) -> u64 {
        self.context.device_memory_bytes().unwrap_or(0).next_multiple_of(ALIGNMENT)
    }

    /// Lends it memory; sessions that never run at the same time may share it.
    pub(super) fn lend(&mut self, memory: &Buffer) -> Result<(), DeviceError> {
        Ok(self.context.set_device_memory(memory.address(), memory.bytes() as u64)?)
    }

    /// Moves a tensor.
    pub(super) fn set_address(&mut self, name: &str, address: u64) -> Result<(), DeviceError> {
        Ok(self.context.set_address(name, address)?)
    }

    /// Enqueues one run.
    pub(super) fn enqueue(&mut self, stream: &Stream) -> Result<(), DeviceError> {
        // SAFETY: the stream is alive and on the engine's card; the addresses are of buffers that the session's owner
        // holds beside it, with room for the shapes that were set.
        unsafe { self.context.enqueue(stream.handle()) }?;
        Ok(())
    }
}

/// The profile whose most loved shape is nearest to what is asked, of those that can hold it.
fn profile_for(engine: &Engine, shapes: &[(&str, Vec<i64>)]) -> usize {
    let Some((name, wanted)) = shapes.first() else { return 0 };
    let Some(tensor) = engine.tensors().iter().find(|it| it.name == *name) else { return 0 };
    let holds = |it: &::tensorrt::ProfileDims| {
        wanted.iter().zip(it.least.iter().zip(it.most.iter())).all(|(it, (least, most))| (least..=most).contains(&it))
    };
    let away =
        |it: &::tensorrt::ProfileDims| wanted.iter().zip(it.best.iter()).map(|(a, b)| (a - b).abs()).sum::<i64>();
    let fitting = tensor.profiles.iter().enumerate().filter(|(_, it)| holds(it));
    fitting.min_by_key(|(_, it)| away(it)).map_or(0, |(at, _)| at)
}

/// Memory for sessions that never run at the same time.
pub(super) fn shared_memory(device: &Arc<Device>, sessions: &mut [&mut Session]) -> Result<Buffer, DeviceError> {
    let bytes = sessions.iter_mut().map(|it| it.memory_bytes()).max().unwrap_or(0);
    let memory = Buffer::zeroed(device, usize::try_from(bytes).unwrap_or(usize::MAX).max(ALIGNMENT as usize))?;
    for session in sessions {
        session.lend(&memory)?;
    }
    Ok(memory)
}
