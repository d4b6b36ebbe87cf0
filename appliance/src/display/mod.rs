//! What a player sees: one [`status`], drawn on small panels ([`screens`]), shown in a terminal or told in lines ([`terminal`]), and
//! what a player is told ([`messages`]).
//!
//! The same status is always the same picture; [`displays`] hands pictures to the hardware, a thread each. Nothing here asks the
//! engine or a surface how it is: whoever plays fills the status in ([`crate::performance`]).

pub mod displays;
pub mod messages;
pub mod screens;
pub mod status;
pub mod terminal;
