//! A sheet of texts and boxes: what a screen is before it becomes dots.
//!
//! Texts are cut and wrapped here by measuring, since a patch's name is as long as someone made it. Letters that the
//! panel's fonts lack are shown as question marks.

use hal::display::graphics::mono_font::iso_8859_1::{FONT_6X12, FONT_6X13_BOLD, FONT_7X13_BOLD, FONT_10X20};
use hal::display::graphics::mono_font::{MonoFont, MonoTextStyle};
use hal::display::graphics::pixelcolor::BinaryColor;
use hal::display::graphics::prelude::{Dimensions, DrawTarget, Drawable, Pixel, Point, Primitive, Size};
use hal::display::graphics::primitives::{PrimitiveStyle, Rectangle};
use hal::display::graphics::text::{Baseline, Text};

/// Dots across.
pub(super) const WIDTH: i32 = 128;
/// What stands for the rest of a text that was cut.
const CUT: char = '~';

/// How large a text is. Nothing is smaller than 6 by 10 dots: on a panel of 1.3 inch that is read at arm's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// 6 by 10 dots: what is read.
    Plain,
    /// 7 by 13 dots: what is glanced at.
    Bold,
    /// 10 by 18 dots: what the eye looks for.
    Big,
    /// 20 by 36 dots, the big one doubled: what is read across a stage.
    Huge,
}

impl Face {
    /// The font; `strong`: all of it bold, in the same cells.
    const fn font(self, strong: bool) -> &'static MonoFont<'static> {
        match self {
            // The font of 6 by 10 has a cross for a full stop, which a number cannot bear.
            Self::Plain if strong => &FONT_6X13_BOLD,
            Self::Plain => &FONT_6X12,
            Self::Bold => &FONT_7X13_BOLD,
            Self::Big | Self::Huge => &FONT_10X20,
        }
    }

    /// How far below its area's top a font begins: one has a row less than is taken, two have two empty rows more (only
    /// the accents of capitals reach into them).
    const fn drop(self, strong: bool) -> i32 {
        match self {
            Self::Plain if strong => -2,
            Self::Plain | Self::Big => -2,
            Self::Bold => 0,
            Self::Huge => -4,
        }
    }

    const fn character(self) -> (i32, i32) {
        match self {
            Self::Plain => (6, 10),
            Self::Bold => (7, 13),
            Self::Big => (10, 18),
            Self::Huge => (20, 36),
        }
    }

    /// Dots down.
    pub(super) const fn height(self) -> i32 {
        self.character().1
    }

    /// Dots across of a text.
    pub(super) fn width(self, text: &str) -> i32 {
        self.character().0 * text.chars().count() as i32
    }

    /// The text, cut to so many dots.
    pub(super) fn fit(self, text: &str, width: i32) -> String {
        let room = (width / self.character().0).max(0) as usize;
        let text: String = text.chars().map(known).collect();
        if text.chars().count() <= room {
            return text;
        }
        let kept: String = text.chars().take(room.saturating_sub(1)).collect();
        kept.trim_end().chars().chain((room > 0).then_some(CUT)).collect()
    }

    /// The text in lines of so many dots, broken between words; what finds no place is cut.
    pub(super) fn wrap(self, text: &str, width: i32, lines: usize) -> Vec<String> {
        let mut wrapped: Vec<String> = Vec::new();
        let mut words = text.split_whitespace().peekable();
        while words.peek().is_some() && wrapped.len() < lines {
            let mut line = String::new();
            let last = wrapped.len() + 1 == lines;
            while let Some(word) = words.peek() {
                let longer = if line.is_empty() { (*word).to_owned() } else { format!("{line} {word}") };
                // The last line takes all that is left, and is cut where it ends.
                if self.width(&longer) > width && !line.is_empty() && !last {
                    break;
                }
                line = longer;
                words.next();
            }
            wrapped.push(self.fit(&line, width));
        }
        wrapped
    }
}

/// A rectangle of dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Area {
    pub(super) const fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self { x, y, width, height }
    }

    fn shape(self) -> Rectangle {
        let side = |dots: i32| u32::try_from(dots).unwrap_or(0);
        Rectangle::new(Point::new(self.x, self.y), Size::new(side(self.width), side(self.height)))
    }
}

/// A thing on a sheet, drawn over those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A text; `dark` on a lit field.
    Text { area: Area, text: String, face: Face, dark: bool },
    /// A lit area.
    Fill(Area),
    /// A lit area for a dark text.
    Field(Area),
    /// A dark gap in something lit.
    Gap(Area),
    /// A line around an area.
    Outline(Area),
}

/// What a screen shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) marks: Vec<Mark>,
}

impl Sheet {
    /// Writes a text from `x` on, as much as has room in `width` dots.
    pub(super) fn text(&mut self, face: Face, x: i32, y: i32, width: i32, text: &str) {
        self.write(face, x, y, &face.fit(text, width), false);
    }

    /// Writes a text that ends before `end`, with room for `width` dots; answers where it begins.
    pub(super) fn right(&mut self, face: Face, end: i32, y: i32, width: i32, text: &str) -> i32 {
        let text = face.fit(text, width);
        let x = end - face.width(&text);
        self.write(face, x, y, &text, false);
        x
    }

    /// Writes a text in the middle.
    pub(super) fn centred(&mut self, face: Face, y: i32, text: &str) {
        let text = face.fit(text, WIDTH);
        self.write(face, (WIDTH - face.width(&text)) / 2, y, &text, false);
    }

    /// Writes dark on a lit field that ends before `end`; answers where the field begins. Nothing for no text.
    pub(super) fn badge(&mut self, face: Face, end: i32, y: i32, width: i32, text: &str) -> i32 {
        let text = face.fit(text, width - 4);
        if text.is_empty() {
            return end;
        }
        let x = end - face.width(&text) - 4;
        self.marks.push(Mark::Field(Area::new(x, y, end - x, face.height() + 1)));
        self.write(face, x + 2, y + 1, &text, true);
        x
    }

    /// The same on a line that has no row to spare above its letters.
    pub(super) fn badge_low(&mut self, face: Face, end: i32, y: i32, width: i32, text: &str) -> i32 {
        let text = face.fit(text, width - 4);
        if text.is_empty() {
            return end;
        }
        let x = end - face.width(&text) - 4;
        self.marks.push(Mark::Field(Area::new(x, y, end - x, face.height())));
        self.write(face, x + 2, y, &text, true);
        x
    }

    /// A title across the whole sheet, dark on light, with a text at its right end.
    pub(super) fn title(&mut self, text: &str, right: &str) {
        self.marks.push(Mark::Field(Area::new(0, 0, WIDTH, 11)));
        self.dark_pair(Face::Plain, 1, WIDTH, text, right);
    }

    /// Writes dark on a line's lit field.
    pub(super) fn lit_line(&mut self, face: Face, y: i32, width: i32, left: &str, right: &str) {
        self.marks.push(Mark::Field(Area::new(0, y, width, face.height())));
        self.dark_pair(face, y, width, left, right);
    }

    /// Writes a word dark on a lit field of its own size.
    pub(super) fn lit_word(&mut self, face: Face, x: i32, y: i32, text: &str) {
        self.marks.push(Mark::Field(Area::new(x, y, face.width(text) + 2, face.height())));
        self.write(face, x + 1, y, text, true);
    }

    /// A text in a box with a line around it.
    pub(super) fn boxed(&mut self, face: Face, area: Area, text: &str) {
        for (x, width) in [(area.x, 1), (area.x + area.width - 1, 1)] {
            self.fill(Area::new(x, area.y, width, area.height));
        }
        for y in [area.y, area.y + area.height - 1] {
            self.fill(Area::new(area.x, y, area.width, 1));
        }
        self.write(face, area.x + 2, area.y + (area.height - face.height()) / 2, text, false);
    }

    /// A text dark in a lit box.
    pub(super) fn lit_box(&mut self, face: Face, area: Area, text: &str) {
        self.marks.push(Mark::Field(area));
        self.write(face, area.x + 2, area.y + (area.height - face.height()) / 2, text, true);
    }

    /// A needle across a bar at `part` of it, dark around it so that it is seen on the lit part too.
    pub(super) fn needle(&mut self, bar: Area, part: f64) {
        let x = bar.x + (part.clamp(0.0, 1.0) * f64::from(bar.width - 3)).round() as i32;
        self.marks.push(Mark::Gap(Area::new(x - 2, bar.y, 7, bar.height)));
        self.marks.push(Mark::Fill(Area::new(x, bar.y, 3, bar.height)));
    }

    /// Two texts on a lit field; the left one has the right of way.
    fn dark_pair(&mut self, face: Face, y: i32, width: i32, left: &str, right: &str) {
        let left = face.fit(left, width - 4);
        let right = face.fit(right, width - 4 - face.width(&left) - face.width(" "));
        self.write(face, 2, y, &left, true);
        self.write(face, width - 2 - face.width(&right), y, &right, true);
    }

    /// A bar, `part` of it (0 to 1) lit.
    pub(super) fn bar(&mut self, area: Area, part: f64) {
        self.marks.push(Mark::Outline(area));
        let inside = f64::from(area.width - 2);
        let lit = (part.clamp(0.0, 1.0) * inside).round() as i32;
        self.marks.push(Mark::Fill(Area::new(area.x + 1, area.y + 1, lit, area.height - 2)));
    }

    pub(super) fn fill(&mut self, area: Area) {
        self.marks.push(Mark::Fill(area));
    }

    pub(super) fn gap(&mut self, area: Area) {
        self.marks.push(Mark::Gap(area));
    }

    fn write(&mut self, face: Face, x: i32, y: i32, text: &str, dark: bool) {
        if !text.is_empty() {
            let area = Area::new(x, y, face.width(text), face.height());
            self.marks.push(Mark::Text { area, text: text.to_owned(), face, dark });
        }
    }

    /// Makes dots of it, on a cleared target.
    pub(super) fn draw<D: DrawTarget<Color = BinaryColor>>(
        &self,
        strong: bool,
        target: &mut D,
    ) -> Result<(), D::Error> {
        target.clear(BinaryColor::Off)?;
        let filled = |ink| PrimitiveStyle::with_fill(ink);
        for mark in &self.marks {
            match mark {
                Mark::Fill(area) | Mark::Field(area) => {
                    area.shape().into_styled(filled(BinaryColor::On)).draw(target)?;
                }
                Mark::Gap(area) => area.shape().into_styled(filled(BinaryColor::Off)).draw(target)?,
                Mark::Outline(area) => {
                    area.shape().into_styled(PrimitiveStyle::with_stroke(BinaryColor::On, 1)).draw(target)?;
                }
                Mark::Text { area, text, face, dark } => {
                    let ink = if *dark { BinaryColor::Off } else { BinaryColor::On };
                    let style = MonoTextStyle::new(face.font(strong), ink);
                    let y = area.y + face.drop(strong);
                    if *face == Face::Huge {
                        let mut doubled = Doubled { target, corner: Point::new(area.x, y) };
                        Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut doubled)?;
                        continue;
                    }
                    // The big face is thin for its size: struck twice it is as bold as the others, but for letters that
                    // would run full.
                    if strong && *face == Face::Plain && text.contains(RUN_FULL) {
                        strong_line(text, Point::new(area.x, y), style, target)?;
                        continue;
                    }
                    let strikes = if *face == Face::Big && !text.contains(RUN_FULL) { 2 } else { 1 };
                    for strike in 0..strikes {
                        let corner = Point::new(area.x + strike, y);
                        Text::with_baseline(text, corner, style, Baseline::Top).draw(target)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Letters that would run full where they are bold.
const RUN_FULL: [char; 4] = ['m', 'M', 'w', 'W'];

/// A line of the strong face, of which the letters that would run full are not bold; both stand on one line.
fn strong_line<D: DrawTarget<Color = BinaryColor>>(
    text: &str,
    corner: Point,
    style: MonoTextStyle<'_, BinaryColor>,
    target: &mut D,
) -> Result<(), D::Error> {
    let mut thin = style;
    thin.font = Face::Plain.font(false);
    let mut at = corner;
    for letter in text.chars() {
        let (style, down) = if RUN_FULL.contains(&letter) { (thin, 1) } else { (style, 0) };
        let place = at + Point::new(0, down);
        Text::with_baseline(letter.encode_utf8(&mut [0; 4]), place, style, Baseline::Top).draw(target)?;
        at.x += Face::Plain.character().0;
    }
    Ok(())
}

/// Draws each dot as a square of four, from a corner on.
struct Doubled<'a, D> {
    target: &'a mut D,
    corner: Point,
}

impl<D: DrawTarget<Color = BinaryColor>> Dimensions for Doubled<'_, D> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.target.bounding_box().size)
    }
}

impl<D: DrawTarget<Color = BinaryColor>> DrawTarget for Doubled<'_, D> {
    type Color = BinaryColor;
    type Error = D::Error;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), D::Error> {
        for Pixel(at, ink) in pixels {
            let square = Rectangle::new(self.corner + at * 2, Size::new(2, 2));
            self.target.fill_solid(&square, ink)?;
        }
        Ok(())
    }
}

/// A letter that the fonts have.
const fn known(letter: char) -> char {
    match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => letter,
        '\u{0}'..='\u{1f}' => ' ',
        _ => '?',
    }
}
