#![allow(unsafe_code)]
//! The stamps of the kernel's input events, on our clock.
//!
//! The kernel stamps by the calendar unless it is asked for the monotonic clock, and a calendar jumps when it is set. So each
//! device is asked; one that refuses (a kernel before 3.4) goes on by the calendar. Never trusts a stamp that is old or lies
//! ahead: such an event happened now.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use rustix::ioctl::{Setter, ioctl, opcode};
use rustix::time::{ClockId, clock_gettime};

/// `EVIOCSCLOCKID` of `linux/input.h`: sets the clock of a device's stamps, for whoever opened it.
const SET_CLOCK: rustix::ioctl::Opcode = opcode::write::<libc::c_int>(b'E', 0xa0);
/// Stamps older than this come from a clock that was set meanwhile.
const OLDEST: Duration = Duration::from_secs(1);

/// By which clock a device stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamps {
    /// The one that only goes on, as ours does.
    Monotonic,
    /// The calendar.
    Calendar,
}

impl Stamps {
    /// Asks a device for monotonic stamps; answers what it will have.
    pub(super) fn ask(device: impl AsFd) -> Self {
        // SAFETY: the opcode is `EVIOCSCLOCKID`, which reads one `int` and nothing else; on what is no input device the kernel
        // answers ENOTTY.
        let asked = unsafe { ioctl(device, Setter::<SET_CLOCK, libc::c_int>::new(libc::CLOCK_MONOTONIC)) };
        if asked.is_ok() { Self::Monotonic } else { Self::Calendar }
    }

    /// When an event of this stamp happened, on a clock that shows `ours` now.
    pub(super) fn at(self, stamp: SystemTime, ours: Duration) -> Duration {
        let since_1970 = |it: SystemTime| it.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = match self {
            Self::Monotonic => {
                let now = clock_gettime(ClockId::Monotonic);
                Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
            }
            Self::Calendar => since_1970(SystemTime::now()),
        };
        on_our_clock(since_1970(stamp), now, ours)
    }
}

/// A stamp of a clock that shows `now` on one that shows `ours`.
fn on_our_clock(stamp: Duration, now: Duration, ours: Duration) -> Duration {
    let ago = now.checked_sub(stamp).filter(|ago| *ago < OLDEST).unwrap_or_default();
    ours.saturating_sub(ago)
}

#[cfg(test)]
mod tests {
    use super::{Stamps, on_our_clock};
    use rustix::time::{ClockId, clock_gettime};
    use std::time::{Duration, SystemTime};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_event_keeps_its_age_and_a_stamp_of_another_time_is_now() {
        assert_eq!(on_our_clock(ms(90_000), ms(90_012), ms(500)), ms(488), "12 ms ago");
        assert_eq!(on_our_clock(ms(90_000), ms(3_690_000), ms(500)), ms(500), "the clock was set ahead");
        assert_eq!(on_our_clock(ms(90_000), ms(80_000), ms(500)), ms(500), "the clock was set back");
        assert_eq!(on_our_clock(ms(90_000), ms(90_900), ms(500)), ms(0), "before ours began");
    }

    #[test]
    fn a_monotonic_stamp_is_measured_by_the_monotonic_clock() {
        let now = clock_gettime(ClockId::Monotonic);
        let stamp = SystemTime::UNIX_EPOCH + Duration::new(now.tv_sec as u64, now.tv_nsec as u32) - ms(100);
        let ours = Duration::from_secs(1000);
        // By the calendar such a stamp is decades old, and the event would be now.
        assert_eq!(Stamps::Calendar.at(stamp, ours), ours);
        assert!(Stamps::Monotonic.at(stamp, ours) <= ours - ms(100));
    }

    #[test]
    fn what_refuses_the_question_goes_on_by_the_calendar() {
        let nothing = std::fs::File::open("/dev/null").expect("every system has it");
        assert_eq!(Stamps::ask(nothing), Stamps::Calendar);
    }
}
