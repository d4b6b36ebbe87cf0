//! Step-class parameters as the solver takes them: one snapshot of values becomes one set of shared controls.
//!
//! Rebuilt at every tick from plain numbers; drawn curves stand in for values where a player drew one. Nothing
//! allocates or frees: curves are copied to a shelf as they come, stretched to the tape, and so are those that have to be
//! computed (a swelling blend). What came goes home at once, whoever still plays by the copy.

use std::sync::Arc;

use super::births::REQUESTS;
use super::shelf::Shelf;
use crate::param::{Drawn, ParamId, TABLE, Taper, Values, swell};
use crate::ring::StepControls;
use crate::solver::curve::Curve;
use crate::solver::dcw::{Bands, Correction, Faders};
use crate::solver::gain::ChannelGain;
use crate::solver::step::Method;
use crate::solver::wavelet::Wavelet;

/// Curves of one kind that can be in use at once: the shared one, the one before it, and one to write.
const SHELF: usize = 4;
const CHANNELS: usize = crate::latent::LATENT_CHANNELS;

/// Makes shared step controls from values.
#[derive(Debug)]
pub struct Steering {
    drawn: Drawn,
    curves: Shelf<[f32]>,
    blends: Shelf<[f32]>,
    gains: Shelf<[ChannelGain]>,
    /// In the order of the parameter's labels.
    wavelets: Vec<Wavelet>,
    controls: StepControls,
    /// What [`Self::controls`] was made from, so that knobs at rest cost nothing.
    made_from: Option<Values>,
}

impl Steering {
    /// For latents of `frames` frames, no curves drawn.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        let neutral = |channel| ChannelGain { first: channel, last: channel, gain: Curve::Scalar(1.0) };
        // Of each parameter the curve of now and the one that the last tick's controls still hold; one to write; and a source
        // lock for every request, since a lock belongs to a birth.
        let curves = 2 * TABLE.iter().filter(|row| row.curve).count() + 1 + REQUESTS;
        Self {
            drawn: Drawn::default(),
            curves: Shelf::of_buffers(curves, frames),
            blends: Shelf::of_buffers(SHELF, frames),
            gains: Shelf::new((0..SHELF).map(|_| (0..CHANNELS).map(neutral).collect())),
            wavelets: wavelets(),
            controls: StepControls::default(),
            made_from: None,
        }
    }

    /// Plays a parameter by a curve, or by its value again. A curve of another length than the tape is stretched over it;
    /// values beyond the parameter's range count as its ends. One that is empty or not finite is not taken, and the answer is
    /// `false`.
    pub fn draw(&mut self, id: ParamId, curve: Option<&Arc<[f32]>>) -> bool {
        let Some(points) = curve else {
            self.made_from = None;
            self.drawn.set(id, None);
            return true;
        };
        let given = Curve::Frames(Arc::clone(points));
        if !given.is_sound() {
            return false;
        }
        let (low, high) = (id.row().low as f32, id.row().high as f32);
        let drawn = self.curves.fill(|out| {
            let frames = out.len();
            // Between two places there is none: of those the nearest point counts.
            let at = |frame: usize| match id.row().taper {
                Taper::Whole => points[frame * points.len() / frames],
                _ => given.at(frame, frames),
            };
            out.iter_mut().enumerate().for_each(|(frame, it)| *it = at(frame).clamp(low, high));
        });
        self.made_from = None;
        // The shelf is long enough by construction; if it were not, the curve itself would do.
        self.drawn.set(id, Some(drawn.unwrap_or_else(|| Arc::clone(points))));
        true
    }

    /// Makes the controls anew at the next tick: the last time may have ended in the middle.
    pub fn begin_again(&mut self) {
        self.made_from = None;
    }

    /// The curve drawn for a parameter.
    #[must_use]
    pub fn drawn(&self, id: ParamId) -> Option<&Arc<[f32]>> {
        self.drawn.get(id)
    }

    /// Everything that is drawn, one value a latent frame.
    #[must_use]
    pub fn curves(&self) -> &Drawn {
        &self.drawn
    }

    /// The controls for these values.
    pub fn controls(&mut self, values: &Values) -> &StepControls {
        if self.made_from.as_ref() != Some(values) {
            self.make(values);
            self.made_from = Some(*values);
        }
        &self.controls
    }

    fn make(&mut self, values: &Values) {
        // Dropped first, so that its buffers are back on the shelf.
        self.controls = StepControls::default();
        let method = if values.whole(ParamId::Method) == 1 { Method::Sde } else { Method::Ode };
        self.controls = StepControls {
            // A blend chooses the SDE by itself, so it is only said where the player chose the SDE.
            source_blend: (method == Method::Sde).then(|| self.source_share(values)),
            velocity_scale: Some(self.curve(ParamId::VelocityScale, values)),
            ode_noise: Some(self.curve(ParamId::OdeNoise, values)),
            // Without the curve that may be drawn: a drawn lock belongs to the slots born under it, with their gate.
            target_strength: Some(Curve::Scalar(values.get(ParamId::X0Target))),
            guidance_scale: Some(self.curve(ParamId::GuidanceScale, values)),
            guidance_rescale: Some(self.curve(ParamId::CfgRescale, values)),
            momentum: Some(self.curve(ParamId::ApgMomentum, values)),
            channel_gains: self.channel_gains(values),
            correction: Some(self.correction(values)),
            method: Some(method),
        };
    }

    fn curve(&self, id: ParamId, values: &Values) -> Curve {
        self.drawn(id).map_or_else(|| Curve::Scalar(values.get(id)), |it| Curve::Frames(Arc::clone(it)))
    }

    /// The solver's curve is the generation's share, `1 - blend`.
    fn source_share(&mut self, values: &Values) -> Curve {
        let (blend, rate_hz) = (values.get(ParamId::SourceBlend), values.get(ParamId::BlendPeriod));
        let drawn = self.drawn(ParamId::SourceBlend).cloned();
        if drawn.is_none() && rate_hz == 0.0 {
            return Curve::Scalar(1.0 - blend);
        }
        let written = self.blends.fill(|out| {
            // A drawn blend swells too: the sine is a factor on it.
            swell(if drawn.is_some() { 1.0 } else { blend }, rate_hz, out);
            if let Some(points) = &drawn {
                out.iter_mut().zip(points.iter()).for_each(|(value, point)| *value *= point);
            }
            out.iter_mut().for_each(|value| *value = 1.0 - *value);
        });
        written.map_or(Curve::Scalar(1.0 - blend), Curve::Frames)
    }

    fn channel_gains(&mut self, values: &Values) -> Option<Arc<[ChannelGain]>> {
        let gains = values.channel_gains();
        if gains.iter().all(|&it| it == 1.0) {
            return None;
        }
        self.gains.fill(|entries| {
            entries.iter_mut().zip(gains).for_each(|(entry, gain)| entry.gain = Curve::Scalar(gain));
        })
    }

    fn correction(&self, values: &Values) -> Correction {
        const BANDS: [Bands; 4] = [Bands::Low, Bands::High, Bands::Double, Bands::Pix];
        Correction {
            enabled: values.on(ParamId::DcwEnabled),
            bands: BANDS[values.whole(ParamId::DcwMode)],
            scaler: self.curve(ParamId::DcwScaler, values),
            high_scaler: self.curve(ParamId::DcwHighScaler, values),
            wavelet: self.wavelets[values.whole(ParamId::DcwWavelet)].clone(),
            faders: Faders {
                soft_threshold: values.get(ParamId::DcwSoftThresh),
                multiplicative: values.get(ParamId::DcwMultBlend),
                phase: values.get(ParamId::DcwMagPhase),
            },
        }
    }
}

fn wavelets() -> Vec<Wavelet> {
    let labels = ParamId::DcwWavelet.row().labels().expect("the wavelet is a choice");
    labels.iter().map(|it| Wavelet::named(it).expect("the table offers wavelets that the solver knows")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Class;

    fn with(changes: &[(ParamId, f64)]) -> Values {
        let mut values = Values::default();
        changes.iter().for_each(|&(id, value)| assert!(values.set(id, value), "{id:?} takes {value}"));
        values
    }

    #[test]
    fn a_blend_is_said_only_under_the_sde() {
        let mut steering = Steering::new(4);
        assert_eq!(steering.controls(&with(&[(ParamId::SourceBlend, 0.25)])).source_blend, None);
        let sde = with(&[(ParamId::SourceBlend, 0.25), (ParamId::Method, 1.0)]);
        assert_eq!(steering.controls(&sde).source_blend, Some(Curve::Scalar(0.75)));
    }

    #[test]
    fn controls_whose_making_was_left_in_the_middle_are_made_anew() {
        let (mut steering, values) = (Steering::new(4), with(&[(ParamId::VelocityScale, 1.25)]));
        let whole = steering.controls(&values).clone();
        steering.controls = StepControls::default();
        steering.begin_again();
        assert_eq!(*steering.controls(&values), whole);
        assert_eq!(whole.velocity_scale, Some(Curve::Scalar(1.25)));
    }

    #[test]
    fn each_wavelet_of_the_table_is_the_one_of_its_name() {
        let mut steering = Steering::new(4);
        for (place, name) in ParamId::DcwWavelet.row().labels().expect("a choice").iter().enumerate() {
            let controls = steering.controls(&with(&[(ParamId::DcwWavelet, place as f64)]));
            assert_eq!(controls.correction.as_ref().map(|it| &it.wavelet), Wavelet::named(name).as_ref(), "{name}");
        }
    }

    #[test]
    fn a_drawn_blend_reaches_the_solver_as_the_share_of_the_generation() {
        let mut steering = Steering::new(2);
        assert!(steering.draw(ParamId::SourceBlend, Some(&Arc::from(vec![1.0, 0.25]))));
        let controls = steering.controls(&with(&[(ParamId::Method, 1.0)]));
        // Without a period the swell stands at its value, here 1.
        assert_eq!(controls.source_blend, Some(Curve::from(vec![0.0, 0.75])));
    }

    #[test]
    fn a_curve_of_another_length_is_stretched_over_the_tape() {
        let mut steering = Steering::new(4);
        let mut heard = |points: &[f32]| {
            steering.draw(ParamId::SourceBlend, Some(&Arc::from(points)));
            match &steering.controls(&with(&[(ParamId::Method, 1.0)])).source_blend {
                Some(Curve::Frames(share)) => share.iter().map(|it| 1.0 - it).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(heard(&[1.0]), [1.0; 4], "the rest is not all source, nor all free");
        assert_eq!(heard(&[0.0, 1.0]), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(heard(&[0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 0.0, 0.0]), [0.0, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn places_that_are_stretched_have_none_between_them() {
        for (points, expected) in
            [(&[1.0, 3.0][..], [1.0, 1.0, 3.0, 3.0]), (&[1.0, 1.0, 4.0, 4.0, 7.0, 7.0, 8.0, 8.0], [1.0, 4.0, 7.0, 8.0])]
        {
            let mut steering = Steering::new(4);
            assert!(steering.draw(ParamId::PromptA, Some(&Arc::from(points))));
            assert_eq!(steering.drawn(ParamId::PromptA).map(|it| &it[..]), Some(&expected[..]));
        }
    }

    #[test]
    fn a_curve_that_is_no_curve_is_not_taken_and_one_beyond_the_range_is_held_at_its_end() {
        let mut steering = Steering::new(2);
        assert!(steering.draw(ParamId::VelocityScale, Some(&Arc::from([9.0, 0.7]))));
        for unsound in [vec![], vec![1.0, f32::NAN], vec![f32::INFINITY]] {
            assert!(!steering.draw(ParamId::VelocityScale, Some(&Arc::from(unsound))));
        }
        let controls = steering.controls(&Values::default());
        assert_eq!(controls.velocity_scale, Some(Curve::from(vec![1.5, 0.7])));
        assert!(steering.draw(ParamId::VelocityScale, None));
        assert_eq!(steering.controls(&Values::default()).velocity_scale, Some(Curve::Scalar(1.0)));
    }

    /// What a parameter's curve has become in the controls.
    fn heard(id: ParamId, controls: &StepControls) -> Option<&Curve> {
        match id {
            ParamId::SourceBlend => controls.source_blend.as_ref(),
            ParamId::VelocityScale => controls.velocity_scale.as_ref(),
            ParamId::OdeNoise => controls.ode_noise.as_ref(),
            ParamId::GuidanceScale => controls.guidance_scale.as_ref(),
            ParamId::CfgRescale => controls.guidance_rescale.as_ref(),
            ParamId::ApgMomentum => controls.momentum.as_ref(),
            ParamId::DcwScaler => controls.correction.as_ref().map(|it| &it.scaler),
            ParamId::DcwHighScaler => controls.correction.as_ref().map(|it| &it.high_scaler),
            other => panic!("{other:?} may be drawn and nothing here says where that is heard"),
        }
    }

    fn is_heard_as_it_was_drawn(id: ParamId) {
        let row = id.row();
        let (mut steering, values) = (Steering::new(2), with(&[(ParamId::Method, 1.0)]));
        let plain = steering.controls(&values).clone();
        assert!(steering.draw(id, Some(&[row.low as f32, row.high as f32].into())));
        // The solver's curve of a source blend is the generation's share.
        let share = |value: f64| if id == ParamId::SourceBlend { 1.0 - value as f32 } else { value as f32 };
        let drawn = Curve::from(vec![share(row.low), share(row.high)]);
        if id == ParamId::X0Target || row.class == Class::Slot {
            // What belongs to a birth is the births' to hear (`drawn`); slots in flight keep theirs.
            assert_eq!(steering.drawn(id).map(|it| &it[..]), Some(&[row.low as f32, row.high as f32][..]));
            assert_eq!(*steering.controls(&values), plain, "{id:?} is heard by the slots born under it alone");
        } else {
            assert_eq!(heard(id, steering.controls(&values)), Some(&drawn));
        }
        assert!(steering.draw(id, None));
        assert!(steering.drawn(id).is_none());
        assert_eq!(*steering.controls(&values), plain, "a curve that was taken back leaves the value");
    }

    macro_rules! one_test_a_curve {
        ($($id:ident),*) => {
            mod a_drawn_curve_is_heard_as_it_was_drawn {
                $(#[test]
                #[allow(non_snake_case)]
                fn $id() {
                    super::is_heard_as_it_was_drawn(crate::param::ParamId::$id);
                })*
            }

            #[test]
            fn every_curve_of_the_table_has_its_test() {
                let drawn: Vec<ParamId> = ParamId::all().filter(|id| id.row().curve).collect();
                assert_eq!(drawn, [$(ParamId::$id),*]);
            }
        };
    }
    one_test_a_curve!(
        SourceBlend,
        VelocityScale,
        OdeNoise,
        X0Target,
        GuidanceScale,
        CfgRescale,
        ApgMomentum,
        DcwScaler,
        DcwHighScaler,
        Feedback,
        HintStrength,
        PromptBlend,
        PromptA,
        PromptB
    );

    #[test]
    fn the_shelves_never_run_dry_however_often_knobs_move() {
        let mut steering = Steering::new(25);
        for turn in 0..100 {
            let values = with(&[
                (ParamId::Method, 1.0),
                (ParamId::SourceBlend, f64::from(turn) / 100.0),
                (ParamId::BlendPeriod, 6.25),
                (ParamId::ChG0, f64::from(turn) / 50.0),
            ]);
            let controls = steering.controls(&values);
            assert!(matches!(controls.source_blend, Some(Curve::Frames(_))), "turn {turn}");
            assert_eq!(controls.channel_gains.is_none(), turn == 50, "turn {turn}");
        }
    }
}
