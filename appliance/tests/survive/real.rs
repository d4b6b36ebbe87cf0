//! The real engine: `demon run` with the built-in model, under hands that never rest.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::dummy::Dice;

/// Ticks of a quarter note, and so 960 a second at the usual tempo.
const DIVISION: u16 = 480;
/// Seconds of moves: longer than any engine lives here.
const SECONDS: usize = 600;
/// Moves a second.
const MOVES: usize = 40;

/// How it is started in a world's folder.
pub fn command(demon: &Path, folder: &Path) -> Command {
    let mut command = Command::new(demon);
    command.stdin(Stdio::null());
    command.args(["run", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi", "--plain"]);
    // Kills seconds apart are a crash loop for a box that starts by itself; who types this wants the last state all the same.
    command.args(["--at-start", "last"]);
    command.args(["--device", "paced", "--midi"]).arg(folder.join("hands.mid"));
    command.arg("--patch").arg(folder.join("hands.toml"));
    command.arg("--runtime").arg(folder.join("runtime")).arg("--witness").arg(folder.join("logs"));
    command
        .arg("--state")
        .arg(folder.join("state"))
        .env("DEMON_MODEL", concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"));
    command
}

/// What further controls do: both ends of the loop, the windows' length, and a button that mutes.
const PATCH: &str = "format = 2
[[map]]
cc = 17
to = \"loop_start\"
[[map]]
cc = 18
to = \"loop_end\"
[[map]]
cc = 19
to = \"window_s\"
[[map]]
note = 100
to = \"mute\"
";

/// Writes the hands down: all sixteen main parameters and those of the patch, at once and at random.
pub fn write_hands(folder: &Path, seed: u64) {
    fs::write(folder.join("hands.toml"), PATCH).expect("a file");
    let mut dice = Dice(seed);
    let mut track = Vec::new();
    for _ in 0..SECONDS * MOVES {
        // Below 128, so one byte.
        track.push((usize::from(DIVISION) * 2 / MOVES) as u8);
        match dice.throw(100) {
            0 => track.extend([0x90, 100, 100]),
            _ => track.extend([0xb0, 1 + dice.throw(19) as u8, dice.throw(128) as u8]),
        }
    }
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
    file.extend(DIVISION.to_be_bytes());
    file.extend(b"MTrk");
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("hands.mid"), file).expect("a file");
}
