//! The last state as text.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use engine::param::{Drawn, Kept, Mark, ParamId, SceneChange, Stroke, Values};

use super::{LastState, Origin, Playing, Written};
use crate::files::document::{Format, quoted};
use crate::settings::box_file::Screen;
use crate::settings::patch::{Sources, write_prompt};

/// Values of curves that a text may hold, 8 letters each: 40 curves of a minute are 60,000. What undo knows of curves beyond it is
/// forgotten, the oldest stroke first.
const MOST_CURVE_VALUES: usize = 1 << 20;

/// The scenes that strokes speak of, each once: to a patch and back are the same nine twice.
#[derive(Default)]
struct ScenePool(Vec<Values>);

impl ScenePool {
    fn of(strokes: &[&[Stroke]]) -> Self {
        let mut pool = Self::default();
        let scenes = strokes.iter().copied().flatten().flat_map(|it| &it.scenes);
        for values in scenes.flat_map(|it| [it.before, it.after]).flatten() {
            if !pool.0.contains(&values) {
                pool.0.push(values);
            }
        }
        pool
    }

    /// Its place from 1; 0 for none.
    fn place(&self, scene: Option<&Values>) -> usize {
        scene.and_then(|values| self.0.iter().position(|it| it == values)).map_or(0, |it| it + 1)
    }
}

/// The curves of a state, each once: strokes share most of theirs.
#[derive(Default)]
struct Pool(Vec<Arc<[f32]>>);

impl Pool {
    fn take(&mut self, drawn: &Drawn) {
        for curve in ParamId::all().filter_map(|id| drawn.get(id)) {
            if self.place(curve).is_none() {
                self.0.push(Arc::clone(curve));
            }
        }
    }

    fn place(&self, curve: &Arc<[f32]>) -> Option<usize> {
        self.0.iter().position(|it| Arc::ptr_eq(it, curve))
    }

    fn values(&self) -> usize {
        self.0.iter().map(|it| it.len()).sum()
    }
}

/// The state as text; [`super::parse`] reads the same from it, bit for bit.
#[must_use]
pub fn text(state: &LastState) -> String {
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut body, state);
    sealed(&body)
}

/// A text with this body, under the digest that is the body's: what is read of it is the body's affair.
#[must_use]
pub fn sealed(body: &str) -> String {
    let digest = blake3::hash(body.as_bytes()).to_hex();
    format!(
        "# What was played last. Written by the box, for the box.\n{}\ndigest = \"{digest}\"\n{body}",
        Format::LastState
    )
}

fn write(out: &mut String, state: &LastState) -> fmt::Result {
    let LastState { origin, playing, kept, scene, bank, selected, screens, position, muted, sources, .. } = state;
    let screens: Vec<String> = screens.iter().map(|it| quoted(word(*it))).collect();
    writeln!(out, "bank = {bank}\nselected = {}\nscreens = [{}]", quoted(selected.row().name), screens.join(", "))?;
    let Mark { save, load, words, .. } = kept.mark;
    writeln!(out, "position = {position}\nmuted = {muted}\nsave = {save}\nload = {load}\nwords = {words}")?;
    write_origin(out, origin)?;
    write_playing(out, playing)?;
    if let Some(sources) = sources {
        writeln!(out, "\n[sources]")?;
        write_sources(out, sources)?;
    }
    for (number, sources) in state.loads.all() {
        writeln!(out, "\n[[loaded]]\nnumber = {number}")?;
        write_sources(out, sources)?;
    }
    for (number, Written { words, by_hand }) in state.writings.all() {
        writeln!(out, "\n[[written]]\nnumber = {number}\nby_hand = {by_hand}")?;
        for it in words {
            writeln!(out, "[[written.prompt]]")?;
            write_prompt(out, &it.clone().into())?;
        }
    }
    writeln!(out, "\n[values]")?;
    write_values(out, &kept.aims)?;
    for (place, values) in kept.scenes.iter().enumerate().filter_map(|(place, it)| Some((place, it.as_ref()?))) {
        writeln!(out, "\n[scenes.{}]", place + 1)?;
        write_values(out, values)?;
    }
    if let Some((place, values)) = scene {
        writeln!(out, "\n[scene]\nplace = {}\n[scene.values]", place + 1)?;
        write_values(out, values)?;
    }
    write_strokes(out, state, kept)
}

fn write_origin(out: &mut String, origin: &Origin) -> fmt::Result {
    let Origin { patch, source, digest, saved } = origin;
    writeln!(out, "\n[origin]\npatch = {}\nsource = {}", quoted(patch), quoted(source))?;
    writeln!(out, "digest = {}\nsaved = {}", quoted(digest), listed(saved))
}

fn write_playing(out: &mut String, playing: &Playing) -> fmt::Result {
    let Playing { number, name, digest, saved, list } = playing;
    writeln!(out, "\n[playing]\nnumber = {number}\nname = {}", quoted(name))?;
    writeln!(out, "digest = {}\nsaved = {}\nlist = {}", quoted(digest), listed(saved), listed(list))
}

fn write_sources(out: &mut String, Sources { recording, part, structure, timbre, model }: &Sources) -> fmt::Result {
    let named = [
        ("recording", Some(recording)),
        ("structure", structure.as_ref()),
        ("timbre", timbre.as_ref()),
        ("model", model.as_ref()),
    ];
    // A name that is no text cannot be told: the start's own plays then, and undo does not bring it back.
    let named = named.into_iter().filter_map(|(key, path)| Some((key, path?.to_str()?)));
    named.into_iter().try_for_each(|(key, path)| writeln!(out, "{key} = {}", quoted(path)))?;
    part.map_or(Ok(()), |it| writeln!(out, "part = {:?}", it.seconds()))
}

fn listed(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", "))
}

fn write_strokes(out: &mut String, state: &LastState, kept: &Kept) -> fmt::Result {
    let (pool, done, undone) = pooled(state);
    for curve in &pool.0 {
        let letters: String = curve.iter().map(|it| format!("{:08x}", it.to_bits())).collect();
        writeln!(out, "\n[[curve]]\nbits = \"{letters}\"")?;
    }
    let scenes = ScenePool::of(&[done, undone]);
    for values in &scenes.0 {
        writeln!(out, "\n[[kept_scene]]")?;
        write_values(out, values)?;
    }
    writeln!(out, "\n[drawn]\nnow = {}", drawn(&pool, &kept.drawn))?;
    done.iter().try_for_each(|it| write_stroke(out, "done", it, (&pool, &scenes)))?;
    undone.iter().try_for_each(|it| write_stroke(out, "undone", it, (&pool, &scenes)))
}

/// All curves, and the strokes of which all curves are among them.
fn pooled(state: &LastState) -> (Pool, &[Stroke], &[Stroke]) {
    let kept = &state.kept;
    let (mut done, mut undone) = (kept.done.as_slice(), kept.undone.as_slice());
    loop {
        let mut pool = Pool::default();
        pool.take(&kept.drawn);
        let curves = done.iter().chain(undone).filter_map(|it| it.curves.as_deref());
        curves.flatten().for_each(|it| pool.take(it));
        if pool.values() <= MOST_CURVE_VALUES || done.is_empty() && undone.is_empty() {
            return (pool, done, undone);
        }
        // Strokes are whole or not at all. The undone lie last first.
        match done {
            [_, later @ ..] => done = later,
            [] => undone = &[],
        }
    }
}

fn write_values(out: &mut String, values: &Values) -> fmt::Result {
    ParamId::all().try_for_each(|id| writeln!(out, "{} = {:?}", id.row().name, values.exact(id)))
}

fn write_stroke(out: &mut String, key: &str, stroke: &Stroke, (pool, scenes): (&Pool, &ScenePool)) -> fmt::Result {
    let change =
        |it: &engine::param::Change| format!("[{}, {:?}, {:?}]", quoted(it.id.row().name), it.before, it.after);
    let changes: Vec<String> = stroke.changes.iter().map(change).collect();
    writeln!(out, "\n[[{key}]]\nchanges = [{}]", changes.join(", "))?;
    if let Some([before, after]) = stroke.curves.as_deref() {
        writeln!(out, "before = {}\nafter = {}", drawn(pool, before), drawn(pool, after))?;
    }
    if !stroke.scenes.is_empty() {
        let scene = |it: &SceneChange| {
            format!("[{}, {}, {}]", it.place + 1, scenes.place(it.before.as_ref()), scenes.place(it.after.as_ref()))
        };
        writeln!(out, "scenes = [{}]", stroke.scenes.iter().map(scene).collect::<Vec<_>>().join(", "))?;
    }
    if let Some([before, after]) = stroke.marks {
        let mark = |it: Mark| format!("[{}, {}, {}, {}]", it.patch, it.save, it.load, it.words);
        writeln!(out, "marks = [{}, {}]", mark(before), mark(after))?;
    }
    Ok(())
}

/// The curves of a moment by their places, from 1.
fn drawn(pool: &Pool, drawn: &Drawn) -> String {
    let place = |id: ParamId| Some((id, pool.place(drawn.get(id)?)? + 1));
    let places = ParamId::all().filter_map(place).map(|(id, place)| format!("{} = {place}", id.row().name));
    format!("{{{}}}", places.collect::<Vec<_>>().join(", "))
}

/// The word of a screen in a text. Those that nobody turns to come and go by themselves.
pub(super) fn word(screen: Screen) -> &'static str {
    match screen {
        Screen::Page => "page",
        Screen::SetList => "set-list",
        Screen::Scenes => "scenes",
        Screen::Levels => "levels",
        Screen::Machine => "machine",
        Screen::Play | Screen::Learn | Screen::Pick | Screen::Fault | Screen::Boot => "play",
    }
}
