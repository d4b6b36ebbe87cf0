/* The snake activation in one pass over memory, forward and backward.
 *
 * Written out in tensor operations the activation takes half of a training step,
 * nearly all of it spent carrying whole layers between cache and memory. Here each value is
 * read once. Rows are moments in time, [batch * time]; the channels of one moment lie side by side.
 */
#include <math.h>

enum { LANE = 8 }; /* channels; every layer has a multiple of it */

/* sin on [-pi/2, pi/2] after folding; odd polynomial, error below 4e-7. */
static inline float sine(float x) {
    float turns = nearbyintf(x * 0.318309886f);
    float r = x - turns * 3.140625f - turns * 9.67653589793e-4f;
    int odd = (int)turns & 1;
    float q = r * r;
    float s = r + r * q * (-0.1666665710f + q * (8.333025139e-3f + q * (-1.980741872e-4f + q * 2.601903036e-6f)));
    return odd ? -s : s;
}

void snake_forward(const float *x, float *y, const float *a, const float *inv, long rows, long channels) {
    for (long r = 0; r < rows; r++) {
        const float *xr = x + r * channels;
        float *yr = y + r * channels;
        for (long c = 0; c < channels; c++) {
            float s = sine(a[c] * xr[c]);
            yr[c] = xr[c] + s * s * inv[c];
        }
    }
}

/* One lane is what a vector register holds; its sums stay in registers while time passes. */
static void lane_backward(const float *restrict x, const float *restrict grad, float *restrict out, const float *a,
                          const float *inv, float *by_alpha, float *by_beta, long rows, long channels) {
    float sum_a[LANE] = {0}, sum_b[LANE] = {0}, al[LANE], il[LANE];
    for (int c = 0; c < LANE; c++) al[c] = a[c], il[c] = a[c] * inv[c];
    for (long r = 0; r < rows; r++, x += channels, grad += channels, out += channels) {
        for (int c = 0; c < LANE; c++) {
            float u = al[c] * x[c];
            float s = sine(u);
            /* sin^2 = (1 - cos 2u) / 2, and its slope is sin 2u. */
            float slope = sine(2.0f * u);
            out[c] = grad[c] * (1.0f + slope * il[c]);
            sum_a[c] += grad[c] * slope * x[c];
            sum_b[c] += grad[c] * s * s;
        }
    }
    for (int c = 0; c < LANE; c++) {
        by_alpha[c] = sum_a[c] * il[c];
        by_beta[c] = -sum_b[c] * inv[c];
    }
}

/* by_alpha and by_beta leave with one sum per channel; channels come in whole lanes. */
void snake_backward(const float *x, const float *grad, float *out, const float *a, const float *inv, float *by_alpha,
                    float *by_beta, long rows, long channels) {
    for (long c = 0; c < channels; c += LANE)
        lane_backward(x + c, grad + c, out + c, a + c, inv + c, by_alpha + c, by_beta + c, rows, channels);
}
