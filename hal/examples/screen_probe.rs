//! Draws known pictures on a framebuffer, for `tools/vm-test`, which photographs the screen from outside.
//!
//! `screen_probe DEVICE` shows a picture a line of its standard input, a number that the picture is made of, and prints
//! `shown N` or what went wrong. It never says what it thinks stands on the screen: that is for the photograph to show.
#![allow(clippy::print_stdout)]

use std::io::BufRead;
use std::path::Path;

use hal::display::{Frame, Framebuffer, Screen, Tones};

const AMBER: Tones = Tones { light: [255, 176, 0], dark: [16, 8, 0] };

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = std::env::args().nth(1).ok_or("screen_probe DEVICE")?;
    let mut screen = Framebuffer::open(Path::new(&device), AMBER)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let number: usize = line?.trim().parse()?;
        screen.show(&picture(number))?;
        println!("shown {number}");
    }
    Ok(())
}

/// Neither rows, columns nor mirror images of it are alike.
fn picture(number: usize) -> Frame {
    let mut frame = Frame::default();
    for y in 0..Frame::HEIGHT {
        (0..Frame::WIDTH).for_each(|x| frame.set(x, y, (x * 5 + y * 3 + x * y + number) % 7 < 3));
    }
    frame
}
