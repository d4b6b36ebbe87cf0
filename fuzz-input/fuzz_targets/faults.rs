//! What every reader of a text owes for what it did not take.

use appliance::files::document::Fault;

/// Each fault names a line of the text, and is one itself.
pub fn are_told(faults: &[Fault], text: &str) {
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    for fault in faults {
        assert!((1..=lines).contains(&fault.line) && !fault.to_string().contains('\n'), "{fault}");
    }
}
