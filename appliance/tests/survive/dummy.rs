//! An engine without a model: sends windows of tones, seeks, moves the band and the gain, brings other tapes, and writes down what it
//! sends before it does. It is there to be killed.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use appliance::handover::link::{Heard, Link, NotAttached};
use appliance::handover::witness::{write_tape, write_window};
use engine::boundary::Window;
use engine::latent::StereoFrame;
use engine::playback::{Epoch, LoopBand, Packer, Tape, Transport, TransportError, WindowPlan, attach, sum_of};

/// Length of every tape here, in stereo samples: 2.4 s.
pub const TAPE: usize = 60 * 1920;

/// Numbers without a pattern.
pub struct Dice(pub u64);

impl Dice {
    /// Below `most`.
    pub fn throw(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// A chord that begins at `phase`; never so loud that the guard limits it.
pub fn chord(frames: usize, hz: f32, phase: usize) -> Vec<StereoFrame> {
    let wave = |i: usize, hz: f32| (((i + phase) as f32 * hz / 48_000.0).fract() * std::f32::consts::TAU).sin();
    (0..frames).map(|i| [0.25 * wave(i, hz) + 0.1 * wave(i, hz * 2.51), 0.25 * wave(i, hz * 1.26)]).collect()
}

/// The tapes that there are.
pub fn tape(which: usize) -> Vec<StereoFrame> {
    chord(TAPE, [110.0, 164.8, 207.7][which % 3], 0)
}

/// Plays until it is killed. What it sends is written to a file of its own in `logs`.
pub fn live(runtime: &Path, logs: &Path) -> ! {
    let mut dice = Dice(u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let link = knock(runtime);
    let epochs = Epoch::default();
    epochs.set(link.epoch);
    let (mut packer, mut transport) = attach(&link.shared.arena, &epochs);
    let file = || File::options().create(true).append(true).open(logs.join(format!("{}.log", std::process::id())));
    let (mut log, mut witness) = (file().expect("a log"), file().expect("a log"));
    packer.set_witness(Box::new(move |epoch, window: &Window, sound| {
        write_window(&mut witness, epoch, window, sound).expect("room in the log");
    }));
    if transport.standing().is_none_or(|it| (0..3).all(|which| sum_of(&tape(which)) != it.sum)) {
        bring(&mut transport, &mut log, 0, 0);
    }
    let mut link = Some(link);
    loop {
        match link.as_ref().map(|it| it.hear(Duration::from_millis(dice.throw(6) as u64))) {
            Some(Heard::Gone) | None => {
                epochs.set(0);
                // The old end is closed before it knocks again.
                drop(link.take());
                let again = knock(runtime);
                epochs.set(again.epoch);
                link = Some(again);
            }
            Some(Heard::Told(_) | Heard::Nothing) => {}
        }
        play(&mut packer, &mut transport, &mut log, &mut dice);
    }
}

/// Something that hands might do.
fn play(packer: &mut Packer, transport: &mut Transport, log: &mut File, dice: &mut Dice) {
    match dice.throw(40) {
        0 => drop(transport.seek(dice.throw(TAPE))),
        1 => {
            let start = dice.throw(TAPE / 2);
            let band = LoopBand::new(start, start + 9_600 + dice.throw(TAPE / 2 - 9_600), TAPE);
            drop(transport.set_band(band.expect("it lies on the tape")));
        }
        2 => drop(transport.set_band(LoopBand::whole(TAPE))),
        3 => drop(transport.set_gain_db(-(dice.throw(9) as f32))),
        4 if dice.throw(5) == 0 => bring(transport, log, dice.throw(3), dice.throw(TAPE)),
        _ => send(packer, transport, dice),
    }
}

fn send(packer: &mut Packer, transport: &Transport, dice: &mut Dice) {
    if !packer.collect(|_| ()) {
        return;
    }
    let head = transport.playhead();
    let ahead = 1_000 + dice.throw(9_000);
    let land = if dice.throw(4) == 0 { dice.throw(TAPE) } else { (head.position + ahead) % TAPE };
    let frames = 960 + dice.throw(14_000);
    let (due, planned) = (head.played.after(ahead), head.played);
    let plan = WindowPlan { tape: transport.tape(), land, frames, keep: frames / 1920 + 1, run_up: 0, due, planned };
    let sound = chord(frames, 80.0 + dice.throw(400) as f32, dice.throw(48_000));
    let feedback = [0.0, 0.0, 0.3][dice.throw(3)];
    drop(packer.send(&plan, feedback, |room| room.copy_from_slice(&sound)));
}

fn bring(transport: &mut Transport, log: &mut File, which: usize, position: usize) {
    let sound = tape(which);
    write_tape(log, &sound).expect("room in the log");
    match transport.swap(Tape::new(sound).expect("a tape"), position) {
        Ok(_) | Err(TransportError::Busy | TransportError::SwapBusy(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Attaches as soon as it can.
fn knock(runtime: &Path) -> Link {
    loop {
        match Link::attach(runtime) {
            Ok(link) => return link,
            Err(NotAttached::Nobody | NotAttached::Refused(_) | NotAttached::Silent(_)) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    }
}
