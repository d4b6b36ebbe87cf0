//! Draws what a hand does over the loop: while it is held, every move of a parameter is written where it was heard.
//!
//! A curve has a value a latent frame (40 ms). It begins as what was drawn, or as the value that stood there; the pen writes it from where a
//! parameter was first touched, as the tape goes round, until it is let go. Pure: places are handed in.

use std::sync::Arc;

use engine::param::ParamId;

/// The head goes on by no more than this between two looks, in latent frames; what is further was a jump, and nothing is written on the way.
const JUMP: usize = 12;

/// A part of the tape in latent frames: the first, and the one behind the last.
pub type Frames = (usize, usize);

/// Forms that are drawn at a press, over the loop that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// From low to high.
    Ramp,
    /// Once up and down.
    Sine,
    /// Eight steps from low to high.
    Steps,
    /// Sixteen steps of no order.
    Random,
}

/// What is drawn of one parameter.
#[derive(Clone, Debug)]
struct Track {
    id: ParamId,
    curve: Vec<f32>,
    /// Where the pen is, and the value there.
    at: usize,
    value: f32,
}

/// The pen, while it is held.
#[derive(Clone, Debug, Default)]
pub struct Pen {
    tracks: Vec<Track>,
}

impl Pen {
    /// A parameter was moved to `value`, heard at the latent frame `at`; before, this is its curve.
    pub fn touch(&mut self, id: ParamId, value: f64, at: usize, band: Frames, before: impl FnOnce() -> Vec<f32>) {
        self.go_on(at, band);
        let value = value as f32;
        match self.tracks.iter_mut().find(|it| it.id == id) {
            Some(track) => track.write(at, value),
            None => {
                let mut track = Track { id, curve: before(), at, value };
                track.write(at, value);
                self.tracks.push(track);
            }
        }
    }

    /// The head is heard at the latent frame `at` by now.
    pub fn go_on(&mut self, at: usize, band: Frames) {
        self.tracks.iter_mut().for_each(|it| it.go_on(at, band));
    }

    /// What was drawn.
    pub fn curves(self) -> impl Iterator<Item = (ParamId, Arc<[f32]>)> {
        self.tracks.into_iter().map(|it| (it.id, it.curve.into()))
    }
}

impl Track {
    fn write(&mut self, at: usize, value: f32) {
        self.value = value;
        if let Some(frame) = self.curve.get_mut(at) {
            *frame = value;
        }
        self.at = at;
    }

    fn go_on(&mut self, at: usize, (start, end): Frames) {
        let way = if self.at <= at { at - self.at } else { (end.max(self.at) - self.at) + at.saturating_sub(start) };
        if JUMP < way {
            self.at = at;
            return;
        }
        while self.at != at {
            let next = if self.at + 1 < end || self.at < at { self.at + 1 } else { start };
            self.write(next, self.value);
            if next == start && at < start {
                break;
            }
        }
    }
}

/// A curve of this form over a part of the tape, and as it was elsewhere. It goes as far to both sides of the value as the parameter's travel lets
/// it, half of the travel at most.
#[must_use]
pub fn form(form: Form, id: ParamId, value: f64, seed: u32, before: Vec<f32>, (start, end): Frames) -> Arc<[f32]> {
    let (row, mut curve) = (id.row(), before);
    let middle = row.position(value);
    let (low, high) = ((middle - 0.5).max(0.0), (middle + 0.5).min(1.0));
    let length = end.saturating_sub(start).max(1);
    let mut drawn = u64::from(seed) << 1 | 1;
    let mut draw = || {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (drawn >> 40) as f64 / (1_u64 << 24) as f64
    };
    let random: Vec<f64> = (0..16).map(|_| draw()).collect();
    for (at, frame) in curve.iter_mut().enumerate().take(end).skip(start) {
        let part = (at - start) as f64 / length as f64;
        let share = match form {
            Form::Ramp => part,
            Form::Sine => 0.5 - 0.5 * (part * std::f64::consts::TAU).cos(),
            Form::Steps => (part * 8.0).floor() / 7.0,
            Form::Random => random[((part * 16.0) as usize).min(15)],
        };
        *frame = row.at(low + share * (high - low)) as f32;
    }
    curve.into()
}

/// A curve that swings `factor` times as far around the middle of its travel, as far as the parameter's goes.
#[must_use]
pub fn scaled(id: ParamId, curve: &[f32], factor: f64) -> Arc<[f32]> {
    let row = id.row();
    let places: Vec<f64> = curve.iter().map(|it| row.position(f64::from(*it))).collect();
    let (low, high) = places.iter().fold((1.0_f64, 0.0_f64), |(low, high), it| (low.min(*it), high.max(*it)));
    let middle = 0.5 * (low + high);
    places.into_iter().map(|it| row.at((middle + factor * (it - middle)).clamp(0.0, 1.0)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ParamId = ParamId::VelocityScale;

    fn curve(pen: Pen) -> Vec<f32> {
        pen.curves().next().expect("one was drawn").1.to_vec()
    }

    #[test]
    fn a_move_is_written_where_it_was_heard_and_holds_until_the_next_or_the_end() {
        let mut pen = Pen::default();
        pen.touch(ID, 1.0, 3, (0, 10), || vec![0.5; 10]);
        pen.go_on(5, (0, 10));
        pen.touch(ID, 2.0, 6, (0, 10), || panic!("it is there"));
        pen.go_on(7, (0, 10));
        assert_eq!(curve(pen), [0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 2.0, 2.0, 0.5, 0.5]);
    }

    #[test]
    fn it_goes_round_with_the_loop_and_over_what_it_wrote() {
        let mut pen = Pen::default();
        pen.touch(ID, 1.0, 7, (2, 9), || vec![0.0; 10]);
        pen.go_on(3, (2, 9));
        assert_eq!(curve(pen.clone()), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        for (at, value) in [(6, 3.0), (8, 4.0), (2, 5.0)] {
            pen.touch(ID, value, at, (2, 9), Vec::new);
        }
        assert_eq!(curve(pen), [0.0, 0.0, 5.0, 1.0, 1.0, 1.0, 3.0, 3.0, 4.0, 0.0]);
    }

    #[test]
    fn a_jump_writes_nothing_on_its_way_and_each_parameter_has_its_own() {
        let mut pen = Pen::default();
        pen.touch(ID, 1.0, 2, (0, 50), || vec![0.0; 50]);
        pen.go_on(40, (0, 50));
        pen.touch(ParamId::Denoise, 0.25, 41, (0, 50), || vec![0.5; 50]);
        let curves: Vec<_> = pen.curves().collect();
        let written = |of: usize, value: f32| (0..50).filter(|at| curves[of].1[*at] == value).collect::<Vec<_>>();
        assert_eq!((written(0, 1.0), written(1, 0.25)), (vec![2, 41], vec![41]));
    }

    #[test]
    fn a_curve_swings_further_around_its_middle_as_far_as_the_travel_goes() {
        let row = ID.row();
        let curve: Vec<f32> = [0.3, 0.5, 0.6].map(|it| row.at(it) as f32).to_vec();
        let places =
            |factor: f64| scaled(ID, &curve, factor).iter().map(|it| row.position(f64::from(*it))).collect::<Vec<_>>();
        let is = |found: Vec<f64>, expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} is not {expected:?}");
        };
        is(places(2.0), [0.15, 0.55, 0.75]);
        is(places(0.5), [0.375, 0.475, 0.525]);
        is(places(0.0), [0.45; 3]);
        is(places(9.0), [0.0, 0.9, 1.0]);
        assert!(scaled(ID, &[], 2.0).is_empty());
    }

    #[test]
    fn a_form_lies_over_the_loop_alone_and_within_the_parameters_travel() {
        let row = ID.row();
        for form_of in [Form::Ramp, Form::Sine, Form::Steps, Form::Random] {
            let drawn = form(form_of, ID, row.low, 7, vec![9.0; 40], (8, 40));
            assert!(drawn[..8].iter().all(|it| *it == 9.0), "{form_of:?}");
            let range = row.low as f32..=row.at(0.5) as f32;
            assert!(drawn[8..].iter().all(|it| range.contains(it)), "{form_of:?}: {drawn:?}");
            assert!(drawn[8..].iter().any(|it| *it != drawn[8]), "{form_of:?}");
        }
        let ramp = form(Form::Ramp, ID, row.at(0.5), 0, vec![0.0; 32], (0, 32));
        assert!(ramp.windows(2).all(|it| it[0] < it[1]) && ramp[0] == row.low as f32);
        let steps = form(Form::Steps, ID, row.at(0.5), 0, vec![0.0; 32], (0, 32));
        assert_eq!((steps[0], steps[31]), (row.low as f32, row.high as f32));
        let same = |seed| form(Form::Random, ID, 1.0, seed, vec![0.0; 32], (0, 32));
        assert!(same(3) == same(3) && same(3) != same(4));
    }
}
