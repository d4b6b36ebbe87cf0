//! A bus to pull plugs on: controllers that come, go, stall, babble and flood when told to.
//!
//! It answers like libusb does, from the same threads: a read waits until there is a transfer or the plug is pulled. It
//! keeps its own time, and it knows whether the kernel's driver got each device back.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bus::{Bus, Found, Link, LinkFault, Refusal, Seat};
use super::descriptor::{Carriage, Endpoint, Interface, Streaming};
use super::packet::pack;
use super::plug::Plug;
use crate::gesture::VirtualClock;
use crate::midi::message::cc;

/// A bus and all that is plugged into it. Clones are the same bus.
#[derive(Clone, Default)]
pub struct FakeBus {
    shared: Arc<Shared>,
    clock: VirtualClock,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    devices: Vec<Device>,
    /// Plugs and unplugs so far, and how many of them were noticed.
    plugs: u64,
    noticed: u64,
    address: u8,
    unlistable: bool,
}

struct Device {
    found: Found,
    here: bool,
    says: VecDeque<Says>,
    taken: Vec<u8>,
    refusal: Option<Refusal>,
    /// Bytes that it takes in one transfer.
    takes: usize,
    /// Transfers that it was offered.
    offered: usize,
    kernel_has: bool,
}

enum Says {
    Transfer(Vec<u8>),
    Fault(LinkFault),
}

impl FakeBus {
    /// The time that everything on this bus lives in.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// A controller as most are: one MIDI interface with two bulk endpoints, `cables` cables each way.
    #[must_use]
    pub fn controller(vendor: u16, product: u16, port: &str, cables: u8) -> Found {
        let end = |address| Endpoint { address, carriage: Carriage::Bulk, extra: vec![5, 0x25, 1, cables, 0] };
        let control = Interface { class: 1, subclass: 1, ..Interface::default() };
        let endpoints = vec![end(0x01), end(0x81)];
        let midi = Interface { number: 1, class: 1, subclass: 3, endpoints, ..Interface::default() };
        let name = Some("a controller".to_owned());
        let plug = Plug { vendor, product, port: port.to_owned(), serial: None, name };
        Found { seat: Seat { bus: 1, address: 0 }, plug, interfaces: vec![control, midi] }
    }

    /// Plugs a device in; answers where the bus put it.
    pub fn plug(&self, device: Found) -> Seat {
        let mut state = self.state();
        state.address += 1;
        let seat = Seat { bus: 1, address: state.address };
        state.devices.push(Device {
            found: Found { seat, ..device },
            here: true,
            says: VecDeque::new(),
            taken: Vec::new(),
            refusal: None,
            takes: usize::MAX,
            offered: 0,
            kernel_has: true,
        });
        state.plugs += 1;
        self.shared.changed.notify_all();
        seat
    }

    /// Pulls a plug. What the device said and nobody read yet is lost, as on a real bus.
    pub fn unplug(&self, seat: Seat) {
        self.change(seat, |device| {
            device.here = false;
            device.says.clear();
        });
        self.state().plugs += 1;
        self.shared.changed.notify_all();
    }

    /// Pulls a plug and puts it into another port, all before anyone looks.
    pub fn replug(&self, seat: Seat, port: &str) -> Seat {
        let mut device = self.change(seat, |device| device.found.clone());
        port.clone_into(&mut device.plug.port);
        self.unplug(seat);
        self.plug(device)
    }

    /// One transfer from a device, whatever is in it.
    pub fn send(&self, seat: Seat, transfer: &[u8]) {
        self.change(seat, |device| device.says.push_back(Says::Transfer(transfer.to_vec())));
    }

    /// A knob on channel 1 of a cable is turned.
    pub fn turn(&self, seat: Seat, cable: u8, number: u8, to: u8) {
        let mut packets = Vec::new();
        pack(cable, &cc(1, number, to), &mut packets);
        self.send(seat, &packets);
    }

    /// The input endpoint stalls, this many times in a row.
    pub fn stall(&self, seat: Seat, times: usize) {
        self.change(seat, |device| device.says.extend((0..times).map(|_| Says::Fault(LinkFault::Stalled))));
    }

    /// Transfers go wrong, this many in a row.
    pub fn interfere(&self, seat: Seat, times: usize) {
        let fault = || Says::Fault(LinkFault::Failed("Input/Output Error".to_owned()));
        self.change(seat, |device| device.says.extend((0..times).map(|_| fault())));
    }

    /// Transfers of bytes that are no packets, or end inside one.
    pub fn garbage(&self, seat: Seat) {
        for transfer in
            [&[0x0b, 0x10, 1, 2, 0x99][..], &[0xff; 63], &[0x04, 0xf0, 1, 2], &[7], &[0x0b, 0xb0, 0xff, 0xff]]
        {
            self.send(seat, transfer);
        }
    }

    /// Knob 1 is turned this many times, to 0, 1, 2 and so on modulo 128, 16 turns a transfer.
    pub fn flood(&self, seat: Seat, turns: usize) {
        let mut packets = Vec::new();
        for turn in 0..turns {
            pack(0, &cc(1, 1, (turn % 128) as u8), &mut packets);
        }
        packets.chunks(64).for_each(|transfer| self.send(seat, transfer));
    }

    /// From now on the device does not open, or opens again (`None`).
    pub fn refuse(&self, seat: Seat, refusal: Option<Refusal>) {
        self.change(seat, |device| device.refusal = refusal);
    }

    /// From now on the device takes at most this many bytes of a transfer; 0: nothing at all.
    pub fn clog(&self, seat: Seat, takes: usize) {
        self.change(seat, |device| device.takes = takes);
    }

    /// From now on the bus cannot be listed.
    pub fn hide(&self) {
        self.state().unlistable = true;
    }

    /// The bytes that a device was sent since the last call.
    #[must_use]
    pub fn taken(&self, seat: Seat) -> Vec<u8> {
        self.change(seat, |device| std::mem::take(&mut device.taken))
    }

    /// How many transfers a device was offered so far, taken or not.
    #[must_use]
    pub fn offered(&self, seat: Seat) -> usize {
        self.change(seat, |device| device.offered)
    }

    /// Whether whoever waits for plugs has noticed all of them.
    #[must_use]
    pub fn noticed(&self) -> bool {
        let state = self.state();
        state.noticed == state.plugs
    }

    /// Transfers that nobody has read yet.
    #[must_use]
    pub fn unread(&self, seat: Seat) -> usize {
        self.change(seat, |device| device.says.len())
    }

    /// Whether the kernel's driver has the device.
    #[must_use]
    pub fn kernel_has(&self, seat: Seat) -> bool {
        self.change(seat, |device| device.kernel_has)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn change<T>(&self, seat: Seat, change: impl FnOnce(&mut Device) -> T) -> T {
        let changed = change(self.state().device(seat));
        self.shared.changed.notify_all();
        changed
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while holding it has already said so.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn device(&mut self, seat: Seat) -> &mut Device {
        self.devices.iter_mut().find(|it| it.found.seat == seat).expect("a script names devices that it plugged in")
    }
}

impl Bus for FakeBus {
    type Link = FakeLink;

    fn devices(&self) -> Result<Vec<Found>, String> {
        let state = self.state();
        if state.unlistable {
            return Err("the bus is hidden".to_owned());
        }
        Ok(state.devices.iter().filter(|it| it.here).map(|it| it.found.clone()).collect())
    }

    fn open(&self, found: &Found, _streaming: &Streaming) -> Result<FakeLink, Refusal> {
        let mut state = self.state();
        let device = state.device(found.seat);
        if !device.here {
            return Err(Refusal::Gone);
        }
        if let Some(refusal) = device.refusal.clone() {
            return Err(refusal);
        }
        if !std::mem::take(&mut device.kernel_has) {
            return Err(Refusal::Busy);
        }
        Ok(FakeLink { shared: Arc::clone(&self.shared), seat: found.seat })
    }

    fn wait(&self, patience: Duration) {
        let state = self.state();
        let nothing_new = |state: &mut State| state.noticed == state.plugs;
        let waited = self.shared.changed.wait_timeout_while(state, patience, nothing_new);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.noticed = state.plugs;
    }
}

/// An open device of a [`FakeBus`].
pub struct FakeLink {
    shared: Arc<Shared>,
    seat: Seat,
}

impl Link for FakeLink {
    fn read(&self, transfer: &mut [u8], patience: Duration) -> Result<usize, LinkFault> {
        let silent = |state: &mut State| {
            let device = state.device(self.seat);
            device.here && device.says.is_empty()
        };
        let waited = self.shared.changed.wait_timeout_while(self.shared.state(), patience, silent);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let device = state.device(self.seat);
        if !device.here {
            return Err(LinkFault::Gone);
        }
        match device.says.pop_front() {
            None => Ok(0),
            Some(Says::Fault(fault)) => Err(fault),
            Some(Says::Transfer(bytes)) => {
                transfer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
        }
    }

    fn write(&self, bytes: &[u8], _patience: Duration) -> Result<usize, LinkFault> {
        let mut state = self.shared.state();
        let device = state.device(self.seat);
        if !device.here {
            return Err(LinkFault::Gone);
        }
        device.offered += 1;
        let taken = &bytes[..bytes.len().min(device.takes)];
        device.taken.extend(taken);
        Ok(taken.len())
    }

    fn clear_stall(&self) -> Result<(), LinkFault> {
        Ok(())
    }
}

impl Drop for FakeLink {
    fn drop(&mut self) {
        self.shared.state().device(self.seat).kernel_has = true;
    }
}
