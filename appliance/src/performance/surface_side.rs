//! The surfaces' side of a performance: surfaces, what controllers have learnt, the set list, clock and programs sent out.
//!
//! Runs on the conductor's thread. It may wait, allocate and save; nothing behind the conductor waits for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use engine::param::{ParamId, SCENES};
use engine::playback::LoopBand;
use hal::gesture::{Clock, Identity, Motion, Reply, SurfaceId, WallClock};

use crate::control::binding::{Act, Entry, Target};
use crate::display::messages::{FaultKey, Level};
use crate::files::plain;
use crate::performance::conductor::{Conductor, by_program};
use crate::performance::gesture_intake::GestureIntake;
use crate::performance::view::View;
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps::LearntMaps;
use crate::settings::patch::Patch;
use crate::settings::profile::Profiles;
use crate::settings::set_list::SetList;
use crate::surface::clock_sender::{ClockSender, Order};
use crate::surface::hardware::Hardware;
use crate::surface::lights::{LightState, Lights, Panel, look};
use crate::surface::outbox::Edge;
use crate::surface::troubles::{Trouble, Who};

/// How often it is looked whether another program has taught something.
const LOOK: Duration = Duration::from_secs(1);
/// How long a ring blinks after its knob was turned without taking hold.
const BLINKING: Duration = Duration::from_secs(2);

/// The surfaces' side of a performance.
pub struct SurfaceSide {
    hardware: Hardware,
    learnt: LearntMaps,
    list: SetList,
    clock: WallClock,
    sender: ClockSender,
    config: BoxConfig,
    /// Names of those who are here.
    here: HashMap<SurfaceId, String>,
    profiles: Profiles,
    lights: Lights,
    replies: Vec<(SurfaceId, Reply)>,
    /// The value that a knob has not come by yet, and until when its ring blinks.
    waiting: Option<(ParamId, Duration)>,
    lap: Option<LoopBand>,
    muted: bool,
    intake: GestureIntake,
    acts: Vec<Act>,
    /// When the file of what was learnt was last looked at.
    looked: Duration,
    /// Wires that are at fault, under these keys.
    broken: BTreeMap<SurfaceId, FaultKey>,
}

impl SurfaceSide {
    /// Joins the hands to a conductor: what controllers have learnt, how the box feels, and the clock.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(
        hardware: Hardware,
        learnt: LearntMaps,
        list: SetList,
        clock: WallClock,
        (config, profiles): (BoxConfig, Profiles),
        conductor: &mut Conductor,
    ) -> std::io::Result<Self> {
        conductor.set_up(&config);
        learnt.recall(&hardware.roster, conductor.binding_mut().map_mut());
        let meters = conductor.transport().meters().clone();
        let sender = ClockSender::start(clock, meters, hardware.surfaces.voices().clone())?;
        sender.tell(Order::Beats(conductor.beats()));
        let here = hardware.other_programs.map(|id| (id, "other programs".to_owned())).into_iter().collect();
        let (lights, replies, intake, acts, looked, broken) = Default::default();
        let mut surface_side = Self {
            hardware,
            learnt,
            list,
            clock,
            sender,
            config,
            here,
            profiles,
            lights,
            replies,
            waiting: None,
            lap: None,
            muted: false,
            intake,
            acts,
            looked,
            broken,
        };
        surface_side.address();
        surface_side.follow_tape(conductor);
        surface_side.sender.tell(Order::Start);
        Ok(surface_side)
    }

    /// The name of the patch that is played.
    #[must_use]
    pub fn patch_name(&self) -> &str {
        self.list.playing().map_or("", |it| it.name.as_str())
    }

    /// The time of the gestures.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Plays every gesture that is there, after waiting a moment for one; answers whether to leave.
    pub fn hear(&mut self, conductor: &mut Conductor, view: &mut View) -> bool {
        let (mut intake, mut acts) = (std::mem::take(&mut self.intake), std::mem::take(&mut self.acts));
        intake.wait(&self.hardware.surfaces, conductor);
        intake.thin_out(conductor);
        let mut leave = false;
        for gesture in intake.drain() {
            if let Motion::Connected(identity) = &gesture.motion {
                self.welcome(gesture.surface, identity, conductor);
            }
            self.lights.heard(&gesture);
            conductor.play(&gesture, &mut acts);
            leave |= acts.contains(&Act::Quit);
            self.answer_all(&mut acts, by_program(&gesture), conductor, view);
        }
        let sender = conductor.come_in(self.clock.now(), &mut acts);
        self.answer_all(&mut acts, sender, conductor, view);
        conductor.settle(self.clock.now());
        self.follow_tape(conductor);
        self.hear_of_others(conductor, view);
        self.light(conductor);
        self.tell_troubles(view);
        (self.intake, self.acts) = (intake, acts);
        leave
    }

    /// A controller came: its model says what its knobs are, and how its lights are told.
    fn welcome(&mut self, surface: SurfaceId, identity: &Identity, conductor: &mut Conductor) {
        self.here.insert(surface, identity.name.clone());
        let profile = Arc::clone(self.profiles.for_identity(identity));
        conductor.binding_mut().map_mut().set_profile(surface, profile.entries());
        self.lights.came(surface, profile);
    }

    /// Tells every controller what has changed.
    fn light(&mut self, conductor: &Conductor) {
        let voices = self.hardware.surfaces.voices();
        voices.take_again().into_iter().for_each(|surface| self.lights.all_again(surface));
        let (desk, binding) = (conductor.desk(), conductor.binding());
        let kept = (0..SCENES).filter(|place| desk.store().scene(*place).is_some());
        let panel = Panel {
            scene: desk.scene(),
            scenes_kept: kept.fold(0, |all, place| all | 1 << place),
            muted: conductor.transport().muted(),
            learning: binding.learning().is_on(),
            shift: binding.playing().shift,
            bank: binding.playing().bank,
            morphs: desk.morphing(),
        };
        let now = self.clock.now();
        let waiting = self.waiting.filter(|(_, until)| now < *until).map(|(id, _)| Target::Param(id));
        let show = |entry: &Entry| {
            let state = look(&binding.resolved(entry), desk.store().aims(), binding.selected(), &panel);
            LightState { blink: state.blink || Some(entry.target) == waiting, ..state }
        };
        let (map, playing) = (binding.map(), binding.playing());
        self.lights.tell(now, map, playing, show, &mut self.replies);
        for (surface, reply) in self.replies.drain(..) {
            voices.light(surface, &reply);
        }
    }

    /// What went wrong with surfaces and wires, and what is well again.
    fn tell_troubles(&mut self, view: &mut View) {
        let messages = view.messages();
        for trouble in self.hardware.surfaces.take_troubles() {
            match trouble {
                Trouble::Stands(who, words) => {
                    let key = FaultKey::Surface(self.name_of(&who));
                    if let Who::Wire(surface) = who {
                        self.broken.insert(surface, key.clone());
                    }
                    messages.fault(key, &plain(&words));
                }
                Trouble::Over(Who::Wire(surface), lost) => {
                    let Some(key) = self.broken.remove(&surface) else { continue };
                    let lost = if lost == 0 { String::new() } else { format!("; {lost} ticks of clock were lost") };
                    messages.over_with(&key, &format!("{key} takes lights and clock again{lost}"));
                }
                Trouble::Over(who, _) => messages.over(&FaultKey::Surface(self.name_of(&who))),
                Trouble::Once(words, 0) => messages.tell(Level::Warning, &plain(&words)),
                Trouble::Once(words, more) => {
                    messages.tell(Level::Warning, &format!("{} (and {more} more)", plain(&words)));
                }
            }
        }
    }

    /// The name of a surface or wire among faults: two equal controllers are two.
    fn name_of(&self, who: &Who) -> String {
        match who {
            Who::Surface(name) => name.clone(),
            Who::Wire(surface) => {
                let name = self.here.get(surface).map_or("a controller", String::as_str);
                let alike = self.here.iter().any(|(other, known)| other != surface && known == name);
                plain(&if alike { format!("{name} (number {})", surface.0) } else { name.to_owned() }).into_owned()
            }
        }
    }

    fn answer_all(
        &mut self,
        acts: &mut Vec<Act>,
        sender: Option<SurfaceId>,
        conductor: &mut Conductor,
        view: &mut View,
    ) {
        for act in acts.drain(..) {
            self.answer(&act, sender, conductor, view);
            view.show(&act, conductor.transport().muted());
        }
    }

    /// What an act asks of everything around the conductor. `sender`: the machine that changed the program, which is not told.
    fn answer(&mut self, act: &Act, sender: Option<SurfaceId>, conductor: &mut Conductor, view: &mut View) {
        match *act {
            Act::Came(surface, _) => {
                self.hardware.pairing.set(surface, conductor.binding().map().pairs(surface));
                self.address();
            }
            Act::Went(surface) => {
                self.here.remove(&surface);
                // Its lights are told anew when it comes back: nothing is wrong with a wire that is not there.
                if let Some(key) = self.broken.remove(&surface) {
                    view.messages().over_with(&key, &format!("{key} is unplugged"));
                }
                self.address();
            }
            Act::Learnt(surface, _) | Act::Unlearnt(surface) => self.remember(surface, conductor, view),
            Act::Waiting(id, _) => self.waiting = Some((id, self.clock.now() + BLINKING)),
            Act::Moved(id) if self.waiting.is_some_and(|(waiting, _)| waiting == id) => self.waiting = None,
            // With a set list programs are patches, so that one number means one thing.
            Act::Recalled(place, true) if !self.list.has_others() => self.send_program(place, sender),
            Act::Patch(place) => self.go_to_patch(Some(place), 0, sender, conductor, view),
            Act::PatchBy(by) => self.go_to_patch(None, by, sender, conductor, view),
            Act::Seek(0.0) => self.sender.tell(Order::Start),
            Act::Seek(_) | Act::SeekBy(_) => self.sender.tell(Order::Sought),
            _ => {}
        }
    }

    /// Which control changes come as pairs, for all who play: the map may say something else now.
    fn pair_up(&self, conductor: &Conductor) {
        let map = conductor.binding().map();
        // A MIDI file plays without ever having come.
        for surface in self.here.keys().chain(&[SurfaceId::SCORE, SurfaceId::RECORDED_HANDS]) {
            self.hardware.pairing.set(*surface, map.pairs(*surface));
        }
    }

    /// What a controller has learnt is saved at once.
    fn remember(&mut self, surface: SurfaceId, conductor: &Conductor, view: &mut View) {
        let map = conductor.binding().map();
        self.hardware.pairing.set(surface, map.pairs(surface));
        let Some(identity) = self.hardware.roster.identity(surface) else { return };
        let kept = self.learnt.keep(identity, map.learnt(surface).to_vec());
        self.tell_kept(kept, view);
    }

    /// Whether what was learnt is on the disk.
    fn tell_kept(&self, kept: Result<(), String>, view: &mut View) {
        match kept {
            Ok(()) => view.messages().over(&FaultKey::Disk),
            Err(words) => view.messages().fault(FaultKey::Disk, &words),
        }
    }

    /// What another program has taught meanwhile (`demon learn`) is in force here too.
    fn hear_of_others(&mut self, conductor: &mut Conductor, view: &mut View) {
        if self.looked + LOOK < self.clock.now() {
            self.looked = self.clock.now();
            if view.messages().stands(&FaultKey::Disk) {
                let kept = self.learnt.keep_again();
                self.tell_kept(kept, view);
            }
            self.learnt.look_again();
            let file = FaultKey::File(self.learnt.path().to_owned());
            match self.learnt.fault() {
                Some(words) => view.messages().fault(file, words),
                None => view.messages().over(&file),
            }
        }
        for (identity, entries) in self.learnt.take_news() {
            view.say(&format!("{}: what another program has taught is in force", plain(&identity.name)));
            let surface = self.hardware.roster.remember(identity);
            conductor.binding_mut().map_mut().set_learnt(surface, entries);
            self.hardware.pairing.set(surface, conductor.binding().map().pairs(surface));
        }
    }

    fn go_to_patch(
        &mut self,
        place: Option<usize>,
        by: i8,
        sender: Option<SurfaceId>,
        conductor: &mut Conductor,
        view: &mut View,
    ) {
        let gone = match place {
            Some(place) => self.list.go(place),
            None => self.list.go_by(by),
        };
        let is_there = gone.is_some();
        let (Some(started), Some(listed)) = (self.list.started(), self.list.playing().filter(|_| is_there)) else {
            let refused = place.and_then(|place| self.list.unplayable(place));
            return match refused {
                Some(name) => {
                    view.messages().tell(Level::Warning, &format!("patch {name} cannot be played: see its faults"));
                }
                None => view.messages().hand("there is no such patch"),
            };
        };
        conductor.load(&listed.patch, self.clock.now());
        view.messages().hand(&format!("patch {}", listed.name));
        // What plays is still the recording of the start, whatever was gone through since.
        if needs_worker(&started.patch, &listed.patch) {
            let words = format!("{}: its recording and words need a start with --patch", listed.name);
            view.messages().tell(Level::Warning, &words);
        }
        self.pair_up(conductor);
        self.sender.tell(Order::Beats(conductor.beats()));
        self.send_program(self.list.place(), sender);
    }

    /// Tells other machines which program is played, where the box's file gives a channel; but for whom it came from.
    fn send_program(&self, number: usize, sender: Option<SurfaceId>) {
        let number = u8::try_from(number).ok().filter(|number| *number < 128);
        let (Some(channel), Some(number)) = (self.config.program_channel, number) else { return };
        for to in self.receivers().into_iter().filter(|to| Some(*to) != sender) {
            self.hardware.surfaces.voices().edge(to, Edge::Program { channel, number });
        }
    }

    /// Who is sent clock and programs.
    fn receivers(&self) -> Vec<SurfaceId> {
        let wanted = |name: &str| self.config.out.iter().any(|part| name.to_lowercase().contains(&part.to_lowercase()));
        self.here.iter().filter(|(_, name)| wanted(name)).map(|(id, _)| *id).collect()
    }

    fn address(&self) {
        self.sender.tell(Order::To(self.receivers()));
    }

    /// The clock goes round with the tape, and stops when it is silent.
    fn follow_tape(&mut self, conductor: &Conductor) {
        let transport = conductor.transport();
        if self.lap != Some(transport.band()) {
            self.lap = Some(transport.band());
            self.sender.tell(Order::Lap(transport.band().start() as u64..transport.band().end() as u64));
        }
        if self.muted != transport.muted() {
            self.muted = transport.muted();
            self.sender.tell(if self.muted { Order::Stop } else { Order::Continue });
        }
    }

    /// Ends it: the clock stops, the lights go out, the surfaces are let go. Answers, at the latest after `deadline`, who did not
    /// end.
    #[must_use]
    pub fn close(mut self, deadline: Duration) -> Vec<String> {
        drop(self.sender);
        for (surface, reply) in self.lights.farewell() {
            self.hardware.surfaces.voices().light(surface, &reply);
        }
        self.hardware.surfaces.close(deadline)
    }
}

/// Whether a patch has what only a worker can bring: another recording, other words.
fn needs_worker(started: &Patch, next: &Patch) -> bool {
    let other_source = next.source.is_some() && next.source != started.source;
    other_source
        || (!next.prompt.a.is_empty() && (&next.prompt.a, &next.prompt.b) != (&started.prompt.a, &started.prompt.b))
}

#[cfg(test)]
#[path = "surface_side_tests.rs"]
mod tests;
