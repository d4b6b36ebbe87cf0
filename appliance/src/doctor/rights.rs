//! What the system lets the player do: run before others, keep its memory, and have the processor at full speed.

use super::{Finding, Machine};

const PROCESSORS: &str = "/sys/devices/system/cpu";

/// Priority and memory.
pub(super) fn rights(machine: &dyn Machine) -> Finding {
    const ROW: &str = "rights";
    let mend =
        "run it by its unit (LimitRTPRIO=95, LimitMEMLOCK=infinity), or give the user both in /etc/security/limits.d";
    let refused: Vec<String> = [machine.realtime(), machine.memory()].into_iter().filter_map(Result::err).collect();
    if refused.is_empty() {
        Finding::well(ROW, "real-time priority and locked memory are granted")
    } else {
        Finding::fault(ROW, refused.join("; "), mend)
    }
}

/// Who sets the processor's speed.
pub(super) fn processor(machine: &dyn Machine) -> Finding {
    const ROW: &str = "processor";
    let is_core = |it: &String| it.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok());
    let cores: Vec<String> = machine.names(PROCESSORS).into_iter().filter(is_core).collect();
    let of = |core: &str, name: &str| machine.text(&format!("{PROCESSORS}/{core}/cpufreq/{name}"));
    for core in &cores {
        // Under a driver that sets speeds by itself the word means something else, and does no harm.
        let by_itself = of(core, "scaling_driver").is_some_and(|it| it == "intel_pstate" || it == "amd-pstate-epp");
        if let Some(governor) = of(core, "scaling_governor").filter(|it| it == "powersave" && !by_itself) {
            let found = format!("{core} is kept at its lowest speed (governor `{governor}`)");
            return Finding::warning(ROW, found, "`cpupower frequency-set -g performance`");
        }
    }
    Finding::well(ROW, format!("{} cores", cores.len().max(1)))
}
