// Two velocities become a guided one (`solver/guidance.rs`).
//
// A block owns a group of channels over all frames, so lengths and projections over time are sums within the block.
#pragma once
#include "blend.h"

// Writes the guided velocity of this thread's numbers into the slot's scratch.
__device__ __forceinline__ void guide(const Tick& tick, const Slot& s, const Place& place, const Mix& positive) {
    const bool on_arc = s.flags & NEGATIVE_ARC;
    const Mix negative = mix_of(tick, s, place, s.negative_first, s.negative_count, on_arc);
    double sums[3] = {0.0, 0.0, 0.0};
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const u64 here = (u64)frame * CHANNELS + place.channel;
        const float p = mixed(tick, positive, frame, place.channel);
        float n;
        if (s.negative_count) {
            n = mixed(tick, negative, frame, place.channel);
            s.negative[here] = n;
        } else {
            n = s.negative[here];
        }
        const float d = (p - n) + at(s.momentum, frame) * s.average[here];
        s.average_next[here] = d;
        sums[0] += (double)d * (double)d;
        sums[1] += (double)d * (double)p;
        sums[2] += (double)p * (double)p;
    }
    sum_over_time(sums);
    const double norm = sqrt(sums[0]);
    const bool free = s.norm_threshold <= 0.0f || norm <= (double)s.norm_threshold;
    const double limit = free ? 1.0 : (double)s.norm_threshold / norm;
    const double length = fmax(sqrt(sums[2]), 1e-12);
    const double along = limit * sums[1] / (length * length);
    double after[3] = {0.0, sums[2], 0.0};
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const u64 here = (u64)frame * CHANNELS + place.channel;
        const float p = mixed(tick, positive, frame, place.channel);
        const float push = at(s.guidance_scale, frame) - 1.0f;
        const float parallel = (float)(along * (double)p);
        const float v = p + push * ((s.average_next[here] * (float)limit - parallel) + s.eta * parallel);
        s.scratch[here] = v;
        after[0] += (double)v * (double)v;
    }
    if (!(s.flags & RESCALED)) return;
    sum_over_time(after);
    const float back = (float)(sqrt(sums[2]) / fmax(sqrt(after[0]), 1e-12));
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const u64 here = (u64)frame * CHANNELS + place.channel;
        const float amount = at(s.rescale, frame);
        const float v = s.scratch[here];
        s.scratch[here] = amount * (v * back) + (1.0f - amount) * v;
    }
}
