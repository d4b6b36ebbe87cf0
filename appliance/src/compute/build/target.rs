//! The card that plans are for: the one that is there, or one that is named.

use anyhow::Context;
use tensorrt::{Driver, Search, Target};

/// What of a card goes into a plan's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// For TensorRT.
    pub target: Target,
    /// Its name; empty when it is only named by its capability, since the plan then suits every card of that kind.
    pub gpu: String,
    /// Compute capability, 120 for 12.0.
    pub capability: u32,
    /// The driver's version; empty as the name.
    pub driver: String,
}

impl Card {
    /// The card in this machine, or the kind that is named.
    ///
    /// # Errors
    /// When the card in this machine is meant and there is none.
    pub fn find(target: Target, search: &Search) -> anyhow::Result<Self> {
        if let Target::Capability(number) = target {
            return Ok(Self { target, gpu: String::new(), capability: u32::from(number), driver: String::new() });
        }
        let hint = "plans are built for the card in this machine; to build for one that is elsewhere, name it: --target sm_120";
        let driver = Driver::open(search).context(hint)?;
        let gpu = driver.gpus()?.into_iter().next().context(hint)?;
        Ok(Self { target, gpu: gpu.name, capability: gpu.capability, driver: driver.version()? })
    }
}

/// `current` or `sm_120`, as the command line has it.
///
/// # Errors
/// What was expected.
pub fn parse(text: &str) -> Result<Target, String> {
    if text == "current" {
        return Ok(Target::Current);
    }
    let number = text.strip_prefix("sm_").and_then(|it| it.parse().ok()).filter(|it| (50..1000).contains(it));
    number
        .map(Target::Capability)
        .ok_or_else(|| "expected `current`, or a compute capability such as `sm_120`".to_owned())
}

#[cfg(test)]
mod tests {
    use tensorrt::Target;

    use super::parse;

    #[test]
    fn a_card_is_named_as_nvidia_names_its_kind() {
        assert_eq!(parse("current"), Ok(Target::Current));
        assert_eq!(parse("sm_120"), Ok(Target::Capability(120)));
        for wrong in ["", "120", "sm_", "sm_12.0", "sm_5", "sm_99999", "5090"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
