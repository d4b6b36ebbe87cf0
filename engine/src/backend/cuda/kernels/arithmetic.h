// Numbers as the CPU solver makes them, to the last bit: own polynomials, no product fused with a sum, denormals zero.
// The functions are those of `solver/{noise,normal,arc}.rs`; read them there.
#pragma once
#include "parameters.h"

__device__ __forceinline__ float as_float(u32 bits) { return __uint_as_float(bits); }

__device__ __forceinline__ float at(const Curve& curve, int index) {
    return curve.points ? curve.points[index] : as_float((u32)curve.value_bits);
}

__device__ __forceinline__ bool is_finite(float x) { return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u; }

__device__ __forceinline__ float logarithm(float x) {
    const int bits = (int)__float_as_uint(x);
    const int exponent_bits = (bits - 0x3f3504f3) >> 23;
    const float mantissa = as_float((u32)(bits - exponent_bits * (1 << 23)));
    const float exponent = (float)exponent_bits;
    const float z = mantissa - 1.0f;
    const float square = z * z;
    float y = 7.0376836e-2f;
    y = y * z - 1.151461e-1f;
    y = y * z + 1.16769987e-1f;
    y = y * z - 1.2420141e-1f;
    y = y * z + 1.4249323e-1f;
    y = y * z - 1.6668057e-1f;
    y = y * z + 2.0000714e-1f;
    y = y * z - 2.4999994e-1f;
    y = y * z + 3.333333e-1f;
    y = y * z * square;
    y += exponent * -2.1219444e-4f;
    y -= 0.5f * square;
    return (z + y) + exponent * 0.6933594f;
}

__device__ __forceinline__ void sine_and_cosine_of_turn(u32 turn, float& sine, float& cosine) {
    const int quarter = 1 << 22;
    const int quadrant = ((int)turn + quarter / 2) >> 22;
    const int rest = (int)turn - quadrant * quarter;
    const float x = (float)rest * (6.28318530717958647692f / 16777216.0f);
    const float z = x * x;
    const float s0 = ((-1.9515296e-4f * z + 8.332161e-3f) * z - 1.6666655e-1f) * z * x + x;
    const float c0 = ((2.4433157e-5f * z - 1.3887316e-3f) * z + 4.1666646e-2f) * z * z - 0.5f * z + 1.0f;
    const bool swapped = quadrant & 1;
    const u32 s_sign = (u32)(quadrant & 2) << 30;
    const u32 c_sign = (u32)((quadrant + 1) & 2) << 30;
    sine = as_float(__float_as_uint(swapped ? c0 : s0) ^ s_sign);
    cosine = as_float(__float_as_uint(swapped ? s0 : c0) ^ c_sign);
}

// The Gaussian number of one channel of one frame of a draw: Philox 4x32-10, then Box and Muller.
__device__ __forceinline__ float gaussian(u64 seed, u32 tag, u64 generation, int frame, int channel) {
    u32 key0 = (u32)seed, key1 = (u32)(seed >> 32);
    u32 c0 = (u32)frame * 16u + (u32)(channel & 15), c1 = tag, c2 = (u32)generation, c3 = (u32)(generation >> 32);
    for (int round = 0; round < 10; ++round) {
        const u64 left = (u64)0xD2511F53u * c0;
        const u64 right = (u64)0xCD9E8D57u * c2;
        c0 = (u32)(right >> 32) ^ c1 ^ key0;
        c1 = (u32)right;
        c2 = (u32)(left >> 32) ^ c3 ^ key1;
        c3 = (u32)left;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    const int word = channel >> 4;
    const u32 radius_bits = word < 2 ? c0 : c2;
    const u32 angle_bits = word < 2 ? c1 : c3;
    const float uniform = (float)((int)(radius_bits >> 8) + 1) * (1.0f / 16777216.0f);
    const float radius = sqrtf(-2.0f * logarithm(uniform));
    float sine, cosine;
    sine_and_cosine_of_turn(angle_bits >> 8, sine, cosine);
    return radius * (word & 1 ? sine : cosine);
}

__device__ __forceinline__ float arc_of_unit(float x) {
    const bool steep = 0.41421357f < x;
    const float base = steep ? 0.785398163397448309616f : 0.0f;
    x = steep ? (x - 1.0f) / (x + 1.0f) : x;
    const float z = x * x;
    const float series = ((8.0537445e-2f * z - 1.3877686e-1f) * z + 1.9977711e-1f) * z - 3.333295e-1f;
    return base + (series * z * x + x);
}

__device__ __forceinline__ float angle(float y, float x) {
    if (x == 0.0f && y == 0.0f) return 0.0f;
    const bool steep = fabsf(x) < fabsf(y);
    const float slope = steep ? fabsf(x) / fabsf(y) : fabsf(y) / fabsf(x);
    float turned = arc_of_unit(slope);
    if (steep) turned = 1.57079632679489661923f - turned;
    if (__float_as_uint(x) >> 31) turned = 3.14159265358979323846f - turned;
    return __float_as_uint(y) >> 31 ? -turned : turned;
}

__device__ __forceinline__ float cosine_of(float phi) {
    const float size = fabsf(phi);
    const int quadrant = (int)(size * (1.0f / 1.57079632679489661923f) + 0.5f);
    const float q = (float)quadrant;
    const float x = ((size - q * 1.5703125f) - q * 4.837513e-4f) - q * 7.54979e-8f;
    const float z = x * x;
    const float s = ((-1.9515296e-4f * z + 8.332161e-3f) * z - 1.6666655e-1f) * z * x + x;
    const float c = ((2.4433157e-5f * z - 1.3887316e-3f) * z + 4.1666646e-2f) * z * z - 0.5f * z + 1.0f;
    switch (quadrant & 3) {
        case 0: return c;
        case 1: return -s;
        case 2: return -c;
        default: return s;
    }
}
