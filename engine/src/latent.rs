//! The units that every room of the engine shares: latent frames, audio frames and their ratio.
//!
//! One latent frame is 64 numbers and stands for 1920 stereo samples at 48 kHz, so 25 latent frames make a second.

/// Channels of one latent frame.
pub const LATENT_CHANNELS: usize = 64;
/// Latent frames in one second of sound.
pub const LATENT_FRAMES_PER_SECOND: usize = 25;
/// Audio frames (stereo samples) that one latent frame stands for.
pub const SAMPLES_PER_LATENT_FRAME: usize = 1920;
/// Audio frames in one second.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// One moment of sound: left, right. Full scale is ±1.
pub type StereoFrame = [f32; 2];
