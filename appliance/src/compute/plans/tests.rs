//! Goal: a plan is used only for what it was built for, and a cut at any moment leaves one that can be used.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::store::Step;
use super::*;

const OLD: &[u8] = b"the old plan";
const NEW: &[u8] = b"the new plan, which is longer";
const CHILD_FOLDER: &str = "DEMON_TEST_PLANS";

fn key() -> PlanKey {
    PlanKey {
        name: "denoiser-1500f".to_owned(),
        precision: "bf16".to_owned(),
        frames: 1500,
        tokens: 256,
        rows: [1, 8],
        options: "level 3".to_owned(),
        weights: "a1b2".to_owned(),
        onnx: "c3d4".to_owned(),
        tensorrt: "rtx 1.7.1".to_owned(),
        gpu: "NVIDIA GeForce RTX 5090".to_owned(),
        capability: 120,
        driver: "13.0, 580.95.05".to_owned(),
    }
}

fn store(folder: &Path) -> PlanStore {
    PlanStore::open(folder).unwrap()
}

fn with_old(folder: &Path) -> PlanStore {
    let store = store(folder);
    store.write(&store.lock().unwrap(), &key(), OLD).unwrap();
    store
}

fn why(store: &PlanStore, key: &PlanKey) -> Why {
    match store.find(key).unwrap() {
        Lookup::Missing(why) => why,
        Lookup::Found(bytes) => panic!("found {} bytes", bytes.len()),
    }
}

fn found(store: &PlanStore) -> Vec<u8> {
    match store.find(&key()).unwrap() {
        Lookup::Found(bytes) => bytes,
        Lookup::Missing(why) => panic!("{why}"),
    }
}

#[test]
fn a_plan_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(why(&store(folder.path()), &key()), Why::Never);
    assert_eq!(found(&with_old(folder.path())), OLD);
}

#[test]
fn every_field_that_changed_is_said_with_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_old(folder.path());
    type Edit = fn(&mut PlanKey);
    let edits: [(Edit, &str); 11] = [
        (|it| it.precision = "f16".to_owned(), "precision was `bf16` and is `f16`"),
        (|it| it.frames = 750, "frames was `1500` and is `750`"),
        (|it| it.tokens = 0, "tokens was `256` and is `0`"),
        (|it| it.rows = [1, 4], "rows was `1 to 8` and is `1 to 4`"),
        (|it| it.options = "level 1".to_owned(), "options was `level 3` and is `level 1`"),
        (|it| it.weights = "ffff".to_owned(), "weights was `a1b2` and is `ffff`"),
        (|it| it.onnx = "eeee".to_owned(), "onnx was `c3d4` and is `eeee`"),
        (|it| it.tensorrt = "rtx 1.8.0".to_owned(), "tensorrt was `rtx 1.7.1` and is `rtx 1.8.0`"),
        (|it| it.gpu = String::new(), "gpu was `NVIDIA GeForce RTX 5090` and is nothing"),
        (|it| it.capability = 89, "capability was `120` and is `89`"),
        (|it| it.driver = "13.1".to_owned(), "driver was `13.0, 580.95.05` and is `13.1`"),
    ];
    for (edit, words) in edits {
        let mut wanted = key();
        edit(&mut wanted);
        let said = why(&store, &wanted).to_string();
        assert!(said.ends_with(&format!("is for something else: {words}")), "{said}");
        assert_ne!(wanted.stem(), key().stem());
    }
    let other = PlanKey { name: "decoder".to_owned(), ..key() };
    assert_eq!(why(&store, &other), Why::Never, "a plan for another purpose explains nothing");
}

#[test]
fn a_damaged_plan_is_told_from_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_old(folder.path());
    let (plan, _) = store.paths(&key());
    fs::write(&plan, &OLD[..5]).unwrap();
    assert_eq!(why(&store, &key()), Why::Truncated { file: plan.clone(), found: 5, expected: OLD.len() as u64 });
    fs::write(&plan, b"the odd plan").unwrap();
    assert_eq!(why(&store, &key()), Why::Damaged { file: plan.clone() });
    fs::remove_file(&plan).unwrap();
    assert_eq!(why(&store, &key()), Why::Alone { missing: plan });
}

#[test]
fn a_sidecar_that_is_not_ours_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_old(folder.path());
    let (_, sidecar) = store.paths(&key());
    let text = fs::read_to_string(&sidecar).unwrap();
    fs::write(&sidecar, text.replace("frames = 1500", "frames = 1499")).unwrap();
    let said = why(&store, &key()).to_string();
    assert!(said.ends_with("is not what its name says: frames was `1499` and is `1500`"), "{said}");
    fs::write(&sidecar, text.replace("format = 1", "format = 2")).unwrap();
    let said = why(&store, &key()).to_string();
    assert!(said.contains("line 2: format: found 2") && said.ends_with("until then the plan is built again"), "{said}");
    fs::write(&sidecar, text.replace("frames = ", "frame = ")).unwrap();
    let said = why(&store, &key()).to_string();
    assert!(said.contains("line 7: unknown field `frame`"), "{said}");
    fs::write(&sidecar, [0xff, 0xfe]).unwrap();
    assert!(matches!(why(&store, &key()), Why::Unreadable { .. }));
    fs::remove_file(&sidecar).unwrap();
    assert_eq!(why(&store, &key()), Why::Alone { missing: sidecar });
}

/// Plans that were built are found by these names: whoever changes the fields gives the key another version.
#[test]
fn the_key_of_version_1_is_what_it_was() {
    assert_eq!((PlanKey::VERSION, key().stem().as_str()), (1, "denoiser-1500f-eb896972cc16"));
    let sidecar = Sidecar { key: key(), contents: vec![Content::of(OLD)] }.to_text();
    let written = sidecar.split("[key]\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table");
    let names: Vec<&str> = written.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert_eq!(names, PlanKey::FIELDS);
}

#[test]
fn a_sidecar_reads_as_it_was_written() {
    let sidecar = Sidecar { key: key(), contents: vec![Content::of(OLD), Content::of(NEW)] };
    assert_eq!(Sidecar::parse(&sidecar.to_text()).as_ref(), Ok(&sidecar));
}

#[test]
fn a_write_that_is_cut_off_anywhere_leaves_a_plan_that_can_be_used() {
    for cut in [Step::BothNamed, Step::PlanHalfWritten, Step::PlanRenamed, Step::NewNamed] {
        let folder = tempfile::tempdir().unwrap();
        let store = with_old(folder.path());
        let lock = store.lock().unwrap();
        let mut stop = |step| {
            let dead = StoreError::Busy { folder: folder.path().to_owned(), holder: "nobody".to_owned() };
            if step == cut { Err(dead) } else { Ok(()) }
        };
        store.write_in_steps(&lock, &key(), NEW, &mut stop).unwrap_err();
        drop(lock);
        let expected = if matches!(cut, Step::BothNamed | Step::PlanHalfWritten) { OLD } else { NEW };
        assert_eq!(found(&store), expected, "{cut:?}");
        // Cut off a second time, in the same place, then built to the end.
        store.write_in_steps(&store.lock().unwrap(), &key(), b"a third", &mut |_| Ok(())).unwrap();
        assert_eq!(found(&store), b"a third", "{cut:?}");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "plan, sidecar and lock: {left:?}");
    }
}

#[test]
fn the_first_plan_of_its_kind_may_be_cut_off_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let dead = || StoreError::Busy { folder: folder.path().to_owned(), holder: "nobody".to_owned() };
    let mut stop = |step| if step == Step::PlanHalfWritten { Err(dead()) } else { Ok(()) };
    store.write_in_steps(&store.lock().unwrap(), &key(), NEW, &mut stop).unwrap_err();
    assert!(matches!(why(&store, &key()), Why::Alone { .. }));
}

/// Not a check of its own: the other process of the next test, which dies while it writes.
#[test]
fn another_process_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = store(Path::new(&folder));
    let lock = store.lock().unwrap();
    let mut wait = |step| {
        if step == Step::PlanHalfWritten {
            println!("half written");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        Ok(())
    };
    store.write_in_steps(&lock, &key(), NEW, &mut wait).unwrap();
}

#[test]
fn two_processes_do_not_build_at_once_and_a_killed_one_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_old(folder.path());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "compute::plans::tests::another_process_writes_until_it_is_killed", "--nocapture"]);
    child.env(CHILD_FOLDER, folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("half written")), "the child has begun");
    let busy = store.lock().unwrap_err();
    assert!(matches!(&busy, StoreError::Busy { holder, .. } if *holder == child.id().to_string()), "{busy}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found(&store), OLD);
    let unfinished = || {
        fs::read_dir(folder.path())
            .unwrap()
            .filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|end| end == "part"))
    };
    assert_eq!(unfinished().count(), 1);
    store.lock().unwrap();
    assert_eq!(unfinished().count(), 0);
}

#[test]
fn what_was_used_last_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let lock = store.lock().unwrap();
    let keys: Vec<PlanKey> = (0..4).map(|frames| PlanKey { frames, ..key() }).collect();
    for (age, key) in keys.iter().enumerate() {
        let plan = store.write(&lock, key, &[0; 100]).unwrap();
        let time = SystemTime::now() - Duration::from_secs(1000 - 100 * age as u64);
        fs::File::open(plan).unwrap().set_modified(time).unwrap();
    }
    // The oldest is used again, so the second becomes the oldest.
    assert!(matches!(store.find(&keys[0]).unwrap(), Lookup::Found(_)));
    assert_eq!(store.clean(&lock, Keep::Newest(3)).unwrap(), [store.paths(&keys[1]).0]);
    assert_eq!(store.clean(&lock, Keep::Within(250)).unwrap(), [store.paths(&keys[2]).0]);
    fs::write(folder.path().join("stray.plan"), b"?").unwrap();
    assert_eq!(store.clean(&lock, Keep::Newest(9)).unwrap(), [folder.path().join("stray.plan")]);
    let left: Vec<u32> = store.list().unwrap().iter().map(|it| it.sidecar.as_ref().unwrap().key.frames).collect();
    assert_eq!(left, [0, 3]);
}

#[test]
fn a_name_cannot_lead_out_of_the_folder() {
    let key = PlanKey { name: "../../etc/passwd".to_owned(), ..key() };
    assert!(key.stem().starts_with("______etc_passwd-"), "{}", key.stem());
    assert!(PlanKey { name: String::new(), ..key }.stem().starts_with("plan-"));
}
