//! The sound device, opened as the player opens it.

use hal::audio::OutError;

use super::{Finding, Machine};

/// Opens and closes it.
pub(super) fn sound(machine: &dyn Machine, device: &str) -> Finding {
    const ROW: &str = "sound";
    match machine.sound(device) {
        Ok(agreed) => {
            let (channels, period) = (agreed.channels, agreed.period_frames);
            let periods = agreed.buffer_frames / period.max(1);
            Finding::well(ROW, format!("{device}: 48 kHz, {channels} channels, {periods} periods of {period}"))
        }
        Err(error @ OutError::Gone { .. }) if !machine.has_card() => {
            let mend = "plug a sound card in; until then `demon run` plays into a file";
            Finding::fault(ROW, format!("there is no sound card ({error})"), mend)
        }
        Err(error @ OutError::Gone { .. }) => {
            let mend = "end what else plays on it (`fuser -v /dev/snd/*`), look at its cable, or name another: `aplay -L` lists them";
            Finding::fault(ROW, error.to_string(), mend)
        }
        Err(error) => Finding::fault(ROW, error.to_string(), "name another device, or put `plug:` before its name"),
    }
}
