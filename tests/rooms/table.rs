//! The order of a crate's rooms, as a table of ARCHITECTURE.md has it.
//!
//! A row is a room and the rooms that it imports, from the ground up. A room is a module, with everything in it that has no row of
//! its own: `backend`, or `backend::cuda`.

/// A room and what it stands on.
#[derive(Debug)]
struct Row {
    room: String,
    on: Vec<String>,
}

/// The rows, from the ground up.
#[derive(Debug)]
pub struct Table(Vec<Row>);

impl Table {
    /// Reads the first table under a heading of any depth. Comes back with what is wrong with it by itself, in words.
    pub fn read(text: &str, heading: &str) -> (Self, Vec<String>) {
        let under = text.lines().skip_while(|it| !(it.starts_with('#') && it.trim_matches(['#', ' ']) == heading));
        let lines = under.skip(1).take_while(|it| !it.starts_with('#')).skip_while(|it| !it.starts_with('|'));
        let rows: Vec<Row> = lines.take_while(|it| it.starts_with('|')).filter_map(row).collect();
        let mut told = Vec::new();
        if rows.is_empty() {
            told.push(format!("ARCHITECTURE.md: no table under \"{heading}\""));
        }
        for (at, Row { room, on }) in rows.iter().enumerate() {
            if rows[..at].iter().any(|it| it.room == *room) {
                told.push(format!("ARCHITECTURE.md: `{room}` has two rows under \"{heading}\""));
            }
            let above = on.iter().filter(|other| !rows[..at].iter().any(|it| it.room == **other));
            told.extend(above.map(|other| {
                format!("ARCHITECTURE.md: `{room}` stands on `{other}` under \"{heading}\", which has no row above it")
            }));
        }
        (Self(rows), told)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The room of a module.
    pub fn room(&self, module: &[String]) -> Option<&str> {
        (1..=module.len()).rev().find_map(|len| {
            let name = module[..len].join("::");
            self.0.iter().find(|it| it.room == name).map(|it| &*it.room)
        })
    }

    /// Whether the one may import the other.
    pub fn stands_on(&self, room: &str, other: &str) -> bool {
        self.edges().any(|it| it == (room, other))
    }

    /// Every room with every room that it stands on.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|row| row.on.iter().map(|on| (&*row.room, &**on)))
    }
}

/// `| room | stands on |`, both in code spans; a line without a room is the table's head.
fn row(line: &str) -> Option<Row> {
    let mut cells = line.trim_matches('|').split('|').map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned));
    Some(Row { room: cells.next()?.next()?, on: cells.next()?.collect() })
}
