//! Which controllers are taken straight from USB; the others come by the kernel's sequencer.

use std::str::FromStr;

/// The controllers to take. The sequencer is told the same, and leaves them alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UsbSelect {
    /// None of them: the sequencer has all.
    #[default]
    None,
    /// Every one that carries MIDI and no sound: a sound card's MIDI cannot be had without its sound.
    All,
    /// These models, by vendor and product.
    Models(Vec<(u16, u16)>),
}

/// What was written is no choice of controllers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("USB MIDI: expected `none`, `all` or models such as `1397:00b3, 0944:0117`, found `{0}`")]
pub struct NoSelection(pub String);

impl UsbSelect {
    /// Whether a model is taken; `carries_sound` says that the device also plays or records.
    #[must_use]
    pub fn takes(&self, vendor: u16, product: u16, carries_sound: bool) -> bool {
        match self {
            Self::None => false,
            Self::All => !carries_sound,
            Self::Models(models) => models.contains(&(vendor, product)),
        }
    }
}

/// `none`, `all`, or models with commas between them: `1397:00b3, 0944:0117`.
impl FromStr for UsbSelect {
    type Err = NoSelection;

    fn from_str(text: &str) -> Result<Self, NoSelection> {
        match text.trim() {
            "none" => return Ok(Self::None),
            "all" => return Ok(Self::All),
            _ => {}
        }
        let number = |text: &str| {
            let is_hex = text.len() == 4 && text.chars().all(|it| it.is_ascii_hexdigit());
            is_hex.then(|| u16::from_str_radix(text, 16).ok()).flatten()
        };
        let model = |text: &str| {
            let (vendor, product) = text.trim().split_once(':')?;
            Some((number(vendor)?, number(product)?))
        };
        let models: Option<Vec<_>> = text.split(',').map(model).collect();
        models.map(Self::Models).ok_or_else(|| NoSelection(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::UsbSelect;

    #[test]
    fn a_choice_is_read_as_it_is_written() {
        let two = UsbSelect::Models(vec![(0x1397, 0x00b3), (0x0944, 0x0117)]);
        assert_eq!("1397:00B3, 0944:0117".parse(), Ok(two));
        assert_eq!([" all".parse(), "none".parse()], [Ok(UsbSelect::All), Ok(UsbSelect::None)]);
        for wrong in ["", "1397", "1397:b3", "1397:+0b3", "all,1397:00b3"] {
            let refused = wrong.parse::<UsbSelect>().expect_err(wrong);
            assert!(refused.to_string().ends_with(&format!("found `{wrong}`")));
        }
    }

    #[test]
    fn a_sound_card_is_taken_only_by_its_name() {
        assert!(UsbSelect::All.takes(1, 2, false) && !UsbSelect::All.takes(1, 2, true));
        let named = UsbSelect::Models(vec![(1, 2)]);
        assert!(named.takes(1, 2, true) && !named.takes(1, 3, false));
        assert!(!UsbSelect::None.takes(1, 2, false));
    }
}
