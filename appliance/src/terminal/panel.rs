//! The status on a panel of 128 by 64 dots: what must be read from a step away, nothing else.

use engine::param::ParamId;
use hal::display::graphics::mono_font::ascii::{FONT_6X10, FONT_9X18_BOLD};
use hal::display::graphics::mono_font::{MonoFont, MonoTextStyle};
use hal::display::graphics::pixelcolor::BinaryColor;
use hal::display::graphics::prelude::{DrawTarget, Drawable, Point, Primitive, Size};
use hal::display::graphics::primitives::{PrimitiveStyle, Rectangle};
use hal::display::graphics::text::{Baseline, Text};

use super::{Status, clock, written};

/// Dots across.
const WIDTH: i32 = 128;

/// Draws the status onto a cleared panel.
///
/// # Errors
/// What the target errs with.
pub fn draw<D: DrawTarget<Color = BinaryColor>>(status: &Status, target: &mut D) -> Result<(), D::Error> {
    target.clear(BinaryColor::Off)?;
    let id = status.spotlight();
    let row = id.row();
    let top = format!("{:<13.13} {:>7}", status.source, clock(f64::from(status.position) * status.seconds));
    write(target, &top, 0, &FONT_6X10)?;

    // The tape, with the playhead across it.
    fill(target, 0, 13, WIDTH, 1)?;
    fill(target, (status.position.clamp(0.0, 1.0) * (WIDTH - 3) as f32) as i32, 11, 3, 5)?;

    write(target, &format!("{:<15.15}{:>6}", row.words, row.class.word()), 18, &FONT_6X10)?;
    write(target, &written(id, &status.values), 28, &FONT_9X18_BOLD)?;
    let part = row.position(status.values.exact(id));
    fill(target, 0, 46, (part * f64::from(WIDTH)).round() as i32, 2)?;

    let state = if status.muted {
        "MUTE".to_owned()
    } else if status.xruns + status.late + status.non_finite > 0 {
        format!("! x{} l{}", status.xruns.min(999), status.late.min(999))
    } else {
        format!("d{} {:.0}t/s {:.0}ms", status.values.whole(ParamId::Depth), status.ticks_per_s, status.lead_ms)
    };
    let bottom = if status.message.is_empty() { &state } else { &status.message };
    write(target, &format!("{bottom:.21}"), 54, &FONT_6X10)
}

fn write<D>(target: &mut D, text: &str, y: i32, font: &MonoFont<'_>) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let style = MonoTextStyle::new(font, BinaryColor::On);
    Text::with_baseline(text, Point::new(0, y), style, Baseline::Top).draw(target).map(|_| ())
}

fn fill<D>(target: &mut D, x: i32, y: i32, width: i32, height: u32) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let size = Size::new(u32::try_from(width).unwrap_or(0), height);
    Rectangle::new(Point::new(x, y), size).into_styled(PrimitiveStyle::with_fill(BinaryColor::On)).draw(target)
}
