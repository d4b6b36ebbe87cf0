//! How an engine finds the player and is handed what they share: a socket in the run-time folder, and one descriptor through it.
//!
//! The player listens ([`door`]); an engine knocks ([`link`]), says which layout it knows, and is answered with words of refusal or
//! with the memory ([`memory`]), sealed so that nobody can take pages away under the other. One engine is attached at a time, for
//! as long as its end of the socket is open: when its process dies, however it dies, the system closes it. What else is said
//! there is a few words ([`words`]), small enough that nobody ever waits for the other to read them.
//!
//! Nothing here knows what a tape is; that is `engine::playback` on both sides of the memory.

pub mod door;
pub mod folder;
pub mod link;
pub mod memory;
mod socket;
pub mod witness;
pub mod words;

#[cfg(test)]
mod tests;
