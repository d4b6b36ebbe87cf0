/* Stands in for TensorRT behind the shim's C header. What goes wrong is chosen when it is compiled (-DSTUB_...), and every
 * creation and destruction is written to the journal file, so that a test can read the order. */
#include "demon_tensorrt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef STUB_ABI
#define STUB_ABI DT_ABI
#endif
#ifndef STUB_OPEN
#define STUB_OPEN DT_OK
#endif
#ifndef STUB_BUILD
#define STUB_BUILD DT_OK
#endif
#ifndef STUB_WORDS
#define STUB_WORDS "the stub was told to fail"
#endif
#ifndef STUB_VALIDITY
#define STUB_VALIDITY DT_VALID
#endif
#ifndef STUB_WHY
#define STUB_WHY 0
#endif
#ifndef STUB_ENGINE
#define STUB_ENGINE DT_OK
#endif
#ifndef STUB_CONTEXT
#define STUB_CONTEXT DT_OK
#endif
#ifndef STUB_ENQUEUE
#define STUB_ENQUEUE DT_OK
#endif
#ifndef STUB_FLAVOUR
#define STUB_FLAVOUR DT_FLAVOUR_RTX
#endif

struct dt_blob { char* bytes; size_t count; };
struct dt_library { int nothing; };
struct dt_runtime { int nothing; };
struct dt_engine { int nothing; };
struct dt_cache { int nothing; };
struct dt_context { int64_t rows; uint64_t address[2]; uint64_t memory; int64_t memory_bytes; };

static dt_log_fn log_fn;
static void* log_user;

static void journal(const char* line)
{
    FILE* file = fopen(STUB_JOURNAL, "a");
    if (file != NULL) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
}

static dt_status answer(dt_status status)
{
    if (status != DT_OK && log_fn != NULL) {
        log_fn(log_user, 1, STUB_WORDS);
    }
    return status;
}

uint32_t dt_abi(void) { return STUB_ABI; }
int32_t dt_flavour(void) { return STUB_FLAVOUR; }
#ifndef STUB_LACKS_A_FUNCTION
int32_t dt_headers_version(void) { return 10701; }
#endif

dt_status dt_library_create(
    const char* infer, const char* parser, dt_log_fn log, void* user, dt_library** out, char* why, size_t why_bytes)
{
    log_fn = log;
    log_user = user;
    journal(infer);
    journal(parser);
    if (STUB_OPEN != DT_OK) {
        snprintf(why, why_bytes, "%s", STUB_WORDS);
        return STUB_OPEN;
    }
    *out = calloc(1, sizeof **out);
    journal("library +");
    return DT_OK;
}
int32_t dt_library_version(const dt_library* library) { (void) library; return 10701; }
void dt_library_destroy(dt_library* library) { journal("library -"); free(library); }

const void* dt_blob_data(const dt_blob* blob) { return blob->bytes; }
size_t dt_blob_bytes(const dt_blob* blob) { return blob->count; }
void dt_blob_destroy(dt_blob* blob) { free(blob->bytes); free(blob); }

static dt_blob* blob_of(const char* text)
{
    dt_blob* made = calloc(1, sizeof *made);
    made->count = strlen(text);
    made->bytes = malloc(made->count + 1);
    memcpy(made->bytes, text, made->count + 1);
    return made;
}

dt_status dt_build(dt_library* library, const dt_build_options* options, dt_blob** out)
{
    (void) library;
    if (STUB_BUILD == DT_NOT_PARSED) {
        dt_fault first = {8, 3, "layers.0.odd", "Moonlight", "no importer for this operation"};
        dt_fault second = {7, -1, NULL, NULL, "the graph has no output"};
        options->fault(options->user, &first);
        options->fault(options->user, &second);
    }
    if (STUB_BUILD != DT_OK) {
        return answer(STUB_BUILD);
    }
    dt_progress started = {DT_PHASE_STARTED, "Building", NULL, 0, 4};
    int32_t stop = options->progress(options->user, &started);
    for (int32_t step = 0; step < 4 && !stop; ++step) {
        dt_progress done = {DT_STEP_DONE, "Building", NULL, step, 0};
        stop = options->progress(options->user, &done);
    }
    if (stop) {
        return DT_STOPPED;
    }
    char text[512];
    const dt_range* range = options->profile_count == 0 ? NULL : options->profiles[0].ranges;
    snprintf(text, sizeof text, "PLAN sm%d level%d flags%u profiles%zu %s %lld..%lld", options->capabilities[0],
        options->level, options->flags, options->profile_count, range == NULL ? "-" : range->tensor,
        range == NULL ? 0LL : (long long) range->least.size[0], range == NULL ? 0LL : (long long) range->most.size[0]);
    *out = blob_of(text);
    return DT_OK;
}

dt_status dt_runtime_create(dt_library* library, dt_runtime** out)
{
    (void) library;
    *out = calloc(1, sizeof **out);
    journal("runtime +");
    return DT_OK;
}
void dt_runtime_destroy(dt_runtime* runtime) { journal("runtime -"); free(runtime); }

dt_status dt_plan_validity(dt_runtime* runtime, const void* plan, size_t bytes, int32_t* validity, uint64_t* why)
{
    (void) runtime;
    (void) plan;
    (void) bytes;
    if (STUB_FLAVOUR != DT_FLAVOUR_RTX) {
        return DT_UNSUPPORTED;
    }
    *validity = STUB_VALIDITY;
    *why = STUB_WHY;
    return DT_OK;
}

dt_status dt_engine_create(dt_runtime* runtime, const void* plan, size_t bytes, dt_engine** out)
{
    (void) runtime;
    if (bytes < 4 || memcmp(plan, "PLAN", 4) != 0) {
        log_fn(log_user, 1, "Serialization assertion magicTagRead == kMAGIC_TAG failed.");
        return DT_FAILED;
    }
    if (STUB_ENGINE != DT_OK) {
        return answer(STUB_ENGINE);
    }
    *out = calloc(1, sizeof **out);
    journal("engine +");
    return DT_OK;
}
void dt_engine_destroy(dt_engine* engine) { journal("engine -"); free(engine); }

int32_t dt_engine_tensor_count(const dt_engine* engine) { (void) engine; return 2; }
dt_status dt_engine_tensor(const dt_engine* engine, int32_t index, dt_tensor* out)
{
    (void) engine;
    out->name = index == 0 ? "x" : "y";
    out->is_output = index;
    out->type = 7;
    out->on_host = 0;
    out->dims = (dt_dims){2, {-1, 16}};
    return DT_OK;
}
int32_t dt_engine_profile_count(const dt_engine* engine) { (void) engine; return 1; }
dt_status dt_engine_range(const dt_engine* engine, const char* tensor, int32_t profile, dt_range* out)
{
    (void) engine;
    (void) profile;
    *out = (dt_range){tensor, {2, {1, 16}}, {2, {4, 16}}, {2, {8, 16}}};
    return DT_OK;
}
int64_t dt_engine_device_memory(const dt_engine* engine, int32_t profile)
{
    (void) engine;
    return profile == 0 ? 4096 : -1;
}
#ifndef STUB_REFITTABLE
#define STUB_REFITTABLE 1
#endif
int32_t dt_engine_refittable(const dt_engine* engine) { (void) engine; return STUB_REFITTABLE; }

dt_status dt_engine_refit(dt_library* library, dt_engine* engine, const dt_weights* weights, size_t count)
{
    (void) library;
    (void) engine;
    char line[128];
    for (size_t i = 0; i < count; ++i) {
        snprintf(line, sizeof line, "refit %s type %d count %lld", weights[i].name, weights[i].type, (long long) weights[i].count);
        journal(line);
    }
    return DT_OK;
}
dt_status dt_engine_refit_from(dt_library* library, dt_engine* engine, const char* onnx, dt_fault_fn fault, void* user)
{
    (void) library;
    (void) engine;
    (void) onnx;
    dt_fault wrong = {14, 2, "up", "MatMul", "weights have another count"};
    fault(user, &wrong);
    return DT_NOT_PARSED;
}

dt_status dt_cache_create(dt_engine* engine, dt_cache** out)
{
    (void) engine;
    if (STUB_FLAVOUR != DT_FLAVOUR_RTX) {
        return DT_UNSUPPORTED;
    }
    *out = calloc(1, sizeof **out);
    journal("cache +");
    return DT_OK;
}
void dt_cache_destroy(dt_cache* cache) { journal("cache -"); free(cache); }
dt_status dt_cache_load(dt_cache* cache, const void* bytes, size_t count)
{
    (void) cache;
    return answer(count == 7 && memcmp(bytes, "KERNELS", 7) == 0 ? DT_OK : DT_FAILED);
}
dt_status dt_cache_save(const dt_cache* cache, dt_blob** out)
{
    (void) cache;
    *out = blob_of("KERNELS");
    return DT_OK;
}

dt_status dt_context_create(dt_engine* engine, dt_cache* cache, int32_t shapes, dt_context** out)
{
    (void) engine;
    if (STUB_CONTEXT != DT_OK) {
        return answer(STUB_CONTEXT);
    }
    char line[64];
    snprintf(line, sizeof line, "context + shapes %d cache %d", shapes, cache != NULL);
    *out = calloc(1, sizeof **out);
    journal(line);
    return DT_OK;
}
void dt_context_destroy(dt_context* context) { journal("context -"); free(context); }
dt_status dt_context_set_profile(dt_context* context, int32_t profile, void* stream)
{
    (void) context;
    (void) stream;
    return answer(profile == 0 ? DT_OK : DT_FAILED);
}
dt_status dt_context_set_shape(dt_context* context, const char* tensor, const dt_dims* dims)
{
    int const good = strcmp(tensor, "x") == 0 && dims->rank == 2 && 1 <= dims->size[0] && dims->size[0] <= 8;
    context->rows = good ? dims->size[0] : 0;
    return answer(good ? DT_OK : DT_FAILED);
}
dt_status dt_context_shape(const dt_context* context, const char* tensor, dt_dims* out)
{
    (void) tensor;
    *out = (dt_dims){2, {context->rows, 16}};
    return DT_OK;
}
dt_status dt_context_set_address(dt_context* context, const char* tensor, uint64_t address)
{
    context->address[tensor[0] == 'y'] = address;
    return DT_OK;
}
int64_t dt_context_device_memory(dt_context* context) { return context->rows == 0 ? -1 : context->rows * 512; }
dt_status dt_context_set_device_memory(dt_context* context, uint64_t address, int64_t bytes)
{
    if (bytes < context->rows * 512) {
        log_fn(log_user, 1, "setDeviceMemoryV2: the block is too small");
    } else if (bytes != context->rows * 512) {
        log_fn(log_user, 2, "setDeviceMemoryV2: the block is larger than it need be");
    }
    context->memory = address;
    context->memory_bytes = bytes;
    return DT_OK;
}
int32_t dt_context_capturable(const dt_context* context, void* stream)
{
    (void) context;
    (void) stream;
    return STUB_FLAVOUR == DT_FLAVOUR_RTX ? 1 : -1;
}
dt_status dt_context_enqueue(dt_context* context, void* stream)
{
    (void) stream;
    int const ready = context->rows != 0 && context->address[0] != 0 && context->address[1] != 0 && context->memory != 0;
    return answer(ready ? STUB_ENQUEUE : DT_FAILED);
}
