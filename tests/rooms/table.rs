//! The order of a crate's rooms, as a table of ARCHITECTURE.md has it.
//!
//! A row is a room, from the ground up: it may import the rooms above it, and where the table's second column is "stands on" those
//! that stand there, each of which it has to import. A room is a module, with everything in it that has no row of its own:
//! `backend`, or `backend::cuda`.

/// A room and what it stands on.
#[derive(Debug)]
struct Row {
    room: String,
    on: Vec<String>,
}

/// The rows, from the ground up.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// Whether the rows say what they stand on.
    is_exact: bool,
}

impl Table {
    /// Reads the table whose first column has this head. Comes back with what is wrong with it by itself, in words.
    pub fn read(text: &str, head: &str) -> (Self, Vec<String>) {
        let begin = format!("| {head} |");
        let mut lines = text.lines().skip_while(|it| !it.starts_with(&begin)).take_while(|it| it.starts_with('|'));
        let is_exact = lines.next().is_some_and(|it| it[begin.len()..].trim_matches(['|', ' ']) == "stands on");
        let rows: Vec<Row> = lines.skip(1).filter_map(|it| row(it, is_exact)).collect();
        let mut told = Vec::new();
        if rows.is_empty() {
            told.push(format!("ARCHITECTURE.md: no table of \"{head}\""));
        }
        for (at, Row { room, on }) in rows.iter().enumerate() {
            if rows[..at].iter().any(|it| it.room == *room) {
                told.push(format!("ARCHITECTURE.md: `{room}` has two rows in \"{head}\""));
            }
            let above = on.iter().filter(|other| !rows[..at].iter().any(|it| it.room == **other));
            told.extend(above.map(|other| {
                format!("ARCHITECTURE.md: `{room}` stands on `{other}` in \"{head}\", which has no row above it")
            }));
        }
        (Self { rows, is_exact }, told)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The room of a module.
    pub fn room(&self, module: &[String]) -> Option<&str> {
        (1..=module.len()).rev().find_map(|len| {
            let name = module[..len].join("::");
            self.rows.iter().find(|it| it.room == name).map(|it| &*it.room)
        })
    }

    /// Whether the one may import the other.
    pub fn stands_on(&self, room: &str, other: &str) -> bool {
        if self.is_exact {
            return self.edges().any(|it| it == (room, other));
        }
        let floor = |name: &str| self.rows.iter().position(|it| it.room == name);
        floor(other) < floor(room)
    }

    /// Every room with every room that it stands on.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().flat_map(|row| row.on.iter().map(|on| (&*row.room, &**on)))
    }
}

/// A room, maybe written as the folder that it is, and what it stands on, in code spans.
fn row(line: &str, is_exact: bool) -> Option<Row> {
    let spans = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut cells = line.trim_matches('|').split('|').map(spans);
    let room = cells.next()?.first()?.trim_end_matches('/').to_owned();
    Some(Row { room, on: cells.next().filter(|_| is_exact).unwrap_or_default() })
}
