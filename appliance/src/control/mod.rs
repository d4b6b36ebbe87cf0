//! What a gesture means, and what it does to the values under the hands.
//!
//! Here live the binding (which control reaches which parameter), the desk (values, undo, scenes), the morph between two scenes,
//! the slew that lets a value follow a hand no faster than the music bears, the tempo, and words as hands write them. Pure: no device is opened, no file read
//! and no clock asked here; time comes with the gestures. What is saved of all this lies in [`crate::settings`].

pub mod binding;
pub mod desk;
pub mod keyboard;
pub mod morph;
pub mod pen;
pub mod scene_name;
pub mod slew;
pub mod tempo;
pub mod text_entry;
