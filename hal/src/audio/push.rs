//! Hands bytes to a device until it has taken them all, whatever it answers.
//!
//! Running dry and sleep are recovered from and counted. A device that says again and again that it has room and then takes
//! nothing is not asked without a pause: this loop runs at real-time priority, and would take a core from everything else. One
//! that takes nothing for two seconds is given up. Nothing here knows ALSA, so that every answer can be tried out.

/// How long a device may take nothing at all, in milliseconds. Longer than any buffer that we ask for.
pub(super) const STALL_MS: u32 = 2_000;
/// The pause after an answer that led to nothing, in milliseconds: short against a period of 5.
const REST_MS: u32 = 1;

/// What is written to. Errors are numbers of the system.
pub(super) trait Port {
    /// Takes what there is room for now; answers how many bytes that were, always whole frames.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, i32>;
    /// Waits for room, up to so many milliseconds; whether there is some.
    fn wait(&mut self, patience_ms: u32) -> Result<bool, i32>;
    /// Makes it ready again after it ran dry.
    fn prepare(&mut self) -> Result<(), i32>;
    /// Wakes it after the machine slept.
    fn wake(&mut self) -> Result<(), i32>;
    /// Lets so many milliseconds pass.
    fn rest(&mut self, pause_ms: u32);
}

/// Writes all of `bytes`; answers the gaps that were recovered from. Allocates nothing.
///
/// # Errors
/// The system's number; `ETIMEDOUT` when nothing was taken for [`STALL_MS`].
pub(super) fn push(port: &mut impl Port, bytes: &[u8]) -> Result<u32, i32> {
    let (mut rest, mut gaps) = (bytes, 0);
    // Milliseconds without progress, and whether the last answer led to nothing.
    let (mut idle_ms, mut in_vain) = (0, false);
    while !rest.is_empty() {
        if STALL_MS <= idle_ms {
            return Err(libc::ETIMEDOUT);
        }
        let answer = port.write(rest);
        if let Ok(taken @ 1..) = answer {
            (rest, idle_ms, in_vain) = (&rest[taken..], 0, false);
            continue;
        }
        if in_vain {
            port.rest(REST_MS);
            idle_ms += REST_MS;
        }
        in_vain = true;
        match answer {
            Ok(_) | Err(libc::EAGAIN) => match port.wait(STALL_MS / 2) {
                // Running dry or going to sleep shows at the next write, where it is recovered from.
                Ok(true) | Err(libc::EPIPE | libc::ESTRPIPE | libc::EINTR) => {}
                Ok(false) => idle_ms += STALL_MS / 2,
                Err(error) => return Err(error),
            },
            Err(libc::EINTR) => {}
            Err(libc::EPIPE) => {
                gaps += 1;
                port.prepare()?;
            }
            Err(libc::ESTRPIPE) => {
                gaps += 1;
                port.wake()?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(gaps)
}

#[cfg(test)]
mod tests {
    use super::{Port, STALL_MS, push};
    use std::collections::VecDeque;

    /// Answers by a list; when that is over, the last answer for ever.
    #[derive(Default)]
    struct Scripted {
        writes: VecDeque<Result<usize, i32>>,
        waits: VecDeque<Result<bool, i32>>,
        asked: u32,
        passed_ms: u32,
        prepared: u32,
        woken: u32,
    }

    fn next<T: Clone>(answers: &mut VecDeque<T>) -> T {
        if answers.len() == 1 { answers[0].clone() } else { answers.pop_front().expect("an answer") }
    }

    impl Port for Scripted {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
            self.asked += 1;
            assert!(self.asked < 100_000, "it spins");
            next(&mut self.writes).map(|most| most.min(bytes.len()))
        }

        fn wait(&mut self, patience_ms: u32) -> Result<bool, i32> {
            let room = next(&mut self.waits);
            self.passed_ms += if room == Ok(false) { patience_ms } else { 0 };
            room
        }

        fn prepare(&mut self) -> Result<(), i32> {
            self.prepared += 1;
            Ok(())
        }

        fn wake(&mut self) -> Result<(), i32> {
            self.woken += 1;
            Ok(())
        }

        fn rest(&mut self, pause_ms: u32) {
            self.passed_ms += pause_ms;
        }
    }

    fn port(writes: &[Result<usize, i32>], waits: &[Result<bool, i32>]) -> Scripted {
        Scripted {
            writes: writes.iter().copied().collect(),
            waits: waits.iter().copied().collect(),
            ..Scripted::default()
        }
    }

    #[test]
    fn a_device_that_has_no_room_is_waited_for_and_loses_no_time() {
        let mut port = port(&[Ok(8), Err(libc::EAGAIN), Ok(100)], &[Ok(true)]);
        assert_eq!(push(&mut port, &[0; 64]), Ok(0));
        assert_eq!((port.asked, port.passed_ms), (3, 0));
    }

    #[test]
    fn one_that_has_room_and_takes_nothing_is_given_up_after_two_seconds_and_not_asked_without_a_pause() {
        for answer in [Ok(0), Err(libc::EAGAIN), Err(libc::EINTR), Err(libc::EPIPE), Err(libc::ESTRPIPE)] {
            let mut port = port(&[answer], &[Ok(true)]);
            assert_eq!(push(&mut port, &[0; 64]), Err(libc::ETIMEDOUT), "{answer:?}");
            assert_eq!(port.passed_ms, STALL_MS, "{answer:?}");
            assert!(port.asked <= STALL_MS + 1, "{answer:?}: asked {} times", port.asked);
        }
    }

    #[test]
    fn one_that_has_no_room_for_two_seconds_is_given_up() {
        let mut port = port(&[Err(libc::EAGAIN)], &[Ok(false)]);
        assert_eq!(push(&mut port, &[0; 64]), Err(libc::ETIMEDOUT));
        assert!((STALL_MS..=STALL_MS + 2).contains(&port.passed_ms), "{} ms", port.passed_ms);
    }

    #[test]
    fn running_dry_and_sleep_are_recovered_from_and_counted() {
        let mut port = port(&[Err(libc::EPIPE), Ok(8), Err(libc::ESTRPIPE), Ok(100)], &[Ok(true)]);
        assert_eq!(push(&mut port, &[0; 64]), Ok(2));
        assert_eq!((port.prepared, port.woken, port.passed_ms), (1, 1, 0));
    }

    #[test]
    fn a_device_that_has_gone_is_said_at_once() {
        let mut port = port(&[Ok(8), Err(libc::ENODEV)], &[Ok(true)]);
        assert_eq!(push(&mut port, &[0; 64]), Err(libc::ENODEV));
        let mut port = self::port(&[Err(libc::EAGAIN)], &[Err(libc::ENODEV)]);
        assert_eq!(push(&mut port, &[0; 64]), Err(libc::ENODEV));
    }
}
