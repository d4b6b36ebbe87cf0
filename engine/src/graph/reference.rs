//! A plain interpreter of graphs: slow, obvious, the oracle that the lowerings are tested against.
