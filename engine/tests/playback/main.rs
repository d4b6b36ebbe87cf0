//! The decode side as it plays: the real `Patcher`, `Packer` and `Player` on a virtual clock, from a finished latent to the
//! sound that is heard.

mod alignment;
mod feedback;
mod heap;
mod lead;
mod line;
mod world;
