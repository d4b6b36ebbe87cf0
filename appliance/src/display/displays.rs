//! The displays of a box: each on a thread of its own, 30 frames a second at most, and never in the way of a hand.

use std::time::Duration;

use hal::display::{Frame, Framebuffer, I2cOled, Reopening, ScreenThread, SpiOled, Tones};
use hal::gesture::WallClock;

use crate::display::screens::{Chooser, Look, Screen, draw};
use crate::display::status::Status;
use crate::settings::box_file::{DisplayDevice, DisplayPlan};

/// One display.
struct Display {
    plan: DisplayPlan,
    screen: Screen,
    thread: ScreenThread,
    /// The fault that was said.
    said: Option<String>,
}

/// All displays.
#[derive(Default)]
pub struct Displays {
    displays: Vec<Display>,
    chooser: Chooser,
}

impl Displays {
    /// Starts the displays of a box. One that is not there is looked for every two seconds.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(plans: &[DisplayPlan], clock: WallClock) -> std::io::Result<Self> {
        let display = |plan: &DisplayPlan| {
            let thread = start(plan.device.clone(), clock)?;
            Ok(Display { plan: plan.clone(), screen: plan.screen, thread, said: None })
        };
        let displays = plans.iter().map(display).collect::<std::io::Result<_>>()?;
        Ok(Self { displays, chooser: Chooser::default() })
    }

    /// Displays that a test has opened.
    #[cfg(test)]
    pub(crate) fn onto(opened: Vec<(DisplayPlan, ScreenThread)>) -> Self {
        let display = |(plan, thread): (DisplayPlan, ScreenThread)| {
            let screen = plan.screen;
            Display { plan, screen, thread, said: None }
        };
        Self { displays: opened.into_iter().map(display).collect(), chooser: Chooser::default() }
    }

    /// Lets the displays go with what they show. Waits for each, and a bus that hangs may take for ever: called with a deadline
    /// outside.
    pub fn leave_shown(mut self) {
        for display in std::mem::take(&mut self.displays) {
            let _ = display.thread.finish();
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.displays.is_empty()
    }

    /// Every display goes on to the next of its screens.
    pub fn turn(&mut self) {
        for display in &mut self.displays {
            display.screen = display.screen.next();
        }
    }

    /// What stands on each when nothing else is asked of it.
    #[must_use]
    pub fn screens(&self) -> Vec<Screen> {
        self.displays.iter().map(|it| it.screen).collect()
    }

    /// Puts these on them, one on each; where there are more or fewer displays than there were, nothing.
    pub fn put(&mut self, screens: &[Screen]) {
        if screens.len() == self.displays.len() {
            self.displays.iter_mut().zip(screens).for_each(|(display, screen)| display.screen = *screen);
        }
    }

    /// Hands over a picture of `status`; answers each display whose fault is another than at the last call, with the fault, or
    /// none where it is over.
    pub fn show(&mut self, status: &Status, now: Duration) -> Vec<(String, Option<String>)> {
        let mut news = Vec::new();
        for display in &mut self.displays {
            let screen = self.chooser.choose(status, display.screen, now);
            let mut frame = Frame::default();
            match draw(status, screen, Look::of(&display.plan), &mut frame) {
                Ok(()) => display.thread.show(&frame),
                Err(never) => match never {},
            }
            let fault = display.thread.fault();
            if fault != display.said {
                display.said.clone_from(&fault);
                news.push((display.plan.device.place(), fault));
            }
        }
        news
    }

    /// Leaves the displays dark. Waits for each, and a bus that hangs may take for ever: called with a deadline outside.
    pub fn close(mut self) {
        let displays = std::mem::take(&mut self.displays);
        // All of them are told before one is waited for.
        displays.iter().for_each(|it| it.thread.show(&Frame::default()));
        for display in displays {
            let _ = display.thread.finish();
        }
    }
}

impl Drop for Displays {
    /// A start that failed does not wait for a bus that hangs.
    fn drop(&mut self) {
        let displays = std::mem::take(&mut self.displays);
        if !displays.is_empty() {
            // Where there is no thread left they are waited for after all.
            let _ = std::thread::Builder::new().name("displays".to_owned()).spawn(move || drop(displays));
        }
    }
}

fn start(device: DisplayDevice, clock: WallClock) -> std::io::Result<ScreenThread> {
    match device {
        DisplayDevice::I2c { bus, address, setup } => {
            let open = move || I2cOled::open(&bus, address, setup);
            ScreenThread::start(Reopening::new("the display", open, clock), clock)
        }
        DisplayDevice::Spi { device, speed_hz, data_line: (chip, line), setup } => {
            let open = move || SpiOled::open(&device, speed_hz, &chip, line, setup);
            ScreenThread::start(Reopening::new("the display", open, clock), clock)
        }
        DisplayDevice::Framebuffer { path, bright } => {
            let tones = Tones { light: [bright; 3], ..Tones::default() };
            let open = move || Framebuffer::open(&path, tones);
            ScreenThread::start(Reopening::new("the screen", open, clock), clock)
        }
    }
}
