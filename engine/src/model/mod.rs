//! The published architecture, written once as graphs, and the model that is opened from a folder.
//!
//! Names follow the published checkpoint. Building a graph touches no weights; lowerings do. Around the graphs stands
//! the plain arithmetic that is no network (quantisation, packing, blending, the prompt templates), and over them the
//! parts that the instrument uses: [`Model`], its denoiser, its codec, and what turns words into condition tokens.

mod block;
pub mod checkpoint;
pub mod codec;
pub mod condition;
pub mod config;
pub mod context;
pub mod denoiser;
pub mod dit;
pub mod export;
pub mod folder;
pub mod fsq;
pub mod hearing;
pub mod mistaken;
pub mod moments;
pub mod open;
pub mod pack;
pub mod part;
pub mod prompt;
pub mod shapes;
pub mod silence;
pub mod text;
pub mod tokenizer;
pub mod tokens;
pub mod vae;
mod velocity;
pub mod windows;

pub use codec::{Codec, Encoded, Ends, WindowDecoder};
pub use denoiser::CpuDenoiser;
pub use hearing::{ConditionEncoder, StructureHints, TextEncoder};
pub use open::{Model, ModelError, Packing, Progress};
pub use part::Part;
pub use prompt::{Prompt, Task};
pub use velocity::{Denoiser, DenoiserError, DenoiserRow, exchange};
