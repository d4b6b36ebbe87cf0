// Velocities: several rows become one, two become a guided one (`solver/{blend,guidance}.rs`).
//
// A block owns a group of channels over all frames, so lengths and projections over time are sums within the block.
#pragma once
#include "arithmetic.h"

// Channels of a block, and threads of a block at most: 8 channels by 64 lanes of time.
#define GROUP 8
#define GROUPS (CHANNELS / GROUP)
#define THREADS 512

// A thread's place: one channel, every `lanes`th pair of frames.
struct Place {
    int channel;
    int lane;
    int lanes;
};

__device__ __forceinline__ Place place_of(int group) {
    Place place;
    place.channel = group * GROUP + (int)threadIdx.x % GROUP;
    place.lane = (int)threadIdx.x / GROUP;
    place.lanes = (int)blockDim.x / GROUP;
    return place;
}

// Sums three numbers over the lanes of each channel; every thread gets its channel's sums. The order is fixed.
__device__ __forceinline__ void sum_over_time(double (&sums)[3]) {
    __shared__ double parts[3][THREADS];
    const int lanes = (int)blockDim.x / GROUP;
    const int mine = (int)threadIdx.x % GROUP;
    __syncthreads();
    for (int it = 0; it < 3; ++it) parts[it][threadIdx.x] = sums[it];
    __syncthreads();
    for (int it = 0; it < 3; ++it) {
        double sum = 0.0;
        for (int lane = 0; lane < lanes; ++lane) sum += parts[it][lane * GROUP + mine];
        sums[it] = sum;
    }
}

// The velocity of rows `first..first + count` at one number of the latent.
__device__ __forceinline__ float mixed(const Tick& tick, int first, int count, int frame, int channel) {
    const u64 here = (u64)frame * CHANNELS + channel;
    const u64 stride = tick.frames * CHANNELS;
    if (count == 1) return tick.net_velocity[tick.rows[first].seat * stride + here];
    float sum = 0.0f, weights = 0.0f;
    for (int row = first; row < first + count; ++row) {
        const float weight = at(tick.rows[row].weight, frame);
        weights += weight;
        sum += tick.net_velocity[tick.rows[row].seat * stride + here] * weight;
    }
    return sum / fmaxf(weights, 1e-8f);
}

// Writes the guided velocity of this thread's numbers into the slot's scratch.
__device__ __forceinline__ void guide(const Tick& tick, const Slot& s, const Place& place) {
    double sums[3] = {0.0, 0.0, 0.0};
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const u64 here = (u64)frame * CHANNELS + place.channel;
        const float p = mixed(tick, s.positive_first, s.positive_count, frame, place.channel);
        float n;
        if (s.negative_count) {
            n = mixed(tick, s.negative_first, s.negative_count, frame, place.channel);
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
        const float p = mixed(tick, s.positive_first, s.positive_count, frame, place.channel);
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
