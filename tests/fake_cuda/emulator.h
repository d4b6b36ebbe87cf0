// Runs the device's kernels on the host: each thread of a block is a fiber, and a barrier is a switch to the next one.
//
// Blocks run one after another, so shared memory is a static. Denormals are flushed and products are not fused (the build
// says so), as the kernels are compiled for the card.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(n)

namespace emulator {

struct Three {
    unsigned x, y, z;
};

// Where the running thread stands.
extern Three thread_index, block_index, block_size;

void barrier();

// Runs `kernel` once for every thread of every block. Kernels that never reach a barrier need no fibers.
void run(Three grid, unsigned threads, bool has_barriers, const std::function<void()>& kernel);

}  // namespace emulator

#define threadIdx emulator::thread_index
#define blockIdx emulator::block_index
#define blockDim emulator::block_size
#define __syncthreads() emulator::barrier()

static inline float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

static inline unsigned atomicOr(unsigned* at, unsigned bits) {
    const unsigned before = *at;
    *at |= bits;
    return before;
}

using std::fmax;
using std::sqrt;
