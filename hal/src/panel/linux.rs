//! A panel on the kernel's GPIO character device.
//!
//! The lights are linux-embedded-hal's pins. Its pins have no edges, and the interface under them (version 1 of the
//! kernel's) has one descriptor a line and no serial numbers; so what is listened to goes through `gpiocdev`: all lines of a
//! chip in one request, stamped by the kernel as they happen, numbered, so that a lost edge is noticed. The kernel's
//! debounce stays off: it waits for quiet before it tells, and ours acts at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gpiocdev::chip::Chip;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value, Values};
use gpiocdev::{Request, UapiCall};
use linux_embedded_hal::CdevPin;
use linux_embedded_hal::gpio_cdev;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::board::{Board, Converter, Edge, Lamp, Lines, PanelFault, Wired};
use super::plan::{InputLine, Line, LinePlace, PanelPlan};
use crate::adc::{McpKind, open_spidev};
use crate::gesture::{Clock, WallClock};

/// Who we are to the kernel; `gpioinfo` shows it.
const CONSUMER: &str = "DEMON box";
/// Edges that the kernel keeps for us a chip, 1024 at most: a second of eight encoders spun at once.
const KERNEL_EDGES: u32 = 1024;
/// Words of a read: 64 edges of 48 bytes.
const READ_WORDS: usize = 64 * 6;

/// The chips of this machine.
#[derive(Clone, Copy, Debug)]
pub struct LinuxBoard {
    clock: WallClock,
}

impl LinuxBoard {
    /// Edges carry the time of `clock`.
    #[must_use]
    pub const fn new(clock: WallClock) -> Self {
        Self { clock }
    }
}

impl Board for LinuxBoard {
    fn open(&mut self, plan: &PanelPlan) -> Result<Wired, PanelFault> {
        let mut chips: Vec<Inputs> = Vec::new();
        for (place, input) in plan.inputs().into_iter().enumerate() {
            let (path, offset) = find(&input.line)?;
            match chips.iter_mut().find(|it| it.path == path) {
                Some(chip) => chip.lines.push((offset, place, input)),
                None => chips.push(Inputs { path, lines: vec![(offset, place, input)] }),
            }
        }
        let chips = chips.into_iter().map(Inputs::request).collect::<Result<_, _>>()?;
        let lamps = plan.leds.iter().map(|led| open_lamp(&led.line, led.active_low)).collect::<Result<_, _>>()?;
        let lines = LinuxLines { chips, count: plan.inputs().len(), zero: zero_of(self.clock) };
        Ok(Wired { lines: Box::new(lines), lamps, converters: open_converters(plan)? })
    }
}

/// The kernel's monotonic time at which `clock` began.
fn zero_of(clock: WallClock) -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let since_boot = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0));
    since_boot.saturating_sub(clock.now())
}

/// Lines of one chip, found and not yet asked for.
struct Inputs {
    path: PathBuf,
    /// Offset on the chip, place in the plan.
    lines: Vec<(u32, usize, InputLine)>,
}

impl Inputs {
    fn request(self) -> Result<ChipLines, PanelFault> {
        let mut asked = Request::builder();
        asked.on_chip(&self.path).with_consumer(CONSUMER).with_kernel_event_buffer_size(KERNEL_EDGES);
        for (offset, _, input) in &self.lines {
            asked.with_line(*offset).as_input().with_edge_detection(EdgeDetection::BothEdges);
            // A chip that has no pull resistors ignores this, and the panel has its own.
            if input.active_low {
                asked.as_active_low().with_bias(Bias::PullUp);
            } else {
                asked.as_active_high().with_bias(Bias::PullDown);
            }
        }
        let request = asked.request().map_err(|error| fault(&self.path, &error))?;
        let places = self.lines.into_iter().map(|(offset, place, _)| (offset, place)).collect();
        Ok(ChipLines { path: self.path, request, places, last_number: 0 })
    }
}

struct ChipLines {
    path: PathBuf,
    request: Request,
    /// Offset on the chip, place in the plan.
    places: Vec<(u32, usize)>,
    last_number: u32,
}

impl ChipLines {
    /// Reads what waits: one full read at most, so that a flooded chip does not starve the others.
    fn take(&mut self, zero: Duration, edges: &mut Vec<Edge>) -> Result<u64, PanelFault> {
        let mut words = [0_u64; READ_WORDS];
        let read = self.request.read_edge_events_into_slice(&mut words).map_err(|error| fault(&self.path, &error))?;
        let mut lost = 0;
        for words in words[..read].chunks_exact(self.request.edge_event_u64_size()) {
            let event = self.request.edge_event_from_slice(words).map_err(|error| fault(&self.path, &error))?;
            lost += u64::from(event.seqno.wrapping_sub(self.last_number).saturating_sub(1));
            self.last_number = event.seqno;
            let Some((_, line)) = self.places.iter().find(|(offset, _)| *offset == event.offset) else { continue };
            let at = Duration::from_nanos(event.timestamp_ns).saturating_sub(zero);
            edges.push(Edge { at, line: *line, high: event.kind == EdgeKind::Rising });
        }
        Ok(lost)
    }
}

struct LinuxLines {
    chips: Vec<ChipLines>,
    count: usize,
    zero: Duration,
}

impl Lines for LinuxLines {
    fn wait(&mut self, patience: Duration, edges: &mut Vec<Edge>) -> Result<u64, PanelFault> {
        let mut waiting: Vec<PollFd<'_>> =
            self.chips.iter().map(|chip| PollFd::new(&chip.request, PollFlags::IN)).collect();
        let timeout = Timespec { tv_sec: patience.as_secs().min(3600) as i64, tv_nsec: patience.subsec_nanos().into() };
        match poll(&mut waiting, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(0),
            Ok(_) => {}
            Err(error) => return Err(PanelFault::Gone(format!("the panel ({error})"))),
        }
        let heard: Vec<PollFlags> = waiting.iter().map(PollFd::revents).collect();
        let mut lost = 0;
        for (chip, heard) in self.chips.iter_mut().zip(heard) {
            if heard.contains(PollFlags::IN) {
                lost += chip.take(self.zero, edges)?;
            } else if heard.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                return Err(PanelFault::Gone(chip.path.display().to_string()));
            }
        }
        edges.sort_by_key(|edge| edge.at);
        Ok(lost)
    }

    fn levels(&mut self) -> Result<Vec<bool>, PanelFault> {
        let mut levels = vec![false; self.count];
        for chip in &self.chips {
            let mut values: Values = chip.places.iter().map(|(offset, _)| (*offset, Value::Inactive)).collect();
            chip.request.values(&mut values).map_err(|error| fault(&chip.path, &error))?;
            for (offset, place) in &chip.places {
                levels[*place] = values.get(*offset) == Some(Value::Active);
            }
        }
        Ok(levels)
    }
}

/// A light's pin, driven dark.
fn open_lamp(line: &Line, active_low: bool) -> Result<Box<dyn Lamp>, PanelFault> {
    let (path, offset) = find(line)?;
    let open = || {
        let line = gpio_cdev::Chip::new(&path)?.get_line(offset)?;
        // The pin's own idea of "active low" would invert twice, so the panel inverts and the pin is plain.
        let handle = line.request(gpio_cdev::LineRequestFlags::OUTPUT, u8::from(active_low), CONSUMER)?;
        CdevPin::new(handle)
    };
    match open() {
        Ok(pin) => Ok(Box::new(pin)),
        Err(error) => Err(PanelFault::Unfit(format!("the light on {line} cannot be driven: {error}"))),
    }
}

fn open_converters(plan: &PanelPlan) -> Result<Vec<Converter>, PanelFault> {
    let mut chips: Vec<(&Path, McpKind, Vec<usize>)> = Vec::new();
    for (place, pot) in plan.pots.iter().enumerate() {
        match chips.iter_mut().find(|(path, ..)| *path == pot.adc) {
            Some((_, _, places)) => places.push(place),
            None => chips.push((&pot.adc, pot.kind, vec![place])),
        }
    }
    let open = |(path, kind, pots): (&Path, McpKind, Vec<usize>)| match open_spidev(path, kind) {
        Ok(chip) => Ok(Converter { adc: Box::new(chip), pots }),
        Err(error) => Err(not_open(path, "spi", &error)),
    };
    chips.into_iter().map(open).collect()
}

/// The chip's device and the line's number on it.
fn find(line: &Line) -> Result<(PathBuf, u32), PanelFault> {
    let chip = find_chip(&line.chip)?;
    let offset = match &line.place {
        LinePlace::Offset(offset) => *offset,
        LinePlace::Named(name) => {
            let found = chip.find_line_info(name).map(|info| info.offset);
            found.ok_or_else(|| PanelFault::Unfit(format!("{} has no line called '{name}'", line.chip)))?
        }
    };
    let lines = chip.info().map_err(|error| fault(chip.path(), &error))?.num_lines;
    if offset >= lines {
        return Err(PanelFault::Unfit(format!("{line} does not exist: {} has lines 0 to {}", line.chip, lines - 1)));
    }
    Ok((chip.path().to_owned(), offset))
}

fn find_chip(name: &str) -> Result<Chip, PanelFault> {
    let path = if name.starts_with('/') { PathBuf::from(name) } else { Path::new("/dev").join(name) };
    if path.exists() {
        return open_chip(&path);
    }
    let mut here = Vec::new();
    let mut forbidden = None;
    for path in gpiocdev::chip::chips().unwrap_or_default() {
        match open_chip(&path).and_then(|chip| Ok((chip.info().map_err(|error| fault(&path, &error))?.label, chip))) {
            Ok((label, chip)) if label == name => return Ok(chip),
            Ok((label, chip)) => here.push(format!("{} '{label}'", chip.name())),
            // It may be the one: its label cannot be asked for.
            Err(fault @ PanelFault::Forbidden { .. }) => forbidden = Some(fault),
            Err(_) => {}
        }
    }
    let found = if here.is_empty() { "none at all".to_owned() } else { here.join(", ") };
    Err(forbidden.unwrap_or_else(|| PanelFault::Absent(format!("no GPIO chip '{name}' is here, found: {found}"))))
}

fn open_chip(path: &Path) -> Result<Chip, PanelFault> {
    // Asked of the system first, whose reasons are plainer than the library's.
    let may = std::fs::OpenOptions::new().read(true).write(true).open(path);
    may.map_err(|error| not_open(path, "gpio", &error))?;
    Chip::from_path(path).map_err(|error| fault(path, &error))
}

fn not_open(path: &Path, group: &'static str, error: &std::io::Error) -> PanelFault {
    let what = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => PanelFault::Forbidden { what, group },
        std::io::ErrorKind::NotFound => PanelFault::Absent(format!("{what} is not here")),
        _ => PanelFault::Unfit(format!("{what} does not open: {error}")),
    }
}

/// What an error of the library means.
fn fault(path: &Path, error: &gpiocdev::Error) -> PanelFault {
    let what = path.display();
    let number = match error {
        gpiocdev::Error::Uapi(_, gpiocdev_uapi::Error::Os(number)) => Some(number.0),
        gpiocdev::Error::Os(number) => Some(number.0),
        _ => None,
    };
    match (number, error) {
        (Some(libc::ENODEV | libc::ENXIO), _) => PanelFault::Gone(what.to_string()),
        (Some(libc::EBUSY), _) => PanelFault::Unfit(format!("a line of {what} is in use by another program or driver")),
        (Some(libc::ENOENT), _) => PanelFault::Absent(format!("{what} is not here")),
        (_, gpiocdev::Error::Uapi(UapiCall::ReadEvent, _)) => PanelFault::Gone(format!("{what} ({error})")),
        _ => PanelFault::Unfit(format!("{what}: {error}")),
    }
}
