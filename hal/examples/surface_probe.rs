//! Prints one line a gesture of the surfaces that it is told to open, until it is killed or told to quit, and lights the light of a button's
//! number while the button is held. For a bench, and for a virtual machine with simulated chips:
//!
//! ```text
//! surface_probe --button 1=gpiochip0:3 --encoder 1=gpiochip0:4,5 --led 1=gpiochip0:6 --pot 1=/dev/spidev0.0,2 --input all
//! surface_probe --midi --usb 1397:00b3
//! ```
//!
//! A line on standard input is said to a controller: `4 90 08 01` are MIDI bytes for the one that was printed as number 4.
//! `quit` closes the surfaces and ends; killed, it leaves controllers without the kernel's driver.
//!
//! A chip is a path, a name or a label; a line an offset or a name. Appended words change the wiring: `high` for a button or
//! light that is active high, `2` or `1` for an encoder's steps a detent, `reversed`, `mcp3208`.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use clap::Parser;
use hal::adc::McpKind;
use hal::gesture::{Gesture, Motion, Position, Reply, Roster, Surface, SurfaceError, SurfaceId, Voice, WallClock};
use hal::input::{InputChoice, InputKeys, LinuxInput};
use hal::midi::Pairing;
use hal::panel::{
    ButtonPlan, DetentSteps, EncoderPlan, LedPlan, Line, LinePlace, LinuxBoard, Panel, PanelPlan, PotPlan,
};
use hal::sequencer::LiveMidi;
use hal::usb::{UsbMidi, UsbSelect};

/// How long a surface may block: only as long as somebody waits for it to close.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints what happens on surfaces.
#[derive(Parser)]
struct Flags {
    /// What the panel is called.
    #[arg(long, default_value = "probe")]
    name: String,
    /// A button: `1=gpiochip0:3`, `1=gpiochip0:3,high`.
    #[arg(long, value_name = "N=CHIP:LINE")]
    button: Vec<String>,
    /// An encoder: `1=gpiochip0:4,5`, `1=gpiochip0:4,5,2,reversed`.
    #[arg(long, value_name = "N=CHIP:A,B")]
    encoder: Vec<String>,
    /// A light: `1=gpiochip0:6`, active high unless `low` is appended.
    #[arg(long, value_name = "N=CHIP:LINE")]
    led: Vec<String>,
    /// A potentiometer: `1=/dev/spidev0.0,2` is channel 2; `mcp3208` for that chip.
    #[arg(long, value_name = "N=DEVICE,CHANNEL")]
    pot: Vec<String>,
    /// Keyboards and foot switches: `all`, `vvvv:pppp`, or a part of a name.
    #[arg(long, value_name = "WHICH")]
    input: Vec<InputChoice>,
    /// Take them for ourselves.
    #[arg(long)]
    grab: bool,
    /// MIDI by way of the kernel's sequencer.
    #[arg(long)]
    midi: bool,
    /// Controllers that are taken straight from USB: `none`, `all`, `vvvv:pppp`.
    #[arg(long, value_name = "WHICH", default_value = "none")]
    usb: UsbSelect,
}

/// What comes from the surfaces' threads, with the surface's place, and from standard input.
enum Said {
    Surface(usize, Result<Gesture, String>),
    Line(String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = Flags::parse();
    let (sender, said) = channel();
    let (mut voices, mut threads) = (Vec::new(), Vec::new());
    let stop = Arc::new(AtomicBool::new(false));
    for (place, mut surface) in surfaces(&flags)?.into_iter().enumerate() {
        voices.push(surface.voice());
        let (sender, stop) = (sender.clone(), Arc::clone(&stop));
        threads.push(std::thread::spawn(move || listen(place, surface.as_mut(), &sender, &stop)));
    }
    std::thread::spawn(move || {
        // At the end of the input nothing more is said, and the probe goes on listening.
        std::io::stdin().lines().map_while(Result::ok).for_each(|line| drop(sender.send(Said::Line(line))));
    });
    println!("listening");
    for said in said {
        match said {
            Said::Line(line) if line.trim() == "quit" => break,
            Said::Line(line) => say(&line, &mut voices),
            Said::Surface(_, Err(fault)) => println!("fault {fault}"),
            Said::Surface(place, Ok(gesture)) => {
                println!("{} {}", gesture.surface.0, line(&gesture.motion));
                echo(&gesture, voices[place].as_deref_mut());
            }
        }
    }
    stop.store(true, Relaxed);
    voices.clear();
    threads.into_iter().try_for_each(|it| it.join()).map_err(|_| "a surface crashed")?;
    println!("closed");
    Ok(())
}

/// Every surface that the flags ask for.
fn surfaces(flags: &Flags) -> Result<Vec<Box<dyn Surface>>, Box<dyn std::error::Error>> {
    let (clock, roster) = (WallClock::start(), Roster::default());
    let mut surfaces: Vec<Box<dyn Surface>> = Vec::new();
    let plan = plan(flags)?;
    if !(plan.inputs().is_empty() && plan.leds.is_empty() && plan.pots.is_empty()) {
        surfaces.push(Box::new(Panel::new(plan, LinuxBoard::new(clock), clock, &roster)?));
    }
    if !flags.input.is_empty() {
        let bench = LinuxInput::new(clock);
        surfaces.push(Box::new(InputKeys::new(flags.input.clone(), flags.grab, bench, clock, &roster)));
    }
    let pairing = Pairing::default();
    if flags.midi {
        surfaces.push(Box::new(LiveMidi::open(clock, &roster, &pairing, flags.usb.clone())?));
    }
    if flags.usb != UsbSelect::None {
        surfaces.push(Box::new(UsbMidi::open(clock, &roster, &pairing, flags.usb.clone())?));
    }
    if surfaces.is_empty() {
        Err("nothing to listen to: give a --button, --encoder, --led, --pot, --input, --midi or --usb".into())
    } else {
        Ok(surfaces)
    }
}

fn listen(place: usize, surface: &mut dyn Surface, sender: &Sender<Said>, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        let said = match surface.next_gesture(PATIENCE) {
            Ok(None) => continue,
            Ok(Some(gesture)) => Ok(gesture),
            Err(SurfaceError::Closed(_)) => return,
            Err(fault) => Err(fault.to_string()),
        };
        if sender.send(Said::Surface(place, said)).is_err() {
            return;
        }
    }
}

/// A motion as one line.
fn line(motion: &Motion) -> String {
    match motion {
        Motion::Turned(control, Position::Seven(to)) => format!("{control} = {to}"),
        Motion::Turned(control, Position::Fourteen(to)) => format!("{control} = {to} of 16383"),
        Motion::Turned(control, Position::Detents(by)) => format!("{control} {by:+}"),
        Motion::Pressed(control, how) => format!("{control} down {how}"),
        Motion::Released(control) => format!("{control} up"),
        Motion::Struck(key) => format!("key {key:?}"),
        Motion::Transport(transport) => format!("transport {transport:?}"),
        Motion::Connected(identity) => format!("connected {} ({identity})", identity.name),
        Motion::Disconnected => "disconnected".to_owned(),
    }
}

/// Lights the light of a held button's number.
fn echo(gesture: &Gesture, voice: Option<&mut (dyn Voice + 'static)>) {
    use hal::gesture::Control::Button;
    let (number, on) = match gesture.motion {
        Motion::Pressed(Button(number), _) => (number, true),
        Motion::Released(Button(number)) => (number, false),
        _ => return,
    };
    if let Some(Err(fault)) = voice.map(|voice| voice.say(gesture.surface, &Reply::Led(number, on))) {
        println!("fault {fault}");
    }
}

/// Says a line's bytes: every surface is told, and whose controller it is not passes it over.
fn say(line: &str, voices: &mut [Option<Box<dyn Voice>>]) {
    let mut words = line.split_whitespace();
    let number = words.next().and_then(|it| it.parse().ok());
    let bytes: Option<Vec<u8>> = words.map(|it| u8::from_str_radix(it, 16).ok()).collect();
    let (Some(number), Some(bytes)) = (number, bytes) else {
        println!(
            "fault '{line}' was not understood: a controller's number and MIDI bytes were expected, as in 4 90 08 01"
        );
        return;
    };
    for voice in voices.iter_mut().flatten() {
        if let Err(fault) = voice.say(SurfaceId(number), &Reply::Midi(bytes.clone())) {
            println!("fault {fault}");
        }
    }
}

fn plan(flags: &Flags) -> Result<PanelPlan, String> {
    let mut plan = PanelPlan::new(&flags.name);
    for words in &flags.button {
        let (number, line, rest) = wire(words)?;
        plan.buttons.push(ButtonPlan { number, line: line.parse()?, active_low: !rest.contains(&"high") });
    }
    for words in &flags.led {
        let (number, line, rest) = wire(words)?;
        plan.leds.push(LedPlan { number, line: line.parse()?, active_low: rest.contains(&"low") });
    }
    for words in &flags.encoder {
        let (number, line, rest) = wire(words)?;
        let a: Line = line.parse()?;
        let second = rest.first().ok_or_else(|| format!("'{words}' has no second line, as in 1=gpiochip0:4,5"))?;
        let place = second.parse().map_or_else(|_| LinePlace::Named((*second).to_owned()), LinePlace::Offset);
        let steps = match rest.get(1) {
            Some(&"1") => DetentSteps::One,
            Some(&"2") => DetentSteps::Two,
            _ => DetentSteps::Four,
        };
        let b = Line { chip: a.chip.clone(), place };
        plan.encoders.push(EncoderPlan { number, a, b, steps, reversed: rest.contains(&"reversed") });
    }
    for words in &flags.pot {
        let (number, adc, rest) = wire(words)?;
        let channel = rest.first().and_then(|it| it.parse().ok());
        let channel = channel.ok_or_else(|| format!("'{words}' has no channel, as in 1=/dev/spidev0.0,2"))?;
        let kind = if rest.contains(&"mcp3208") { McpKind::Mcp3208 } else { McpKind::Mcp3008 };
        plan.pots.push(PotPlan { number, adc: adc.into(), kind, channel });
    }
    Ok(plan)
}

/// `1=first,second,third`
fn wire(words: &str) -> Result<(u8, &str, Vec<&str>), String> {
    let expected =
        || format!("'{words}' was not understood: a number, '=' and a wire were expected, as in 1=gpiochip0:3");
    let (number, wire) = words.split_once('=').ok_or_else(expected)?;
    let mut parts = wire.split(',');
    Ok((number.parse().map_err(|_| expected())?, parts.next().ok_or_else(expected)?, parts.collect()))
}
