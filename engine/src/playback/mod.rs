//! The tape and everything that touches a sample on its way out.
