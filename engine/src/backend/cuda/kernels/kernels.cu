// nvrtc: --fmad=false --ftz=true
// The device's part of a tick: `begin_generation` at a birth; `prepare_rows`, the network, `solve_step` at every tick.
//
// Each mirrors the CPU solver (`solver/`) operation by operation. Compiled without fused multiply-add and with denormals
// flushed, so that without sums over time a step gives the CPU's bits. A block of `solve_step` owns eight channels of one slot
// over all frames: whatever needs the whole timeline (arcs, guidance, wavelets) needs no other block, so one launch is enough.
#include "correction.h"

// Weights of one frame's sum (`solver/step.rs`).
struct Weights {
    float x, velocity, noise, source, original, target;
};

__device__ __forceinline__ void multiply(Weights& w, float factor) {
    w.x *= factor;
    w.velocity *= factor;
    w.noise *= factor;
    w.source *= factor;
    w.original *= factor;
    w.target *= factor;
}

__device__ __forceinline__ float mask_at(const Slot& s, int frame) { return at(s.mask, frame) * s.mask_factor; }

__device__ __forceinline__ Weights weights_of(const Slot& s, int frame) {
    const bool last = s.next <= 0.0f;
    const float scale = at(s.velocity_scale, frame);
    const float ode_noise = last ? 0.0f : at(s.ode_noise, frame) * s.next;
    const bool plain = !(s.flags & (MASKED | PULLED | BLENDED));
    Weights w = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    if (plain && (last || !(s.flags & STOCHASTIC))) {
        w.x = 1.0f;
        w.velocity = (last ? -s.now : s.next - s.now) * scale;
        w.noise = ode_noise;
        return w;
    }
    const float mask = s.flags & MASKED ? mask_at(s, frame) : 1.0f;
    const float pull = s.flags & PULLED ? at(s.target_pull, frame) * s.target_factor : 0.0f;
    const float keep = 1.0f - pull;
    w.x = keep * mask;
    w.velocity = keep * mask * (-s.now * scale);
    w.original = keep * (1.0f - mask);
    w.target = pull;
    if (s.flags & BLENDED) {
        const float share = at(s.source_blend, frame);
        multiply(w, share * (1.0f - s.next));
        w.noise = s.next;
        w.source = (1.0f - share) * (1.0f - s.next);
    } else if (!last && s.flags & STOCHASTIC) {
        multiply(w, 1.0f - s.next);
        w.noise = s.next;
    } else if (!last) {
        const float stay = s.next / s.now;
        multiply(w, 1.0f - stay);
        w.x = stay + w.x;
        w.noise = ode_noise;
    }
    return w;
}

// The latent as the network sees it: where a mask keeps, the original at the current noise level.
__device__ __forceinline__ float seen(const Slot& s, int frame, u64 here) {
    const float x = s.x[here];
    if (!(s.flags & MASKED)) return x;
    const float m = mask_at(s, frame);
    return m * x + (1.0f - m) * (s.now * s.mask_noise[here] + (1.0f - s.now) * s.original[here]);
}

__device__ __forceinline__ float draw(const Slot& s, int frame, int channel, u64 here) {
    if (s.flags & MASK_DRAWS) return s.mask_noise[here];
    if (s.given_noise) return s.given_noise[here];
    return gaussian(s.seed, s.noise_tag, s.generation, frame, channel);
}

// Steps one number; `prediction` is the network's own of the sound.
__device__ __forceinline__ float stepped(const Tick& tick, const Slot& s, const Place& place, const Mix& positive,
                                         int frame, float& prediction) {
    const u64 here = (u64)frame * CHANNELS + place.channel;
    const Weights w = weights_of(s, frame);
    const float x = seen(s, frame, here);
    const float v = s.flags & GUIDED ? s.scratch[here] : mixed(tick, positive, frame, place.channel);
    float out = w.x * x + w.velocity * v;
    if (s.flags & DRAWS && w.noise != 0.0f) out += w.noise * draw(s, frame, place.channel, here);
    if (s.source && w.source != 0.0f) out += w.source * s.source[here];
    if (s.original && w.original != 0.0f) out += w.original * s.original[here];
    if (s.target && w.target != 0.0f) out += w.target * s.target[here];
    prediction = x - v * s.now;
    return out;
}

extern "C" __global__ void begin_generation(Birth birth) {
    const u64 here = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const int frame = (int)(here / CHANNELS), channel = (int)(here % CHANNELS);
    if (birth.frames <= frame) return;
    const float noise =
        birth.given_start ? birth.given_start[here] : gaussian(birth.seed, 0, 0, frame, channel);
    if (birth.flags & OWN_NOISE) birth.negative[here] = noise;
    if (birth.flags & REMEMBERS) birth.average[here] = 0.0f;
    if (birth.flags & MASK_BORN) birth.mask_noise[here] = gaussian(birth.mask_seed, 1, 0, frame, channel);
    if (birth.clean) {
        const float share = at(birth.start, frame);
        birth.x[here] = share * noise + (1.0f - share) * birth.clean[here];
    } else {
        birth.x[here] = noise;
    }
}

extern "C" __global__ void prepare_rows(const Tick* tick) {
    const int seat = (int)blockIdx.y;
    if (seat == 0 && blockIdx.x == 0 && threadIdx.x == 0) *tick->unsound = 0;
    const int row = tick->seat_row[seat];
    if (row < 0) return;
    const Slot& s = tick->slots[tick->rows[row].slot];
    const u64 here = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (here == 0) {
        tick->net_t[seat] = s.now;
        tick->net_t_minus_r[seat] = 0.0f;
    }
    const int frame = (int)(here / CHANNELS), channel = (int)(here % CHANNELS);
    if (s.frames <= frame) return;
    float x = seen(s, frame, here);
    if (s.flags & GAINED) x = x * (s.gain_plane ? s.gain_plane[here] : s.gains[channel]);
    tick->net_x[(u64)seat * tick->frames * CHANNELS + here] = x;
}

extern "C" __global__ void __launch_bounds__(THREADS) solve_step(const Tick* at_tick) {
    const Tick& tick = *at_tick;
    const int slot = (int)blockIdx.x / GROUPS;
    const Slot& s = tick.slots[slot];
    if (!s.active) return;
    const Place place = place_of((int)blockIdx.x % GROUPS);
    const Mix positive = mix_of(tick, s, place, s.positive_first, s.positive_count, s.flags & ARC);
    if (s.flags & GUIDED) {
        guide(tick, s, place, positive);
        __syncthreads();
    }
    bool sound = true;
    for (int k = place.lane; 2 * k < s.frames; k += place.lanes) {
        // The published transform continues the latent, and its prediction, with a frame of zeros.
        float pair[2] = {0.0f, 0.0f}, ahead[2] = {0.0f, 0.0f};
        const int held = 2 * k + 1 < s.frames ? 2 : 1;
        for (int side = 0; side < held; ++side) {
            const int frame = 2 * k + side;
            float prediction;
            pair[side] = stepped(tick, s, place, positive, frame, prediction);
            ahead[side] = pair[side] - prediction;
            if (s.correction == POINTWISE) pair[side] += strength(s, 0, frame) * ahead[side];
            if (s.correction == BANDED) s.scratch[(u64)frame * CHANNELS + place.channel] = prediction;
        }
        if (s.correction == PAIRS) {
            const float sum = (0.5f * strength(s, 0, k)) * (ahead[0] + ahead[1]);
            const float difference = (0.5f * strength(s, 1, k)) * (ahead[0] - ahead[1]);
            pair[0] += sum + difference;
            pair[1] += sum - difference;
        }
        for (int side = 0; side < held; ++side) {
            s.x_next[(u64)(2 * k + side) * CHANNELS + place.channel] = pair[side];
            sound = sound && is_finite(pair[side]);
        }
    }
    if (s.correction == BANDED) {
        __syncthreads();
        correct_in_bands(s, place);
        for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
            sound = sound && is_finite(s.x_next[(u64)frame * CHANNELS + place.channel]);
        }
    }
    if (!sound) atomicOr(tick.unsound, 1u << slot);
}

// A network that is none: cheap, nonlinear, and every input matters. It stands in for the denoiser where the machinery
// around it is checked or timed.
extern "C" __global__ void stand_in(const float* x, const float* context, const float* prompt, const float* t, float* velocity,
                                    int frames) {
    const u64 here = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    const int seat = (int)blockIdx.y;
    if ((u64)frames * CHANNELS <= here) return;
    const u64 row = (u64)seat * frames * CHANNELS;
    const float told = context[2 * (row + here)] - 0.5f * context[2 * (row + here) + 1];
    const float sum = x[row + here] * (0.8f + 0.3f * t[seat]) + 0.4f * told + prompt[seat];
    velocity[row + here] = sum / (1.0f + fabsf(sum) * 0.2f) - 0.1f * t[seat];
}
