//! What one tick computes, written by the ring for a backend.
//!
//! A plan holds indices and noise levels only; the backend keeps the requests of the slots it filled. The vectors are
//! cleared and refilled, so a tick allocates nothing once they have grown.

use std::ops::Range;
use std::sync::Arc;

use super::request::Request;
use crate::solver::step::StepSpan;

/// One row of a batch: one slot under one of its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The slot.
    pub slot: usize,
    /// Index into the request's conditions, or into its negatives.
    pub condition: usize,
}

/// One slot's part in a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotStep {
    /// The slot.
    pub slot: usize,
    /// Which step of its schedule.
    pub step: usize,
    /// Steps of its schedule.
    pub steps: usize,
    /// Noise levels before and after.
    pub span: StepSpan,
    /// Its part of [`TickPlan::positive`], never empty.
    pub positive: Range<usize>,
    /// Its part of [`TickPlan::negative`].
    pub negative: Range<usize>,
}

/// A slot that begins.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The slot.
    pub slot: usize,
    /// What it makes.
    pub request: Arc<Request>,
    /// First noise level of its schedule.
    pub start: f32,
}

/// One tick: births first, then all rows, then all steps.
#[derive(Clone, Debug, Default)]
pub struct TickPlan {
    /// Slots to be filled.
    pub births: Vec<Birth>,
    /// Rows under the prompts, slot by slot.
    pub positive: Vec<PlanRow>,
    /// Rows under the negative prompts, slot by slot.
    pub negative: Vec<PlanRow>,
    /// Slots that advance, in index order.
    pub steps: Vec<SlotStep>,
}

impl TickPlan {
    /// Room for a full ring.
    #[must_use]
    pub fn new() -> Self {
        let room = super::MAX_DEPTH;
        Self {
            births: Vec::with_capacity(room),
            // Each slot under up to eight prompts.
            positive: Vec::with_capacity(8 * room),
            negative: Vec::with_capacity(4 * room),
            steps: Vec::with_capacity(room),
        }
    }

    /// Takes a slot out of the plan: its birth, its rows, its step. The others keep theirs.
    pub fn leave_out(&mut self, slot: usize) {
        self.births.retain(|it| it.slot != slot);
        self.steps.retain(|it| it.slot != slot);
        for rows in [&mut self.positive, &mut self.negative] {
            rows.retain(|it| it.slot != slot);
        }
        // Rows lie slot by slot in the order of the steps: the ranges close up.
        let (mut positive, mut negative) = (0, 0);
        for step in &mut self.steps {
            step.positive = positive..positive + step.positive.len();
            step.negative = negative..negative + step.negative.len();
            (positive, negative) = (step.positive.end, step.negative.end);
        }
    }

    /// Empties the plan, keeping its room.
    pub fn clear(&mut self) {
        self.births.clear();
        self.positive.clear();
        self.negative.clear();
        self.steps.clear();
    }
}
