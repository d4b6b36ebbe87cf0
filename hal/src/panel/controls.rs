//! The controls of a panel that is here: edges and readings in, motions out. Pure.

use std::time::Duration;

use super::{Acceleration, Debounce, Edge, PanelPlan, Quadrature};
use crate::adc::Smoother;
use crate::gesture::{Control, Motion, Position};

/// How hard a button is pressed that cannot tell.
const HARDEST: u8 = 127;
/// An encoder's contacts are compared with what was heard only when no edge of it can still be under way.
const QUIET: Duration = Duration::from_millis(50);

/// All controls, in the plan's order.
pub struct Controls {
    buttons: Vec<Button>,
    encoders: Vec<Encoder>,
    pots: Vec<(u8, Smoother)>,
}

struct Button {
    number: u8,
    contact: Debounce,
    /// Told as pressed and not yet as released.
    held: bool,
}

struct Encoder {
    number: u8,
    reversed: bool,
    contacts: Quadrature,
    /// Edges whose level was read too late to be seen: the contact was back already.
    late: u64,
    speed: Acceleration,
}

impl Controls {
    /// Controls as they stand: `levels` in the order of [`PanelPlan::inputs`], `fulls` the largest readings of the
    /// potentiometers' converters.
    pub fn new(plan: &PanelPlan, levels: &[bool], fulls: &[u16]) -> Self {
        let (buttons, encoders) = levels.split_at(plan.buttons.len());
        let buttons = plan.buttons.iter().zip(buttons).map(|(it, level)| Button {
            number: it.number,
            contact: Debounce::new(*level, plan.lockout),
            held: false,
        });
        let encoders = plan.encoders.iter().zip(encoders.chunks_exact(2)).map(|(it, level)| Encoder {
            number: it.number,
            reversed: it.reversed,
            contacts: Quadrature::new(level[0], level[1], it.steps),
            late: 0,
            speed: Acceleration::default(),
        });
        let pots = plan.pots.iter().zip(fulls).map(|(it, full)| (it.number, Smoother::new(*full)));
        Self { buttons: buttons.collect(), encoders: encoders.collect(), pots: pots.collect() }
    }

    /// An edge of one line.
    pub fn edge(&mut self, edge: Edge, told: &mut impl FnMut(Duration, Motion)) {
        let line = edge.line;
        if let Some(button) = self.buttons.get_mut(line) {
            let Button { number, contact, held } = button;
            return contact.edge(edge.at, edge.high, |at, down| press(*number, held, at, down, told));
        }
        let line = line - self.buttons.len();
        let Some(encoder) = self.encoders.get_mut(line / 2) else { return };
        let (a, b) = encoder.contacts.contacts();
        let before = if line & 1 == 0 { a } else { b };
        encoder.late += u64::from(before == edge.high);
        let (a, b) = if line & 1 == 0 { (edge.high, b) } else { (a, edge.high) };
        encoder.turn(edge.at, a, b, told);
    }

    /// When the levels are to be looked at, because a contact should be at rest by then.
    pub fn due(&self) -> Option<Duration> {
        self.buttons.iter().filter_map(|it| it.contact.due()).min()
    }

    /// The levels of all lines at `now`: of the contacts that are due, or of `all`, to find edges that were lost.
    pub fn settle(&mut self, now: Duration, levels: &[bool], all: bool, told: &mut impl FnMut(Duration, Motion)) {
        let (buttons, encoders) = levels.split_at(self.buttons.len());
        for (button, level) in self.buttons.iter_mut().zip(buttons) {
            let Button { number, contact, held } = button;
            if all || contact.due().is_some_and(|due| due <= now) {
                contact.settle(now, *level, |at, down| press(*number, held, at, down, told));
            }
        }
        for (encoder, level) in self.encoders.iter_mut().zip(encoders.chunks_exact(2)) {
            if all && now.saturating_sub(encoder.contacts.last_edge()) >= QUIET {
                encoder.turn(now, level[0], level[1], told);
            }
        }
    }

    /// A reading of the potentiometer at a place of the plan.
    pub fn reading(&mut self, place: usize, reading: u16, now: Duration, told: &mut impl FnMut(Duration, Motion)) {
        let (number, smoother) = &mut self.pots[place];
        if let Some(position) = smoother.sample(reading) {
            told(now, Motion::Turned(Control::Pot(*number), Position::Fourteen(position)));
        }
    }

    /// Lets go of all that is held.
    pub fn let_go(&mut self) -> Vec<Motion> {
        let held = self.buttons.iter_mut().filter_map(|it| std::mem::take(&mut it.held).then_some(it.number));
        held.map(|number| Motion::Released(Control::Button(number))).collect()
    }

    /// How often an encoder's contacts changed unseen: both at once, or forth and back.
    pub fn unseen(&self) -> u64 {
        self.encoders.iter().map(|it| it.contacts.jumps() + it.late).sum()
    }
}

impl Encoder {
    fn turn(&mut self, at: Duration, a: bool, b: bool, told: &mut impl FnMut(Duration, Motion)) {
        let detents = self.contacts.contacts_at(at, a, b);
        let steps = self.speed.steps(at, if self.reversed { -detents } else { detents });
        if steps != 0 {
            told(at, Motion::Turned(Control::Encoder(self.number), Position::Detents(steps)));
        }
    }
}

fn press(number: u8, held: &mut bool, at: Duration, down: bool, told: &mut impl FnMut(Duration, Motion)) {
    let was = std::mem::replace(held, down);
    if down {
        told(at, Motion::Pressed(Control::Button(number), HARDEST));
    } else if was {
        told(at, Motion::Released(Control::Button(number)));
    }
}
