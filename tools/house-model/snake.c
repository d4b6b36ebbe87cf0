/* The snake activation in one pass over memory, forward and backward.
 *
 * Written out in tensor operations the activation takes half of a training step,
 * nearly all of it spent carrying whole layers between cache and memory. Here each value is
 * read once. Rows are moments in time, [batch * time]; the channels of one moment lie side by side.
 *
 * What goes in and what comes out are floats or halves (bfloat16: the upper half of a float), as the convolutions beside it want them;
 * all that is computed is computed in floats.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANE = 8, WIDE = 16 }; /* channels; every layer has a multiple of the first */

typedef uint16_t half;

static inline float from_half(half it) {
    uint32_t bits = (uint32_t)it << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even; nothing here is not a number. */
static inline half to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (half)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float from_float(float it) { return it; }
static inline float to_float(float it) { return it; }

/* sin on [-pi/2, pi/2] after folding; odd polynomial, error below 4e-7. */
static inline float sine(float x) {
    float turns = nearbyintf(x * 0.318309886f);
    float r = x - turns * 3.140625f - turns * 9.67653589793e-4f;
    int odd = (int)turns & 1;
    float q = r * r;
    float s = r + r * q * (-0.1666665710f + q * (8.333025139e-3f + q * (-1.980741872e-4f + q * 2.601903036e-6f)));
    return odd ? -s : s;
}

/* IN: what x is; OUT: what y is, and so the gradient that comes back. by_alpha and by_beta leave with one sum per channel; channels come in
 * whole lanes. One lane is what a vector register holds; its sums stay in registers while time passes. */
#define SNAKE(NAME, IN, OUT)                                                                                                                \
    void snake_forward_##NAME(const IN *restrict x, OUT *restrict y, const float *a, const float *inv, long rows, long channels) {         \
        for (long r = 0; r < rows; r++) {                                                                                                   \
            const IN *xr = x + r * channels;                                                                                                \
            OUT *yr = y + r * channels;                                                                                                     \
            for (long c = 0; c < channels; c++) {                                                                                           \
                float v = from_##IN(xr[c]), s = sine(a[c] * v);                                                                             \
                yr[c] = to_##OUT(v + s * s * inv[c]);                                                                                       \
            }                                                                                                                               \
        }                                                                                                                                   \
    }                                                                                                                                       \
    static inline __attribute__((always_inline)) void lane_backward_##NAME(const IN *restrict x, const OUT *restrict grad, IN *restrict out, const float *a, const float *inv,    \
                                     float *by_alpha, float *by_beta, long rows, long channels, int lane) {                                 \
        float sum_a[WIDE] = {0}, sum_b[WIDE] = {0}, al[WIDE], il[WIDE];                                                                     \
        for (int c = 0; c < lane; c++) al[c] = a[c], il[c] = a[c] * inv[c];                                                                 \
        for (long r = 0; r < rows; r++, x += channels, grad += channels, out += channels) {                                                 \
            for (int c = 0; c < lane; c++) {                                                                                                \
                float v = from_##IN(x[c]), g = from_##OUT(grad[c]), u = al[c] * v;                                                          \
                float s = sine(u);                                                                                                          \
                /* sin^2 = (1 - cos 2u) / 2, and its slope is sin 2u. */                                                                    \
                float slope = sine(2.0f * u);                                                                                               \
                out[c] = to_##IN(g * (1.0f + slope * il[c]));                                                                               \
                sum_a[c] += g * slope * v;                                                                                                  \
                sum_b[c] += g * s * s;                                                                                                      \
            }                                                                                                                               \
        }                                                                                                                                   \
        for (int c = 0; c < lane; c++) {                                                                                                    \
            by_alpha[c] = sum_a[c] * il[c];                                                                                                 \
            by_beta[c] = -sum_b[c] * inv[c];                                                                                                \
        }                                                                                                                                   \
    }                                                                                                                                       \
    void snake_backward_##NAME(const IN *x, const OUT *grad, IN *out, const float *a, const float *inv, float *by_alpha, float *by_beta,    \
                               long rows, long channels) {                                                                                  \
        long c = 0;                                                                                                                         \
        for (; c + WIDE <= channels; c += WIDE)                                                                                             \
            lane_backward_##NAME(x + c, grad + c, out + c, a + c, inv + c, by_alpha + c, by_beta + c, rows, channels, WIDE);                \
        for (; c < channels; c += LANE)                                                                                                     \
            lane_backward_##NAME(x + c, grad + c, out + c, a + c, inv + c, by_alpha + c, by_beta + c, rows, channels, LANE);                \
    }

SNAKE(float_float, float, float)
SNAKE(float_half, float, half)
SNAKE(half_half, half, half)
