//! The units of systemd: which are switched on, and whether they run.

use std::path::Path;

use super::{Finding, Machine};

const SYSTEMD: &str = "/run/systemd/system";
/// Folders in which a link switches a unit on.
const SWITCHED_ON: [&str; 2] = ["/etc/systemd/system", "/usr/lib/systemd/system"];
/// Where the kernel tells whether a unit has processes: the second on machines that keep the older kind of groups too.
const RUNNING: [&str; 2] = ["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/unified/system.slice"];
/// What ours are called: `demon-player.service` and others.
const OURS: &str = "demon-";

/// Whether what is switched on runs.
pub(super) fn units(machine: &dyn Machine) -> Finding {
    const ROW: &str = "units";
    if !machine.is_there(Path::new(SYSTEMD)) {
        return Finding::absent(ROW, "systemd does not run this machine");
    }
    let mut wanted: Vec<String> = Vec::new();
    for folder in SWITCHED_ON {
        for target in machine.names(folder).iter().filter(|it| it.ends_with(".wants")) {
            let units = machine.names(&format!("{folder}/{target}")).into_iter();
            wanted.extend(units.filter(|it| it.starts_with(OURS) && it.ends_with(".service")));
        }
    }
    wanted.sort();
    wanted.dedup();
    let runs = |unit: &str| {
        let events = RUNNING.iter().find_map(|it| machine.text(&format!("{it}/{unit}/cgroup.events")));
        events.is_some_and(|it| it.lines().any(|line| line == "populated 1"))
    };
    match (wanted.as_slice(), wanted.iter().find(|it| !runs(it))) {
        ([], _) => Finding::absent(ROW, "none of ours is switched on"),
        (_, Some(unit)) => Finding::fault(
            ROW,
            format!("{unit} is switched on and does not run"),
            format!("`systemctl status {unit}` says why; `systemctl restart {unit}` starts it again"),
        ),
        (all, None) => Finding::well(ROW, format!("{} run", all.join(", "))),
    }
}
