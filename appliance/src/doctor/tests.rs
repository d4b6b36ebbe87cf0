//! Goal: each of the faults that a box has is named by its row, in words that name the thing, with what mends it; a sound box
//! has none. Method: a machine made of files below a folder, and of answers, sound at first; a fault is planted in one of them.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hal::audio::{Agreed, Encoding, OutError};
use tempfile::TempDir;

use super::*;
use crate::recorder::{Kind, Recorder};
use crate::settings::box_file::BoxConfig;
use hal::usb::UsbSelect;

const CARD: &str = "/sys/bus/pci/devices/0000:01:00.0";
const HUB: &str = "/sys/bus/usb/devices/1-2";
const BOX_FILE: &str = "format = 2\n\
    [midi]\nusb = \"1397:00b3\"\n\
    [[display]]\nkind = \"sh1106\"\ndevice = \"/dev/i2c-1\"\n\
    [[panel]]\nname = \"front\"\n[[panel.button]]\nnumber = 1\nline = \"pinctrl:17\"\n";

/// A box of files and answers.
struct Box {
    root: TempDir,
    files: ThisMachine,
    refused: HashMap<PathBuf, io::ErrorKind>,
    space: Space,
    realtime: Result<(), String>,
    memory: Result<(), String>,
    sound: Result<Agreed, OutError>,
    has_card: bool,
    cuda: Result<usize, String>,
    now: SystemTime,
    patient: Patient,
}

impl Box {
    /// Nothing is wrong with it.
    fn sound() -> Self {
        let root = tempfile::tempdir().expect("a folder can be made");
        let state = root.path().join("state");
        fs::create_dir(&state).expect("a folder can be made");
        let plans = root.path().join("plans");
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house");
        let (config, faults) = BoxConfig::parse(BOX_FILE);
        assert_eq!(faults, [], "the box's file is sound");
        let agreed =
            Agreed { period_frames: 256, buffer_frames: 768, channels: 2, encoding: Encoding::F32, paced: true };
        let planted = Self {
            files: ThisMachine::below(root.path()),
            root,
            refused: HashMap::new(),
            space: Space { free_bytes: 100 << 30, read_only: false },
            realtime: Ok(()),
            memory: Ok(()),
            sound: Ok(agreed),
            has_card: true,
            cuda: Ok(1),
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            patient: Patient {
                config: (config, Vec::new()),
                device: "hw:1".to_owned(),
                model: Ok(model),
                plans,
                state,
            },
        };
        for (name, text) in [("vendor", "0x10de"), ("class", "0x030000"), ("device", "0x2b85")] {
            planted.write(&format!("{CARD}/{name}"), text);
        }
        planted.link(&format!("{CARD}/driver"), "../../../bus/pci/drivers/nvidia");
        let version =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 12";
        planted.write("/proc/driver/nvidia/version", version);
        let controller = [("idVendor", "1397"), ("idProduct", "00b3"), ("busnum", "1"), ("devnum", "7")];
        for (name, text) in controller.into_iter().chain([("product", "X-TOUCH MINI")]) {
            planted.write(&format!("{HUB}/{name}"), text);
        }
        planted.write(&format!("{HUB}:1.0/bInterfaceClass"), "01");
        planted.write(&format!("{HUB}:1.0/bInterfaceSubClass"), "03");
        planted.write("/sys/bus/gpio/devices/gpiochip4/label", "pinctrl");
        planted.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
        planted.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance");
        planted.write("/run/systemd/system/.there", "");
        planted.write("/etc/systemd/system/multi-user.target.wants/demon-engine.service", "");
        planted.write("/sys/fs/cgroup/system.slice/demon-engine.service/cgroup.events", "populated 1\nfrozen 0");
        planted.plan("a", 4);
        planted.played(&[(Kind::Start, "4242 demon"), (Kind::End, "")]);
        planted
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.files_path(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
        fs::write(path, format!("{text}\n")).expect("a file can be written");
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.files_path(path)).expect("it was there");
    }

    fn link(&self, path: &str, target: &str) {
        let _ = fs::remove_file(self.files_path(path));
        symlink(target, self.files_path(path)).expect("a link can be made");
    }

    fn files_path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// A plan of four bytes of which its sidecar says that it has `bytes`.
    fn plan(&self, name: &str, bytes: u64) {
        fs::create_dir_all(&self.patient.plans).expect("a folder can be made");
        let sidecar = include_str!("../../tests/formats/plan-sidecar/v1.toml");
        let content = sidecar.split_once("[[content]]").expect("a sidecar names its content").0;
        let sidecar = format!("{content}[[content]]\nbytes = {bytes}\nblake3 = \"{}\"\n", blake3::hash(b"plan"));
        fs::write(self.patient.plans.join(format!("{name}.plan")), b"plan").expect("it can be written");
        fs::write(self.patient.plans.join(format!("{name}.toml")), sidecar).expect("it can be written");
    }

    /// What the recorder noted.
    fn played(&self, notes: &[(Kind, &str)]) {
        let recorder = Recorder::open(&self.patient.state).expect("the folder is there");
        notes.iter().for_each(|(kind, text)| recorder.note(*kind, text));
    }

    fn refuse(&mut self, path: &str, kind: io::ErrorKind) {
        self.refused.insert(path.into(), kind);
    }

    /// What is named: everything that is neither well nor absent.
    fn named(&self) -> Vec<Finding> {
        let all = examine(&self.patient, self);
        all.into_iter().filter(|it| Verdict::Warning <= it.verdict).collect()
    }
}

impl Machine for Box {
    fn text(&self, path: &str) -> Option<String> {
        self.files.text(path)
    }
    fn names(&self, folder: &str) -> Vec<String> {
        self.files.names(folder)
    }
    fn link(&self, path: &str) -> Option<String> {
        self.files.link(path)
    }
    fn is_there(&self, path: &Path) -> bool {
        self.files.is_there(path)
    }
    fn may_use(&self, path: &Path) -> io::Result<()> {
        self.refused.get(path).map_or(Ok(()), |kind| Err((*kind).into()))
    }
    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(self.space)
    }
    fn realtime(&self) -> Result<(), String> {
        self.realtime.clone()
    }
    fn memory(&self) -> Result<(), String> {
        self.memory.clone()
    }
    fn sound(&self, _: &str) -> Result<Agreed, OutError> {
        self.sound.clone()
    }
    fn has_card(&self) -> bool {
        self.has_card
    }
    fn cuda_cards(&self) -> Result<usize, String> {
        self.cuda.clone()
    }
    fn now(&self) -> SystemTime {
        self.now
    }
}

#[test]
fn on_a_sound_box_nothing_is_named_and_everything_is_looked_at() {
    let planted = Box::sound();
    assert_eq!(planted.named(), []);
    let rows = examine(&planted.patient, &planted);
    assert!(rows.iter().all(|it| it.verdict == Verdict::Well), "{rows:#?}");
    let names: Vec<_> = rows.iter().map(|it| it.row).collect();
    let mut known = names.clone();
    known.dedup();
    assert_eq!((known.len(), names.len()), (14, 14), "{names:?}");
}

#[test]
fn a_performance_that_still_plays_was_not_cut_off() {
    let planted = Box::sound();
    planted.played(&[(Kind::Start, "4242 demon")]);
    planted.write("/proc/4242/comm", "demon");
    planted.write("/proc/4242/stat", "4242 (demon) S 1 4242");
    assert_eq!(planted.named(), []);
    planted.write("/proc/4242/stat", "4242 (demon) Z 1 4242");
    assert_eq!(planted.named().len(), 1, "nobody has waited for it");
    planted.write("/proc/4242/stat", "4242 (Z) S 1 4242");
    planted.write("/proc/4242/comm", "another program with that number");
    assert_eq!(planted.named().len(), 1);
}

#[test]
fn the_document_has_a_line_for_every_row() {
    let document = include_str!("../../../docs/doctor.md");
    let lines = document.lines().filter_map(|it| it.strip_prefix("| `"));
    let told: Vec<_> = lines.filter_map(|it| it.split('`').next()).collect();
    let planted = Box::sound();
    assert_eq!(told, examine(&planted.patient, &planted).iter().map(|it| it.row).collect::<Vec<_>>());
}

/// Plants a fault; the row that must name it, how, and words that must stand there.
type Case = (&'static str, Verdict, &'static [&'static str], fn(&mut Box));

const CASES: &[Case] = &[
    ("card", Verdict::Fault, &["10de:2b85", "no driver", "nvidia-open"], |it| it.remove(&format!("{CARD}/driver"))),
    ("card", Verdict::Fault, &["0000:01:00.0", "nouveau"], |it| it.link(&format!("{CARD}/driver"), "drivers/nouveau")),
    ("driver", Verdict::Fault, &["not loaded"], |it| it.remove("/proc/driver/nvidia/version")),
    ("driver", Verdict::Fault, &["580.65.06", "mismatch", "one version"], |it| {
        it.cuda = Err("driver and library mismatch".to_owned());
    }),
    ("driver", Verdict::Fault, &["sees no card"], |it| it.cuda = Ok(0)),
    ("driver", Verdict::Fault, &["/dev/nvidia0", "video"], |it| {
        it.refuse("/dev/nvidia0", io::ErrorKind::PermissionDenied);
    }),
    ("plans", Verdict::Warning, &["b.plan", "4 bytes", "demon build"], |it| it.plan("b", 5)),
    ("plans", Verdict::Warning, &["no plan", "demon build"], |it| {
        fs::remove_dir_all(&it.patient.plans).expect("it was there");
    }),
    ("model", Verdict::Fault, &["there is no model"], |it| it.patient.model = Err("there is no model".to_owned())),
    ("model", Verdict::Fault, &["missing", "config.json"], |it| {
        it.patient.model = Ok(it.patient.state.clone());
    }),
    ("sound", Verdict::Fault, &["no sound card"], |it| {
        (it.sound, it.has_card) = (Err(gone("no such device")), false);
    }),
    ("sound", Verdict::Fault, &["hw:1", "busy", "fuser"], |it| it.sound = Err(gone("it is busy"))),
    ("sound", Verdict::Fault, &["48000 Hz", "44100", "plug:"], |it| {
        let (asked, offered) = ("48000 Hz".to_owned(), "44100 Hz".to_owned());
        it.sound = Err(OutError::Unsupported { device: "hw:1".to_owned(), asked, offered });
    }),
    ("controllers", Verdict::Fault, &["X-TOUCH MINI", "001/007", "70-demon-usb-midi.rules"], |it| {
        it.refuse("/dev/bus/usb/001/007", io::ErrorKind::PermissionDenied);
    }),
    ("controllers", Verdict::Fault, &["/dev/snd/seq", "snd-seq"], |it| {
        it.patient.config.0.usb = UsbSelect::None;
        it.refuse("/dev/snd/seq", io::ErrorKind::NotFound);
    }),
    ("panels", Verdict::Fault, &["display", "/dev/i2c-1", "71-demon-panel.rules"], |it| {
        it.refuse("/dev/i2c-1", io::ErrorKind::PermissionDenied);
    }),
    ("panels", Verdict::Fault, &["panel 'front'", "/dev/gpiochip4", "cable"], |it| {
        it.refuse("/dev/gpiochip4", io::ErrorKind::NotFound);
    }),
    ("box file", Verdict::Warning, &["line 3", "docs/box-file.md"], |it| {
        it.patient.config.1 = vec!["line 3: no such key".to_owned()];
    }),
    ("rights", Verdict::Fault, &["priority was refused", "LimitRTPRIO"], |it| {
        it.realtime = Err("priority was refused".to_owned());
    }),
    ("rights", Verdict::Fault, &["could not be locked", "LimitMEMLOCK"], |it| {
        it.memory = Err("memory could not be locked".to_owned());
    }),
    ("processor", Verdict::Warning, &["cpu0", "powersave", "cpupower"], |it| {
        it.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
    }),
    ("clock", Verdict::Warning, &["hpet"], |it| {
        it.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
    }),
    ("clock", Verdict::Warning, &["date", "battery"], |it| it.now = SystemTime::UNIX_EPOCH + Duration::from_secs(60)),
    ("disk", Verdict::Fault, &["state", "reading alone"], |it| it.space.read_only = true),
    ("disk", Verdict::Fault, &["41 MB", "demon build --clean"], |it| it.space.free_bytes = 41_000_000),
    ("disk", Verdict::Warning, &["999 MB"], |it| it.space.free_bytes = 999_000_000),
    ("recorder", Verdict::Warning, &["cut off", "power, or a kill", "demon report --crash"], |it| {
        it.played(&[(Kind::Start, "4242 demon")]);
    }),
    ("recorder", Verdict::Warning, &["tick: index out of bounds"], |it| {
        it.played(&[(Kind::Start, "4242 demon"), (Kind::Panic, "tick: index out of bounds")]);
    }),
    ("units", Verdict::Fault, &["demon-engine.service", "systemctl"], |it| {
        it.write("/sys/fs/cgroup/system.slice/demon-engine.service/cgroup.events", "populated 0\nfrozen 0");
    }),
];

fn gone(cause: &str) -> OutError {
    OutError::Gone { device: "hw:1".to_owned(), cause: cause.to_owned() }
}

#[test]
fn each_planted_fault_is_named_by_its_row_alone_with_the_thing_and_what_mends_it() {
    for (number, (row, verdict, words, plant)) in CASES.iter().enumerate() {
        let mut planted = Box::sound();
        plant(&mut planted);
        let named = planted.named();
        let [only] = named.as_slice() else { panic!("case {number}, {row}: {named:#?}") };
        assert_eq!((only.row, only.verdict), (*row, *verdict), "case {number}: {only:?}");
        let told = format!("{}\n{}", only.found, only.mend.as_deref().expect("a fault says what mends it"));
        for word in *words {
            assert!(told.contains(word), "case {number}, {row}: `{word}` is not in {told}");
        }
    }
}

#[test]
fn a_box_without_a_card_a_panel_or_systemd_misses_none_of_them() {
    let mut planted = Box::sound();
    fs::remove_dir_all(planted.files_path("/sys/bus")).expect("it was there");
    fs::remove_dir_all(planted.files_path("/run")).expect("it was there");
    planted.patient.config.0 = BoxConfig::default();
    assert_eq!(planted.named(), []);
    let absent: Vec<_> =
        examine(&planted.patient, &planted).into_iter().filter(|it| it.verdict == Verdict::Absent).collect();
    let rows: Vec<_> = absent.iter().map(|it| it.row).collect();
    assert_eq!(rows, ["card", "driver", "plans", "controllers", "panels", "units"]);
}
