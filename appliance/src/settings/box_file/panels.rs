//! Wired panels in the box's file.

use hal::adc::McpKind;
use hal::panel::{ButtonPlan, DetentSteps, EncoderPlan, LedPlan, Line, PanelPlan, PotPlan};

use crate::files::document::{Item, Reader};

const CHIPS: [(&str, McpKind); 2] = [("mcp3008", McpKind::Mcp3008), ("mcp3208", McpKind::Mcp3208)];
const KEYS: [&str; 5] = ["name", "button", "encoder", "led", "pot"];

/// The panels that are sound; one that is not as a whole is left out.
pub(super) fn panels(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Vec<PanelPlan> {
    let mut panels: Vec<PanelPlan> = Vec::new();
    for plan in reader.list("panel", item, |reader, path, item| Some((panel(reader, path, item), path.to_owned()))) {
        let (plan, path) = plan;
        let mut faults = plan.faults();
        if panels.iter().any(|other| other.name == plan.name) {
            faults.push(format!("another panel is called '{}' too", plan.name));
        }
        for fault in &faults {
            reader.note(&path, item, fault.clone(), "a panel that can be wired");
        }
        if faults.is_empty() {
            panels.push(plan);
        }
    }
    panels
}

fn panel(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> PanelPlan {
    let mut plan = PanelPlan::new("panel");
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "name" => plan.name = reader.words(&path, item).unwrap_or_default(),
            "button" => plan.buttons = reader.list(&path, item, button),
            "encoder" => plan.encoders = reader.list(&path, item, encoder),
            "led" => plan.leds = reader.list(&path, item, led),
            "pot" => plan.pots = reader.list(&path, item, pot),
            _ => reader.unknown("panel.", key, &KEYS),
        }
    });
    plan
}

/// The keys that parts share, as far as they have been read.
#[derive(Default)]
struct Part {
    number: Option<u8>,
    lines: [Option<Line>; 2],
    flag: Option<bool>,
}

impl Part {
    /// The number and the first line, without which there is no part.
    fn needs(&self, reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, lines: &str) -> Option<(u8, Line)> {
        let Self { number, lines: [line, _], .. } = self;
        if number.is_none() || line.is_none() {
            reader.note(path, item, "an incomplete part".to_owned(), &format!("`number` and {lines}"));
        }
        Some(((*number)?, line.clone()?))
    }
}

fn number(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<u8> {
    reader.whole(path, item, 1, 127).map(|number| number as u8)
}

/// A part with one line and a direction: a button or a light.
fn lined(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<(u8, Line, Option<bool>)> {
    let mut part = Part::default();
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "number" => part.number = number(reader, &path, item),
            "line" => part.lines[0] = reader.parsed(&path, item),
            "active_low" => part.flag = reader.boolean(&path, item),
            _ => reader.unknown("panel.", key, &["number", "line", "active_low"]),
        }
    });
    let (number, line) = part.needs(reader, path, item, "`line`")?;
    Some((number, line, part.flag))
}

fn button(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<ButtonPlan> {
    let (number, line, flag) = lined(reader, path, item)?;
    // Against ground is how buttons are wired.
    Some(ButtonPlan { number, line, active_low: flag.unwrap_or(true) })
}

fn led(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<LedPlan> {
    let (number, line, flag) = lined(reader, path, item)?;
    Some(LedPlan { number, line, active_low: flag.unwrap_or_default() })
}

fn encoder(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<EncoderPlan> {
    let (mut part, mut steps) = (Part::default(), DetentSteps::Four);
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "number" => part.number = number(reader, &path, item),
            "a" => part.lines[0] = reader.parsed(&path, item),
            "b" => part.lines[1] = reader.parsed(&path, item),
            "reversed" => part.flag = reader.boolean(&path, item),
            "steps" => match reader.whole(&path, item, 1, 4) {
                Some(1) => steps = DetentSteps::One,
                Some(2) => steps = DetentSteps::Two,
                Some(4) | None => {}
                Some(_) => reader.fault(&path, item, "1, 2 or 4 states a detent"),
            },
            _ => reader.unknown("panel.", key, &["number", "a", "b", "steps", "reversed"]),
        }
    });
    let (number, a) = part.needs(reader, path, item, "`a` and `b`")?;
    let Some(b) = part.lines[1].take() else {
        reader.note(path, item, "an incomplete part".to_owned(), "`number`, `a` and `b`");
        return None;
    };
    Some(EncoderPlan { number, a, b, steps, reversed: part.flag.unwrap_or_default() })
}

fn pot(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<PotPlan> {
    let (mut of, mut adc, mut kind, mut channel) = (None, None, McpKind::Mcp3008, None);
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "number" => of = number(reader, &path, item),
            "adc" => adc = reader.words(&path, item),
            "chip" => kind = reader.one_of(&path, item, &CHIPS).unwrap_or_default(),
            "channel" => channel = reader.whole(&path, item, 0, 7).map(|channel| channel as u8),
            _ => reader.unknown("panel.", key, &["number", "adc", "chip", "channel"]),
        }
    });
    if of.is_none() || adc.is_none() || channel.is_none() {
        reader.note(path, item, "an incomplete part".to_owned(), "`number`, `adc` and `channel`");
    }
    Some(PotPlan { number: of?, adc: adc?.into(), kind, channel: channel? })
}
