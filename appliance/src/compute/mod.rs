//! What has to be there before anything is computed: model and recording as a set, a backend for it, plans for a card, the card's
//! health, and a way back when it is lost.
//!
//! Slow work, with a [`progress`] line; it runs before a performance or on a worker beside it. Nothing here knows of gestures,
//! values or displays, and nothing runs on the fast threads.

pub mod arguments;
pub mod backend;
pub mod build;
pub mod freed;
pub mod health;
pub mod loader;
pub mod plans;
pub mod progress;
pub mod recovery;
pub mod set;
