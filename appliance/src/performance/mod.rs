//! One performance, from the first sound to the last: the parts of the instrument joined, its threads, and the conductor between
//! surfaces and engine.
//!
//! [`stage`] is the whole of it: it starts, plays and ends; [`ending`] is how anybody asks for the end, and how everything is let
//! go by its deadline; [`beginning`] is where it goes on from; [`output`] is where the sound goes. [`remote`] is the sound in a process of its own. [`instrument`] joins deck, performer and patcher; [`threads`] run them; the [`conductor`] turns gestures into values and edges;
//! [`surface_side`] is what surfaces need beside that (lights, learnt maps, set list, clock), [`device_side`] what a lost card
//! needs, [`view`] what displays show, [`library_walk`] a hand's way through the library, [`box_news`] what updates and sticks have to tell, and what hands wish of the box ([`wish`]), [`keeper`] what the next start is to know, by [`state_writer`] (what is handed to such a thread: [`handed`]), which also does what is asked of patches' files ([`patch_jobs`]); [`tape_keeper`] what the tape has become, by [`tape_writer`]; [`take_recorder`] records what is played. [`tempo_finder`] listens for the tempo of a recording. [`wrong_files`] are those that were not in order. [`hold_ups`] counts what makes the conductor wait. [`on_purpose`] makes them crash, for who checks. Nothing here reads a command line, and no meaning of a control is decided here.

pub mod beginning;
pub mod box_news;
#[cfg(test)]
mod clock_tests;
pub mod conductor;
pub mod device_side;
pub mod ending;
pub mod gesture_intake;
mod handed;
pub mod hold_ups;
pub mod instrument;
pub mod keeper;
pub mod library_walk;
pub mod loading;
pub mod on_purpose;
pub mod output;
pub mod page;
pub mod patch_jobs;
pub mod remote;
pub mod stage;
pub mod standstill;
pub mod state_writer;
pub mod surface_side;
pub mod take_recorder;
pub mod tape_keeper;
pub mod tape_writer;
pub mod tempo_finder;
pub mod threads;
pub mod view;
mod wish;
pub mod wrong_files;
