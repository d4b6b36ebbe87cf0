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
    /// Whether values have come that [`Self::latest`] has not answered.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.0.updated()
    }

    /// The newest values.
    pub fn latest(&mut self) -> Values {
        *self.0.read()
    }
}

#[cfg(test)]
mod tests {
    use super::relay;
    use crate::param::{ParamId, Values};

    #[test]
    fn the_newest_values_arrive_and_stay_until_newer_ones_do() {
        let (mut writer, mut reader) = relay();
        assert_eq!(reader.latest(), Values::default());
        let mut values = Values::default();
        for level in [0.25, 0.75] {
            assert!(values.set(ParamId::TapeFeedback, level));
            writer.write(&values);
        }
        assert!(reader.has_news());
        assert_eq!((reader.latest(), reader.latest()), (values, values));
        assert!(!reader.has_news());
    }
}
