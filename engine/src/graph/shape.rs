//! Shapes of every node of a graph, once the named sizes are given.
