//! A tick on the card: slots live in its memory, and everything around the network is a handful of our own kernels.
//!
//! `driver`, `memory` and `stream` fence the CUDA driver, which is opened at run time. `parameters` is the block that a
//! tick uploads, `fill` writes it from a plan, `kernels` launches what works on it. [`DeviceBackend`] joins them with a
//! [`Network`]; which network that is (TensorRT, [`plain`], or one on the host for checks) it does not know.

mod backend;
pub mod driver;
pub mod error;
mod fill;
pub mod host_network;
mod kernels;
pub mod memory;
pub mod network;
pub mod parameters;
pub mod plain;
mod seating;
mod seats;
mod slot;
pub mod stand_in;
pub mod stream;
pub mod trace;

pub use backend::{DeviceBackend, Live};
pub use driver::{Card, Device};
pub use error::DeviceError;
pub use host_network::HostNetwork;
pub use memory::{Buffer, Pinned};
pub use network::{Network, NetworkShape, Ports, Seated};
pub(in crate::backend) use seating::Seating;
pub use stand_in::StandIn;
pub use stream::{Event, Stream};
