// What the host tells the kernels. `parameters.rs` mirrors every structure field by field; a test compares their layouts.
//
// A latent is [frames, 64] floats. Addresses are of device memory. Curves come ready: one value everywhere, or exactly as
// many values as the kernel indexes (the host has stretched curves of another length).
#pragma once

typedef unsigned long long u64;
typedef unsigned int u32;

#define CHANNELS 64
#define SLOTS 8
#define ROWS 16
#define TAPS 16

// Bits of Slot::flags.
#define STOCHASTIC 1u       // the step is an SDE step where no source blend decides it
#define BLENDED 2u          // a source blend acts
#define MASKED 4u           // an inpainting mask acts
#define PULLED 8u           // a target pulls
#define DRAWS 16u           // some frame may use the draw
#define GUIDED 32u          // two velocities become one
#define RESCALED 64u        // the guided velocity is pulled back to the length of the plain one
#define GAINED 128u         // channel gains act
#define MASK_DRAWS 256u     // the mask's noise stands for the draw
#define ARC 512u            // the two positive rows are mixed on an arc; their weights are plain values
#define NEGATIVE_ARC 1024u  // so are the two negative ones

// Values of Slot::correction.
#define PAIRS 1             // plain Haar, inside the step
#define BANDED 2            // any wavelet, any fader
#define POINTWISE 3         // no bands: the latent itself

// Values of Slot::bands_corrected.
#define LOW_BAND 0
#define HIGH_BAND 1
#define BOTH_BANDS 2

struct Curve {
    const float* points;    // null: `value` everywhere
    u64 value_bits;         // a float in the low half
};

// One slot's step.
struct Slot {
    const float* x;
    float* x_next;
    const float* average;
    float* average_next;
    float* negative;        // kept between steps; or the start noise that stands for it
    float* scratch;         // [frames + 16, 64]
    float* bands;           // four planes of [band_frames, 64]
    const float* source;
    const float* original;
    const float* target;
    const float* mask_noise;
    const float* given_noise;   // recorded draws; null: Philox
    const float* gain_plane;    // gains that move along the timeline; null: `gains`
    const float* hilbert;       // [band_frames]
    u64 seed;
    u64 generation;
    Curve source_blend;
    Curve velocity_scale;
    Curve ode_noise;
    Curve mask;
    Curve target_pull;
    Curve guidance_scale;
    Curve momentum;
    Curve rescale;
    Curve scaler;           // by band frame (by frame when POINTWISE)
    Curve high_scaler;
    float gains[CHANNELS];
    float low_filter[TAPS];
    float high_filter[TAPS];
    float now;
    float next;
    float mask_factor;
    float target_factor;
    float soft_threshold;
    float multiplicative;
    float phase;
    float norm_threshold;
    float eta;
    u32 flags;
    int active;
    int frames;
    u32 noise_tag;
    int taps;
    int band_frames;
    int correction;
    int bands_corrected;
    int positive_first;
    int positive_count;
    int negative_first;
    int negative_count;
    int reserved;
};

// One row of the network's batch.
struct Row {
    Curve weight;
    int slot;
    int seat;               // its place in the batch
};

// One tick: the block that is uploaded at the head of its graph.
struct Tick {
    Slot slots[SLOTS];
    Row rows[ROWS];
    int seat_row[ROWS];     // the row in a place of the batch; -1: idle
    float* net_x;           // [batch, frames, 64]
    float* net_t;           // [batch]
    float* net_t_minus_r;   // [batch]
    const float* net_velocity;  // [batch, frames, 64]
    u32* unsound;           // one bit a slot
    u64 frames;             // of the network
};

// One generation's start.
struct Birth {
    float* x;
    float* negative;
    float* average;
    float* mask_noise;
    const float* clean;     // null: start from noise alone
    const float* given_start;   // recorded; null: Philox
    Curve start;            // share of noise
    u64 seed;
    u64 mask_seed;
    int frames;
    u32 flags;              // below
};

#define OWN_NOISE 1u        // the start noise stands for the negative velocity
#define REMEMBERS 2u        // guidance begins with an empty memory
#define MASK_BORN 4u        // the mask's noise is drawn here
