//! What can go wrong on a GPU, sorted by what the caller does next.

/// Why the device did not do it. The ring on the host is never harmed: generations begin again on whatever comes next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no driver on this machine: play on the CPU.
    #[error("no NVIDIA driver: libcuda cannot be opened")]
    NoDriver,
    /// There is a driver that does not work: say so, play on the CPU.
    #[error("the NVIDIA driver does not start: {words}")]
    DriverBroken {
        /// The driver's own words.
        words: String,
    },
    /// The driver works and there is no card, or none of that number.
    #[error("no GPU {ordinal}: the driver sees {count}")]
    NoDevice {
        /// The card that was asked for.
        ordinal: usize,
        /// Cards that there are.
        count: usize,
    },
    /// Our kernels, or a plan, are not for this card or driver: build them for it.
    #[error("{what} cannot run on {card}: {words}")]
    WrongCard {
        /// The kernels or the plan.
        what: String,
        /// The card, with its compute capability and driver.
        card: String,
        /// What the driver said.
        words: String,
    },
    /// The card is too full: use a smaller depth, a shorter tape, or free the card.
    #[error("GPU memory is full: {wanted} bytes wanted, {free} of {total} free")]
    OutOfMemory {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes free.
        free: usize,
        /// Bytes of the card.
        total: usize,
    },
    /// A kernel did something illegal. Everything of this process on the card is gone, the card is well: open it again.
    #[error("a GPU kernel failed (seen by {call}): {words}")]
    KernelFault {
        /// Where it was noticed.
        call: &'static str,
        /// The driver's own words.
        words: String,
    },
    /// The card fell off the bus or was reset: it may come back.
    #[error("the GPU is lost (seen by {call}): {words}")]
    Lost {
        /// Where it was noticed.
        call: &'static str,
        /// The driver's own words.
        words: String,
    },
    /// The driver refused a call: a fault of the program.
    #[error("{call}: {words}")]
    Refused {
        /// The call.
        call: &'static str,
        /// The driver's own words.
        words: String,
    },
}

impl DeviceError {
    /// Whether everything that lived on the card is gone, so that it has to be opened again.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::KernelFault { .. } | Self::Lost { .. })
    }
}
