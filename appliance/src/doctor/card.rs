//! The graphics card: on the bus, under its driver, and with plans to play from.

use std::path::Path;

use super::{Finding, Machine};
use crate::compute::plans::PlanStore;
use crate::files::shown;

const BUS: &str = "/sys/bus/pci/devices";
const NVIDIA: &str = "0x10de";
/// Class of everything that draws or computes: display controllers.
const DISPLAY_CLASS: &str = "0x03";
const DRIVER_VERSION: &str = "/proc/driver/nvidia/version";
/// What a player opens to reach a card.
const NODES: [&str; 2] = ["/dev/nvidiactl", "/dev/nvidia0"];
const INSTALL: &str = "install NVIDIA's open kernel modules (Debian: nvidia-open-kernel-dkms) and restart the box";
const NO_CARD: &str = "no NVIDIA card: the processor plays";

/// Where NVIDIA's cards are on the bus, with vendor and model.
fn cards(machine: &dyn Machine) -> Vec<(String, String)> {
    let of = |slot: &str, name: &str| machine.text(&format!("{BUS}/{slot}/{name}")).unwrap_or_default();
    let slots = machine.names(BUS).into_iter();
    let nvidia = slots.filter(|it| of(it, "vendor") == NVIDIA && of(it, "class").starts_with(DISPLAY_CLASS));
    nvidia.map(|slot| (format!("10de:{}", of(&slot, "device").trim_start_matches("0x")), slot)).collect()
}

/// Whether a card is on the bus, and whose it is.
pub(super) fn card(machine: &dyn Machine) -> Finding {
    const ROW: &str = "card";
    let found = cards(machine);
    let Some((model, slot)) = found.first() else { return Finding::absent(ROW, NO_CARD) };
    let name = format!("NVIDIA {model} at {slot}");
    match machine.link(&format!("{BUS}/{slot}/driver")).as_deref() {
        Some("nvidia") => Finding::well(ROW, name),
        Some(other) => Finding::fault(ROW, format!("{name} is held by the driver `{other}`"), INSTALL),
        None => Finding::fault(ROW, format!("{name} has no driver"), INSTALL),
    }
}

/// Whether the driver answers.
pub(super) fn driver(machine: &dyn Machine) -> Finding {
    const ROW: &str = "driver";
    if cards(machine).is_empty() {
        return Finding::absent(ROW, NO_CARD);
    }
    let Some(version) = machine.text(DRIVER_VERSION) else {
        return Finding::fault(ROW, "NVIDIA's kernel module is not loaded", INSTALL);
    };
    // `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build ...`
    let mut words = version.lines().next().unwrap_or_default().split_whitespace();
    let number = words.find(|it| it.contains('.') && it.starts_with(|it: char| it.is_ascii_digit()));
    let name = format!("kernel module {}", number.unwrap_or("of unknown version"));
    if let Some((node, error)) = NODES.iter().find_map(|node| Some((node, machine.may_use(Path::new(node)).err()?))) {
        let mend = "put the player's user into the group `video` (systemd/sysusers.d), or load the module nvidia-uvm";
        return Finding::fault(ROW, format!("{name}; {node}: {error}"), mend);
    }
    match machine.cuda_cards() {
        Ok(0) => Finding::fault(
            ROW,
            format!("{name}; CUDA sees no card"),
            "restart the box; then look at `dmesg` for `NVRM`",
        ),
        Ok(count) => Finding::well(ROW, format!("{name}; CUDA sees {count}")),
        Err(words) => {
            let mend =
                "driver and libraries must be of one version: restart the box after an update, or install both again";
            Finding::fault(ROW, format!("{name}; {words}"), mend)
        }
    }
}

/// Whether there is something to play from, as it was written.
pub(super) fn plans(machine: &dyn Machine, folder: &Path) -> Finding {
    const ROW: &str = "plans";
    if cards(machine).is_empty() {
        return Finding::absent(ROW, NO_CARD);
    }
    let build = "`demon build` builds them; `demon run` does it at its start, in minutes";
    if !folder.is_dir() {
        return Finding::warning(ROW, format!("{}: no plan was built yet", shown(&folder)), build);
    }
    let entries = match PlanStore::open(folder).and_then(|it| it.list()) {
        Ok(entries) => entries,
        Err(error) => return Finding::fault(ROW, error.to_string(), "give the player's user rights to the folder"),
    };
    for entry in &entries {
        let fault = match &entry.sidecar {
            Err(fault) => fault.to_string(),
            Ok(sidecar) if sidecar.contents.iter().any(|it| it.bytes == entry.bytes) => continue,
            Ok(_) => format!("{} bytes, others were written", entry.bytes),
        };
        return Finding::warning(ROW, format!("{}: {fault}", shown(&entry.plan)), build);
    }
    if entries.is_empty() {
        return Finding::warning(ROW, format!("{}: no plan was built yet", shown(&folder)), build);
    }
    let bytes: u64 = entries.iter().map(|it| it.bytes).sum();
    Finding::well(ROW, format!("{} in {}, {} MB", entries.len(), shown(&folder), bytes / 1_000_000))
}
