//! Goal: the folders of a crate import each other in one direction, as its table in ARCHITECTURE.md says, so that a room can be
//! read without what stands on it.
//! Method: read the crate's sources as the compiler finds them, module by module and without their tests, follow every path and
//! every re-export to where it leads, and hold what is found against the table. A crate written into a folder of its own, with
//! planted breaches, shows that each is told with its file, its import and the rule.

#[path = "rooms/sources.rs"]
mod sources;
#[path = "rooms/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sources::Sources;
use table::Table;

const ARCHITECTURE: &str = "ARCHITECTURE.md";

#[test]
fn rooms_of_the_engine_stand_on_each_other_as_the_table_says() {
    check("engine/src");
}

/// Holds the sources of a crate against their table of ARCHITECTURE.md.
fn check(sources: &str) {
    let text = fs::read_to_string(ARCHITECTURE).expect("the architecture is written down");
    let breaches = breaches(Path::new(sources), &text, &format!("room of `{sources}`"));
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

/// Everything that is wrong with a crate or with its table, in words.
fn breaches(sources: &Path, text: &str, head: &str) -> Vec<String> {
    let (table, mut told) = Table::read(text, head);
    if table.is_empty() {
        return told;
    }
    let sources = Sources::read(sources);
    let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
    for module in sources.modules() {
        let Some(room) = table.room(&module.path) else {
            // The root declares the rooms and is none.
            if !module.path.is_empty() {
                told.push(format!("{}: `{}` has no row in \"{head}\"", module.file, module.path.join("::")));
            }
            continue;
        };
        for import in &module.paths {
            for home in sources.homes(module, import) {
                let Some(other) = table.room(home).filter(|it| *it != room) else { continue };
                found.insert((room, other));
                if !table.stands_on(room, other) {
                    let (file, import) = (&module.file, import.join("::"));
                    told.push(format!("{file}: `{import}` leads to `{other}`, and `{room}` does not stand on that"));
                }
            }
        }
    }
    told.extend(table.edges().filter(|it| !found.contains(it)).map(|(room, other)| {
        format!("{ARCHITECTURE}: `{room}` stands on `{other}` in \"{head}\", and imports nothing of it")
    }));
    told.sort();
    told.dedup();
    told
}

/// A crate of three rooms, in files. `cellar` is honest; what `hall` and `roof` do, each test says.
fn house(hall: &str, roof: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    fs::create_dir(folder.path().join("hall")).expect("a folder");
    write("lib.rs", "mod cellar;\nmod hall;\nmod roof;\n");
    write("cellar.rs", "pub struct Barrel;\n#[cfg(test)]\nmod tests { use crate::roof::Tile; }\n");
    write("hall/mod.rs", hall);
    write("hall/stair.rs", "pub struct Step;\n");
    write("roof.rs", roof);
    folder
}

const TABLE: &str = "# Book\n\n| room of the house | stands on |\n| --- | --- |\n| `cellar` | |\n| `hall` | `cellar` |\n\
    | `roof` | `cellar`, `hall` |\n\n| room of the garden | stands on |\n| --- | --- |\n| `attic` | |\n";
const HALL: &str = "mod stair;\npub use stair::Step;\npub use crate::cellar::Barrel;\n";
const ROOF: &str = "use crate::{hall::Step, cellar};\nfn f(_: cellar::Barrel) {}\n";

fn told(hall: &str, roof: &str, table: &str) -> Vec<String> {
    let house = house(hall, roof);
    let root = format!("{}/", house.path().display());
    breaches(house.path(), table, "room of the house").iter().map(|it| it.replace(&root, "")).collect()
}

#[test]
fn a_house_in_order_has_nothing_to_tell_and_tests_may_look_up() {
    assert_eq!(told(HALL, ROOF, TABLE), Vec::<String>::new());
}

#[test]
fn an_import_that_runs_back_up_is_told_in_whatever_words_it_is_written() {
    let words = |import: &str| format!("hall/mod.rs: `{import}` leads to `roof`, and `hall` does not stand on that");
    let with = |more: &str| told(&format!("{HALL}{more}"), ROOF, TABLE);
    assert_eq!(with("use crate::roof::Tile;"), [words("crate::roof::Tile")]);
    assert_eq!(with("use super::roof::{Tile as Slate};"), [words("super::roof::Tile")]);
    assert_eq!(with("fn f() { let _ = crate::roof::tile::<u8>(); }"), [words("crate::roof::tile")]);
    assert_eq!(with("mod inner { use super::super::roof::*; }"), [words("super::super::roof")]);
    assert_eq!(with("macro_rules! m { () => { $crate::roof::f() } }"), [words("crate::roof::f")]);
    assert_eq!(with("/// As [`crate::roof`].\n#[cfg(test)]\nuse crate::roof::Tile;"), Vec::<String>::new());
}

#[test]
fn what_a_room_hands_on_counts_where_it_lives_and_where_it_was_asked_for() {
    let table = TABLE.replace("| `roof` | `cellar`, `hall` |", "| `roof` | `hall` |");
    let words = "roof.rs: `crate::hall::Barrel` leads to `cellar`, and `roof` does not stand on that";
    assert_eq!(told(HALL, "use crate::hall::Barrel;", &table), [words]);
    let table = TABLE.replace("| `roof` | `cellar`, `hall` |", "| `roof` | `cellar` |");
    let words = "roof.rs: `crate::hall::Barrel` leads to `hall`, and `roof` does not stand on that";
    assert_eq!(told(HALL, "use crate::hall::Barrel;", &table), [words]);
}

#[test]
fn a_table_that_is_not_true_or_not_in_order_is_told() {
    let empty = "ARCHITECTURE.md: `roof` stands on `hall` in \"room of the house\", and imports nothing of it";
    assert_eq!(told(HALL, "use crate::cellar::Barrel;", TABLE), [empty]);
    let turned = TABLE.replace("| `cellar` | |", "| `cellar` | `roof` |");
    let words = "ARCHITECTURE.md: `cellar` stands on `roof` in \"room of the house\", which has no row above it";
    assert!(told(HALL, ROOF, &turned).contains(&words.to_owned()));
    let without = TABLE.replace("| `cellar` | |\n", "");
    assert!(told(HALL, ROOF, &without).contains(&"cellar.rs: `cellar` has no row in \"room of the house\"".to_owned()));
    assert_eq!(told(HALL, ROOF, "# Book\n")[0], "ARCHITECTURE.md: no table of \"room of the house\"");
}

#[test]
fn a_table_without_that_column_says_the_order_alone() {
    let order = "| room of the house | holds |\n| --- | --- |\n| `cellar/` | barrels |\n| `hall/` | `Step` |\n| `roof/` | tiles |\n";
    assert_eq!(told(HALL, ROOF, order), Vec::<String>::new());
    let words = "hall/mod.rs: `crate::roof::Tile` leads to `roof`, and `hall` does not stand on that";
    assert_eq!(told(&format!("{HALL}use crate::roof::Tile;"), ROOF, order), [words]);
}
