//! The lights of one controller: what they were told, which of them a hand is on, and how much may still be said.

use std::sync::Arc;
use std::time::Duration;

use hal::gesture::{Control, Position, Reply};

use super::{LightState, REST};
use crate::control::binding::Encoding;
use crate::settings::profile::{Kind, Light, Part, Profile};

/// Half a period of a light that cannot blink by itself: twice a second, all of them together.
const BLINK_HALF: Duration = Duration::from_millis(250);
/// What may be said at once after a silence, as a part of what may be said in a second.
const BURST: f64 = 0.2;
/// Bytes that count as one message: long ones count for more.
const MESSAGE_BYTES: usize = 3;

/// What a control's first entry shows; `None` where the control reaches nothing.
type Shows<'a> = dyn Fn(Control) -> Option<LightState> + 'a;

/// The lights of one controller.
#[derive(Debug)]
pub(super) struct Lit {
    profile: Arc<Profile>,
    /// For each part, which lamp its light is: layers of a controller's own share their lamps.
    lamp_of: Vec<Option<usize>>,
    /// For each lamp, what it shows as far as is known.
    told: Vec<Option<Reply>>,
    /// For each part, when it was last moved by hand.
    moved: Vec<Option<Duration>>,
    /// The layer of the controller's own that it is on, as far as can be told.
    page: u8,
    greeted: bool,
    /// The part that is asked first, so that a flood on one does not starve the others.
    first: usize,
    credit: f64,
    counted: Option<Duration>,
    told_all: Duration,
    waits: bool,
}

impl Lit {
    pub(super) fn new(profile: Arc<Profile>) -> Self {
        let mut lamps: Vec<&Light> = Vec::new();
        let mut lamp_of = Vec::new();
        for part in &profile.parts {
            lamp_of.push(part.light.as_ref().map(|light| {
                lamps.iter().position(|known| known.is_same_lamp(light)).unwrap_or_else(|| {
                    lamps.push(light);
                    lamps.len() - 1
                })
            }));
        }
        let (told, moved) = (vec![None; lamps.len()], vec![None; profile.parts.len()]);
        let credit = f64::from(profile.rate) * BURST;
        Self {
            profile,
            lamp_of,
            told,
            moved,
            page: 1,
            greeted: false,
            first: 0,
            credit,
            counted: None,
            told_all: Duration::ZERO,
            waits: true,
        }
    }

    pub(super) fn all_again(&mut self) {
        self.told.fill(None);
        self.waits = true;
    }

    /// Nothing is known of what it heard: it is set up anew and told all.
    pub(super) fn set_up_again(&mut self) {
        self.greeted = false;
        self.all_again();
    }

    pub(super) const fn waits(&self) -> bool {
        self.waits
    }

    /// A hand turned a control. One that says where it stands has moved its own light or itself.
    pub(super) fn turned(&mut self, control: Control, position: Position, at: Duration) {
        self.touch(control, |lit, place, part| {
            lit.moved[place] = Some(at);
            !goes_by_detents(part) && !matches!(position, Position::Detents(_))
        });
    }

    /// A hand pressed a control, or let it go. Many controllers light it up, or put it out, by themselves.
    pub(super) fn pressed(&mut self, control: Control) {
        self.touch(control, |_, _, _| true);
    }

    /// Notes what a hand did to the parts that send `control`; `forget` answers whether its light is not known any more.
    fn touch(&mut self, control: Control, forget: impl Fn(&mut Self, usize, &Part) -> bool) {
        let profile = Arc::clone(&self.profile);
        for (place, part) in profile.parts.iter().enumerate().filter(|(_, part)| part.sends(control)) {
            if let Some(page) = part.page.filter(|page| *page != self.page) {
                // The controller has turned to another layer without a word, and shows what that layer was last told.
                self.page = page;
                self.all_again();
            }
            if forget(self, place, part)
                && let Some(lamp) = self.lamp_of[place]
            {
                self.told[lamp] = None;
            }
            self.waits = true;
        }
    }

    /// Says what must be said and may be.
    pub(super) fn tell(&mut self, now: Duration, shows: &Shows<'_>, say: &mut dyn FnMut(Reply)) {
        self.earn(now);
        let profile = Arc::clone(&self.profile);
        if !self.greeted {
            self.greeted = true;
            self.told_all = now;
            for message in &profile.setup {
                let reply = Reply::Midi(message.clone());
                self.credit -= cost(&reply);
                say(reply);
            }
        }
        if profile.again.is_some_and(|again| now.saturating_sub(self.told_all) >= again) {
            self.told_all = now;
            self.told.fill(None);
        }
        self.waits = false;
        let owners = self.owners();
        let mut after = self.first;
        for turn in 0..profile.parts.len() {
            let place = (self.first + turn) % profile.parts.len();
            let part = &profile.parts[place];
            let (Some(light), Some(lamp)) = (&part.light, self.lamp_of[place]) else { continue };
            if owners[lamp] != Some(place) {
                continue;
            }
            let wanted = wanted(light, part, now, shows);
            let Some(reply) = wanted.filter(|reply| self.told[lamp].as_ref() != Some(reply)) else { continue };
            if self.is_in_hand(place, part, light, now) {
                self.waits = true;
            } else if self.credit >= cost(&reply).min(self.burst()) {
                self.credit -= cost(&reply);
                self.told[lamp] = Some(reply.clone());
                say(reply);
                after = (place + 1) % profile.parts.len();
            } else {
                self.waits = true;
            }
        }
        // The turn goes round: whoever comes after the last that was told is asked first the next time.
        self.first = after;
    }

    /// For each lamp, the part that it shows: the first on the controller's layer that has it.
    fn owners(&self) -> Vec<Option<usize>> {
        let mut owners = vec![None; self.told.len()];
        for (place, part) in self.profile.parts.iter().enumerate() {
            let here = part.page.is_none_or(|page| page == self.page);
            if let Some(lamp) = self.lamp_of[place].filter(|_| here) {
                owners[lamp] = owners[lamp].or(Some(place));
            }
        }
        owners
    }

    fn burst(&self) -> f64 {
        f64::from(self.profile.rate) * BURST
    }

    /// Whether a hand is on a thing that shows where it stands. What goes by detents stands nowhere, and its ring may follow
    /// at once, unless being told moves the control itself.
    fn is_in_hand(&self, place: usize, part: &Part, light: &Light, now: Duration) -> bool {
        let fights = light.place.is_some() && (self.profile.sets_knobs || !goes_by_detents(part));
        fights && self.moved[place].is_some_and(|at| now.saturating_sub(at) < REST)
    }

    /// What may be said grows with time. The sum of a burst and of what a second brings is the profile's rate, so that no
    /// second ever holds more than that.
    fn earn(&mut self, now: Duration) {
        let rate = f64::from(self.profile.rate);
        let passed = now.saturating_sub(self.counted.unwrap_or(now)).as_secs_f64();
        self.counted = Some(now);
        self.credit = (self.credit + passed * rate * (1.0 - BURST)).min(self.burst());
    }

    /// What darkens every light that was told something, and sets the controller back.
    pub(super) fn farewell(&self) -> impl Iterator<Item = Reply> {
        let mut dark: Vec<Option<Reply>> = vec![None; self.told.len()];
        for (part, lamp) in self.profile.parts.iter().zip(&self.lamp_of) {
            let (Some(light), Some(lamp)) = (&part.light, *lamp) else { continue };
            let was_lit = self.told[lamp].is_some();
            dark[lamp] = dark[lamp].take().or_else(|| light.dark.filter(|_| was_lit).map(|level| light.reply(level)));
        }
        let greeted = self.greeted;
        let farewell = self.profile.farewell.iter().filter(move |_| greeted).map(|bytes| Reply::Midi(bytes.clone()));
        dark.into_iter().flatten().chain(farewell.collect::<Vec<_>>())
    }
}

fn goes_by_detents(part: &Part) -> bool {
    part.kind == Kind::Encoder && (part.encoding != Encoding::Absolute || matches!(part.control(), Control::Encoder(_)))
}

fn cost(reply: &Reply) -> f64 {
    match reply {
        Reply::Midi(bytes) => bytes.len().div_ceil(MESSAGE_BYTES).max(1) as f64,
        Reply::Led(..) => 1.0,
    }
}

/// What a light must be told to show what its control reaches; `None` where it cannot show that, or is to be left alone.
fn wanted(light: &Light, part: &Part, now: Duration, shows: &Shows<'_>) -> Option<Reply> {
    let Some(state) = shows(part.control()) else {
        // A motor fader that is bound to nothing stays where it is.
        return light.dark.filter(|_| part.kind != Kind::MotorFader).map(|level| light.reply(level));
    };
    if let Some(scale) = &light.place {
        let scale = light.waiting.as_ref().filter(|_| state.blink).unwrap_or(scale);
        return Some(light.reply(crate::settings::profile::Level { channel: None, value: scale.at(state.place) }));
    }
    let off = light.off.or(light.dark);
    let on = light.on.or(off);
    let level = match state {
        LightState { blink: true, .. } => light.blink.or_else(|| if is_first_half(now) { on } else { off }),
        LightState { on: true, .. } => on,
        LightState { dim: true, .. } => light.dim.or(off),
        _ => off,
    };
    level.map(|level| light.reply(level))
}

fn is_first_half(now: Duration) -> bool {
    (now.as_millis() / BLINK_HALF.as_millis()).is_multiple_of(2)
}
