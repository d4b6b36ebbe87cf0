//! The device backend: births and ticks on the card, with any [`Network`].
//!
//! A tick enqueues, in this order: curves, when a knob is drawn as one; one recorded graph (upload of the tick's block,
//! the rows' inputs, the network, `solve_step`, which slots are unsound); the latents of slots that are done; an event.
//! Then it waits, once. Nothing is allocated after [`DeviceBackend::new`], and nothing that failed has changed a slot:
//! states are turned over on the host when the tick is known to be done.

use std::sync::Arc;

use super::driver::Device;
use super::fill::{Arena, Filler, Hilbert, gains, write_gains};
use super::kernels::Kernels;
use super::memory::{Buffer, Pinned};
use super::network::{Network, Seated};
use super::parameters::{ROWS, RowParameters, TickParameters, flags};
use super::seats::Seats;
use super::slot::{DeviceSlot, Plane};
use super::stream::{Event, Graph, Stream};
use crate::backend::{Backend, BackendError, DenoiserError, DeviceError};
use crate::latent::LATENT_CHANNELS;
use crate::ring::plan::{Birth, PlanRow, SlotStep, TickPlan};
use crate::ring::request::Request;
use crate::ring::{MAX_DEPTH, StepControls};
use crate::solver::dcw::Correction;
use crate::solver::guidance::GuidanceLaw;
use crate::solver::noise::{Draw, NoiseSource, Purpose, fill_wide};

/// Slots on a card, and a network beside them.
pub struct DeviceBackend<N> {
    // Dropped in this order: the stream waits for its work before the memory that it uses goes.
    stream: Stream,
    done: Event,
    stopwatch: Option<[Event; 2]>,
    /// One a batch size; none where the network cannot be recorded.
    graphs: Vec<Graph>,
    network: N,
    kernels: Kernels,
    slots: Vec<DeviceSlot>,
    seats: Seats,
    tick: Pinned<TickParameters>,
    tick_on_card: Buffer,
    unsound: Pinned<u32>,
    unsound_on_card: Buffer,
    arena: Arena,
    hilbert: Hilbert,
    recorded: Option<Box<dyn NoiseSource + Send>>,
    default_correction: Correction,
    guidance: GuidanceLaw,
    frames: usize,
    device: Arc<Device>,
}

impl<N: Network> DeviceBackend<N> {
    /// Makes room for a full ring of the network's length, and records a graph for each of its batch sizes.
    ///
    /// # Errors
    /// When the card has no room, or cannot run the kernels or the network.
    pub fn new(device: &Arc<Device>, network: N) -> Result<Self, BackendError> {
        let frames = network.shape().frames;
        let stream = Stream::new(device, true)?;
        let slots = (0..MAX_DEPTH).map(|_| DeviceSlot::new(device, frames));
        let mut backend = Self {
            done: Event::new(device, false)?,
            stopwatch: None,
            graphs: Vec::new(),
            kernels: Kernels::load(device)?,
            slots: slots.collect::<Result<_, _>>()?,
            seats: Seats::default(),
            tick: Pinned::zeroed(device, 1)?,
            tick_on_card: Buffer::zeroed(device, size_of::<TickParameters>())?,
            unsound: Pinned::zeroed(device, 1)?,
            unsound_on_card: Buffer::zeroed(device, 4)?,
            arena: Arena::new(device, frames)?,
            hilbert: Hilbert::new(device, frames, &stream)?,
            recorded: None,
            default_correction: Correction::default(),
            guidance: GuidanceLaw::default(),
            frames,
            device: Arc::clone(device),
            stream,
            network,
        };
        backend.clear_tick();
        backend.record()?;
        Ok(backend)
    }

    /// Replaces drawn noise by recorded noise, for checks: it is made on the host and sent up with every birth and step.
    pub fn replay_noise(&mut self, noise: impl NoiseSource + Send + 'static) {
        self.recorded = Some(Box::new(noise));
    }

    /// The network.
    pub fn network(&mut self) -> &mut N {
        &mut self.network
    }

    /// The card.
    #[must_use]
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// One graph a batch size, where the network can be recorded.
    fn record(&mut self) -> Result<(), BackendError> {
        if !self.network.is_capturable() {
            return Ok(());
        }
        for at in 0..self.network.batches().len() {
            let batch = self.network.batches()[at];
            // Once for real: libraries load what they need at the first call, which cannot be recorded.
            self.enqueue(batch, &[])?;
            self.stream.wait()?;
            let Self { stream, kernels, network, tick, tick_on_card, unsound, unsound_on_card, frames, .. } = self;
            let graph = stream.capture(|| {
                let mut pass = Pass { stream, kernels, network, tick, tick_on_card, unsound, unsound_on_card };
                pass.enqueue(batch, *frames, &[])
            })?;
            self.graphs.push(graph);
        }
        Ok(())
    }

    /// The first part of [`Backend::advance`], which is these three one after another; for who times them. Writes the
    /// tick's block and sends what it refers to.
    ///
    /// # Errors
    /// As [`Backend::advance`].
    pub fn write_tick(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<Live, BackendError> {
        self.device.enter()?;
        self.write(plan, shared)
    }

    /// The second part: the graph, and the latents that come home after it.
    ///
    /// # Errors
    /// As [`Backend::advance`].
    pub fn launch_tick(&mut self, plan: &TickPlan, live: &Live) -> Result<(), BackendError> {
        let seats = &live.seats[..live.count];
        let wanted = seats.iter().max().map_or(1, |seat| seat + 1);
        let place = self.network.batches().iter().position(|&it| wanted <= it);
        let most = self.network.batches().last().copied().unwrap_or(0);
        let place = place.ok_or(BackendError::TooManyRows { found: wanted, most })?;
        if let Some([start, _]) = &self.stopwatch {
            start.record(&self.stream)?;
        }
        match self.graphs.get(place) {
            Some(graph) => self.stream.replay(graph)?,
            None => self.enqueue(self.network.batches()[place], seats)?,
        }
        if let Some([_, end]) = &self.stopwatch {
            end.record(&self.stream)?;
        }
        for step in plan.steps.iter().filter(|it| it.steps <= it.step + 1) {
            let slot = &mut self.slots[step.slot];
            slot.fetch(&self.stream, 1 - slot.side)?;
        }
        Ok(self.done.record(&self.stream)?)
    }

    /// The last part: the tick's one wait, then states are turned over.
    ///
    /// # Errors
    /// As [`Backend::advance`].
    pub fn finish_tick(&mut self, plan: &TickPlan) -> Result<u8, BackendError> {
        self.done.wait()?;
        for step in &plan.steps {
            let slot = &mut self.slots[step.slot];
            slot.side = 1 - slot.side;
            slot.is_home = step.steps <= step.step + 1;
            // Who is done makes room at once: its place in the ring may stay empty.
            if slot.is_home || self.unsound[0] & (1 << step.slot) != 0 {
                self.seats.leave(step.slot);
            }
        }
        Ok(self.unsound[0] as u8)
    }

    /// Measures the card's time of every tick's graph from now on, for benches: two more calls a tick.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn start_stopwatch(&mut self) -> Result<(), BackendError> {
        self.stopwatch = Some([Event::new(&self.device, true)?, Event::new(&self.device, true)?]);
        Ok(())
    }

    /// Milliseconds of the card's time that the graph of the tick just finished took, where it is measured.
    #[must_use]
    pub fn graph_ms(&self) -> Option<f32> {
        let [start, end] = self.stopwatch.as_ref()?;
        end.ms_since(start).ok()
    }

    fn enqueue(&mut self, batch: usize, live: &[usize]) -> Result<(), BackendError> {
        let Self { stream, kernels, network, tick, tick_on_card, unsound, unsound_on_card, frames, .. } = self;
        let mut pass = Pass { stream, kernels, network, tick, tick_on_card, unsound, unsound_on_card };
        pass.enqueue(batch, *frames, live)
    }

    /// A tick in which nobody sits and nothing moves.
    fn clear_tick(&mut self) {
        let ports = self.network.ports();
        let tick = &mut self.tick[0];
        tick.slots.iter_mut().for_each(|it| it.active = 0);
        tick.seat_row = [-1; ROWS];
        (tick.net_x, tick.net_t, tick.net_t_minus_r) = (ports.x, ports.t, ports.t_minus_r);
        tick.net_velocity = ports.velocity;
        tick.unsound = self.unsound_on_card.address();
        tick.frames = self.frames as u64;
    }

    /// Writes the tick's block and enqueues what it refers to. Gives the seats that hold rows, in the order of the plan.
    fn write(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<Live, BackendError> {
        self.clear_tick();
        self.arena.clear();
        let mut live = Live { seats: [0; ROWS], count: 0 };
        for step in &plan.steps {
            let Some(request) = self.slots[step.slot].request.clone() else { continue };
            let Self { arena, hilbert, default_correction, guidance, frames, .. } = self;
            let mut filler = Filler { arena, hilbert, shared, default_correction, guidance, frames: *frames };
            let mut it = filler.slot(&self.slots[step.slot], &request, step);
            if let Some(moving) = gains(&mut it, &request, shared) {
                let (slot, frames) = (&mut self.slots[step.slot], self.frames);
                let numbers = frames * LATENT_CHANNELS;
                slot.send(&self.stream, Plane::Gains, numbers, |room| write_gains(moving, frames, room))?;
                it.gain_plane = slot.at(Plane::Gains);
            }
            if it.flags & (flags::DRAWS | flags::MASK_DRAWS) == flags::DRAWS {
                it.given_noise = self.send_draw(&request, step)?;
            }
            self.tick[0].slots[step.slot] = it;
        }
        self.write_rows(plan, &plan.positive, false, &mut live);
        self.write_rows(plan, &plan.negative, true, &mut live);
        self.arena.upload(&self.stream)?;
        Ok(live)
    }

    fn write_rows(&mut self, plan: &TickPlan, rows: &[PlanRow], negative: bool, live: &mut Live) {
        let first = live.count;
        for step in &plan.steps {
            let range = if negative { &step.negative } else { &step.positive };
            let it = &mut self.tick[0].slots[step.slot];
            let (at, count) = ((first + range.start) as i32, range.len() as i32);
            let request = self.slots[step.slot].request.as_ref();
            let on_arc = request.is_some_and(|it| it.share(&rows[range.clone()], negative).is_some());
            if negative {
                (it.negative_first, it.negative_count) = (at, count);
                it.flags |= if on_arc { flags::NEGATIVE_ARC } else { 0 };
            } else {
                (it.positive_first, it.positive_count) = (at, count);
                it.flags |= if on_arc { flags::ARC } else { 0 };
            }
        }
        for row in rows {
            let slot = &self.slots[row.slot];
            let Some(request) = &slot.request else { continue };
            let before = if negative { request.conditions.len() } else { 0 };
            let conditions = if negative { &request.negatives } else { &request.conditions };
            let seat = slot.seats[before + row.condition];
            let weight = match &conditions[row.condition].weight {
                Some(curve) => self.arena.curve(curve, self.frames),
                None => super::parameters::CurveParameters::value(1.0),
            };
            let tick = &mut self.tick[0];
            tick.rows[live.count] = RowParameters { weight, slot: row.slot as i32, seat: seat as i32 };
            tick.seat_row[seat] = live.count as i32;
            live.seats[live.count] = seat;
            live.count += 1;
        }
    }

    /// Sends a step's recorded draw, where draws are recorded; gives its address or 0.
    fn send_draw(&mut self, request: &Request, step: &SlotStep) -> Result<u64, DeviceError> {
        let Some(noise) = &self.recorded else { return Ok(0) };
        let purpose = Purpose::Step { step: step.step as u32 };
        let draw = Draw { seed: request.seed, generation: request.generation, purpose };
        let slot = &mut self.slots[step.slot];
        let numbers = self.frames * LATENT_CHANNELS;
        slot.send(&self.stream, Plane::GivenNoise, numbers, |room| fill_wide(&**noise, &draw, room))?;
        Ok(slot.at(Plane::GivenNoise))
    }

    fn seat(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let (request, most) = (&birth.request, self.most_rows());
        let count = request.rows();
        self.seats.leave(birth.slot);
        self.slots[birth.slot].request = None;
        let seats = self.seats.take(birth.slot, count);
        let fits = |it: &[usize; ROWS]| it[..count].iter().all(|&seat| seat < most);
        let Some(seats) = seats.filter(fits) else {
            let found = ROWS - self.seats.free() + if seats.is_some() { 0 } else { count };
            self.seats.leave(birth.slot);
            return Err(BackendError::TooManyRows { found, most });
        };
        let conditions = request.conditions.iter().chain(&request.negatives);
        let mut told = conditions.zip(&seats[..count]).map(|(condition, &seat)| {
            self.network.seat(&self.stream, seat, Seated { context: &request.context, tokens: &condition.tokens })
        });
        if let Err(error) = told.try_for_each(|it| it) {
            self.seats.leave(birth.slot);
            return Err(error);
        }
        self.slots[birth.slot].seats = seats;
        Ok(())
    }
}

impl<N: Network> Backend for DeviceBackend<N> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        self.device.enter()?;
        if birth.request.frames != self.frames {
            let (found, expected) = (birth.request.frames, self.frames);
            return Err(DenoiserError::WrongLength { found, expected }.into());
        }
        self.seat(birth)?;
        let slot = &mut self.slots[birth.slot];
        let parameters = slot.fill(&self.stream, birth, self.recorded.as_deref())?;
        self.kernels.begin(&self.stream, &parameters)?;
        if self.recorded.is_some() {
            // A recorded start goes up from where the step's draw will be written next: it must have left.
            self.stream.wait()?;
        }
        Ok(())
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let live = self.write_tick(plan, shared)?;
        self.launch_tick(plan, &live)?;
        self.finish_tick(plan)
    }

    fn most_rows(&self) -> usize {
        self.network.batches().last().copied().unwrap_or(0).min(ROWS)
    }

    /// # Panics
    /// When a latent that is not home cannot be fetched; those of finished slots always are.
    fn latent(&mut self, slot: usize) -> &[f32] {
        let it = &mut self.slots[slot];
        if !it.is_home {
            let side = it.side;
            let fetched = self.device.enter().and_then(|()| it.fetch(&self.stream, side));
            fetched.and_then(|()| self.stream.wait()).expect("a latent that is asked for early can be fetched");
            it.is_home = true;
        }
        &it.latent
    }
}

/// Seats that hold rows in a tick, in the order of the plan.
#[derive(Debug)]
pub struct Live {
    seats: [usize; ROWS],
    count: usize,
}

/// What a tick's graph is recorded from.
struct Pass<'a, N> {
    stream: &'a Stream,
    kernels: &'a Kernels,
    network: &'a mut N,
    tick: &'a Pinned<TickParameters>,
    tick_on_card: &'a Buffer,
    unsound: &'a mut Pinned<u32>,
    unsound_on_card: &'a Buffer,
}

impl<N: Network> Pass<'_, N> {
    fn enqueue(&mut self, batch: usize, frames: usize, live: &[usize]) -> Result<(), BackendError> {
        let tick = self.tick_on_card.address();
        self.stream.upload(tick, self.tick, 0, 1)?;
        self.kernels.prepare(self.stream, tick, batch, frames)?;
        self.network.enqueue(self.stream, batch, live)?;
        self.kernels.solve(self.stream, tick)?;
        self.stream.download(self.unsound, 0, 1, self.unsound_on_card.address())?;
        Ok(())
    }
}
