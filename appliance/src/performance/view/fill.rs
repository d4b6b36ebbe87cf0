//! How the status of now is read off conductor, fast threads and tape. Each is asked; nothing is decided here.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::param::ParamId;

use crate::control::binding::prompt;
use crate::control::tempo::Source;
use crate::display::status::{Morph, Status, Tempo};
use crate::performance::conductor::Conductor;
use crate::performance::threads::Pulse;

/// What the hands have done.
pub(super) fn hands(status: &mut Status, conductor: &Conductor, now: Duration) {
    let (binding, desk) = (conductor.binding(), conductor.desk());
    // What the hand has asked for: the display must not lag behind the knob.
    status.values = *conductor.store().aims();
    status.selected = binding.selected();
    (status.scene, status.scene_changed) = desk.scene().map_or((None, false), |(at, moved)| (Some(at), moved));
    status.morph = desk.morphing().map(|((a, b), position)| Morph { scenes: [a, b], position });
    status.undo = desk.store().undo_depth();
    status.learn = binding.learning().is_on().then(|| prompt(binding.learning().target()));
    let playing = binding.playing();
    status.layer = match (playing.bank, playing.shift) {
        (0, false) => String::new(),
        (0, true) => "shift".to_owned(),
        (bank, false) => format!("{}", bank + 1),
        (bank, true) => format!("{} shift", bank + 1),
    };
    let tempo = conductor.tempo();
    status.tempo = tempo.source(now).zip(tempo.bpm(now)).map(|(source, bpm)| {
        let from = match source {
            Source::Clock => "clock",
            Source::Tap => "tap",
            Source::Patch if conductor.counts_by_ear() => "heard",
            Source::Patch => "patch",
        };
        Tempo { bpm: bpm as f32, from: from.to_owned() }
    });
}

/// How the tape and the engine are. Peaks are read once: they are those since the last call.
pub(super) fn sound(status: &mut Status, conductor: &Conductor, pulse: &Pulse) {
    let transport = conductor.transport();
    let (meters, frames) = (transport.meters(), transport.tape_frames());
    let part = |place: usize| place as f32 / frames as f32;
    status.position = conductor.place() as f32;
    status.window = (pulse.windows.load(Relaxed) > 0)
        .then(|| (part(pulse.window[0].load(Relaxed)), part(pulse.window[1].load(Relaxed))));
    status.slots = pulse.slots(conductor.store().aims().whole(ParamId::Depth));
    status.rests = pulse.ticks_rest.load(Relaxed);
    status.lead_ms = pulse.lead.load(Relaxed) as f32 * 1e3 / SAMPLE_RATE_HZ as f32;
    status.xruns = meters.underruns.load(Relaxed);
    status.late = meters.windows_late.load(Relaxed);
    status.non_finite = meters.non_finite_frames.load(Relaxed) + meters.windows_non_finite.load(Relaxed);
    status.peaks = meters.take_peaks();
    status.limiting = meters.take_limiter_gain() < 0.999;
    status.muted = transport.muted();
}
