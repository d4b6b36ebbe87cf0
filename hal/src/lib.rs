//! The devices of the box: one trait each, its Linux implementation and its fake side by side.

pub mod adc;
pub mod audio;
pub mod display;
pub mod gesture;
pub mod input;
pub mod keys;
pub mod midi;
pub mod panel;
pub mod sequencer;
pub mod usb;
