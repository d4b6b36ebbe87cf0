//! Curves that are drawn with the knob, over the loop, where they are heard.

use std::sync::atomic::Ordering::Relaxed;

use engine::latent::SAMPLES_PER_LATENT_FRAME;
use engine::param::{ParamId, Values};
use engine::playback::GUARD_LATENCY_FRAMES;

use super::Conductor;
use crate::control::binding::Act;
use crate::control::pen::{Form, Frames, Pen, form, scaled};

/// A step of scaling a curve: three of them are twice as far.
const STEP_OF_SCALE: f64 = 1.26;

impl Conductor {
    /// The pen is taken up, or put down; what was drawn is one stroke with the moves that drew it.
    pub(super) fn draw(&mut self, begins: bool) -> Act {
        if begins {
            self.pen = Some((Pen::default(), *self.desk.store().aims()));
            return Act::Draws;
        }
        let mut drawn = Vec::new();
        for (id, curve) in self.pen.take().into_iter().flat_map(|(pen, _)| pen.curves()) {
            self.desk.draw(id, Some(curve));
            drawn.push(id);
        }
        self.desk.end_stroke();
        Act::Drawn(drawn)
    }

    /// A parameter was moved while the pen is held.
    pub(super) fn write(&mut self, id: ParamId) {
        self.touched = Some(id);
        let Some((mut pen, values)) = self.pen.take() else { return };
        if id.row().curve {
            let (at, band, value) = (self.heard_at(), self.loop_frames(), self.desk.store().aims().heard(id));
            pen.touch(id, value, at, band, || self.curve_of(id, &values));
        }
        self.pen = Some((pen, values));
    }

    /// The head has gone on.
    pub(super) fn go_on_drawing(&mut self) {
        let Some((mut pen, values)) = self.pen.take() else { return };
        pen.go_on(self.heard_at(), self.loop_frames());
        self.pen = Some((pen, values));
    }

    /// A form is drawn for the parameter that was moved last, or its curve is taken away.
    pub(super) fn draw_form(&mut self, wanted: Option<Form>) -> Act {
        let id = self.touched.unwrap_or(self.binding.selected());
        if !id.row().curve {
            return Act::TakesNoCurve(id);
        }
        let (aims, band) = (self.desk.store().aims(), self.loop_frames());
        // Another one with every stroke.
        let seed = self.desk.store().revision() as u32;
        let curve = wanted.map(|it| form(it, id, aims.heard(id), seed, self.curve_of(id, aims), band));
        self.desk.end_stroke();
        self.desk.draw(id, curve);
        self.desk.end_stroke();
        if wanted.is_some() { Act::Drawn(vec![id]) } else { Act::Erased(id) }
    }

    /// What is drawn of the parameter that was moved last swings so many steps further around its middle, or less far.
    pub(super) fn scale_curve(&mut self, by: i32) -> Act {
        let id = self.touched.unwrap_or(self.binding.selected());
        let Some(curve) = self.desk.store().drawn().get(id).cloned() else { return Act::NothingDrawn(id) };
        let factor = STEP_OF_SCALE.powi(by);
        self.desk.draw(id, Some(scaled(id, &curve, factor)));
        Act::Scaled(id, factor)
    }

    /// What is drawn of a parameter, or its value of these all over the tape.
    fn curve_of(&self, id: ParamId, values: &Values) -> Vec<f32> {
        let level = || vec![values.heard(id) as f32; self.frames];
        self.desk.store().drawn().get(id).map_or_else(level, |it| it.to_vec())
    }

    /// The latent frame that is heard now: what is played is heard later, by what the device holds.
    fn heard_at(&self) -> usize {
        let transport = &self.engine.transport;
        let delay = usize::try_from(transport.meters().delay.load(Relaxed)).unwrap_or(0) + GUARD_LATENCY_FRAMES;
        let band = transport.band();
        let since = transport.playhead().position.saturating_sub(band.start());
        let place = (since + band.len() - delay % band.len()) % band.len() + band.start();
        (place / SAMPLES_PER_LATENT_FRAME).min(self.frames.saturating_sub(1))
    }

    fn loop_frames(&self) -> Frames {
        let band = self.engine.transport.band();
        (band.start() / SAMPLES_PER_LATENT_FRAME, band.end().div_ceil(SAMPLES_PER_LATENT_FRAME).min(self.frames))
    }
}
