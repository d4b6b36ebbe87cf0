// Correction in wavelet bands (`solver/{dcw,wavelet}.rs`). Everything along time happens within a block.
#pragma once
#include "guidance.h"

// Strength at band frame `k`: of the low band (side 0) and of the high one (side 1).
__device__ __forceinline__ float strength(const Slot& s, int side, int k) {
    if (s.correction == POINTWISE) return at(s.scaler, k);
    if (side == 0) return s.bands_corrected == HIGH_BAND ? 0.0f : s.now * at(s.scaler, k);
    if (s.bands_corrected == LOW_BAND) return 0.0f;
    return (1.0f - s.now) * at(s.bands_corrected == HIGH_BAND ? s.scaler : s.high_scaler, k);
}

__device__ __forceinline__ float blended(const Slot& s, float b, float b_y, float strength) {
    const float raw = b - b_y;
    const float sign = raw == 0.0f ? 0.0f : (__float_as_uint(raw) >> 31 ? -1.0f : 1.0f);
    const float difference = 0.0f < s.soft_threshold ? sign * fmaxf(fabsf(raw) - s.soft_threshold, 0.0f) : raw;
    const float sum = b + strength * difference;
    if (!(0.0f < s.multiplicative)) return sum;
    return (1.0f - s.multiplicative) * sum + s.multiplicative * (b * (1.0f + strength * sign));
}

// Real part of (|z| + s (|z| - |z_y|)) exp(i (arg z + s arg(z / (z_y + 1e-8)))).
__device__ __forceinline__ float turned(float re, float im, float re_y, float im_y, float strength) {
    const float safe = re_y + 1e-8f;
    const float length = sqrtf(re * re + im * im);
    const float length_y = sqrtf(re_y * re_y + im_y * im_y);
    const float ratio_re = re * safe - im * -im_y;
    const float ratio_im = re * -im_y + im * safe;
    const float phase = angle(im, re) + strength * angle(ratio_im, ratio_re);
    return (length + strength * (length - length_y)) * cosine_of(phase);
}

// Imaginary part of the analytic signal of a line at `k`: the circular convolution with the Hilbert kernel.
__device__ __forceinline__ float quadrature(const float* line, const float* hilbert, int length, int k) {
    float sum = 0.0f;
    for (int from = 0; from < length; ++from) {
        const int away = k - from + (k < from ? length : 0);
        sum += line[(u64)from * CHANNELS] * hilbert[away];
    }
    return sum;
}

// One band of both signals, corrected. `corrected` is room for the magnitude-and-phase form.
__device__ __forceinline__ void correct_band(const Slot& s, const Place& place, int side, float* band,
                                             const float* band_y, float* corrected) {
    const bool turns = 0.0f < s.phase;
    if (turns) {
        for (int k = place.lane; k < s.band_frames; k += place.lanes) {
            const u64 here = (u64)k * CHANNELS + place.channel;
            const float im = quadrature(band + place.channel, s.hilbert, s.band_frames, k);
            const float im_y = quadrature(band_y + place.channel, s.hilbert, s.band_frames, k);
            corrected[here] = turned(band[here], im, band_y[here], im_y, strength(s, side, k));
        }
        __syncthreads();
    }
    const bool plain = !turns && s.soft_threshold == 0.0f && s.multiplicative == 0.0f;
    for (int k = place.lane; k < s.band_frames; k += place.lanes) {
        const u64 here = (u64)k * CHANNELS + place.channel;
        const float b = band[here], b_y = band_y[here], amount = strength(s, side, k);
        if (plain) {
            band[here] = b + amount * (b - b_y);
        } else {
            const float real = blended(s, b, b_y, amount);
            band[here] = turns ? (1.0f - s.phase) * real + s.phase * corrected[here] : real;
        }
    }
    __syncthreads();
}

// Splits the stepped latent and the prediction (in the slot's scratch) into bands, corrects them, joins them again.
__device__ __forceinline__ void correct_in_bands(const Slot& s, const Place& place) {
    const u64 plane = (u64)s.band_frames * CHANNELS;
    float *low = s.bands, *high = low + plane, *low_y = high + plane, *high_y = low_y + plane;
    const int before = s.taps - 2;
    for (int k = place.lane; k < s.band_frames; k += place.lanes) {
        float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        for (int tap = 0; tap < s.taps; ++tap) {
            const int frame = 2 * k + tap - before;
            if (frame < 0 || s.frames <= frame) continue;
            const u64 from = (u64)frame * CHANNELS + place.channel;
            sums[0] += s.x_next[from] * s.low_filter[tap];
            sums[1] += s.x_next[from] * s.high_filter[tap];
            sums[2] += s.scratch[from] * s.low_filter[tap];
            sums[3] += s.scratch[from] * s.high_filter[tap];
        }
        const u64 here = (u64)k * CHANNELS + place.channel;
        low[here] = sums[0];
        high[here] = sums[1];
        low_y[here] = sums[2];
        high_y[here] = sums[3];
    }
    __syncthreads();
    if (s.bands_corrected != HIGH_BAND) correct_band(s, place, 0, low, low_y, s.scratch);
    if (s.bands_corrected != LOW_BAND) correct_band(s, place, 1, high, high_y, s.scratch);
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const int position = frame + before;
        float sum = 0.0f;
        for (int tap = position % 2; tap < s.taps; tap += 2) {
            const int k = (position - tap) / 2;
            if (position < tap || s.band_frames <= k) continue;
            const u64 from = (u64)k * CHANNELS + place.channel;
            sum += low[from] * s.low_filter[tap];
            sum += high[from] * s.high_filter[tap];
        }
        s.x_next[(u64)frame * CHANNELS + place.channel] = sum;
    }
}
