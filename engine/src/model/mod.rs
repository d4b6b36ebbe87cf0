//! The published architecture, written once as graphs.
//!
//! Names follow the published checkpoint. Building a graph touches no weights; lowerings do. Around the graphs stands
//! the plain arithmetic that is no network: quantisation, packing, blending, the prompt templates.

mod block;
pub mod checkpoint;
pub mod condition;
pub mod config;
pub mod context;
pub mod dit;
pub mod folder;
pub mod fsq;
pub mod mix;
pub mod moments;
pub mod pack;
pub mod prompt;
pub mod silence;
pub mod text;
pub mod tokenizer;
pub mod tokens;
pub mod vae;
pub mod windows;
