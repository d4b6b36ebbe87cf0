/* The C face of TensorRT, as much of it as this project uses.
 *
 * Each flavour's C++ headers have vtables of their own, so one shared library is compiled per flavour, all with this face.
 * The daemon opens one of them at run time; a test opens a stub written in C behind the same face.
 *
 * Rules: no C++ type, no exception and no ownership in disguise crosses this file. What `dt_x_create` made, `dt_x_destroy`
 * frees, and a child is destroyed before its parent (context, engine, runtime, library). A call that returns `dt_status` has
 * touched its out-parameters only when it returned DT_OK. TensorRT explains itself through the log alone: whoever wants the
 * words of a failure collects what the log said during the call.
 */
#ifndef DEMON_TENSORRT_H
#define DEMON_TENSORRT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Everything else in the library stays its own. */
#pragma GCC visibility push(default)

/* Goes up with every change of this file that an older library would misread. */
#define DT_ABI 1u
/* Dimensions that a tensor can have; TensorRT's own limit. */
#define DT_RANK_MAX 8

typedef int32_t dt_status;
#define DT_OK 0
/* TensorRT said no; its reasons are in the log. */
#define DT_FAILED 1
/* A library could not be opened; the reason is in the text. */
#define DT_NOT_OPENED 2
/* A library was opened and lacks a function; its name is in the text. */
#define DT_NO_SYMBOL 3
/* The library is of another version than the headers this was compiled with. */
#define DT_OTHER_VERSION 4
/* The caller's progress function asked to stop. */
#define DT_STOPPED 5
/* The ONNX file was refused; each reason went to the fault function. */
#define DT_NOT_PARSED 6
/* This flavour or version of TensorRT has no such thing. */
#define DT_UNSUPPORTED 7

#define DT_FLAVOUR_RTX 1
#define DT_FLAVOUR_DATACENTRE 2

/* Severities of the log: 0 internal error, 1 error, 2 warning, 3 information, 4 detail. */
typedef void (*dt_log_fn)(void* user, int32_t severity, const char* text);

typedef struct dt_library dt_library;
typedef struct dt_blob dt_blob;
typedef struct dt_runtime dt_runtime;
typedef struct dt_engine dt_engine;
typedef struct dt_cache dt_cache;
typedef struct dt_context dt_context;

typedef struct dt_dims {
    int32_t rank;
    int64_t size[DT_RANK_MAX];
} dt_dims;

/* Which library this is. These three work before anything is opened. */
uint32_t dt_abi(void);
int32_t dt_flavour(void);
int32_t dt_headers_version(void);

/* Opens TensorRT and its ONNX parser by path. The log function may be called from any thread until the process ends: TensorRT
 * keeps one logger for good. On failure `why` holds a sentence. The libraries stay mapped after dt_library_destroy. */
dt_status dt_library_create(
    const char* infer, const char* parser, dt_log_fn log, void* user, dt_library** out, char* why, size_t why_bytes);
int32_t dt_library_version(const dt_library* library);
void dt_library_destroy(dt_library* library);

/* Bytes that TensorRT allocated. */
const void* dt_blob_data(const dt_blob* blob);
size_t dt_blob_bytes(const dt_blob* blob);
void dt_blob_destroy(dt_blob* blob);

/* ---- building ---- */

#define DT_PHASE_STARTED 0
#define DT_STEP_DONE 1
#define DT_PHASE_DONE 2
typedef struct dt_progress {
    int32_t kind;
    const char* phase;
    const char* parent; /* null: a phase of its own; only with DT_PHASE_STARTED */
    int32_t step;       /* from 0; only with DT_STEP_DONE */
    int32_t steps;      /* only with DT_PHASE_STARTED */
} dt_progress;
/* Returns 0 to go on, anything else to stop. Never called twice at once, but from any thread. */
typedef int32_t (*dt_progress_fn)(void* user, const dt_progress* progress);

typedef struct dt_fault {
    int32_t code;
    int32_t node; /* -1: the whole file */
    const char* node_name;
    const char* operation;
    const char* text;
} dt_fault;
typedef void (*dt_fault_fn)(void* user, const dt_fault* fault);

typedef struct dt_range {
    const char* tensor;
    dt_dims least;
    dt_dims best;
    dt_dims most;
} dt_range;

typedef struct dt_profile {
    const dt_range* ranges;
    size_t count;
} dt_profile;

/* The GPU that is there, instead of a number such as 120. */
#define DT_CAPABILITY_CURRENT 1

#define DT_BUILD_REFIT 1u
#define DT_BUILD_STRIP 2u
#define DT_BUILD_NO_TF32 4u
#define DT_BUILD_STREAM_WEIGHTS 8u
typedef struct dt_build_options {
    const char* onnx; /* external data is looked for beside this file */
    const dt_profile* profiles;
    size_t profile_count;
    const int32_t* capabilities;
    size_t capability_count; /* 0: the flavour's own default */
    int32_t level;           /* 0 to 5; -1: TensorRT's own */
    int32_t threads;         /* 0: TensorRT's own */
    uint64_t workspace_bytes; /* 0: TensorRT's own */
    uint32_t flags;
    dt_progress_fn progress; /* may be null */
    dt_fault_fn fault;       /* may be null */
    void* user;
} dt_build_options;
dt_status dt_build(dt_library* library, const dt_build_options* options, dt_blob** out);

/* ---- running: only with a driver and a device, which the caller has made sure of ---- */

dt_status dt_runtime_create(dt_library* library, dt_runtime** out);
void dt_runtime_destroy(dt_runtime* runtime);

#define DT_VALID 0
#define DT_SUBOPTIMAL 1
#define DT_INVALID 2
#define DT_WHY_VERSION 1u
#define DT_WHY_CAPABILITY 2u
#define DT_WHY_DRIVER 4u
#define DT_WHY_CUDA_RUNTIME 8u
#define DT_WHY_MEMORY 16u
#define DT_WHY_MALFORMED 32u
#define DT_WHY_CUDA 64u
/* Reads the plan's header only. DT_UNSUPPORTED where TensorRT cannot say. */
dt_status dt_plan_validity(dt_runtime* runtime, const void* plan, size_t bytes, int32_t* validity, uint64_t* why);

dt_status dt_engine_create(dt_runtime* runtime, const void* plan, size_t bytes, dt_engine** out);
void dt_engine_destroy(dt_engine* engine);

typedef struct dt_tensor {
    const char* name; /* lives as long as the engine */
    int32_t is_output;
    int32_t type; /* TensorRT's DataType: 0 f32, 1 f16, 2 i8, 3 i32, 4 bool, 5 u8, 6 fp8, 7 bf16, 8 i64 */
    int32_t on_host;
    dt_dims dims; /* -1 where the size is decided at run time */
} dt_tensor;
int32_t dt_engine_tensor_count(const dt_engine* engine);
dt_status dt_engine_tensor(const dt_engine* engine, int32_t index, dt_tensor* out);
int32_t dt_engine_profile_count(const dt_engine* engine);
dt_status dt_engine_range(const dt_engine* engine, const char* tensor, int32_t profile, dt_range* out);
int64_t dt_engine_device_memory(const dt_engine* engine, int32_t profile);
int32_t dt_engine_refittable(const dt_engine* engine);

typedef struct dt_weights {
    const char* name;
    int32_t type;
    const void* values; /* in host memory, until the call returns */
    int64_t count;
} dt_weights;
/* New weights by name. No context of the engine may be running. */
dt_status dt_engine_refit(dt_library* library, dt_engine* engine, const dt_weights* weights, size_t count);
dt_status dt_engine_refit_from(dt_library* library, dt_engine* engine, const char* onnx, dt_fault_fn fault, void* user);

/* Kernels that were compiled at run time, to be kept for the next start. */
dt_status dt_cache_create(dt_engine* engine, dt_cache** out);
void dt_cache_destroy(dt_cache* cache);
dt_status dt_cache_load(dt_cache* cache, const void* bytes, size_t count);
dt_status dt_cache_save(const dt_cache* cache, dt_blob** out);

/* Kernels for a new shape: compiled in the background, at once in the call, or never. */
#define DT_SHAPES_LAZY 0
#define DT_SHAPES_EAGER 1
#define DT_SHAPES_NEVER 2
/* The caller supplies the device memory. TensorRT's own CUDA graphs are off: the caller captures. `cache` may be null, and
 * must outlive the context. */
dt_status dt_context_create(dt_engine* engine, dt_cache* cache, int32_t shapes, dt_context** out);
void dt_context_destroy(dt_context* context);
dt_status dt_context_set_profile(dt_context* context, int32_t profile, void* stream);
dt_status dt_context_set_shape(dt_context* context, const char* tensor, const dt_dims* dims);
dt_status dt_context_shape(const dt_context* context, const char* tensor, dt_dims* out);
dt_status dt_context_set_address(dt_context* context, const char* tensor, uint64_t address);
/* Bytes of device memory for the shapes that are set; negative when they are not all set. */
int64_t dt_context_device_memory(dt_context* context);
dt_status dt_context_set_device_memory(dt_context* context, uint64_t address, int64_t bytes);
/* 1 when the next dt_context_enqueue on this stream can be captured, 0 when not, -1 when TensorRT cannot say. */
int32_t dt_context_capturable(const dt_context* context, void* stream);
dt_status dt_context_enqueue(dt_context* context, void* stream);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
