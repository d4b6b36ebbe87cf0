//! What a hand-wired panel is made of: which lines of which chips are buttons, encoders and lights, which channels of
//! which converters are potentiometers.
//!
//! A panel is one thing: it is there whole, or it is away. Who wires two boards and wants one to outlive the other
//! describes two panels.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::debounce::LOCKOUT;
use super::quadrature::DetentSteps;
use crate::adc::McpKind;

/// A panel's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelPlan {
    /// What the panel is called; its map is kept under `gpio` and this.
    pub name: String,
    /// Push buttons and wired foot switches.
    pub buttons: Vec<ButtonPlan>,
    /// Rotary encoders.
    pub encoders: Vec<EncoderPlan>,
    /// Lights.
    pub leds: Vec<LedPlan>,
    /// Potentiometers and faders.
    pub pots: Vec<PotPlan>,
    /// For how long a contact is not listened to after it changed.
    pub lockout: Duration,
}

/// A push button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonPlan {
    /// Its number on the panel.
    pub number: u8,
    /// Its line.
    pub line: Line,
    /// Pressed pulls the line down: the usual wiring, against ground. The line is pulled to where it rests.
    pub active_low: bool,
}

/// A rotary encoder, its common contact on ground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderPlan {
    /// Its number on the panel.
    pub number: u8,
    /// One contact.
    pub a: Line,
    /// The other.
    pub b: Line,
    /// States from detent to detent.
    pub steps: DetentSteps,
    /// Its contacts were soldered the other way round.
    pub reversed: bool,
}

/// A light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedPlan {
    /// Its number on the panel.
    pub number: u8,
    /// Its line.
    pub line: Line,
    /// It is lit by pulling the line down.
    pub active_low: bool,
}

/// A potentiometer or fader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PotPlan {
    /// Its number on the panel.
    pub number: u8,
    /// The converter's device (`/dev/spidev0.0`).
    pub adc: PathBuf,
    /// Which chip that is.
    pub kind: McpKind,
    /// Which of its channels, from 0.
    pub channel: u8,
}

/// A line of a GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// The chip: a path, its name (`gpiochip0`), or its label, which unlike the two others does not change with the order
    /// in which chips were found.
    pub chip: String,
    /// Which line.
    pub place: LinePlace,
}

/// A line on its chip.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinePlace {
    /// By number.
    Offset(u32),
    /// By the name that the board's maker gave it.
    Named(String),
}

/// `gpiochip0:17`, `/dev/gpiochip0:17`, `pinctrl-bcm2711:GPIO17`.
impl FromStr for Line {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let Some((chip, place)) = words.rsplit_once(':').filter(|(chip, place)| !chip.is_empty() && !place.is_empty())
        else {
            return Err(format!("'{words}' is no line: a chip and a line were expected, as in gpiochip0:17"));
        };
        let place = place.parse().map_or_else(|_| LinePlace::Named(place.to_owned()), LinePlace::Offset);
        Ok(Self { chip: chip.to_owned(), place })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            LinePlace::Offset(offset) => write!(f, "{}:{offset}", self.chip),
            LinePlace::Named(name) => write!(f, "{}:{name}", self.chip),
        }
    }
}

/// One line that is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine {
    /// Which.
    pub line: Line,
    /// Whether a low line is told as high. The line is pulled to where it then reads as low.
    pub active_low: bool,
}

impl PanelPlan {
    /// A panel with nothing on it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let (buttons, encoders, leds, pots) = Default::default();
        Self { name: name.into(), buttons, encoders, leds, pots, lockout: LOCKOUT }
    }

    /// The lines to listen to: the buttons in order, then the two contacts of each encoder. A closed contact to ground is
    /// told as high.
    #[must_use]
    pub fn inputs(&self) -> Vec<InputLine> {
        let input = |line: &Line, active_low| InputLine { line: line.clone(), active_low };
        let buttons = self.buttons.iter().map(|it| input(&it.line, it.active_low));
        buttons.chain(self.encoders.iter().flat_map(|it| [input(&it.a, true), input(&it.b, true)])).collect()
    }

    /// What cannot be right in the plan, in words, all at once: numbers or lines that stand twice, nothing at all.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        twice("button", self.buttons.iter().map(|it| it.number), &mut faults);
        twice("encoder", self.encoders.iter().map(|it| it.number), &mut faults);
        twice("light", self.leds.iter().map(|it| it.number), &mut faults);
        twice("potentiometer", self.pots.iter().map(|it| it.number), &mut faults);
        let inputs = self.inputs().into_iter().map(|it| it.line);
        twice("line", inputs.chain(self.leds.iter().map(|it| it.line.clone())), &mut faults);
        let channels = self.pots.iter().map(|it| format!("{} of {}", it.channel, it.adc.display()));
        twice("channel", channels, &mut faults);
        if self.inputs().is_empty() && self.leds.is_empty() && self.pots.is_empty() {
            faults.push("it has no button, encoder, light or potentiometer".to_owned());
        }
        faults
    }
}

fn twice<T: Ord + fmt::Display + Clone>(what: &str, all: impl Iterator<Item = T>, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let again = all.filter(|it| !seen.insert(it.clone()));
    faults.extend(again.map(|it| format!("{what} {it} stands twice")));
}

#[cfg(test)]
mod tests {
    use super::{ButtonPlan, Line, LinePlace, PanelPlan};

    #[test]
    fn a_line_reads_as_it_is_written() {
        for words in ["gpiochip0:17", "/dev/gpiochip0:17", "pinctrl-bcm2711:GPIO17", "platform:gpio:3"] {
            assert_eq!(words.parse::<Line>().unwrap().to_string(), words);
        }
        assert_eq!("a:7".parse::<Line>().unwrap().place, LinePlace::Offset(7));
        assert!("gpiochip0".parse::<Line>().unwrap_err().contains("gpiochip0:17"));
        assert!(":3".parse::<Line>().is_err() && "gpiochip0:".parse::<Line>().is_err());
    }

    #[test]
    fn all_faults_of_a_plan_are_told_at_once() {
        let button = ButtonPlan { number: 1, line: "gpiochip0:3".parse().unwrap(), active_low: true };
        let plan = PanelPlan { buttons: vec![button.clone(), button], ..PanelPlan::new("panel") };
        assert_eq!(plan.faults(), ["button 1 stands twice", "line gpiochip0:3 stands twice"]);
        assert_eq!(PanelPlan::new("panel").faults().len(), 1);
    }
}
