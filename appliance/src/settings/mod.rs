//! What people write down for the box: patches, set lists, what controllers have learnt, profiles, the box's file, a model's own.
//!
//! Each room reads one kind of text (and [`last_tape`] the sound that goes with one) and says every fault in it; what the texts mean for a gesture
//! is [`crate::control`]'s. No
//! device is opened here, and nothing is written but through [`crate::files`].

pub mod box_file;
pub mod last_state;
pub mod last_tape;
pub mod learnt_maps;
pub mod library;
pub mod model_settings;
pub mod patch;
pub mod profile;
pub mod saves;
pub mod set_list;
