//! The command line with the box's file behind it: what a command line does not say, the file may.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use hal::audio::Ask;

use super::run::RunArgs;
use crate::compute::arguments::SetArgs;
use crate::settings::box_file::{AtStart, AudioPlan, BoxConfig, PERIOD_FRAMES, PERIODS, PlayPlan};
use crate::settings::library::Library;

/// How the sound device is asked.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskArgs {
    /// Stereo samples that the sound device is handed at a time, 16 to 8192 [default: the box's file's, 256]
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(range(&PERIOD_FRAMES)))]
    pub period_frames: Option<u32>,
    /// Periods that the sound device holds, 2 to 32: more of them bear a busier machine and are heard later [default: the box's file's,
    /// 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(range(&PERIODS)))]
    pub periods: Option<u32>,
}

fn range(of: &std::ops::RangeInclusive<u32>) -> std::ops::RangeInclusive<i64> {
    i64::from(*of.start())..=i64::from(*of.end())
}

impl AskArgs {
    /// The same, and what the box's file says where nothing is said here.
    pub(super) fn or(self, plan: &AudioPlan) -> Self {
        Self { period_frames: self.period_frames.or(plan.period_frames), periods: self.periods.or(plan.periods) }
    }

    /// What the device is asked.
    pub(super) fn ask(self) -> Ask {
        let usual = Ask::default();
        Ask {
            period_frames: self.period_frames.map_or(usual.period_frames, |it| it as usize),
            periods: self.periods.map_or(usual.periods, |it| it as usize),
            ..usual
        }
    }

    /// The same for another process of this program.
    pub(super) fn arguments(self) -> Vec<OsString> {
        let named = [("--period-frames", self.period_frames), ("--periods", self.periods)];
        let said = named.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?.to_string()]));
        said.flatten().map(OsString::from).collect()
    }
}

/// What is played, where the command line says nothing, as the box's file has it.
pub(super) fn fill_in(set: &mut SetArgs, play: &PlayPlan) {
    set.patch = set.patch.take().or_else(|| play.patch.clone());
    set.model = set.model.take().or_else(|| play.model.clone());
    set.backend = set.backend.or(play.backend);
    set.depth = set.depth.or(play.depth);
}

impl RunArgs {
    /// The command line, and what the box's file says where nothing is said here.
    pub(super) fn or(&self, config: &BoxConfig) -> Self {
        let (mut whole, play) = (self.clone(), &config.play);
        fill_in(&mut whole.set, play);
        // A state folder that was named has its own library.
        whole.set.library = whole.set.library.take().or_else(|| {
            let of_state = |it: &PathBuf| Library::find(None, it).root().to_owned();
            self.state.as_ref().map(of_state)
        });
        whole.set_list = whole.set_list.take().or_else(|| play.set_list.clone());
        whole.wants_last = whole.at_start == Some(AtStart::Last);
        whole.at_start = whole.at_start.or(play.at_start);
        whole.ask = whole.ask.or(&config.audio);
        // A file that the sound is to go to is no device.
        if whole.wav.is_none() {
            whole.device = whole.device.take().or_else(|| config.audio.device.clone());
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser as _;

    use crate::command::cli::{Cli, Command};
    use crate::command::run::RunArgs;
    use crate::settings::box_file::{AtStart, BackendChoice, BoxConfig};

    const FILE: &str = "[play]\npatch = \"/set.toml\"\nset_list = \"/list\"\nmodel = \"/model\"\nbackend = \"cpu\"\ndepth = 2\n\
                        at_start = \"silence\"\n[audio]\ndevice = \"hw:1\"\nperiod_frames = 64\nperiods = 4\n";

    fn run(line: &str) -> RunArgs {
        let (config, faults) = BoxConfig::parse(FILE);
        assert!(faults.is_empty(), "{faults:?}");
        let cli = Cli::try_parse_from(["demon", "run"].into_iter().chain(line.split_whitespace()));
        match cli.expect("a command line").command {
            Command::Run(args) => args.or(&config),
            _ => unreachable!("it is `run`"),
        }
    }

    #[test]
    fn what_the_command_line_says_comes_before_the_file_key_by_key() {
        let silent = run("");
        let paths = [&silent.set.patch, &silent.set_list, &silent.set.model];
        assert_eq!(paths.map(Clone::clone), ["/set.toml", "/list", "/model"].map(|it| Some(PathBuf::from(it))));
        assert_eq!((silent.set.backend, silent.set.depth), (Some(BackendChoice::Cpu), Some(2)));
        assert_eq!((silent.at_start, silent.device.as_deref()), (Some(AtStart::Silence), Some("hw:1")));
        assert_eq!((silent.ask.ask().period_frames, silent.ask.ask().periods), (64, 4));
        assert_eq!(silent.ask.arguments(), ["--period-frames", "64", "--periods", "4"]);

        let said = run(
            "--patch a.toml --set-list b --model c --backend auto --depth 7 --at-start source --device d --period-frames 512",
        );
        let paths = [&said.set.patch, &said.set_list, &said.set.model];
        assert_eq!(paths.map(Clone::clone), ["a.toml", "b", "c"].map(|it| Some(PathBuf::from(it))));
        assert_eq!((said.set.backend, said.set.depth), (Some(BackendChoice::Auto), Some(7)));
        assert_eq!((said.at_start, said.device.as_deref()), (Some(AtStart::Source), Some("d")));
        assert_eq!((said.ask.ask().period_frames, said.ask.ask().periods), (512, 4), "each for itself");
        assert_eq!(run("--wav take.wav").device, None, "a file is no device");
        assert!(run("--at-start last").wants_last && !run("").wants_last && !said.wants_last);
    }

    #[test]
    fn a_box_without_a_file_asks_as_ever_and_no_period_is_out_of_reach() {
        assert_eq!(super::AskArgs::default().ask(), hal::audio::Ask::default());
        assert!(super::AskArgs::default().arguments().is_empty());
        for line in ["--period-frames 15", "--period-frames 8193", "--periods 1", "--periods 33"] {
            assert!(Cli::try_parse_from(["demon", "run"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
