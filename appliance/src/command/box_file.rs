//! `demon box-file`: whether the box's file is in order, and what it asks the system for.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::files::shown;
use crate::settings::box_file::{BOX_FILE, BoxConfig, OpenPlan};

/// `demon box-file`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit codes: 0 it is in order, or asks for what was named; 1 it is not, or does not; 2 the command line was not understood.")]
pub struct BoxFileArgs {
    /// The file [default: /etc/demon/demon.toml; where there is none a box has neither panels nor displays, and that is in order]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Say whether it asks for this, and the particulars, a line each
    #[arg(long, value_enum, value_name = "WHAT")]
    pub asks_for: Option<Asked>,
}

/// What a box's file may ask the system for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Asked {
    /// A shell on the second console
    Console,
    /// The time of day from the network: who is asked for it
    Clock,
}

/// The file is not in order.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotInOrder(String);

/// The file does not ask for what was named. Said by the exit code alone.
#[derive(Debug, thiserror::Error)]
#[error("it does not ask for it")]
pub struct NotAsked;

/// Looks at the file and tells `out`.
///
/// # Errors
/// [`NotInOrder`], [`NotAsked`]; when the file cannot be read or `out` cannot be written to.
pub fn box_file(args: &BoxFileArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let (config, faults) = BoxConfig::open(args.file.as_deref())?;
    if let Some(asked) = args.asks_for {
        let lines = asks_for(&config.open, asked).ok_or(NotAsked)?;
        return lines.iter().try_for_each(|it| writeln!(out, "{it}")).map_err(Into::into);
    }
    let file = args.file.as_deref().unwrap_or(Path::new(BOX_FILE));
    if !faults.is_empty() {
        return Err(NotInOrder(faults.join("\n")).into());
    }
    Ok(writeln!(out, "{}: in order", shown(&file))?)
}

/// The particulars of what is asked for; nothing where it is not.
fn asks_for(open: &OpenPlan, asked: Asked) -> Option<Vec<String>> {
    match asked {
        Asked::Console => open.console.then(Vec::new),
        Asked::Clock => (!open.clock.is_empty()).then(|| open.clock.iter().map(ToString::to_string).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, BoxFileArgs, NotAsked, NotInOrder, box_file};

    fn asked(text: &str, asks_for: Option<Asked>) -> anyhow::Result<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("demon.toml");
        std::fs::write(&file, text).expect("a disk");
        let mut out = Vec::new();
        box_file(&BoxFileArgs { file: Some(file), asks_for }, &mut out)?;
        Ok(String::from_utf8(out).expect("words"))
    }

    #[test]
    fn a_file_in_order_is_said_to_be_and_a_fault_is_told_with_its_line() {
        assert!(asked("[midi]\nfollow = false\n", None).expect("it is in order").ends_with("demon.toml: in order\n"));
        let told = asked("[midi]\nfolow = false\n", None).expect_err("a key is wrong");
        assert!(told.is::<NotInOrder>() && told.to_string().contains("2: midi.folow: found an unknown key"), "{told}");
    }

    #[test]
    fn what_is_asked_for_is_said_and_nothing_is_asked_for_by_a_file_that_does_not_say_so() {
        let open = "[open]\nconsole = true\nclock = [\"dhcp\", \"192.168.1.1\", \"fe80::1\"]\n";
        assert_eq!(asked(open, Some(Asked::Console)).expect("it does"), "");
        assert_eq!(asked(open, Some(Asked::Clock)).expect("it does"), "dhcp\n192.168.1.1\nfe80::1\n");
        for text in ["", "[open]\n", "[open]\nconsole = false\nclock = []\n", "[open]\nclock = [\"pool.ntp.org\"]\n"] {
            for it in [Asked::Console, Asked::Clock] {
                assert!(asked(text, Some(it)).expect_err("it does not").is::<NotAsked>(), "{text}");
            }
        }
        let told = asked("[open]\nclock = [\"pool.ntp.org\"]\n", None).expect_err("a name").to_string();
        assert!(
            told.contains("2: open.clock 1: found \"pool.ntp.org\", expected dhcp, or an address as 192.168.1.1"),
            "{told}"
        );
    }
}
