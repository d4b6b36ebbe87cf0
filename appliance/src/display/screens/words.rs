//! The screens of words: what to touch, what to choose, what is wrong, what is being loaded.

use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{LibraryPage, Pick, Status, TextPage, seen, written};
use crate::settings::library::Item;

/// Lines of a list below its title.
const LINES: usize = 5;

pub(super) fn learn(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let marks = marks(status);
    sheet.title("Learn", if marks.is_empty() { &status.layer } else { marks });
    let words = status.learn.as_deref().unwrap_or("nothing is being learnt");
    paragraph(&mut sheet, words, BOTTOM);
    sheet
}

/// Where a panel ends.
pub(super) const BOTTOM: i32 = 64;
/// Where the last line of a panel begins.
pub(super) const FOOT: i32 = 54;

/// What stands in a title's corner whatever the screen is about: muted, at fault, or both.
pub(super) fn marks(status: &Status) -> &'static str {
    match (status.muted, status.faults.is_empty()) {
        (true, false) => "MUTE !",
        (true, true) => "MUTE",
        (false, false) => "!",
        (false, true) => "",
    }
}

pub(super) fn fault(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    // What a hand does is told beside a fault, not after it.
    let said = status.said();
    let part = fault_part(status, WIDTH, if said.is_empty() { LINES } else { LINES - 1 });
    sheet.title(if status.muted { "Fault, MUTE" } else { "Fault" }, &part.place);
    paragraph(&mut sheet, &part.words, if said.is_empty() { BOTTOM } else { FOOT });
    sheet.text(Face::Plain, 0, FOOT, WIDTH, said);
    sheet
}

/// What stands of the faults at the moment, where there is no room for all of them.
pub(super) struct FaultPart {
    /// The words.
    pub(super) words: String,
    /// Which part this is, of how many: "2/3"; a mark where it is the only one.
    pub(super) place: String,
}

/// The part of the faults that stands on so many lines of so many dots at the moment: each fault whole, one after the other.
pub(super) fn fault_part(status: &Status, width: i32, lines: usize) -> FaultPart {
    let mut parts: Vec<String> = status.faults.iter().flat_map(|it| pages(it, width, lines)).collect();
    if parts.is_empty() {
        return FaultPart { words: "no fault".to_owned(), place: String::new() };
    }
    let (count, at) = (parts.len(), status.fault_page % parts.len());
    let place = if count > 1 { format!("{}/{count}", at + 1) } else { "!".to_owned() };
    FaultPart { words: parts.swap_remove(at), place }
}

/// Words in parts that so many lines hold whole; at least one. A word that is longer than a line is broken.
fn pages(words: &str, width: i32, lines: usize) -> Vec<String> {
    let columns = (width / Face::Plain.width(" ")).max(1) as usize;
    let broken: Vec<String> = words
        .split_whitespace()
        .flat_map(|word| {
            let letters: Vec<char> = word.chars().collect();
            letters.chunks(columns).map(|it| it.iter().collect()).collect::<Vec<String>>()
        })
        .collect();
    let all = Face::Plain.wrap(&broken.join(" "), width, usize::MAX);
    let pages: Vec<String> = all.chunks(lines.max(1)).map(|it| it.join(" ")).collect();
    if pages.is_empty() { vec![String::new()] } else { pages }
}

/// Words below a title and above `bottom`, as large as they fit.
pub(super) fn paragraph(sheet: &mut Sheet, words: &str, bottom: i32) {
    const TOP: i32 = 13;
    let fits = |face: Face| {
        let lines = (bottom - TOP) / face.height();
        let whole = face.wrap(words, WIDTH, usize::MAX);
        let broken = words.split_whitespace().any(|word| face.width(word) > WIDTH);
        whole.len() <= lines as usize && !broken
    };
    let face = if fits(Face::Bold) { Face::Bold } else { Face::Plain };
    let lines = face.wrap(words, WIDTH, ((bottom - TOP) / face.height()) as usize);
    let top = TOP + (bottom - TOP - face.height() * lines.len() as i32) / 2;
    for (line, y) in lines.iter().zip((top..).step_by(face.height() as usize)) {
        sheet.centred(face, y, line);
    }
}

/// A list to choose from: what is seen of it and where its cursor is.
pub(super) struct Choice {
    title: String,
    /// What stands above the list: words that are written, their end where there is no room for all.
    pub(super) above: Option<String>,
    /// Name and what is beside it, of as many as there is room for.
    pub(super) seen: Vec<(String, String)>,
    /// The first of them, and the one under the cursor, in the whole list.
    pub(super) first: usize,
    pub(super) cursor: usize,
    count: usize,
}

/// What there is to choose from, in so many lines: of words that are written, of the library while a hand walks through it, else the
/// parameters.
pub(super) fn choice(status: &Status, lines: usize) -> Option<Choice> {
    if let Some(TextPage { title, text, choices, cursor }) = &status.text {
        let choice = Choice::of(title, choices, *cursor, lines - 1, |it| (it.clone(), String::new()))?;
        return Some(Choice { above: Some(end_of(text)), ..choice });
    }
    if let Some(LibraryPage { items, cursor }) = &status.library {
        return Choice::of("Library", items, *cursor, lines, |it| (it.name.clone(), beside(it)));
    }
    let Pick { list, cursor } = status.pick.as_ref()?;
    Choice::of("Choose", list, *cursor, lines, |id| (id.row().words.to_owned(), written(*id, &status.values)))
}

impl Choice {
    fn of<T>(
        title: &str,
        list: &[T],
        cursor: usize,
        lines: usize,
        entry: impl Fn(&T) -> (String, String),
    ) -> Option<Self> {
        let (cursor, range) = seen(cursor, list.len(), lines)?;
        let (first, count) = (range.start, list.len());
        let (title, seen) = (title.to_owned(), list[range].iter().map(entry).collect());
        Some(Self { title, above: None, seen, first, cursor, count })
    }
}

/// The end of words that are written, with the place of the next letter.
fn end_of(text: &str) -> String {
    let room = (WIDTH / Face::Plain.width(" ")) as usize - 2;
    let count = text.chars().count();
    let end: String = text.chars().skip(count.saturating_sub(room)).collect();
    format!("{}{end}_", if room < count { "<" } else { "" })
}

/// What a panel has room for beside a name of the library.
fn beside(item: &Item) -> String {
    if item.fault().is_some() { "!".to_owned() } else { item.known().into_iter().next().unwrap_or_default() }
}

pub(super) fn pick(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(Choice { title, above, seen, first, cursor, count }) = choice(status, LINES) else {
        sheet.title("Choose", "");
        paragraph(&mut sheet, "there is nothing to choose from", BOTTOM);
        return sheet;
    };
    sheet.title(&title, &format!("{} of {count}", cursor + 1));
    let top = if above.is_some() { 23 } else { 13 };
    if let Some(above) = above {
        sheet.text(Face::Plain, 0, 13, WIDTH, &above);
    }
    for (line, (words, value)) in seen.iter().enumerate() {
        let y = top + 10 * line as i32;
        if first + line == cursor {
            sheet.lit_line(Face::Plain, y, WIDTH - 5, words, value);
        } else {
            let end = sheet.right(Face::Plain, WIDTH - 7, y, 54, value);
            sheet.text(Face::Plain, 2, y, end - 6, words);
        }
    }
    // How much of the list is seen, and where.
    let (seen, all, height) = (seen.len() as i32, count as i32, 63 - top);
    sheet.fill(Area::new(WIDTH - 2, top + height * first as i32 / all, 2, (height * seen / all).max(2)));
    sheet
}

pub(super) fn boot(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let (words, part) = match &status.boot {
        Some(boot) => (boot.words.as_str(), boot.part),
        None => ("ready", Some(1.0)),
    };
    sheet.centred(Face::Big, 3, "DEMON");
    if let Some(part) = part {
        sheet.bar(Area::new(8, 24, WIDTH - 16, 8), f64::from(part));
    }
    for (line, y) in Face::Plain.wrap(words, WIDTH, 2).iter().zip([34, 44]) {
        sheet.centred(Face::Plain, y, line);
    }
    // What the start has found wrong.
    if status.faults.is_empty() {
        sheet.text(Face::Plain, 0, FOOT, WIDTH, status.said());
    } else {
        sheet.lit_line(Face::Plain, FOOT, WIDTH, &fault_part(status, WIDTH - 4, 1).words, "");
    }
    sheet
}
