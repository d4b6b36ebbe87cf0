//! What controllers say, line by line, and everything said back to them: for trying a controller, a hub, a udev rule or a
//! kernel. `cargo run -p hal --example midi_watch -- all 60`: the first word chooses what is taken straight from USB (`none`,
//! `all`, `1397:00b3,0944:0117`), the rest comes by the sequencer; the second is how many seconds to watch (60).
//!
//! Without hardware: `modprobe dummy_hcd g_midi` makes a USB-MIDI device out of nothing, and `amidi -p hw:CARD -S B00764`
//! on the gadget's card turns its knob; `amidi -d` there shows what comes back.

use std::io::Write;
use std::time::{Duration, Instant};

use hal::gesture::{Control, Motion, Position, Reply, Roster, Surface, SurfaceError, Voice, WallClock};
use hal::midi::Pairing;
use hal::midi::message::cc;
use hal::sequencer::LiveMidi;
use hal::usb::{UsbMidi, UsbSelect};

/// How long each surface is asked in turn.
const TURN: Duration = Duration::from_millis(5);

/// A surface and its sending half.
type Halves = (Box<dyn Surface>, Option<Box<dyn Voice>>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let select: UsbSelect = words.next().as_deref().unwrap_or("none").parse()?;
    let seconds: u64 = words.next().as_deref().unwrap_or("60").parse()?;
    let (clock, roster, pairing) = (WallClock::start(), Roster::default(), Pairing::default());
    let mut out = std::io::stdout();
    let mut surfaces: Vec<Halves> = Vec::new();
    let usb = UsbMidi::open(clock, &roster, &pairing, select.clone()).map(|it| Box::new(it) as Box<dyn Surface>);
    let midi = LiveMidi::open(clock, &roster, &pairing, select).map(|it| Box::new(it) as Box<dyn Surface>);
    for opened in [usb, midi] {
        match opened {
            Ok(mut surface) => {
                let voice = surface.voice();
                surfaces.push((surface, voice));
            }
            Err(error) => writeln!(out, "{error}")?,
        }
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until && !surfaces.is_empty() {
        for (surface, voice) in &mut surfaces {
            watch(&mut **surface, voice.as_mut(), &mut out)?;
        }
    }
    Ok(())
}

/// One gesture, if there is one, and the same said back where it is a knob.
fn watch(surface: &mut dyn Surface, voice: Option<&mut Box<dyn Voice>>, out: &mut impl Write) -> std::io::Result<()> {
    let gesture = match surface.next_gesture(TURN) {
        Ok(Some(gesture)) => gesture,
        Ok(None) => return Ok(()),
        Err(error) => return writeln!(out, "{error}"),
    };
    writeln!(out, "{:9.4} s  surface {}  {:?}", gesture.at.as_secs_f64(), gesture.surface.0, gesture.motion)?;
    let Motion::Turned(Control::Cc { channel, number }, Position::Seven(to)) = gesture.motion else { return Ok(()) };
    let said = voice.map(|voice| voice.say(gesture.surface, &Reply::Midi(cc(channel, number, to).to_vec())));
    match said {
        Some(Err(SurfaceError::Garbled { surface, fault })) => writeln!(out, "{surface}: {fault}"),
        _ => Ok(()),
    }
}
