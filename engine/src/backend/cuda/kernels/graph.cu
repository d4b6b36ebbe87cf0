// nvrtc: --ftz=true
// What a plain plan does besides matrix products. One number a thread, or one row a block of BLOCK threads; nothing is
// fused and nothing is tuned: this is what other ways to the card are measured against.
//
// Compiled with fused multiply-add, unlike the solver's kernels: nobody promises the processor's bits here, and a fused
// product is the more exact one. Denormals are flushed.
#include "graph.h"

#define BLOCK 128
#define LEAVES 16

__device__ __forceinline__ u32 thread_of_grid() { return blockIdx.x * blockDim.x + threadIdx.x; }

// One number from all threads of a block, the same in all of them; the order is fixed.
template <bool HIGHEST>
__device__ __forceinline__ float of_block(float mine) {
    __shared__ float leaves[BLOCK];
    __shared__ float branches[BLOCK / LEAVES];
    __syncthreads();
    leaves[threadIdx.x] = mine;
    __syncthreads();
    if (threadIdx.x < BLOCK / LEAVES) {
        float all = leaves[threadIdx.x * LEAVES];
        for (u32 leaf = 1; leaf < LEAVES; ++leaf) {
            const float other = leaves[threadIdx.x * LEAVES + leaf];
            all = HIGHEST ? fmaxf(all, other) : all + other;
        }
        branches[threadIdx.x] = all;
    }
    __syncthreads();
    float all = branches[0];
    for (u32 branch = 1; branch < BLOCK / LEAVES; ++branch) {
        all = HIGHEST ? fmaxf(all, branches[branch]) : all + branches[branch];
    }
    return all;
}

extern "C" __global__ void graph_each(Each p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    u32 rest = here, y = 0, a = 0, b = 0, c = 0;
    for (int axis = AXES - 1; 0 <= axis; --axis) {
        const u32 size = p.shape[axis];
        if (size == 1) continue;
        const u32 at = rest % size;
        rest /= size;
        y += at * p.y_stride[axis];
        a += at * p.a_stride[axis];
        b += at * p.b_stride[axis];
        c += at * p.c_stride[axis];
    }
    float x = p.what == ZERO ? 0.0f : p.a[a];
    switch (p.what) {
        case ADD: x = x + p.b[b]; break;
        case MUL: x = x * p.b[b]; break;
        case ADD_VALUE: x = x + p.value; break;
        case SILU: x = x / (1.0f + expf(-x)); break;
        case SNAKE: {
            const float wave = sinf(p.b[b] * x);
            x = x + wave * wave * p.c[c];
            break;
        }
        default: break;
    }
    store(p.y, y, p.type, x);
}

extern "C" __global__ void graph_columns(Columns p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    const u32 channel = here % p.channels, tap = here / p.channels % p.taps;
    const u32 row = p.first + here / p.channels / p.taps;
    const u32 batch = row / p.frames_out, frame = row % p.frames_out;
    const u32 from = frame * p.stride + tap * p.dilation;
    const bool inside = p.padding <= from && from - p.padding < p.frames;
    const u64 at = ((u64)batch * p.frames + from - p.padding) * p.channels + channel;
    store(p.y, here, p.type, inside ? p.x[at] : 0.0f);
}

extern "C" __global__ void graph_overlap(Overlap p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    const u32 channel = here % p.channels, frame = here / p.channels % p.frames_out;
    const u32 batch = here / p.channels / p.frames_out;
    const u32 at = frame + p.padding;
    float sum = p.bias ? p.bias[channel] : 0.0f;
    // Input frame `from` lies over output frames `from * stride ..`, before the crop.
    for (u32 tap = at % p.stride; tap < p.taps && tap <= at; tap += p.stride) {
        const u32 from = (at - tap) / p.stride;
        if (from < p.frames) sum += p.x[(((u64)batch * p.frames + from) * p.taps + tap) * p.channels + channel];
    }
    p.y[here] = sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK) graph_norm(Norm p) {
    const u64 row = (u64)blockIdx.x * p.width;
    float squares = 0.0f;
    for (u32 at = threadIdx.x; at < p.width; at += BLOCK) squares += p.x[row + at] * p.x[row + at];
    const float scale = 1.0f / sqrtf(of_block<false>(squares) / (float)p.width + p.eps);
    for (u32 at = threadIdx.x; at < p.width; at += BLOCK) p.y[row + at] = p.x[row + at] * scale * p.gain[at];
}

extern "C" __global__ void graph_rope(Rope p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    const u32 pair = here % p.half, head = here / p.half;
    const u32 turn = head / p.heads % p.frames * p.half + pair;
    const u64 at = (u64)head * 2 * p.half + pair;
    const float a = p.x[at], b = p.x[at + p.half];
    p.y[at] = a * p.cosine[turn] - b * p.sine[turn];
    p.y[at + p.half] = b * p.cosine[turn] + a * p.sine[turn];
}

__device__ __forceinline__ bool sees(const Softmax& p, u32 row, u32 query, u32 key) {
    if (p.causal && query < key) return false;
    const u32 away = query < key ? key - query : query - key;
    if (0 <= p.window && (u32)p.window < away) return false;
    return !p.mask || p.mask[(u64)row * p.mask_row + (u64)key * p.mask_key] != 0.0f;
}

extern "C" __global__ void __launch_bounds__(BLOCK) graph_softmax(Softmax p) {
    const u32 query = blockIdx.x % p.queries, row = blockIdx.x / p.queries / p.heads;
    const u64 first = (u64)blockIdx.x * p.pitch;
    float highest = -3.402823466e38f;
    for (u32 key = threadIdx.x; key < p.keys; key += BLOCK) {
        if (sees(p, row, query, key)) highest = fmaxf(highest, p.scores[first + key] * p.scale);
    }
    highest = of_block<true>(highest);
    float sum = 0.0f;
    for (u32 key = threadIdx.x; key < p.keys; key += BLOCK) {
        if (sees(p, row, query, key)) sum += expf(p.scores[first + key] * p.scale - highest);
    }
    sum = of_block<false>(sum);
    // A query that sees no key gives zeros.
    const float share = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (u32 key = threadIdx.x; key < p.keys; key += BLOCK) {
        const float weight = sees(p, row, query, key) ? expf(p.scores[first + key] * p.scale - highest) * share : 0.0f;
        store(p.y, first + key, p.type, weight);
    }
}

// In double, because an angle of a thousand turns has no digits to spare; there are few of them.
extern "C" __global__ void graph_sinusoid(Sinusoid p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    const u32 row = here / p.half, at = here % p.half;
    const double angle = (double)p.scale * (double)p.t[row * p.t_stride] * p.frequencies[at];
    p.y[(u64)row * 2 * p.half + at] = (float)cos(angle);
    p.y[(u64)row * 2 * p.half + p.half + at] = (float)sin(angle);
}

// An id past the table gives zeros.
extern "C" __global__ void graph_embed(Embed p) {
    const u32 here = thread_of_grid();
    if (p.count <= here) return;
    const u32 id = p.ids[here / p.width];
    p.y[here] = id < p.entries ? p.table[(u64)id * p.width + here % p.width] : 0.0f;
}
