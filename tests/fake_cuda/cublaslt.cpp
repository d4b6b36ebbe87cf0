// cuBLASLt without a card: the calls that the engine makes, with products computed on the host when somebody waits for the
// stream.
//
// It is stricter than the library: operands and workspace have to lie in the card's memory, and as round as the algorithm
// was told. Every number is a sum in f32 in the order of the depth, whatever the sizes around it.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include <dlfcn.h>

#pragma GCC optimize("O3")

namespace {

enum Status { SUCCESS = 0, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum Type { F32 = 0, F16 = 2, BF16 = 14 };

struct Layout {
    int type;
    uint64_t rows, columns;
    int64_t pitch, step;
    int32_t count;
};

struct Description {
    int compute, scale;
    int32_t transposed_a;
    uint32_t epilogue;
    uint64_t bias;
};

struct Preference {
    uint64_t workspace;
    uint32_t alignment[4];
};

// What stands in the opaque words of an algorithm.
struct Algorithm {
    uint64_t magic;
    uint32_t alignment[4];
    uint64_t workspace, rest[4];
};

struct Heuristic {
    Algorithm algorithm;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};

struct Job {
    Description description;
    Layout a, b, d;
    const void *at_a, *at_b;
    float* at_d;
    uint64_t workspace;
};

constexpr uint64_t MAGIC = 0x6d61746d756c;
constexpr uint32_t BIAS = 4;

size_t size_of(int type) { return type == F32 ? 4 : 2; }

float as_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

float widened(const void* numbers, int type, size_t at) {
    if (type == F32) return static_cast<const float*>(numbers)[at];
    const uint32_t half = static_cast<const uint16_t*>(numbers)[at];
    if (type == BF16) return as_float(half << 16);
    const uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 31) return as_float(sign | 0x7f800000 | mantissa << 13);
    const float size = std::ldexp(static_cast<float>(exponent ? mantissa | 1024 : mantissa), int(exponent ? exponent : 1) - 25);
    return sign ? -size : size;
}

[[noreturn]] void refuse(const char* what) {
    std::fprintf(stderr, "fake cuBLASLt: %s\n", what);
    std::abort();
}

void expect_on_card(uint64_t first, uint64_t bytes, const char* what) {
    using Inside = int (*)(unsigned long long, size_t);
    static const auto inside = reinterpret_cast<Inside>(dlsym(dlopen("libcuda.so", RTLD_NOW | RTLD_NOLOAD), "fake_inside"));
    if (!inside(first, bytes)) refuse(what);
}

void expect_matrix(const Layout& it, const void* at, const char* what) {
    const uint64_t numbers = (it.columns - 1) * it.pitch + it.rows + (it.count - 1) * it.step;
    if (it.pitch < static_cast<int64_t>(it.rows)) refuse("a pitch is shorter than a column");
    expect_on_card(reinterpret_cast<uint64_t>(at), numbers * size_of(it.type), what);
}

void multiply(const Job& job, int32_t batch, std::vector<float>& a, std::vector<float>& sums) {
    const size_t rows = job.d.rows, columns = job.d.columns;
    const size_t depth = job.description.transposed_a ? job.a.rows : job.a.columns;
    a.resize(rows * depth);
    for (size_t k = 0; k < depth; ++k) {
        for (size_t row = 0; row < rows; ++row) {
            const size_t at = job.description.transposed_a ? row * job.a.pitch + k : k * job.a.pitch + row;
            a[k * rows + row] = widened(job.at_a, job.a.type, batch * job.a.step + at);
        }
    }
    sums.resize(rows);
    for (size_t column = 0; column < columns; ++column) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (size_t k = 0; k < depth; ++k) {
            const float b = widened(job.at_b, job.b.type, batch * job.b.step + column * job.b.pitch + k);
            const float* left = a.data() + k * rows;
            for (size_t row = 0; row < rows; ++row) sums[row] += left[row] * b;
        }
        float* out = job.at_d + batch * job.d.step + column * job.d.pitch;
        const auto* bias = reinterpret_cast<const float*>(job.description.bias);
        for (size_t row = 0; row < rows; ++row) out[row] = sums[row] + (job.description.epilogue == BIAS ? bias[row] : 0.0f);
    }
}

void run(void* raw) {
    const Job& job = *static_cast<Job*>(raw);
    expect_matrix(job.a, job.at_a, "the first operand does not lie on the card");
    expect_matrix(job.b, job.at_b, "the second operand does not lie on the card");
    expect_matrix(job.d, job.at_d, "the result does not lie on the card");
    if (job.description.epilogue == BIAS) expect_on_card(job.description.bias, 4 * job.d.rows, "the bias does not lie on the card");
    std::vector<float> a, sums;
    for (int32_t batch = 0; batch < job.d.count; ++batch) multiply(job, batch, a, sums);
}

bool fits(const Description& it, const Layout& a, const Layout& b, const Layout& d) {
    const uint64_t a_rows = it.transposed_a ? a.columns : a.rows, depth = it.transposed_a ? a.rows : a.columns;
    const bool sizes = a_rows == d.rows && depth == b.rows && b.columns == d.columns;
    const bool types = a.type == b.type && d.type == F32 && (a.type == F32 || a.type == F16 || a.type == BF16);
    return sizes && types && a.count == d.count && b.count == d.count && it.compute == 68 && it.scale == F32;
}

template <typename T>
int set(T* field, const void* value, size_t bytes) {
    if (bytes != sizeof *field) return INVALID_VALUE;
    std::memcpy(field, value, bytes);
    return SUCCESS;
}

}  // namespace

extern "C" {

int cublasLtCreate(int** handle) { *handle = new int{0}; return SUCCESS; }
int cublasLtDestroy(int* handle) { delete handle; return SUCCESS; }
size_t cublasLtGetVersion() { return 120804; }

int cublasLtMatmulDescCreate(Description** it, int compute, int scale) {
    *it = new Description{compute, scale, 0, 1, 0};
    return SUCCESS;
}

int cublasLtMatmulDescDestroy(Description* it) { delete it; return SUCCESS; }

int cublasLtMatmulDescSetAttribute(Description* it, int attribute, const void* value, size_t bytes) {
    switch (attribute) {
        case 3: return set(&it->transposed_a, value, bytes);
        case 7: return set(&it->epilogue, value, bytes);
        case 8: return set(&it->bias, value, bytes);
        default: return INVALID_VALUE;
    }
}

int cublasLtMatrixLayoutCreate(Layout** it, int type, uint64_t rows, uint64_t columns, int64_t pitch) {
    *it = new Layout{type, rows, columns, pitch, 0, 1};
    return SUCCESS;
}

int cublasLtMatrixLayoutDestroy(Layout* it) { delete it; return SUCCESS; }

int cublasLtMatrixLayoutSetAttribute(Layout* it, int attribute, const void* value, size_t bytes) {
    switch (attribute) {
        case 5: return set(&it->count, value, bytes);
        case 6: return set(&it->step, value, bytes);
        default: return INVALID_VALUE;
    }
}

int cublasLtMatmulPreferenceCreate(Preference** it) {
    *it = new Preference{0, {256, 256, 256, 256}};
    return SUCCESS;
}

int cublasLtMatmulPreferenceDestroy(Preference* it) { delete it; return SUCCESS; }

int cublasLtMatmulPreferenceSetAttribute(Preference* it, int attribute, const void* value, size_t bytes) {
    if (attribute == 1) return set(&it->workspace, value, bytes);
    if (5 <= attribute && attribute <= 8) return set(&it->alignment[attribute - 5], value, bytes);
    return INVALID_VALUE;
}

int cublasLtMatmulAlgoGetHeuristic(int*, Description* it, Layout* a, Layout* b, Layout*, Layout* d, Preference* preference,
                                   int, Heuristic* out, int* count) {
    *count = 0;
    if (!fits(*it, *a, *b, *d)) return NOT_SUPPORTED;
    *count = 1;
    *out = Heuristic{};
    out->algorithm.magic = MAGIC;
    std::memcpy(out->algorithm.alignment, preference->alignment, sizeof preference->alignment);
    out->algorithm.workspace = out->workspace = preference->workspace / 2;
    return SUCCESS;
}

int cublasLtMatmul(int*, Description* it, const float* alpha, const void* a, Layout* a_is, const void* b, Layout* b_is,
                   const float* beta, const void* c, Layout*, float* d, Layout* d_is, const Algorithm* algorithm,
                   uint64_t workspace, size_t workspace_bytes, void* stream) {
    if (algorithm->magic != MAGIC || !fits(*it, *a_is, *b_is, *d_is)) return INVALID_VALUE;
    if (*alpha != 1.0f || *beta != 0.0f || c != d || workspace_bytes < algorithm->workspace) return INVALID_VALUE;
    const uint64_t addresses[4] = {reinterpret_cast<uint64_t>(a), reinterpret_cast<uint64_t>(b),
                                   reinterpret_cast<uint64_t>(c), reinterpret_cast<uint64_t>(d)};
    for (int at = 0; at < 4; ++at) {
        // Memory of the host is not as round as the card's: what is asked is whether it was told the truth.
        if (addresses[at] % algorithm->alignment[at] != 0) return INVALID_VALUE;
    }
    expect_on_card(workspace, workspace_bytes, "the workspace does not lie on the card");
    using Enqueue = void (*)(void* stream, void (*work)(void*), void* with);
    static const auto enqueue = reinterpret_cast<Enqueue>(dlsym(dlopen("libcuda.so", RTLD_NOW | RTLD_NOLOAD), "fake_enqueue"));
    // Never freed, as a recorded graph may run it again.
    enqueue(stream, run, new Job{*it, *a_is, *b_is, *d_is, a, b, d, workspace});
    return SUCCESS;
}

}  // extern "C"
