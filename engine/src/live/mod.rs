//! The running instrument: parameters in, decoded windows out, one step at a time.
