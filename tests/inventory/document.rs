//! The inventory as it is written: counts, plans, and rows in tables under headings of what a player looks for.
//!
//! Reads every line of every table; a line that is no row of its table is told and not passed over.

use std::fmt;

const COUNTS_HEAD: &str = "| table | done | planned | never | all |";
const PLANS_HEAD: &str = "| plan | means |";
const ROWS_HEAD: &str = "| number | what | state | shown by, planned in, or why not |";

/// Something that does not hold, and the line (from 1) where.
#[derive(Debug)]
pub struct Fault {
    pub line: usize,
    pub words: String,
}

/// Whether a thing is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Done,
    Planned,
    Never,
}

/// A row's stable number: the table that it is of, its place there, and which part of it where it was split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub table: char,
    pub place: u32,
    pub part: Option<char>,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.table, self.place, self.part.map(String::from).unwrap_or_default())
    }
}

/// One control or feature.
#[derive(Debug)]
pub struct Row {
    pub line: usize,
    pub number: Number,
    pub what: String,
    pub state: State,
    /// The tests, the plan or the reason.
    pub by: String,
}

/// What the head says of one table: done, planned, never, all.
#[derive(Debug)]
pub struct Count {
    pub line: usize,
    pub table: char,
    pub numbers: [usize; 4],
}

/// The whole document.
#[derive(Debug, Default)]
pub struct Document {
    pub counts: Vec<Count>,
    /// Line and name of each plan.
    pub plans: Vec<(usize, String)>,
    pub rows: Vec<Row>,
}

impl Document {
    /// Reads a document as far as it is sound, and comes with all that is not.
    pub fn read(text: &str) -> (Self, Vec<Fault>) {
        let (mut document, mut faults) = (Self::default(), Vec::new());
        let (mut heading, mut row_of_table) = ("", 0);
        for (at, line) in text.lines().enumerate() {
            if let Some(words) = line.strip_prefix("## ") {
                heading = words.trim();
            }
            row_of_table = if line.starts_with('|') { row_of_table + 1 } else { 0 };
            let read = match row_of_table {
                0 | 2 => Ok(()), // no table, or the line under its head
                1 => head(heading, line),
                _ => document.take(at + 1, heading, line),
            };
            if let Err(words) = read {
                faults.push(Fault { line: at + 1, words });
            }
        }
        (document, faults)
    }

    /// Takes one line of a table's body.
    fn take(&mut self, line: usize, heading: &str, text: &str) -> Result<(), String> {
        match heading {
            "Counts" => self.counts.push(count(line, text)?),
            "Plans" => {
                let [name, _] = cells(text)?;
                self.plans.push((line, name.to_owned()));
            }
            _ => self.rows.push(row(line, text)?),
        }
        Ok(())
    }
}

/// The first line of a table says what its cells are.
fn head(heading: &str, line: &str) -> Result<(), String> {
    let wanted = match heading {
        "Counts" => COUNTS_HEAD,
        "Plans" => PLANS_HEAD,
        _ => ROWS_HEAD,
    };
    if line.trim_end() == wanted { Ok(()) } else { Err(format!("expected the head `{wanted}`")) }
}

fn row(line: usize, text: &str) -> Result<Row, String> {
    let [number, what, state, by] = cells(text)?;
    let number = Number::read(number).ok_or_else(|| {
        format!("number {number:?}, expected a letter, a number and perhaps a small letter, as C12 or C12a")
    })?;
    let state = match state {
        "done" => State::Done,
        "planned" => State::Planned,
        "never" => State::Never,
        other => return Err(format!("{number}: state {other:?}, expected done, planned or never")),
    };
    if what.is_empty() || by.is_empty() {
        return Err(format!("{number}: a cell is empty"));
    }
    if !text.matches('`').count().is_multiple_of(2) {
        return Err(format!("{number}: a backtick is not closed"));
    }
    // Whoever reads the repository has nothing else: a number of an issue says nothing to them.
    if text.to_lowercase().contains("issue ") || text.contains('#') {
        return Err(format!("{number}: points out of the repository, by an issue or a number of one"));
    }
    Ok(Row { line, number, what: what.to_owned(), state, by: by.to_owned() })
}

fn count(line: usize, text: &str) -> Result<Count, String> {
    let [table, numbers @ ..]: [&str; 5] = cells(text)?;
    let letter = table.chars().next().filter(char::is_ascii_uppercase);
    let table = letter.ok_or_else(|| format!("table {table:?}, expected its letter first"))?;
    let mut read = [0; 4];
    for (read, text) in read.iter_mut().zip(numbers) {
        *read = text.parse().map_err(|_| format!("count {text:?}, expected a whole number"))?;
    }
    Ok(Count { line, table, numbers: read })
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let table = text.chars().next().filter(char::is_ascii_uppercase)?;
        let part = text.chars().next_back().filter(char::is_ascii_lowercase);
        let place = text[1..].trim_end_matches(|it: char| Some(it) == part).parse().ok()?;
        Some(Self { table, place, part })
    }
}

/// The cells of a line of a table.
fn cells<const COUNT: usize>(line: &str) -> Result<[&str; COUNT], String> {
    let inner = line.trim_end().strip_prefix('|').and_then(|it| it.strip_suffix('|'));
    let inner = inner.ok_or("a line of a table begins and ends with `|`")?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let found = cells.len();
    cells.try_into().map_err(|_| format!("{found} cells, expected {COUNT}"))
}

/// What stands between backticks.
pub fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
