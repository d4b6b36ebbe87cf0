//! One level of a discrete wavelet transform along time.
//!
//! Bands are frame-major like the latents they come from: `[band frames, channels]`. The signal is continued with zeros;
//! one that would leave half a frame over is padded by one zero frame. Filters are the orthonormal families of
//! Daubechies, given by their reconstruction low-pass; the other three follow from it.

use std::sync::Arc;

/// An orthonormal filter pair. Cloning shares the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Wavelet {
    name: &'static str,
    low: Arc<[f32]>,
    high: Arc<[f32]>,
}

impl Default for Wavelet {
    fn default() -> Self {
        Self::named("haar").expect("the first entry of the table")
    }
}

impl Wavelet {
    /// The wavelet of that name (`haar`, `db1` to `db8`, `sym2` to `sym8`), or `None`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = match name {
            "db1" => "haar",
            // The least asymmetric filters of two and three moments are the extremal ones.
            "sym2" => "db2",
            "sym3" => "db3",
            other => other,
        };
        let (name, taps) = TAPS.iter().find(|(it, _)| *it == name)?;
        let low = taps.iter().map(|&tap| tap as f32).collect();
        let mirrored = taps.iter().rev().enumerate();
        let high = mirrored.map(|(at, &tap)| if at % 2 == 0 { tap } else { -tap } as f32).collect();
        Some(Self { name, low, high })
    }

    /// Names that [`Self::named`] knows, shortest filters first in each family.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TAPS.iter().map(|(name, _)| *name)
    }

    /// The wavelet's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Filter length, an even number.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.low.len()
    }

    /// The reconstruction filters, low and high; the decomposition filters are these read backwards.
    #[must_use]
    pub fn filters(&self) -> [&[f32]; 2] {
        [&self.low, &self.high]
    }

    /// Frames of each band for a latent of `frames` frames.
    #[must_use]
    pub fn band_frames(&self, frames: usize) -> usize {
        (frames + self.taps() - 1) / 2
    }

    /// Splits `[frames, channels]` into both bands, each [`Self::band_frames`] long.
    #[inline(always)]
    pub fn split(&self, x: &[f32], channels: usize, low: &mut [f32], high: &mut [f32]) {
        let frames = x.len() / channels;
        let before = self.taps() - 2;
        let bands = low.chunks_exact_mut(channels).zip(high.chunks_exact_mut(channels));
        for (k, (low, high)) in bands.enumerate() {
            low.fill(0.0);
            high.fill(0.0);
            for tap in 0..self.taps() {
                let Some(frame) = (2 * k + tap).checked_sub(before).filter(|it| *it < frames) else { continue };
                let row = &x[frame * channels..][..channels];
                // Decomposition is correlation with the reversed filter's reversal, that is with the filter itself.
                add_scaled(low, row, self.low[tap]);
                add_scaled(high, row, self.high[tap]);
            }
        }
    }

    /// Joins both bands; writes as many frames as `x` holds (the published transform is cropped to the input likewise).
    #[inline(always)]
    pub fn join(&self, low: &[f32], high: &[f32], channels: usize, x: &mut [f32]) {
        let before = self.taps() - 2;
        let band_frames = low.len() / channels;
        for (frame, row) in x.chunks_exact_mut(channels).enumerate() {
            row.fill(0.0);
            let position = frame + before;
            for tap in (position % 2..self.taps()).step_by(2) {
                let Some(k) = position.checked_sub(tap).map(|it| it / 2).filter(|it| *it < band_frames) else {
                    continue;
                };
                add_scaled(row, &low[k * channels..][..channels], self.low[tap]);
                add_scaled(row, &high[k * channels..][..channels], self.high[tap]);
            }
        }
    }
}

#[inline(always)]
fn add_scaled(sum: &mut [f32], row: &[f32], factor: f32) {
    for (sum, &x) in sum.iter_mut().zip(row) {
        *sum += x * factor;
    }
}

/// Reconstruction low-pass filters, to the precision of f64 (Daubechies, "Ten lectures on wavelets", 1992).
#[rustfmt::skip]
#[allow(clippy::excessive_precision, clippy::approx_constant)]
const TAPS: [(&str, &[f64]); 13] = [
    ("haar", &[0.7071067811865476, 0.7071067811865476]),
    ("db2", &[0.48296291314453416, 0.8365163037378079, 0.2241438680420134, -0.12940952255126037]),
    ("db3", &[0.33267055295008263, 0.8068915093110925, 0.45987750211849154, -0.13501102001025458, -0.08544127388202666, 0.03522629188570953]),
    ("db4", &[0.2303778133088965, 0.7148465705529157, 0.6308807679298589, -0.027983769416859854, -0.18703481171909309, 0.030841381835560764, 0.0328830116668852, -0.010597401785069032]),
    ("db5", &[0.16010239797419293, 0.6038292697971896, 0.7243085284377729, 0.13842814590132074, -0.24229488706638203, -0.032244869584638375, 0.07757149384004572, -0.006241490212798274, -0.012580751999081999, 0.0033357252854737712]),
    ("db6", &[0.11154074335010947, 0.49462389039845306, 0.7511339080210954, 0.31525035170919763, -0.22626469396543983, -0.12976686756726194, 0.09750160558732304, 0.027522865530305727, -0.03158203931748603, 0.0005538422011614961, 0.004777257510945511, -0.0010773010853084796]),
    ("db7", &[0.07785205408500918, 0.3965393194819173, 0.7291320908462351, 0.4697822874051931, -0.14390600392856498, -0.22403618499387498, 0.07130921926683026, 0.08061260915108308, -0.03802993693501441, -0.01657454163066688, 0.01255099855609984, 0.0004295779729213665, -0.0018016407040474908, 0.00035371379997452024]),
    ("db8", &[0.05441584224310401, 0.31287159091429995, 0.6756307362972898, 0.5853546836542067, -0.015829105256349306, -0.2840155429615469, 0.0004724845739132828, 0.12874742662047847, -0.017369301001807547, -0.044088253930794755, 0.013981027917398282, 0.008746094047405777, -0.004870352993451574, -0.00039174037337694705, 0.0006754494064505693, -0.00011747678412476953]),
    ("sym4", &[0.0322231006040427, -0.012603967262037833, -0.09921954357684722, 0.29785779560527736, 0.8037387518059161, 0.49761866763201545, -0.02963552764599851, -0.07576571478927333]),
    ("sym5", &[0.019538882735286728, -0.021101834024758855, -0.17532808990845047, 0.01660210576452232, 0.6339789634582119, 0.7234076904024206, 0.1993975339773936, -0.039134249302383094, 0.029519490925774643, 0.027333068345077982]),
    ("sym6", &[-0.007800708325034148, 0.0017677118642428036, 0.04472490177066578, -0.021060292512300564, -0.07263752278646252, 0.3379294217276218, 0.787641141030194, 0.4910559419267466, -0.048311742585633, -0.11799011114819057, 0.0034907120842174702, 0.015404109327027373]),
    ("sym7", &[0.010268176708511255, 0.004010244871533663, -0.10780823770381774, -0.14004724044296152, 0.2886296317515146, 0.767764317003164, 0.5361019170917628, 0.017441255086855827, -0.049552834937127255, 0.0678926935013727, 0.03051551316596357, -0.01263630340325193, -0.0010473848886829163, 0.002681814568257878]),
    ("sym8", &[0.0018899503327594609, -0.0003029205147213668, -0.01495225833704823, 0.003808752013890615, 0.049137179673607506, -0.027219029917056003, -0.05194583810770904, 0.3644418948353314, 0.7771857517005235, 0.4813596512583722, -0.061273359067658524, -0.1432942383508097, 0.007607487324917605, 0.03169508781149298, -0.0005421323317911481, -0.0033824159510061256]),
];

#[cfg(test)]
mod tests {
    use super::Wavelet;

    #[test]
    fn every_wavelet_gives_back_what_it_took_apart() {
        for name in Wavelet::names() {
            let wavelet = Wavelet::named(name).expect("its own name");
            for frames in [1, 2, 3, 13, 24] {
                let x: Vec<f32> = (0..frames * 3).map(|at| ((at * 37 + 11) % 17) as f32 - 8.0).collect();
                let mut bands =
                    [vec![0.0; wavelet.band_frames(frames) * 3], vec![0.0; wavelet.band_frames(frames) * 3]];
                let [low, high] = &mut bands;
                wavelet.split(&x, 3, low, high);
                let mut back = vec![0.0; x.len()];
                wavelet.join(low, high, 3, &mut back);
                let worst = x.iter().zip(&back).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-5, "{name}, {frames} frames: off by {worst}");
            }
        }
    }

    #[test]
    fn every_filter_is_orthonormal() {
        for (name, taps) in super::TAPS {
            for shift in (0..taps.len()).step_by(2) {
                let product: f64 = taps.iter().zip(&taps[shift..]).map(|(a, b)| a * b).sum();
                let expected = if shift == 0 { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-10, "{name} shifted by {shift}: {product}");
            }
        }
    }
}
