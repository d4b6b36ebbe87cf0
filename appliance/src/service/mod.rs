//! This process as a service: what the service manager is told, what it keeps for us, and where its journal is.
//!
//! systemd starts, watches and starts again. It is told by words on its socket ([`systemd`]) that we are ready, how it goes, and,
//! as long as every part that has to move does ([`vitals`]), that we live. [`attendant`] is who tells it. Descriptors that it keeps
//! outlive us: the player's memory. [`bulletin`] is what other services of the box have to tell the player. [`journal`] is where events go with their levels and fields. Where no service manager is, all of this
//! does nothing.
//!
//! [`slow`] is the one small runtime of whatever may wait; nobody fast waits for it.

pub mod attendant;
pub mod bulletin;
pub mod journal;
pub mod slow;
pub mod systemd;
pub mod vitals;
