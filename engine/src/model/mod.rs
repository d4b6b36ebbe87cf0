//! The published architecture, written once as graphs.
