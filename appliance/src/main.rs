//! The command line of the box.

fn main() {}
