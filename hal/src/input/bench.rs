//! Where input devices are: who is there, and what their keys do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::InputDevice;

/// A device's place in the file system. The same path after a replug is another node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// `/dev/input/event3`.
    pub path: PathBuf,
    /// Its inode: another one when the node was made anew, the same when its rights changed.
    pub inode: u64,
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMove {
    /// It went down.
    Down,
    /// It came up.
    Up,
    /// The kernel repeats it while it is held. Nobody did anything.
    Repeat,
}

/// What came from an open device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A key moved.
    Key {
        /// Whose.
        path: PathBuf,
        /// When, on the surface's clock.
        at: Duration,
        /// Which, by the kernel's number.
        code: u16,
        /// How.
        moved: KeyMove,
    },
    /// The device left.
    Left(PathBuf),
}

/// The machine's input devices.
pub trait InputBench: Send {
    /// Those that are there now.
    ///
    /// # Errors
    /// [`InputFault::Absent`] where there can be none.
    fn present(&mut self) -> Result<Vec<Node>, InputFault>;

    /// Opens one, and keeps it until it is closed.
    ///
    /// # Errors
    /// [`InputFault`], sorted by what to do next.
    fn open(&mut self, path: &Path) -> Result<InputDevice, InputFault>;

    /// Takes an open one for ourselves: nobody else hears its keys.
    ///
    /// # Errors
    /// [`InputFault::Unfit`] when somebody else did so.
    fn grab(&mut self, path: &Path) -> Result<(), InputFault>;

    /// Closes one.
    fn close(&mut self, path: &Path);

    /// Waits up to `patience` for something to hear from the open ones. A device's own words are in order.
    fn wait(&mut self, patience: Duration, heard: &mut Vec<Heard>);
}

/// Why there is no input device. None of these ends the performance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputFault {
    /// There is none, or it has gone again. Look again.
    #[error("{0}")]
    Absent(String),
    /// It is there and may not be opened. Look again, and say what to do about it.
    #[error("{0} may not be opened: the user must be in the group 'input' (udev/71-demon-panel.rules)")]
    Forbidden(String),
    /// It is there and does not do what it should. Say so; go on with what works.
    #[error("{0}")]
    Unfit(String),
}
