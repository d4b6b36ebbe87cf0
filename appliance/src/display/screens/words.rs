//! The screens of words: what to touch, what to choose, what is wrong, what is being loaded.

use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Status, written};

/// Lines of a list below its title.
const LINES: usize = 5;

pub(super) fn learn(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.title("Learn", &status.layer);
    let words = status.learn.as_deref().unwrap_or("nothing is being learnt");
    paragraph(&mut sheet, words);
    sheet
}

/// Letters in a line of a panel.
const COLUMNS: usize = WIDTH as usize / 6;

pub(super) fn fault(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let words = status.fault.as_deref().unwrap_or("no fault");
    let pages = pages(words, LINES);
    let page = status.fault_page % pages.len();
    let at = if pages.len() > 1 { format!("{}/{}", page + 1, pages.len()) } else { "!".to_owned() };
    let further = if status.further_faults == 0 { at } else { format!("+{} {at}", status.further_faults) };
    sheet.title("Fault", &further);
    paragraph(&mut sheet, &pages[page]);
    sheet
}

/// The part of a fault that stands on a panel of so many lines at the moment.
pub(super) fn page_of(status: &Status, lines: usize) -> String {
    let pages = pages(status.fault.as_deref().unwrap_or("no fault"), lines);
    pages[status.fault_page % pages.len()].clone()
}

/// Words in parts that a panel of so many lines holds whole; at least one. A word that is longer than a line is broken.
fn pages(words: &str, lines: usize) -> Vec<String> {
    let broken: Vec<String> = words
        .split_whitespace()
        .flat_map(|word| {
            let letters: Vec<char> = word.chars().collect();
            letters.chunks(COLUMNS).map(|it| it.iter().collect()).collect::<Vec<String>>()
        })
        .collect();
    let all = Face::Plain.wrap(&broken.join(" "), WIDTH, usize::MAX);
    let pages: Vec<String> = all.chunks(lines).map(|it| it.join(" ")).collect();
    if pages.is_empty() { vec![String::new()] } else { pages }
}

/// Words below a title, as large as they fit.
pub(super) fn paragraph(sheet: &mut Sheet, words: &str) {
    const TOP: i32 = 13;
    let fits = |face: Face| {
        let lines = (64 - TOP) / face.height();
        let whole = face.wrap(words, WIDTH, usize::MAX);
        let broken = words.split_whitespace().any(|word| face.width(word) > WIDTH);
        whole.len() <= lines as usize && !broken
    };
    let face = if fits(Face::Bold) { Face::Bold } else { Face::Plain };
    let lines = face.wrap(words, WIDTH, ((64 - TOP) / face.height()) as usize);
    let top = TOP + (64 - TOP - face.height() * lines.len() as i32) / 2;
    for (line, y) in lines.iter().zip((top..).step_by(face.height() as usize)) {
        sheet.centred(face, y, line);
    }
}

pub(super) fn pick(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(pick) = status.pick.as_ref().filter(|pick| !pick.list.is_empty()) else {
        sheet.title("Choose", "");
        paragraph(&mut sheet, "there is nothing to choose from");
        return sheet;
    };
    let cursor = pick.cursor.min(pick.list.len() - 1);
    sheet.title("Choose", &format!("{} of {}", cursor + 1, pick.list.len()));
    // The cursor keeps to the middle, but for the ends of the list.
    let first = cursor.saturating_sub(LINES / 2).min(pick.list.len().saturating_sub(LINES));
    for (line, id) in pick.list.iter().skip(first).take(LINES).enumerate() {
        let (y, words, value) = (13 + 10 * line as i32, id.row().words, written(*id, &status.values));
        if first + line == cursor {
            sheet.lit_line(Face::Plain, y, WIDTH - 5, words, &value);
        } else {
            let end = sheet.right(Face::Plain, WIDTH - 7, y, 54, &value);
            sheet.text(Face::Plain, 2, y, end - 6, words);
        }
    }
    // How much of the list is seen, and where.
    let (seen, all, height) = (LINES.min(pick.list.len()) as i32, pick.list.len() as i32, 50);
    sheet.fill(Area::new(WIDTH - 2, 13 + height * first as i32 / all, 2, (height * seen / all).max(2)));
    sheet
}

pub(super) fn boot(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let (words, part) = match &status.boot {
        Some(boot) => (boot.words.as_str(), boot.part),
        None => ("ready", 1.0),
    };
    sheet.centred(Face::Big, 6, "DEMON");
    sheet.bar(Area::new(8, 31, WIDTH - 16, 9), f64::from(part));
    for (line, y) in Face::Plain.wrap(words, WIDTH, 2).iter().zip([43, 54]) {
        sheet.centred(Face::Plain, y, line);
    }
    sheet
}
