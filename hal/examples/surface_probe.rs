//! Prints one line a gesture of the surfaces that it is told to open, until it is killed, and lights the light of a button's
//! number while the button is held. For a bench, and for a virtual machine with simulated chips:
//!
//! ```text
//! surface_probe --button 1=gpiochip0:3 --encoder 1=gpiochip0:4,5 --led 1=gpiochip0:6 --pot 1=/dev/spidev0.0,2 --input all
//! ```
//!
//! A chip is a path, a name or a label; a line an offset or a name. Appended words change the wiring: `high` for a button or
//! light that is active high, `2` or `1` for an encoder's steps a detent, `reversed`, `mcp3208`.
#![allow(clippy::print_stdout)]

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use clap::Parser;
use hal::adc::McpKind;
use hal::gesture::{Gesture, Motion, Position, Reply, Roster, Surface, SurfaceError, Voice, WallClock};
use hal::input::{InputChoice, InputKeys, LinuxInput};
use hal::panel::{
    ButtonPlan, DetentSteps, EncoderPlan, LedPlan, Line, LinePlace, LinuxBoard, Panel, PanelPlan, PotPlan,
};

/// How long a surface may block; only so that a closed one ends.
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
    // MIDI and USB surfaces are added here, and opened in `surfaces`.
}

/// What comes from the surfaces' threads, with the surface's place.
type Said = (usize, Result<Gesture, String>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = Flags::parse();
    let (sender, said) = channel();
    let mut voices = Vec::new();
    for (place, mut surface) in surfaces(&flags)?.into_iter().enumerate() {
        voices.push(surface.voice());
        let sender = sender.clone();
        std::thread::spawn(move || listen(place, surface.as_mut(), &sender));
    }
    drop(sender);
    println!("listening");
    for (place, said) in said {
        match said {
            Err(fault) => println!("fault {fault}"),
            Ok(gesture) => {
                println!("{} {}", gesture.surface.0, line(&gesture.motion));
                echo(&gesture, voices[place].as_deref_mut());
            }
        }
    }
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
    // MIDI and USB surfaces are opened here.
    if surfaces.is_empty() {
        Err("nothing to listen to: give a --button, --encoder, --led, --pot or --input".into())
    } else {
        Ok(surfaces)
    }
}

fn listen(place: usize, surface: &mut dyn Surface, sender: &Sender<Said>) {
    loop {
        let said = match surface.next_gesture(PATIENCE) {
            Ok(None) => continue,
            Ok(Some(gesture)) => Ok(gesture),
            Err(SurfaceError::Closed(_)) => return,
            Err(fault) => Err(fault.to_string()),
        };
        if sender.send((place, said)).is_err() {
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
