// TensorRT without TensorRT, behind our own shim's face, on the fake driver: plans are a line of text, and what an engine
// computes is simple enough to be computed again on the CPU.
//
//   prompt TOKENS WIDTH          k0 = tokens (filling: 100), v0 = 0
//   denoiser FRAMES TOKENS WIDTH the stand-in's law (engine/src/backend/cuda/kernels), its prompt read from k0 under the mask
//   encoder SPAN                 a frame's means are, by turns, its first sample left and right, that of the frame before on
//                                the left, and that of the frame after on the right (0 beyond the span); its scales are 9
//   decoder SPAN                 every sample of a frame is that frame's first two channels
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>

#include "../../engine/tensorrt/shim/demon_tensorrt.h"

struct dt_library {
    dt_log_fn log;
};

struct dt_blob {
    std::string bytes;
};

struct dt_cache {};

struct dt_runtime {
    dt_library* library;
};

struct dt_engine {
    dt_runtime* runtime;
    std::string kind;
    int64_t a, b, c;
    std::vector<std::pair<std::string, dt_tensor>> tensors;
};

struct dt_context {
    dt_engine* engine;
    int64_t batch = 1;
    std::map<std::string, uint64_t> addresses;
    uint64_t memory = 0;
};

namespace {

constexpr int64_t MEMORY = 4096, CHANNELS = 64, HOP = 1920;

void say(dt_library* library, const char* words) { library->log(nullptr, 1, words); }

dt_dims dims(std::initializer_list<int64_t> sizes) {
    dt_dims it{};
    for (int64_t size : sizes) it.size[it.rank++] = size;
    return it;
}

void add(dt_engine* engine, const char* name, bool is_output, dt_dims shape) {
    engine->tensors.push_back({name, {nullptr, is_output, 0, 0, shape}});
}

using Enqueue = void (*)(void* stream, void (*work)(void*), void* with);

// The driver was opened by somebody else, perhaps for himself alone.
Enqueue enqueue_on_driver() {
    void* driver = dlopen("libcuda.so", RTLD_NOW | RTLD_NOLOAD);
    return reinterpret_cast<Enqueue>(dlsym(driver, "fake_enqueue"));
}

float* at(const std::map<std::string, uint64_t>& addresses, const char* name) {
    return reinterpret_cast<float*>(addresses.at(name));
}

void prompt(const dt_context& it) {
    const int64_t numbers = it.engine->a * it.engine->b;
    const float* tokens = at(it.addresses, "tokens");
    float* k0 = at(it.addresses, "k0");
    std::memcpy(k0, tokens, numbers * sizeof(float));
    // A real network has biases: keys of what fills a prompt up are not zero, and only the mask hides them.
    for (int64_t token = 0; token < it.engine->a; ++token) {
        float sum = 0.0f;
        for (int64_t w = 0; w < it.engine->b; ++w) sum += fabsf(tokens[token * it.engine->b + w]);
        if (sum == 0.0f) k0[token * it.engine->b] = 100.0f;
    }
    std::memset(at(it.addresses, "v0"), 0, numbers * sizeof(float));
}

void velocities(const dt_context& it) {
    const int64_t frames = it.engine->a, tokens = it.engine->b, width = it.engine->c;
    const float *x = at(it.addresses, "x"), *context = at(it.addresses, "context"), *t = at(it.addresses, "t");
    const float *mask = at(it.addresses, "token_mask"), *k0 = at(it.addresses, "k0");
    float* out = at(it.addresses, "velocity");
    for (int64_t seat = 0; seat < it.batch; ++seat) {
        float gist = 0.0f;
        for (int64_t token = 0; token < tokens; ++token) {
            if (mask[seat * tokens + token] == 0.0f) continue;
            for (int64_t w = 0; w < width; ++w) {
                const int64_t place = token * width + w;
                gist += k0[seat * tokens * width + place] * sinf(static_cast<float>(place) * 0.37f);
            }
        }
        const int64_t row = seat * frames * CHANNELS;
        for (int64_t here = row; here < row + frames * CHANNELS; ++here) {
            const float told = context[2 * here] - 0.5f * context[2 * here + 1];
            const float sum = x[here] * (0.8f + 0.3f * t[seat]) + 0.4f * told + gist;
            out[here] = sum / (1.0f + fabsf(sum) * 0.2f) - 0.1f * t[seat];
        }
    }
}

void sound(const dt_context& it) {
    const float* latents = at(it.addresses, "latents");
    float* audio = at(it.addresses, "audio");
    for (int64_t sample = 0; sample < it.engine->a * HOP; ++sample) {
        audio[2 * sample] = latents[sample / HOP * CHANNELS];
        audio[2 * sample + 1] = latents[sample / HOP * CHANNELS + 1];
    }
}

void moments(const dt_context& it) {
    const float* audio = at(it.addresses, "audio");
    float* out = at(it.addresses, "moments");
    for (int64_t frame = 0; frame < it.engine->a; ++frame) {
        for (int64_t channel = 0; channel < 2 * CHANNELS; ++channel) {
            const int64_t heard = frame + (channel % 4 == 3) - (channel % 4 == 2);
            const bool inside = 0 <= heard && heard < it.engine->a;
            const float mean = inside ? audio[heard * HOP * 2 + channel % 2] : 0.0f;
            out[frame * 2 * CHANNELS + channel] = channel < CHANNELS ? mean : 9.0f;
        }
    }
}

void run(void* raw) {
    const dt_context& it = *static_cast<dt_context*>(raw);
    if (it.engine->kind == "prompt") prompt(it);
    if (it.engine->kind == "denoiser") velocities(it);
    if (it.engine->kind == "decoder") sound(it);
    if (it.engine->kind == "encoder") moments(it);
}

}  // namespace

extern "C" {

uint32_t dt_abi(void) { return DT_ABI; }
int32_t dt_flavour(void) { return DT_FLAVOUR_RTX; }
int32_t dt_headers_version(void) { return 10701; }

dt_status dt_library_create(const char*, const char*, dt_log_fn log, void*, dt_library** out, char*, size_t) {
    *out = new dt_library{log};
    return DT_OK;
}

int32_t dt_library_version(const dt_library*) { return 10701; }
void dt_library_destroy(dt_library* it) { delete it; }
const void* dt_blob_data(const dt_blob* it) { return it->bytes.data(); }
size_t dt_blob_bytes(const dt_blob* it) { return it->bytes.size(); }
void dt_blob_destroy(dt_blob* it) { delete it; }

// A plan for a graph by its file's name. What its sizes are, the test says: `FAKE_PLANS="FRAMES TOKENS WIDTH DECODE_CONTEXT ENCODE_CONTEXT"`.
dt_status dt_build(dt_library* library, const dt_build_options* options, dt_blob** out) {
    const char* sizes = std::getenv("FAKE_PLANS");
    if (!sizes) {
        say(library, "FAKE_PLANS is not set");
        return DT_FAILED;
    }
    std::istringstream text(sizes);
    int64_t frames = 0, tokens = 0, width = 0, context = 0, encode_context = 0;
    text >> frames >> tokens >> width >> context >> encode_context;
    std::string name(options->onnx);
    name = name.substr(name.rfind('/') + 1);
    std::ostringstream plan;
    if (name == "prompt.onnx") plan << "prompt " << tokens << ' ' << width;
    if (name == "denoiser.onnx") plan << "denoiser " << frames << ' ' << tokens << ' ' << width;
    if (name == "encoder.onnx") plan << "encoder " << 64 + 2 * encode_context;
    if (name.rfind("window-", 0) == 0) plan << "decoder " << std::atoi(name.c_str() + 7) + 2 * context;
    *out = new dt_blob{plan.str()};
    return DT_OK;
}

dt_status dt_runtime_create(dt_library* library, dt_runtime** out) {
    *out = new dt_runtime{library};
    return DT_OK;
}

void dt_runtime_destroy(dt_runtime* it) { delete it; }
dt_status dt_plan_validity(dt_runtime*, const void*, size_t, int32_t*, uint64_t*) { return DT_UNSUPPORTED; }

dt_status dt_engine_create(dt_runtime* runtime, const void* plan, size_t bytes, dt_engine** out) {
    std::istringstream text(std::string(static_cast<const char*>(plan), bytes));
    auto* it = new dt_engine{runtime, "", 0, 0, 0, {}};
    text >> it->kind >> it->a >> it->b >> it->c;
    if (it->kind == "prompt") {
        add(it, "tokens", false, dims({1, it->a, it->b}));
        for (const char* name : {"k0", "v0"}) add(it, name, true, dims({1, it->a, 1, it->b}));
    } else if (it->kind == "denoiser") {
        add(it, "x", false, dims({-1, it->a, CHANNELS}));
        add(it, "context", false, dims({-1, it->a, 2 * CHANNELS}));
        for (const char* name : {"t", "t_minus_r"}) add(it, name, false, dims({-1}));
        add(it, "token_mask", false, dims({-1, it->b}));
        for (const char* name : {"k0", "v0"}) add(it, name, false, dims({-1, it->b, 1, it->c}));
        add(it, "velocity", true, dims({-1, it->a, CHANNELS}));
    } else if (it->kind == "encoder") {
        add(it, "audio", false, dims({1, it->a * HOP, 2}));
        add(it, "moments", true, dims({1, it->a, 2 * CHANNELS}));
    } else if (it->kind == "decoder") {
        add(it, "latents", false, dims({1, it->a, CHANNELS}));
        add(it, "audio", true, dims({1, it->a * HOP, 2}));
    } else {
        say(runtime->library, "the plan is no plan");
        delete it;
        return DT_FAILED;
    }
    *out = it;
    return DT_OK;
}

void dt_engine_destroy(dt_engine* it) { delete it; }
int32_t dt_engine_tensor_count(const dt_engine* it) { return static_cast<int32_t>(it->tensors.size()); }

dt_status dt_engine_tensor(const dt_engine* it, int32_t index, dt_tensor* out) {
    *out = it->tensors[index].second;
    out->name = it->tensors[index].first.c_str();
    return DT_OK;
}

int32_t dt_engine_profile_count(const dt_engine*) { return 1; }

dt_status dt_engine_range(const dt_engine* it, const char* name, int32_t, dt_range* out) {
    for (const auto& [known, tensor] : it->tensors) {
        if (known != name) continue;
        out->tensor = name;
        out->least = out->best = out->most = tensor.dims;
        if (tensor.dims.size[0] < 0) out->least.size[0] = 1, out->best.size[0] = 8, out->most.size[0] = 16;
        return DT_OK;
    }
    return DT_FAILED;
}

int64_t dt_engine_device_memory(const dt_engine*, int32_t) { return MEMORY; }
int32_t dt_engine_refittable(const dt_engine*) { return 0; }
dt_status dt_engine_refit(dt_library*, dt_engine*, const dt_weights*, size_t) { return DT_UNSUPPORTED; }
dt_status dt_engine_refit_from(dt_library*, dt_engine*, const char*, dt_fault_fn, void*) { return DT_UNSUPPORTED; }
dt_status dt_cache_create(dt_engine*, dt_cache** out) { *out = new dt_cache; return DT_OK; }
void dt_cache_destroy(dt_cache* it) { delete it; }
dt_status dt_cache_load(dt_cache*, const void*, size_t) { return DT_OK; }
dt_status dt_cache_save(const dt_cache*, dt_blob** out) { *out = new dt_blob{"kernels"}; return DT_OK; }

dt_status dt_context_create(dt_engine* engine, dt_cache*, int32_t, dt_context** out) {
    *out = new dt_context;
    (*out)->engine = engine;
    return DT_OK;
}

void dt_context_destroy(dt_context* it) { delete it; }
dt_status dt_context_set_profile(dt_context*, int32_t profile, void*) { return profile == 0 ? DT_OK : DT_FAILED; }

dt_status dt_context_set_shape(dt_context* it, const char*, const dt_dims* shape) {
    it->batch = shape->size[0];
    return 1 <= it->batch && it->batch <= 16 ? DT_OK : DT_FAILED;
}

dt_status dt_context_shape(const dt_context*, const char*, dt_dims*) { return DT_UNSUPPORTED; }

dt_status dt_context_set_address(dt_context* it, const char* name, uint64_t address) {
    it->addresses[name] = address;
    return DT_OK;
}

int64_t dt_context_device_memory(dt_context*) { return MEMORY; }

dt_status dt_context_set_device_memory(dt_context* it, uint64_t address, int64_t bytes) {
    it->memory = address;
    return MEMORY <= bytes ? DT_OK : DT_FAILED;
}

int32_t dt_context_capturable(const dt_context*, void*) { return 1; }

dt_status dt_context_enqueue(dt_context* it, void* stream) {
    for (const auto& tensor : it->engine->tensors) {
        if (it->addresses.count(tensor.first) == 0) {
            say(it->engine->runtime->library, ("no address for " + tensor.first).c_str());
            return DT_FAILED;
        }
    }
    if (it->memory == 0) {
        say(it->engine->runtime->library, "no device memory");
        return DT_FAILED;
    }
    // What was set now counts, whatever is set before the work runs; the copy is never freed, as a graph may run it again.
    enqueue_on_driver()(stream, run, new dt_context(*it));
    return DT_OK;
}

}  // extern "C"
