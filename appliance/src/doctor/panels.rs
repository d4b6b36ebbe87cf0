//! What the box's file says is built in: panels, displays, foot switches.

use std::path::{Path, PathBuf};

use super::{Finding, Machine};
use crate::files::shown;
use crate::settings::box_file::{BoxConfig, DisplayDevice};

const CHIPS: &str = "/sys/bus/gpio/devices";
const INPUTS: &str = "/dev/input";

/// Whether everything that is described is there, and may be used.
pub(super) fn panels(machine: &dyn Machine, config: &BoxConfig) -> Finding {
    const ROW: &str = "panels";
    let described = described(machine, config);
    if described.is_empty() {
        return Finding::absent(ROW, "the box's file describes none");
    }
    for (what, device) in &described {
        let Err(error) = machine.may_use(device) else { continue };
        let found = format!("{what}: {}: {error}", shown(device));
        let mend = if error.kind() == std::io::ErrorKind::PermissionDenied {
            "install udev/71-demon-panel.rules and systemd/sysusers.d/demon.conf, then restart the box"
        } else {
            "look at cable and bus (dtparam, i2c-dev, spidev), and at the path in /etc/demon/demon.toml"
        };
        return Finding::fault(ROW, found, mend);
    }
    let all: Vec<String> = described.iter().map(|(what, device)| format!("{what} at {}", shown(device))).collect();
    Finding::well(ROW, all.join(", "))
}

/// Every device of the file, with what it is for.
fn described(machine: &dyn Machine, config: &BoxConfig) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for display in &config.displays {
        let display_at = |path: &PathBuf| ("display".to_owned(), path.clone());
        match &display.device {
            DisplayDevice::I2c { bus, .. } => found.push(display_at(bus)),
            DisplayDevice::Framebuffer(path) => found.push(display_at(path)),
            DisplayDevice::Spi { device, data_line, .. } => {
                found.extend([display_at(device), ("line of the display".to_owned(), data_line.0.clone())]);
            }
        }
    }
    for panel in &config.panels {
        let lines = panel.buttons.iter().map(|it| &it.line).chain(panel.leds.iter().map(|it| &it.line));
        let lines = lines.chain(panel.encoders.iter().flat_map(|it| [&it.a, &it.b]));
        let chips = lines.map(|it| chip(machine, &it.chip)).chain(panel.pots.iter().map(|it| it.adc.clone()));
        found.extend(chips.map(|it| (format!("panel '{}'", panel.name), it)));
    }
    if !config.keys.is_empty() {
        found.push(("foot switches".to_owned(), INPUTS.into()));
    }
    found.sort();
    found.dedup();
    found
}

/// The node of a chip that is named by its path, its name or its label.
fn chip(machine: &dyn Machine, name: &str) -> PathBuf {
    if name.starts_with('/') {
        return name.into();
    }
    let has_label = |it: &String| machine.text(&format!("{CHIPS}/{it}/label")).as_deref() == Some(name);
    let by_label = machine.names(CHIPS).into_iter().find(has_label);
    Path::new("/dev").join(by_label.unwrap_or_else(|| name.to_owned()))
}

/// Whether the box's file is sound.
pub(super) fn box_file(faults: &[String]) -> Finding {
    const ROW: &str = "box file";
    match faults {
        [] => Finding::well(ROW, "nothing is wrong with it"),
        some => Finding::warning(ROW, some.join("; "), "docs/box-file.md has every key; the rest of the file is used"),
    }
}
