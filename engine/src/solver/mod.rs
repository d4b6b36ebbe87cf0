//! Sampling arithmetic over plain slices.
