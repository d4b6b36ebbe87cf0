//! The newest values, on their way from the control thread to the decode thread.
//!
//! The tick thread has its own snapshot ([`crate::param::SnapshotReader`]); the decode thread needs the same values at its
//! own pace. Latest wins; neither side waits. With them comes the line from which on they are to be heard, where there is one.

use triple_buffer::{Input, Output, TripleBuffer};

use super::line::Line;
use crate::param::Values;

type Sent = (Values, Option<Line>);

/// The control thread's end.
#[derive(Debug)]
pub struct ValuesWriter(Input<Sent>);

/// The decode thread's end.
#[derive(Debug)]
pub struct ValuesReader(Output<Sent>);

/// Both ends, at the table's defaults.
#[must_use]
pub fn relay() -> (ValuesWriter, ValuesReader) {
    let (input, output) = TripleBuffer::new(&(Values::default(), None)).split();
    (ValuesWriter(input), ValuesReader(output))
}

impl ValuesWriter {
    /// Publishes values, which are to be heard as soon as they can.
    pub fn write(&mut self, values: &Values) {
        self.write_for(values, None);
    }

    /// Publishes values, which are to be heard from a line on.
    pub fn write_for(&mut self, values: &Values, line: Option<Line>) {
        self.0.write((*values, line));
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
        self.latest_with_line().0
    }

    /// The newest values, and the line from which on they are to be heard.
    pub fn latest_with_line(&mut self) -> (Values, Option<Line>) {
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
