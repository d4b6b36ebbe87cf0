//! Who a controller is, as far as its plug tells: never a client number, which changes with every plug.

use std::fmt;

/// What a controller's plug says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// What it calls itself, for people.
    pub name: String,
    /// Which model: `usb 1397:00b3` (vendor and product), `alsa Virtual Raw MIDI`, `gpio panel`, `input 046d:c31c`. Two
    /// equal controllers have equal models.
    pub model: String,
    /// Its serial number, where it has one of its own.
    pub serial: Option<String>,
    /// Where it is plugged: a USB port path (`1-2.4`), or whatever else tells equal controllers apart.
    pub port: Option<String>,
}

impl Identity {
    /// An identity of a name and a model alone.
    #[must_use]
    pub fn new(name: impl Into<String>, model: impl Into<String>) -> Self {
        Self { name: name.into(), model: model.into(), serial: None, port: None }
    }
}

/// As files keep it: `usb 1397:00b3 serial 0042`, `usb 1397:00b3 at 1-2.4`, or the model alone.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, serial, port, .. } = self;
        match (serial, port) {
            (Some(serial), _) => write!(f, "{model} serial {serial}"),
            (None, Some(port)) => write!(f, "{model} at {port}"),
            (None, None) => f.write_str(model),
        }
    }
}
