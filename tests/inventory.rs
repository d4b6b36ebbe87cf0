//! Goal: `docs/inventory.md` is true: every row has a state, every row that is done names tests that exist, every
//! parameter is there, and the counts at its head are those of its rows.
//! Method: read the document row by row and our sources token by token, collect all the breaches, then fail with the list.
//! Planted breaches show that each is told with its line.

#[path = "inventory/document.rs"]
mod document;
#[path = "inventory/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use document::{Document, Fault, Row, State, code_spans};
use engine::param::{ParamId, TABLE};
use sources::Tests;

const DOCUMENT: &str = "docs/inventory.md";
/// The file whose tests are made from the table of parameters, one each, under the parameter's own name.
const PROPAGATION: &str = "tests/propagation.rs";
/// Rows that the published instrument's two tables have: none may be left out.
const PUBLISHED: [(char, u32); 2] = [('C', 65), ('F', 108)];
/// Words that a reason has at least: fewer are no clause.
const REASON_WORDS: usize = 3;

#[test]
fn every_row_of_the_inventory_holds() {
    let text = fs::read_to_string(DOCUMENT).expect("the inventory is written down");
    let tests = Tests::read(Path::new("."));
    let faults = faults(&text, &tests, &PUBLISHED);
    let told: Vec<String> = faults.iter().map(|it| format!("{DOCUMENT}:{}: {}", it.line, it.words)).collect();
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

/// All that is wrong with an inventory, in the order of its lines.
fn faults(text: &str, tests: &Tests, published: &[(char, u32)]) -> Vec<Fault> {
    let (document, mut faults) = Document::read(text);
    for row in &document.rows {
        let mut told = |words: String| faults.push(Fault { line: row.line, words: format!("{}: {words}", row.number) });
        match row.state {
            State::Done => done_faults(row, &mut told),
            State::Planned => planned_faults(row, &document, &mut told),
            State::Never => never_faults(row, &mut told),
        }
        // Also those that show half of what is planned.
        code_spans(&row.by).filter_map(|name| tests.find(name).err()).for_each(&mut told);
        for name in code_spans(&row.what).filter(|name| TABLE.iter().all(|it| it.name != *name)) {
            told(format!("`{name}` is no parameter of `demon params`"));
        }
    }
    faults.extend(number_faults(&document, published));
    faults.extend(count_faults(&document));
    faults.extend(parameter_faults(&document));
    faults.extend(plan_faults(&document));
    faults.sort_by_key(|it| it.line);
    faults
}

/// A row that is done names at least one test, and one of a parameter stands beside that parameter.
fn done_faults(row: &Row, told: &mut dyn FnMut(String)) {
    for name in code_spans(&row.by) {
        let parameter = generated(name);
        if let Some(id) = parameter.filter(|id| code_spans(&row.what).all(|it| it != id.row().name)) {
            told(format!("names the test of `{}`, which does not stand in its second cell", id.row().name));
        }
    }
    if code_spans(&row.by).next().is_none() {
        told("is done and names no test (expected its name in backticks)".to_owned());
    }
}

/// The parameter whose generated test this is.
fn generated(name: &str) -> Option<ParamId> {
    let id = name.strip_prefix(PROPAGATION)?.strip_prefix("::")?;
    ParamId::all().find(|it| format!("{it:?}") == id)
}

/// A row that is planned says in which of our plans.
fn planned_faults(row: &Row, document: &Document, told: &mut dyn FnMut(String)) {
    let plan = plan(row);
    if !document.plans.iter().any(|(_, name)| name == plan) {
        let known: Vec<&str> = document.plans.iter().map(|it| it.1.as_str()).collect();
        told(format!("is planned in {plan:?}, expected one of {}", known.join(", ")));
    }
}

/// The plan at the head of a planned row's reason: all before the first colon.
fn plan(row: &Row) -> &str {
    row.by.split(':').next().unwrap_or_default().trim()
}

/// A row that never comes says why.
fn never_faults(row: &Row, told: &mut dyn FnMut(String)) {
    if row.by.split_whitespace().count() < REASON_WORDS {
        told(format!("never comes and does not say why, found {:?}", row.by));
    }
}

/// Numbers are unique, go on from 1 without a gap, and their parts from a.
fn number_faults(document: &Document, published: &[(char, u32)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut parts: BTreeMap<(char, u32), BTreeMap<Option<char>, usize>> = BTreeMap::new();
    for row in &document.rows {
        let number = row.number;
        let before = parts.entry((number.table, number.place)).or_default().insert(number.part, row.line);
        if let Some(line) = before {
            faults.push(Fault { line: row.line, words: format!("{number} stands on line {line} already") });
        }
    }
    for (&(table, place), parts) in &parts {
        let letters = ('a'..).take(parts.len()).map(Some);
        let whole = parts.len() == 1 && parts.contains_key(&None);
        if !whole && (parts.len() < 2 || !parts.keys().copied().eq(letters)) {
            let line = *parts.values().next().expect("a number has at least one row");
            let words = format!("the parts of {table}{place} are not a, b, ... (one alone has no letter)");
            faults.push(Fault { line, words });
        }
    }
    for table in parts.keys().map(|it| it.0).collect::<BTreeSet<_>>() {
        let last = parts.keys().filter(|it| it.0 == table).map(|it| it.1).max().unwrap_or(0);
        let all = published.iter().find(|it| it.0 == table).map_or(last, |it| it.1);
        for place in (1..=all).filter(|&place| !parts.contains_key(&(table, place))) {
            faults.push(Fault { line: 1, words: format!("{table}{place} is missing") });
        }
        if all < last {
            faults.push(Fault { line: 1, words: format!("{table} ends with {all}, found {table}{last}") });
        }
    }
    for (table, _) in published.iter().filter(|(table, _)| parts.keys().all(|it| it.0 != *table)) {
        faults.push(Fault { line: 1, words: format!("no row of {table} is there") });
    }
    faults
}

/// The counts at the head are those of the rows.
fn count_faults(document: &Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for table in document.rows.iter().map(|it| it.number.table).collect::<BTreeSet<_>>() {
        let of = |state| document.rows.iter().filter(|it| it.number.table == table && it.state == state).count();
        let found = [of(State::Done), of(State::Planned), of(State::Never)];
        let all: usize = found.iter().sum();
        let [done, planned, never] = found;
        let words = format!("the rows of {table} are {done} done, {planned} planned, {never} never, {all} in all");
        match document.counts.iter().find(|it| it.table == table) {
            None => faults.push(Fault { line: 1, words: format!("{words}; no line of the counts says so") }),
            Some(said) if said.numbers != [done, planned, never, all] => {
                faults.push(Fault { line: said.line, words: format!("{words}; found {:?}", said.numbers) });
            }
            Some(_) => {}
        }
    }
    faults
}

/// Every parameter is done in some row, so that a new one cannot be forgotten.
fn parameter_faults(document: &Document) -> Vec<Fault> {
    let done = document.rows.iter().filter(|it| it.state == State::Done);
    let named: BTreeSet<ParamId> =
        done.flat_map(|it| code_spans(&it.by).filter_map(generated).collect::<Vec<_>>()).collect();
    let missing = ParamId::all().filter(|id| !named.contains(id));
    let words = |id: ParamId| {
        format!("`{}` is a parameter and no row that is done names `{PROPAGATION}::{id:?}`", id.row().name)
    };
    missing.map(|id| Fault { line: 1, words: words(id) }).collect()
}

/// A plan that no row is in has been carried out, or was never one.
fn plan_faults(document: &Document) -> Vec<Fault> {
    let planned: BTreeSet<&str> = document.rows.iter().filter(|it| it.state == State::Planned).map(plan).collect();
    let idle = document.plans.iter().filter(|(_, name)| !planned.contains(name.as_str()));
    idle.map(|(line, name)| Fault { line: *line, words: format!("no row is planned in {name:?}") }).collect()
}

/// A sound inventory of two rows, without the parameters.
const SOUND: &str = "\
# Inventory

## Counts

| table | done | planned | never | all |
| --- | --- | --- | --- | --- |
| C: controls | 1 | 1 | 1 | 3 |

## Plans

| plan | means |
| --- | --- |
| drawing | a hand's move becomes a curve |

## Strength

| number | what | state | shown by, planned in, or why not |
| --- | --- | --- | --- |
| C1 | How far it goes, `denoise` | done | `tests/propagation.rs::Denoise`, `every_row_of_the_inventory_holds`; ours is continuous |
| C2a | As a line | planned | drawing: by the knob |
| C2b | As a picture | never | the box has no pointer |
";

#[test]
fn every_breach_is_told_with_its_line() {
    let tests = Tests::read(Path::new("."));
    let told = |text: &str| -> Vec<String> {
        let faults = faults(text, &tests, &[('C', 2)]).into_iter();
        let of_parameters = |it: &Fault| it.words.contains("is a parameter and no row");
        faults.filter(|it| !of_parameters(it)).map(|it| format!("{}: {}", it.line, it.words)).collect()
    };
    assert_eq!(told(SOUND), Vec::<String>::new());
    for (from, to, wanted) in [
        ("| done | `tests/p", "| finished | `tests/p", "19: C1: state \"finished\", expected done, planned or never"),
        ("| C1 |", "| 1 |", "19: number \"1\", expected a letter, a number and perhaps a small letter, as C12 or C12a"),
        ("| C2b | As a picture | never", "| C2b | As a picture never", "21: 3 cells, expected 4"),
        (
            "number | what",
            "number | that",
            "17: expected the head `| number | what | state | shown by, planned in, or why not |`",
        ),
        ("`every_row_of_the_inventory_holds`", "`every_row_holds`", "19: C1: `every_row_holds` is no test of ours"),
        ("::Denoise`", "::Denose`", "19: C1: `tests/propagation.rs::Denose`: no test of this file has that name"),
        (
            "tests/propagation.rs::D",
            "tests/propagation.txt::D",
            "19: C1: `tests/propagation.txt::Denoise`: there is no such file",
        ),
        (
            "`every_row_of_the_inventory_holds`",
            "`every_picture_of_the_document_is_what_the_code_draws",
            "19: C1: a backtick is not closed",
        ),
        (
            "`tests/propagation.rs::Denoise`, `every_row_of_the_inventory_holds`; o",
            "o",
            "19: C1: is done and names no test",
        ),
        ("::Denoise`", "::Seed`", "19: C1: names the test of `seed`, which does not stand in its second cell"),
        ("`denoise`", "`denoize`", "19: C1: `denoize` is no parameter of `demon params`"),
        ("drawing: by", "sketching: by", "20: C2a: is planned in \"sketching\", expected one of drawing"),
        ("the box has no pointer", "no", "21: C2b: never comes and does not say why"),
        ("| C2b", "| C2a", "21: C2a stands on line 20 already"),
        ("| C2b", "| C2c", "20: the parts of C2 are not a, b, ..."),
        ("| C1 ", "| C3 ", "1: C1 is missing"),
        ("| C1 ", "| C3 ", "1: C ends with 2, found C3"),
        (
            "| 1 | 1 | 1 | 3 |",
            "| 2 | 1 | 1 | 3 |",
            "7: the rows of C are 1 done, 1 planned, 1 never, 3 in all; found [2, 1, 1, 3]",
        ),
        (
            "| 1 | 1 | 1 | 3 |",
            "| 1 | 1 | 1 | 4 |",
            "7: the rows of C are 1 done, 1 planned, 1 never, 3 in all; found [1, 1, 1, 4]",
        ),
        ("| drawing | a", "| drawing | b |\n| loading | a", "14: no row is planned in \"loading\""),
        ("no pointer", "no pointer, see issue 12", "21: C2b: points out of the repository"),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert!(text != SOUND, "{from:?} stands in the text");
        let told = told(&text);
        assert!(told.iter().any(|it| it.starts_with(wanted)), "{to:?} is not told as {wanted:?}: {told:#?}");
    }
}

#[test]
fn a_parameter_that_is_forgotten_is_named() {
    let told = faults(SOUND, &Tests::read(Path::new(".")), &[]);
    let missing = told.iter().filter(|it| it.words.contains("is a parameter and no row")).count();
    assert_eq!(missing, TABLE.len() - 1, "all but denoise: {told:?}");
    assert!(told.iter().any(|it| it.words.starts_with("`seed` is a parameter")), "{told:?}");
}
