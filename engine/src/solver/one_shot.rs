//! The model's own sampler: one generation from start to end, without a ring.
