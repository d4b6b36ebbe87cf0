//! What a box of the image opens that is closed otherwise: a shell on a console, and the network for the time of day.
//!
//! Units of the image ask for it (`demon box-file --asks-for`); an engine has no use for either.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::files::document::{Item, Reader};

const KEYS: [&str; 2] = ["console", "clock"];

/// Who is asked for the time. By its address: a box resolves no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// Whoever the network's DHCP server names.
    Dhcp,
    /// A server (NTP).
    Server(IpAddr),
}

/// `dhcp`, or an address.
impl FromStr for ClockSource {
    type Err = &'static str;

    fn from_str(words: &str) -> Result<Self, Self::Err> {
        match words {
            "dhcp" => Ok(Self::Dhcp),
            address => address.parse().map(Self::Server).map_err(|_| "dhcp, or an address as 192.168.1.1"),
        }
    }
}

impl fmt::Display for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.write_str("dhcp"),
            Self::Server(address) => address.fmt(f),
        }
    }
}

/// What is opened; nothing where the file does not say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPlan {
    /// A shell, as root and without a password, on the second console.
    pub console: bool,
    /// Who is asked for the time; without one there is no network.
    pub clock: Vec<ClockSource>,
}

pub(super) fn open(reader: &mut Reader<'_>, item: Item<'_, '_>) -> OpenPlan {
    let mut plan = OpenPlan::default();
    reader.table("open", item, |reader, key, item| {
        let path = format!("open.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "console" => plan.console = reader.boolean(&path, item).unwrap_or_default(),
            "clock" => plan.clock = reader.list(&path, item, Reader::parsed),
            _ => reader.unknown("open.", key, &KEYS),
        }
    });
    plan
}
