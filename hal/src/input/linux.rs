//! The kernel's input devices, `/dev/input/event*`.
//!
//! The list is read twice a second rather than watched: it is short, a watch would need the same list at its start, and a
//! device that leaves is noticed at once anyway, since reading it fails.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evdev::{AbsoluteAxisCode, Device, EventType, RelativeAxisCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::bench::{Heard, InputBench, InputFault, KeyMove, Node};
use super::choice::InputDevice;
use super::stamps::Stamps;
use crate::gesture::{Clock, WallClock};

const FOLDER: &str = "/dev/input";

/// The input devices of this machine.
#[derive(Debug)]
pub struct LinuxInput {
    clock: WallClock,
    open: BTreeMap<PathBuf, (Device, Stamps)>,
}

impl LinuxInput {
    /// Keys carry the time of `clock`.
    #[must_use]
    pub const fn new(clock: WallClock) -> Self {
        Self { clock, open: BTreeMap::new() }
    }
}

impl InputBench for LinuxInput {
    fn present(&mut self) -> Result<Vec<Node>, InputFault> {
        let missing =
            |error| InputFault::Absent(format!("no keyboards or foot switches: {FOLDER} is missing ({error})"));
        let entries = std::fs::read_dir(FOLDER).map_err(missing)?;
        let events = entries.filter_map(Result::ok).map(|entry| entry.path());
        let events =
            events.filter(|path| path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"event")));
        // One that is gone between the two looks is not there.
        let node = |path: PathBuf| {
            let about = std::fs::metadata(&path).ok()?;
            Some(Node { inode: about.ino(), path })
        };
        let mut nodes: Vec<Node> = events.filter_map(node).collect();
        nodes.sort();
        Ok(nodes)
    }

    fn open(&mut self, path: &Path) -> Result<InputDevice, InputFault> {
        let what = path.display().to_string();
        let device = Device::open(path).and_then(|device| device.set_nonblocking(true).map(|()| device));
        let device = device.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => InputFault::Forbidden(what),
            io::ErrorKind::NotFound => InputFault::Absent(format!("{what} has gone")),
            _ if error.raw_os_error() == Some(libc::ENODEV) => InputFault::Absent(format!("{what} has gone")),
            _ => InputFault::Unfit(format!("{what} does not open: {error}")),
        })?;
        let described = describe(&device);
        let stamps = Stamps::ask(&device);
        self.open.insert(path.to_owned(), (device, stamps));
        Ok(described)
    }

    fn grab(&mut self, path: &Path) -> Result<(), InputFault> {
        let Some((device, _)) = self.open.get_mut(path) else { return Ok(()) };
        let what = path.display();
        device.grab().map_err(|error| InputFault::Unfit(format!("{what} is not ours alone: {error}")))
    }

    fn close(&mut self, path: &Path) {
        // Closing lets go of a grab.
        self.open.remove(path);
    }

    fn wait(&mut self, patience: Duration, heard: &mut Vec<Heard>) {
        let timeout = Timespec { tv_sec: patience.as_secs().min(3600) as i64, tv_nsec: patience.subsec_nanos().into() };
        let mut waiting: Vec<PollFd<'_>> = self.open.values().map(|(it, _)| PollFd::new(it, PollFlags::IN)).collect();
        // Interrupted, or out of memory for a moment: the caller asks again.
        if poll(&mut waiting, Some(&timeout)).is_err() {
            return;
        }
        let ready: Vec<bool> = waiting.iter().map(|it| !it.revents().is_empty()).collect();
        let mut events = Vec::new();
        for ((path, (device, stamps)), _) in self.open.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            match device.fetch_events() {
                Ok(fetched) => events.extend(fetched.map(|event| (path.clone(), *stamps, event))),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(_) => heard.push(Heard::Left(path.clone())),
            }
        }
        for (path, stamps, event) in events {
            let moved = match (event.event_type(), event.value()) {
                (EventType::KEY, 0) => KeyMove::Up,
                (EventType::KEY, 1) => KeyMove::Down,
                (EventType::KEY, _) => KeyMove::Repeat,
                _ => continue,
            };
            heard.push(Heard::Key {
                path,
                at: stamps.at(event.timestamp(), self.clock.now()),
                code: event.code(),
                moved,
            });
        }
    }
}

fn describe(device: &Device) -> InputDevice {
    let id = device.input_id();
    let text = |words: Option<&str>| words.map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned);
    let moves = device.supported_relative_axes().is_some_and(|axes| axes.contains(RelativeAxisCode::REL_X));
    let stands = device.supported_absolute_axes().is_some_and(|axes| axes.contains(AbsoluteAxisCode::ABS_X));
    InputDevice {
        name: text(device.name()).unwrap_or_else(|| "an input device".to_owned()),
        vendor: id.vendor(),
        product: id.product(),
        serial: text(device.unique_name()),
        port: text(device.physical_path()),
        keys: device.supported_keys().map(|keys| keys.iter().map(|key| key.code()).collect()).unwrap_or_default(),
        points: moves || stands,
    }
}
