//! The newest values, on their way from the control thread to the decode thread.
//!
//! The tick thread has its own snapshot ([`crate::param::SnapshotReader`]); the decode thread needs the same values at its
//! own pace. Latest wins; neither side waits.

use triple_buffer::{Input, Output, TripleBuffer};

use crate::param::Values;

/// The control thread's end.
#[derive(Debug)]
pub struct ValuesWriter(Input<Values>);

/// The decode thread's end.
#[derive(Debug)]
pub struct ValuesReader(Output<Values>);

/// Both ends, at the table's defaults.
#[must_use]
pub fn relay() -> (ValuesWriter, ValuesReader) {
    let (input, output) = TripleBuffer::new(&Values::default()).split();
    (ValuesWriter(input), ValuesReader(output))
}

impl ValuesWriter {
    /// Publishes values.
    pub fn write(&mut self, values: &Values) {
        self.0.write(*values);
    }
}

impl ValuesReader {
    /// The newest values.
    pub fn latest(&mut self) -> Values {
        *self.0.read()
    }
}
