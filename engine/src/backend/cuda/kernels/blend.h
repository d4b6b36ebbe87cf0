// Several rows become one velocity: their mean by the weights, or an arc between two (`solver/{blend,slerp}.rs`; the law is there).
//
// A block owns a group of channels over all frames, so what is measured over time is a sum within the block.
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

// Rows of one slot, and how this thread's channel is made of them.
struct Mix {
    int first;
    int count;
    bool on_arc;        // two rows, by the factors below
    float of_a;
    float of_b;
};

__device__ __forceinline__ double at_most_one(double it) { return it < 1.0 ? it : 1.0; }

__device__ __forceinline__ double angle_of(double cosine) {
    double tangent = sqrt((1.0 - cosine) / (1.0 + cosine));
    for (int half = 0; half < 4; ++half) tangent /= 1.0 + sqrt(1.0 + tangent * tangent);
    const double z = tangent * tangent;
    double series = 1.0 / 17.0;
    for (int odd = 15; 0 < odd; odd -= 2) series = 1.0 / (double)odd - z * series;
    return 32.0 * (tangent * series);
}

__device__ __forceinline__ double sine(double angle) {
    const double half_turn = 3.14159265358979323846264338327950288;
    const double x = 0.5 * half_turn < angle ? half_turn - angle : angle;
    const double z = x * x;
    double series = 1.0;
    for (int even = 20; 0 < even; even -= 2) series = 1.0 - z / (double)(even * (even + 1)) * series;
    return x * series;
}

// The factors at a share of the way, from the sums A A, A B and B B.
__device__ __forceinline__ void set_factors(Mix& mix, double share, const double (&sums)[3]) {
    const double of_a = 1.0 - share, of_b = share;
    mix.of_a = (float)of_a;
    mix.of_b = (float)of_b;
    const double a = sqrt(sums[0]), b = sqrt(sums[2]);
    const double shorter = a < b ? a : b, longer = a < b ? b : a;
    if (!(0.05 * longer < shorter && -0.98 * (a * b) < sums[1])) return;
    const double cosine = at_most_one(sums[1] / (a * b));
    const double arc = at_most_one((cosine - -0.98) / (-0.85 - -0.98)) * at_most_one((shorter / longer - 0.05) / (0.25 - 0.05));
    const double angle = angle_of(cosine);
    const double whole = sine(angle);
    const bool one_way = whole < 1e-4;
    const double turned_a = one_way ? of_a : sine(of_a * angle) / whole;
    const double turned_b = one_way ? of_b : sine(of_b * angle) / whole;
    const double length = of_a * a + of_b * b;
    mix.of_a = (float)(arc * (turned_a * (length / a)) + (1.0 - arc) * of_a);
    mix.of_b = (float)(arc * (turned_b * (length / b)) + (1.0 - arc) * of_b);
}

// How rows `first..first + count` become one velocity. Every thread of the block must come here, and with the same rows.
__device__ __forceinline__ Mix mix_of(const Tick& tick, const Slot& s, const Place& place, int first, int count, bool on_arc) {
    Mix mix = {first, count, on_arc, 0.0f, 0.0f};
    if (!on_arc) return mix;
    __shared__ float factors[2][GROUP];
    const Row& row_a = tick.rows[first];
    const Row& row_b = tick.rows[first + 1];
    const u64 stride = tick.frames * CHANNELS;
    double sums[3] = {0.0, 0.0, 0.0};
    for (int frame = place.lane; frame < s.frames; frame += place.lanes) {
        const u64 here = (u64)frame * CHANNELS + place.channel;
        const double a = (double)tick.net_velocity[row_a.seat * stride + here];
        const double b = (double)tick.net_velocity[row_b.seat * stride + here];
        sums[0] += a * a;
        sums[1] += a * b;
        sums[2] += b * b;
    }
    sum_over_time(sums);
    // One lane works it out for all of its channel: doubles are slow on the cards that play.
    const int mine = (int)threadIdx.x % GROUP;
    if (place.lane == 0) {
        const double a = (double)at(row_a.weight, 0), b = (double)at(row_b.weight, 0);
        set_factors(mix, b / (a + b), sums);
        factors[0][mine] = mix.of_a;
        factors[1][mine] = mix.of_b;
    }
    __syncthreads();
    mix.of_a = factors[0][mine];
    mix.of_b = factors[1][mine];
    return mix;
}

// The velocity of a mix at one number of the latent.
__device__ __forceinline__ float mixed(const Tick& tick, const Mix& mix, int frame, int channel) {
    const u64 here = (u64)frame * CHANNELS + channel;
    const u64 stride = tick.frames * CHANNELS;
    const float first = tick.net_velocity[tick.rows[mix.first].seat * stride + here];
    if (mix.count == 1) return first;
    if (mix.on_arc) return first * mix.of_a + tick.net_velocity[tick.rows[mix.first + 1].seat * stride + here] * mix.of_b;
    float sum = 0.0f, weights = 0.0f;
    for (int row = mix.first; row < mix.first + mix.count; ++row) {
        const float weight = at(tick.rows[row].weight, frame);
        weights += weight;
        sum += tick.net_velocity[tick.rows[row].seat * stride + here] * weight;
    }
    return sum / fmaxf(weights, 1e-8f);
}
