//! What stands where a backend was while its device is away: it computes nothing and says so.
//!
//! Generations wait in the ring, the tape goes on looping, and what held the old device can be dropped, which has to be
//! over before the device is opened again.

use super::{Backend, BackendError, WindowDecoder};
use crate::latent::StereoFrame;
use crate::ring::StepControls;
use crate::ring::plan::{Birth, TickPlan};

/// No device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Away;

impl Backend for Away {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        Err(BackendError::Away)
    }

    fn advance(&mut self, _plan: &TickPlan, _shared: &StepControls) -> Result<u8, BackendError> {
        Err(BackendError::Away)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        unreachable!("nothing is ever finished here")
    }
}

/// A decoder without a device, for the same window lengths as the one it stands for.
#[derive(Clone, Debug)]
pub struct AwayDecoder {
    keeps: Vec<usize>,
}

impl AwayDecoder {
    /// For these window lengths.
    #[must_use]
    pub fn new(keeps: Vec<usize>) -> Self {
        Self { keeps }
    }
}

impl WindowDecoder for AwayDecoder {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, _latent: &[f32], _first: usize, _sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        Err(BackendError::Away)
    }
}
