//! Goal: whoever asks the box for an update is told what became of it, on the command line and on the box that plays.
//! Method: a box of files in a folder; an update that the image's builder made; the command's own function.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{PACE, Pace, UpdateArgs, image, update};
use crate::service::bulletin::{Bulletin, Watched};
use crate::update::{Progress, Step};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/update");

fn args() -> UpdateArgs {
    UpdateArgs {
        file: None,
        check: None,
        status: false,
        back: false,
        key: PathBuf::from(format!("{FIXTURES}/update.pub")),
        force: false,
        tell: None,
        root: PathBuf::from("/"),
    }
}

fn told(args: &UpdateArgs) -> Result<String, String> {
    let mut out = Vec::new();
    match update(args, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).expect("text")),
        Err(error) => Err(error.to_string()),
    }
}

/// A box of this version in a folder.
fn box_of(version: &str) -> (tempfile::TempDir, UpdateArgs) {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
        std::fs::write(path, bytes).expect("a disk");
    };
    put("usr/lib/os-release", format!("IMAGE_ID=demon\nIMAGE_VERSION={version}\n").as_bytes());
    put("run/demon-disk/slot", b"a\n");
    put(&format!("efi/EFI/Linux/demon_{version}.efi"), b"MZ of what runs");
    for name in ["root-a", "root-b", "verity-a", "verity-b"] {
        put(&format!("dev/demon/{name}"), &[0; 1 << 16]);
    }
    std::fs::create_dir(folder.path().join("told")).expect("a disk");
    let args = UpdateArgs { root: folder.path().to_owned(), tell: Some(folder.path().join("told")), ..args() };
    (folder, args)
}

#[test]
fn the_version_of_a_box_is_its_images_and_one_with_a_real_time_kernel_is_another_product() {
    let of = |text: &str| image(text).map(|(product, version)| format!("{product} {version}"));
    let usual = "ID=debian\nVERSION_ID=\"13\"\nIMAGE_ID=demon\nIMAGE_VERSION=1.2.3\n";
    assert_eq!(of(usual).as_deref(), Some("demon 1.2.3"));
    assert_eq!(of(&usual.replace("=demon", "=demon_rt")).as_deref(), Some("demon_rt 1.2.3"));
    assert_eq!(of("IMAGE_ID=other\nIMAGE_VERSION=1.2.3\n"), None);
    assert_eq!(of("ID=debian\n"), None);
}

#[test]
fn an_update_of_the_builder_belongs_on_an_older_box_and_another_key_refuses_it() {
    let check = PathBuf::from(format!("{FIXTURES}/small.update"));
    let args = UpdateArgs { check: Some(check.clone()), force: true, ..args() };
    assert_eq!(told(&args), Ok("demon 1.2.3 for x86_64: 0.0 MB, whole and signed\n".to_owned()));
    // Any file that is no key, and any file that is no update.
    let words = told(&UpdateArgs { key: check, ..args.clone() }).expect_err("no key");
    assert!(words.ends_with("small.update: it is no key (expected 64 digits of 0-9a-f)"), "{words}");
    let words = told(&UpdateArgs { check: Some(args.key.clone()), ..args }).expect_err("no update");
    assert!(words.ends_with("update.pub: this is no update (expected the first line `demon update 1`)"), "{words}");
}

#[test]
fn an_update_is_written_beside_what_runs_told_as_it_goes_and_taken_back_again() {
    let (folder, args) = box_of("1.0.0");
    let mut box_ = Watched::of([folder.path().join("told")]);
    let file = Some(PathBuf::from(format!("{FIXTURES}/small.update")));
    let said = told(&UpdateArgs { file, ..args.clone() }).expect("taken");
    assert!(said.starts_with("update at ") && said.contains(" %: writing beside what plays\n"), "{said}");
    assert!(said.ends_with("demon 1.2.3 is written: the next start plays it\n"), "{said}");
    assert_eq!(box_.look(), [Bulletin::news("demon 1.2.3 is written: the next start plays it")]);
    let status = UpdateArgs { status: true, ..args.clone() };
    let words =
        "runs:  demon 1.0.0, fit\nother: demon 1.2.3, on trial, 3 tries left\nthe next start takes demon 1.2.3\n";
    assert_eq!(told(&status), Ok(words.to_owned()));
    // What runs is the older one: going back is going to the other, which the next start takes anyhow.
    let back = UpdateArgs { back: true, ..args };
    assert_eq!(told(&back), Ok("the next start takes demon 1.2.3: restart the box\n".to_owned()));
}

#[test]
fn what_is_refused_is_told_to_both_and_leaves_the_box_as_it_was() {
    let (folder, args) = box_of("1.3.0");
    let mut box_ = Watched::of([folder.path().join("told")]);
    let file = Some(PathBuf::from(format!("{FIXTURES}/small.update")));
    let words = told(&UpdateArgs { file, ..args.clone() }).expect_err("older");
    assert!(
        words.ends_with("the update is version 1.2.3, and 1.3.0 is here already (--force takes it all the same)"),
        "{words}"
    );
    let [bulletin] = &box_.look()[..] else { panic!("nothing was told") };
    assert!(bulletin.is_warning && bulletin.words.starts_with("the update was not taken: "), "{bulletin:?}");
    assert_eq!(told(&UpdateArgs { back: true, ..args }), Err("there is no other version on this box".to_owned()));
    let bare = UpdateArgs { status: true, root: folder.path().join("told"), ..super::tests::args() };
    assert!(told(&bare).expect_err("no box").starts_with("this box takes no update: "));
}

#[test]
fn no_step_is_faster_than_its_pace_and_a_slow_disk_is_not_waited_for() {
    let (mut pace, begun) = (Pace::default(), Instant::now());
    let mut at = |step, done, seconds: f64| {
        pace.wait(Progress { step, done, of: 10 * PACE }, begun + Duration::from_secs_f64(seconds)).as_secs_f64()
    };
    assert_eq!(at(Step::Check, 0, 0.0), 0.0);
    assert_eq!(at(Step::Check, PACE, 0.25), 0.75);
    assert_eq!(at(Step::Check, 2 * PACE, 3.0), 0.0, "behind its pace already");
    assert_eq!(at(Step::Write, PACE, 5.0), 0.0, "a step begins anew");
    assert_eq!(at(Step::Write, 3 * PACE, 5.5), 1.5);
}
