//! The CPU lowering: a graph compiled for given sizes into a plan that runs without allocating.
