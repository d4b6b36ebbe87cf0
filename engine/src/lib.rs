//! The sound of the box: samples out for parameters in.
//!
//! Everything here is arithmetic and bookkeeping. The engine never knows hardware, never reads a clock, and opens files
//! only in `model::checkpoint` and its neighbours; compute threads live only in `graph::cpu`. ARCHITECTURE.md walks through
//! the rooms in the order in which a sample passes them.

pub mod backend;
pub mod boundary;
pub mod graph;
pub mod latent;
pub mod live;
pub mod model;
pub mod param;
pub mod playback;
pub mod ring;
pub mod solver;
mod wide;
