// The very text that the card runs, compiled for the host, and how each kernel finds its arguments.
#include "emulator.h"

#include "../../engine/src/backend/cuda/kernels/kernels.cu"

#include "fake.h"

#include <cstddef>

template <typename T>
static T argument(void** arguments, int at) {
    T value;
    std::memcpy(&value, arguments[at], sizeof value);
    return value;
}

// Copies the arguments at once, as a launch does, and gives what runs later.
std::function<void()> bind_kernel(const std::string& name, emulator::Three grid, unsigned threads, void** arguments) {
    if (name == "begin_generation") {
        const auto birth = argument<Birth>(arguments, 0);
        return [=] { emulator::run(grid, threads, false, [&] { begin_generation(birth); }); };
    }
    if (name == "prepare_rows") {
        const auto tick = argument<const Tick*>(arguments, 0);
        return [=] { emulator::run(grid, threads, false, [&] { prepare_rows(tick); }); };
    }
    if (name == "solve_step") {
        const auto tick = argument<const Tick*>(arguments, 0);
        return [=] { emulator::run(grid, threads, true, [&] { solve_step(tick); }); };
    }
    if (name == "stand_in") {
        const auto x = argument<const float*>(arguments, 0), context = argument<const float*>(arguments, 1);
        const auto prompt = argument<const float*>(arguments, 2), t = argument<const float*>(arguments, 3);
        const auto velocity = argument<float*>(arguments, 4);
        const auto frames = argument<int>(arguments, 5);
        return [=] {
            emulator::run(grid, threads, false, [&] { stand_in(x, context, prompt, t, velocity, frames); });
        };
    }
    return bind_graph_kernel(name, grid, threads, arguments);
}

bool is_kernel(const std::string& name) {
    return is_graph_kernel(name) || name == "begin_generation" || name == "prepare_rows" || name == "solve_step" || name == "stand_in";
}

#define FIELD(type, field) {#type "." #field, offsetof(type, field)}

// Sizes and offsets as the kernels see them, for comparison with the host's mirror.
static const struct {
    const char* name;
    size_t bytes;
} LAYOUT[] = {
    {"Curve", sizeof(Curve)},
    {"Slot", sizeof(Slot)},
    {"Row", sizeof(Row)},
    {"Tick", sizeof(Tick)},
    {"Birth", sizeof(Birth)},
    FIELD(Slot, x_next), FIELD(Slot, average), FIELD(Slot, average_next), FIELD(Slot, negative), FIELD(Slot, scratch),
    FIELD(Slot, bands), FIELD(Slot, source), FIELD(Slot, original), FIELD(Slot, target), FIELD(Slot, mask_noise),
    FIELD(Slot, given_noise), FIELD(Slot, gain_plane), FIELD(Slot, hilbert), FIELD(Slot, seed), FIELD(Slot, generation),
    FIELD(Slot, source_blend), FIELD(Slot, velocity_scale), FIELD(Slot, ode_noise), FIELD(Slot, mask),
    FIELD(Slot, target_pull), FIELD(Slot, guidance_scale), FIELD(Slot, momentum), FIELD(Slot, rescale),
    FIELD(Slot, scaler), FIELD(Slot, high_scaler), FIELD(Slot, gains), FIELD(Slot, low_filter),
    FIELD(Slot, high_filter), FIELD(Slot, now), FIELD(Slot, next), FIELD(Slot, mask_factor), FIELD(Slot, target_factor),
    FIELD(Slot, soft_threshold), FIELD(Slot, multiplicative), FIELD(Slot, phase), FIELD(Slot, norm_threshold),
    FIELD(Slot, eta), FIELD(Slot, flags), FIELD(Slot, active), FIELD(Slot, frames), FIELD(Slot, noise_tag),
    FIELD(Slot, taps), FIELD(Slot, band_frames), FIELD(Slot, correction), FIELD(Slot, bands_corrected),
    FIELD(Slot, positive_first), FIELD(Slot, positive_count), FIELD(Slot, negative_first), FIELD(Slot, negative_count),
    FIELD(Row, weight), FIELD(Row, slot), FIELD(Row, seat),
    FIELD(Tick, rows), FIELD(Tick, seat_row), FIELD(Tick, net_x), FIELD(Tick, net_t), FIELD(Tick, net_t_minus_r),
    FIELD(Tick, net_velocity), FIELD(Tick, unsound), FIELD(Tick, frames),
    FIELD(Birth, negative), FIELD(Birth, average), FIELD(Birth, mask_noise), FIELD(Birth, clean),
    FIELD(Birth, given_start), FIELD(Birth, start), FIELD(Birth, seed), FIELD(Birth, mask_seed), FIELD(Birth, frames),
    FIELD(Birth, flags),
};

// The size or offset of that name, or -1.
extern "C" long fake_layout(const char* name) {
    for (const auto& entry : LAYOUT) {
        if (std::strcmp(entry.name, name) == 0) return static_cast<long>(entry.bytes);
    }
    return -1;
}
