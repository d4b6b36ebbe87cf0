// What the host tells the kernels of a plain plan (`plain/kernels.rs` mirrors every structure), and numbers of half the size.
//
// Addresses are of device memory. Values are f32, dense and row-major unless strides stand beside them; what a matrix
// product reads may be of half the size. No header of the toolkit is used, so that the same text runs on the host.
#pragma once

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;

// How numbers are stored.
#define F32 0
#define F16 1
#define BF16 2

// What is done to every number.
#define COPY 0
#define ZERO 1
#define ADD 2
#define MUL 3
#define ADD_VALUE 4
#define SILU 5
#define SNAKE 6

#define AXES 6

// y = function(a, b, c), each with strides of its own; 0 repeats.
struct Each {
    void* y;
    const float *a, *b, *c;
    u32 shape[AXES];
    u32 y_stride[AXES], a_stride[AXES], b_stride[AXES], c_stride[AXES];
    u32 count, what, type;
    float value;
};

// Rows `first ..` of a convolution's input, unrolled: [rows, taps, channels].
struct Columns {
    void* y;
    const float* x;
    u32 frames, frames_out, channels, taps, stride, padding, dilation, first, count, type;
};

// Kernels [batch, frames, taps, channels] laid over each other: y [batch, frames_out, channels].
struct Overlap {
    float* y;
    const float *x, *bias;
    u32 frames, frames_out, channels, taps, stride, padding, count, pad;
};

struct Norm {
    float* y;
    const float *x, *gain;
    u32 width;
    float eps;
    u32 rows, pad;
};

// x [batch, frames, heads, 2 half], tables [frames, half].
struct Rope {
    float* y;
    const float *x, *cosine, *sine;
    u32 frames, heads, half, count;
};

// Scores [rows, heads, queries, pitch] become weights in their place, or at `y` when those are of half the size. A
// negative window is none; the mask is [rows, keys] with these strides.
struct Softmax {
    void* y;
    const float *scores, *mask;
    u32 mask_row, mask_key, heads, queries, keys, pitch;
    int window;
    u32 causal, type;
    float scale;
    u32 rows, pad;
};

struct Sinusoid {
    float* y;
    const float* t;
    const double* frequencies;
    u32 half, count, t_stride;
    float scale;
};

struct Embed {
    float* y;
    const float* table;
    const u32* ids;
    u32 width, entries, count, pad;
};

// To the nearest, to even in the middle.
__device__ __forceinline__ u16 bf16_of(float x) {
    const u32 bits = __float_as_uint(x);
    if (0x7f800000u < (bits & 0x7fffffffu)) return (u16)((bits >> 16) | 0x40u);
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ u16 f16_of(float x) {
    const u32 sign = __float_as_uint(x) & 0x80000000u;
    u32 bits = __float_as_uint(x) ^ sign;
    u32 half;
    if (0x47800000u <= bits) {
        half = 0x7f800000u < bits ? 0x7e00u : 0x7c00u;
    } else if (bits < 0x38800000u) {
        // Too small for an exponent of its own: the sum with 0.5 rounds it to where a denormal has its bits.
        half = __float_as_uint(__uint_as_float(bits) + 0.5f) - 0x3f000000u;
    } else {
        bits += 0xc8000fffu + ((bits >> 13) & 1u);
        half = bits >> 13;
    }
    return (u16)(half | (sign >> 16));
}

__device__ __forceinline__ void store(void* y, u64 at, u32 type, float x) {
    switch (type) {
        case F16: ((u16*)y)[at] = f16_of(x); break;
        case BF16: ((u16*)y)[at] = bf16_of(x); break;
        default: ((float*)y)[at] = x;
    }
}
