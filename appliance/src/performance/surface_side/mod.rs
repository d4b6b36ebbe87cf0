//! The surfaces' side of a performance: surfaces, what controllers have learnt, the set list, clock and programs sent out.
//!
//! Runs on the conductor's thread. It may wait, allocate and save; nothing behind the conductor waits for it. What it owns, and the
//! way of a gesture, stand here; a file each has what it does about lights, learnt maps, the set list, what is kept and saved, the clock, and troubles.

mod clock;
mod crop;
mod kept;
mod learnt;
mod lights;
mod list;
mod loaded;
mod noted;
mod shown;
mod takes;
mod troubles;
mod written;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use engine::param::{Mark, ParamId};
use engine::playback::LoopBand;
use hal::gesture::{Clock, Control, Identity, Motion, Reply, SurfaceId, WallClock};

use crate::control::binding::Act;
use crate::control::tempo::TapeBeats;
use crate::display::messages::{FaultKey, Level};
use crate::performance::box_news::BoxNews;
use crate::performance::conductor::{Conductor, by_program};
use crate::performance::gesture_intake::GestureIntake;
use crate::performance::library_walk::LibraryWalk;
use crate::performance::patch_jobs::PatchJob;
use crate::performance::take_recorder::{TakeHand, Wish};
use crate::performance::view::View;
use crate::performance::wrong_files::WrongFiles;
use crate::recorder::Recorder;
use crate::settings::box_file::BoxConfig;
use crate::settings::box_file::LOUDNESS_LUFS;
use crate::settings::last_state::Loads;
use crate::settings::learnt_maps::LearntMaps;
use crate::settings::patch::Sources;
use crate::settings::profile::{Profile, Profiles};
use crate::settings::set_list::SetList;
use crate::surface::clock_sender::{ClockSender, Order};
use crate::surface::hardware::Hardware;
use crate::surface::lights::Lights;
use written::Writing;

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
    /// The beats that the clock was told.
    beats: Option<TapeBeats>,
    muted: bool,
    intake: GestureIntake,
    acts: Vec<Act>,
    /// When the file of what was learnt was last looked at.
    looked: Duration,
    /// Wires that are at fault, under these keys.
    broken: BTreeMap<SurfaceId, FaultKey>,
    /// What those who are here are by model.
    models: HashMap<SurfaceId, Arc<Profile>>,
    /// The knob that a hand had last, where it stands on a page.
    touched: Option<(SurfaceId, Control)>,
    recorder: Recorder,
    /// Where undo stood when it was last looked.
    mark: Mark,
    /// What hands asked of patches' files, for the keeper.
    jobs: Vec<PatchJob>,
    walk: LibraryWalk,
    /// Words that are being written.
    writing: Option<Writing>,
    wrong_files: WrongFiles,
    box_news: BoxNews,
    /// Who records what is played, where somebody does.
    takes: Option<TakeHand>,
    loudness_lufs: f64,
    /// The recordings that play.
    plays: Sources,
    /// What the numbers of recordings mean of which strokes speak.
    loads: Loads,
    /// The number of a patch that comes with other recordings, while those are prepared.
    coming: Option<usize>,
    /// A patch that waits for its line of the music: its number, that of the recordings, and who sent its program.
    on_a_line: Option<(usize, u32, Option<SurfaceId>)>,
    /// For which patch, list and recordings it was looked what comes next.
    looked_ahead: Option<(usize, u64, u32)>,
    /// The machine whose program change that was.
    sent_by: Option<SurfaceId>,
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
        let plays = list.started().map(|it| it.sources(&Sources::default())).unwrap_or_default();
        let here = hardware.other_programs.map(|id| (id, "other programs".to_owned())).into_iter().collect();
        let (lights, replies, intake, acts, broken, models, touched) = Default::default();
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
            beats: conductor.beats(),
            muted: false,
            intake,
            acts,
            // It was read just now.
            looked: clock.now(),
            broken,
            models,
            touched,
            recorder: Recorder::nowhere(),
            mark: Mark::default(),
            jobs: Vec::new(),
            walk: LibraryWalk::default(),
            writing: None,
            wrong_files: WrongFiles::default(),
            box_news: BoxNews::of_nobody(),
            takes: None,
            loudness_lufs: LOUDNESS_LUFS,
            plays,
            loads: Loads::default(),
            coming: None,
            on_a_line: None,
            looked_ahead: None,
            sent_by: None,
        };
        surface_side.keep_scenes(conductor);
        surface_side.address();
        surface_side.follow_tape(conductor);
        surface_side.sender.tell(Order::Start);
        Ok(surface_side)
    }

    /// Notes from now on what hands do, and what comes of it.
    pub fn record_to(&mut self, recorder: Recorder) {
        self.recorder = recorder;
    }

    /// Looks from now on whether these are mended.
    pub fn watch_files(&mut self, files: WrongFiles) {
        self.wrong_files = files;
    }

    /// Tells from now on what the box's own services have to say; what hands wish of them is written into the runtime folder.
    pub fn hear_of_the_box(&mut self, box_news: BoxNews) {
        self.box_news = box_news;
    }

    /// Walks through another library, for who checks what becomes of it.
    #[cfg(test)]
    fn walk_in(&mut self, library: crate::settings::library::Library) {
        self.list.set_library(library);
    }

    /// Whether the library has been looked at.
    #[cfg(test)]
    fn has_looked(&mut self) -> bool {
        self.walk.come().is_some()
    }

    /// The time of the gestures.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Waits a moment for a gesture, which [`Self::hear`] plays.
    pub fn wait(&mut self, conductor: &Conductor) {
        self.intake.wait(&self.hardware.surfaces, conductor);
    }

    /// Plays every gesture that has come; answers whether to leave.
    pub fn hear(&mut self, conductor: &mut Conductor, view: &mut View) -> bool {
        let (mut intake, mut acts) = (std::mem::take(&mut self.intake), std::mem::take(&mut self.acts));
        intake.thin_out(conductor);
        let mut leave = false;
        for gesture in intake.drain() {
            if let Motion::Connected(identity) = &gesture.motion {
                self.welcome(gesture.surface, identity, conductor);
            }
            self.note_gesture(&gesture);
            self.lights.heard(&gesture);
            conductor.play(&gesture, &mut acts);
            self.touch(&gesture, conductor);
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
        if let Some(words) = self.walk.come() {
            view.messages().hand(&words);
        }
        if let Some(words) = self.box_news.switch_held(self.clock.now()) {
            view.messages().hand(&words);
        }
        for it in self.box_news.come() {
            view.messages().tell(if it.is_warning { Level::Warning } else { Level::Info }, &it.words);
        }
        self.hear_of_takes(view);
        (self.intake, self.acts) = (intake, acts);
        leave
    }

    /// A controller came: its model says what its knobs are, and how its lights are told.
    fn welcome(&mut self, surface: SurfaceId, identity: &Identity, conductor: &mut Conductor) {
        self.here.insert(surface, identity.name.clone());
        let profile = Arc::clone(self.profiles.for_identity(identity));
        conductor.binding_mut().map_mut().set_profile(surface, profile.entries());
        self.models.insert(surface, Arc::clone(&profile));
        self.lights.came(surface, profile);
    }

    fn answer_all(
        &mut self,
        acts: &mut Vec<Act>,
        sender: Option<SurfaceId>,
        conductor: &mut Conductor,
        view: &mut View,
    ) {
        for act in acts.drain(..) {
            self.note_act(&act, conductor);
            self.answer(&act, sender, conductor, view);
            view.show(&act, conductor.transport().muted());
        }
    }

    /// What an act asks of everything around the conductor. `sender`: the machine that changed the program, which is not told.
    fn answer(&mut self, act: &Act, sender: Option<SurfaceId>, conductor: &mut Conductor, view: &mut View) {
        if let Act::Moved(id @ (ParamId::PromptA | ParamId::PromptB)) = *act {
            self.name_prompt(id, conductor, view);
        }
        match *act {
            Act::Came(surface, _) => {
                self.hardware.pairing.set(surface, conductor.binding().map().pairs(surface));
                self.address();
            }
            Act::Went(surface) => {
                self.here.remove(&surface);
                self.models.remove(&surface);
                self.touched = self.touched.filter(|(of, _)| *of != surface);
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
            Act::PatchHasCome => self.play_patch_on_its_line(conductor, view),
            Act::PatchBy(by) => self.go_to_patch(None, by, sender, conductor, view),
            Act::Captured(_) => self.keep_scenes(conductor),
            Act::Undone(true) | Act::Redone(true) => self.follow_history(conductor, view),
            Act::Save(as_new) => self.save(as_new, conductor, view),
            Act::Reload => self.reload(conductor, view),
            Act::LibraryBy(by) => {
                let words = self.walk.step(self.list.library(), by, self.clock.now());
                view.messages().hand(&words);
            }
            Act::TakeUpdate => {
                let words = self.box_news.take(self.clock.now());
                view.messages().hand(&words);
            }
            Act::SwitchOff(is_pressed) => {
                if let Some(words) = self.box_news.switch(self.clock.now(), is_pressed) {
                    view.messages().hand(&words);
                }
            }
            Act::Record => self.wish_take(Wish::Press, view),
            Act::KeepLast => self.wish_take(Wish::Keep, view),
            Act::MatchLoudness => self.match_loudness(conductor, view),
            Act::Crop => self.crop(conductor, view),
            Act::WholeRecording => self.whole_recording(conductor, view),
            Act::LibraryLoad => {
                self.load_from_library(conductor, view);
                self.walk.leave();
            }
            Act::Closed => self.walk.leave(),
            Act::Write(_) | Act::Typed(_) | Act::CharacterBy(_) | Act::TakeCharacter => {
                self.write(act, conductor, view)
            }
            Act::Seek(0.0) => self.sender.tell(Order::Start),
            Act::Seek(_) | Act::SeekBy(_) | Act::Paused(false) => self.sender.tell(Order::Sought),
            _ => {}
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

#[cfg(test)]
mod crop_tests;
#[cfg(test)]
mod drawn_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod loudness_tests;
#[cfg(test)]
mod shown_tests;
#[cfg(test)]
pub(crate) mod support_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written_tests;
