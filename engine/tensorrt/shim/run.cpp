// From a plan to work on a stream: runtime, engine, run-time cache, context.
#include "common.h"

#include <memory>
#include <vector>

using namespace nvinfer1;

struct dt_runtime {
    std::unique_ptr<IRuntime> it;
};

struct dt_engine {
    std::unique_ptr<ICudaEngine> it;
};

struct dt_cache {
#ifdef TRT_MAJOR_RTX
    // Declared first, so destroyed last: the cache was made from it.
    std::unique_ptr<IRuntimeConfig> config;
    std::unique_ptr<IRuntimeCache> it;
#endif
};

struct dt_context {
    // Declared first, so destroyed last: the context was made from it.
    std::unique_ptr<IRuntimeConfig> config;
    std::unique_ptr<IExecutionContext> it;
};

namespace {

dt_status said(bool done)
{
    return done ? DT_OK : DT_FAILED;
}

void* at(uint64_t address)
{
    return reinterpret_cast<void*>(static_cast<uintptr_t>(address));
}

} // namespace

extern "C" dt_status dt_runtime_create(dt_library* library, dt_runtime** out)
{
    auto* made = static_cast<IRuntime*>(library->runtime(library->logger, NV_TENSORRT_VERSION));
    if (made == nullptr) {
        return DT_FAILED;
    }
    *out = new dt_runtime{std::unique_ptr<IRuntime>(made)};
    return DT_OK;
}

extern "C" void dt_runtime_destroy(dt_runtime* runtime)
{
    delete runtime;
}

extern "C" dt_status dt_plan_validity(
    dt_runtime* runtime, const void* plan, size_t bytes, int32_t* validity, uint64_t* why)
{
#ifdef TRT_MAJOR_RTX
    int64_t const size = static_cast<int64_t>(bytes);
    if (size < runtime->it->getEngineHeaderSize()) {
        *validity = DT_INVALID;
        *why = DT_WHY_MALFORMED;
        return DT_OK;
    }
    uint64_t reasons = 0;
    *validity = static_cast<int32_t>(runtime->it->getEngineValidity(plan, size, &reasons));
    *why = reasons;
    return DT_OK;
#else
    (void) runtime;
    (void) plan;
    (void) bytes;
    (void) validity;
    (void) why;
    return DT_UNSUPPORTED;
#endif
}

extern "C" dt_status dt_engine_create(dt_runtime* runtime, const void* plan, size_t bytes, dt_engine** out)
{
    auto* made = runtime->it->deserializeCudaEngine(plan, bytes);
    if (made == nullptr) {
        return DT_FAILED;
    }
    *out = new dt_engine{std::unique_ptr<ICudaEngine>(made)};
    return DT_OK;
}

extern "C" void dt_engine_destroy(dt_engine* engine)
{
    delete engine;
}

extern "C" int32_t dt_engine_tensor_count(const dt_engine* engine)
{
    return engine->it->getNbIOTensors();
}

extern "C" dt_status dt_engine_tensor(const dt_engine* engine, int32_t index, dt_tensor* out)
{
    char const* name = engine->it->getIOTensorName(index);
    if (name == nullptr) {
        return DT_FAILED;
    }
    out->name = name;
    out->is_output = engine->it->getTensorIOMode(name) == TensorIOMode::kOUTPUT ? 1 : 0;
    out->type = static_cast<int32_t>(engine->it->getTensorDataType(name));
    out->on_host = engine->it->getTensorLocation(name) == TensorLocation::kHOST ? 1 : 0;
    out->dims = from_dims(engine->it->getTensorShape(name));
    return DT_OK;
}

extern "C" int32_t dt_engine_profile_count(const dt_engine* engine)
{
    return engine->it->getNbOptimizationProfiles();
}

extern "C" dt_status dt_engine_range(const dt_engine* engine, const char* tensor, int32_t profile, dt_range* out)
{
    out->tensor = tensor;
    out->least = from_dims(engine->it->getProfileShape(tensor, profile, OptProfileSelector::kMIN));
    out->best = from_dims(engine->it->getProfileShape(tensor, profile, OptProfileSelector::kOPT));
    out->most = from_dims(engine->it->getProfileShape(tensor, profile, OptProfileSelector::kMAX));
    return said(0 <= out->least.rank && 0 <= out->best.rank && 0 <= out->most.rank);
}

extern "C" int64_t dt_engine_device_memory(const dt_engine* engine, int32_t profile)
{
    return engine->it->getDeviceMemorySizeForProfileV2(profile);
}

extern "C" int32_t dt_engine_refittable(const dt_engine* engine)
{
    return engine->it->isRefittable() ? 1 : 0;
}

extern "C" dt_status dt_engine_refit(dt_library* library, dt_engine* engine, const dt_weights* weights, size_t count)
{
    std::unique_ptr<IRefitter> refitter(
        static_cast<IRefitter*>(library->refitter(engine->it.get(), library->logger, NV_TENSORRT_VERSION)));
    if (!refitter) {
        return DT_FAILED;
    }
    for (size_t i = 0; i < count; ++i) {
        dt_weights const& from = weights[i];
        if (!refitter->setNamedWeights(from.name, Weights{static_cast<DataType>(from.type), from.values, from.count})) {
            return DT_FAILED;
        }
    }
    return said(refitter->refitCudaEngine());
}

extern "C" dt_status dt_engine_refit_from(
    dt_library* library, dt_engine* engine, const char* onnx, dt_fault_fn fault, void* user)
{
    std::unique_ptr<IRefitter> refitter(
        static_cast<IRefitter*>(library->refitter(engine->it.get(), library->logger, NV_TENSORRT_VERSION)));
    if (!refitter) {
        return DT_FAILED;
    }
    std::unique_ptr<nvonnxparser::IParserRefitter> parser(static_cast<nvonnxparser::IParserRefitter*>(
        library->parser_refitter(refitter.get(), library->logger, NV_ONNX_PARSER_VERSION)));
    if (!parser) {
        return DT_FAILED;
    }
    if (!parser->refitFromFile(onnx)) {
        tell_faults(*parser, fault, user);
        return DT_NOT_PARSED;
    }
    return said(refitter->refitCudaEngine());
}

extern "C" dt_status dt_cache_create(dt_engine* engine, dt_cache** out)
{
#ifdef TRT_MAJOR_RTX
    std::unique_ptr<IRuntimeConfig> config(engine->it->createRuntimeConfig());
    std::unique_ptr<IRuntimeCache> made(config ? config->createRuntimeCache() : nullptr);
    if (!made) {
        return DT_FAILED;
    }
    *out = new dt_cache{std::move(config), std::move(made)};
    return DT_OK;
#else
    (void) engine;
    (void) out;
    return DT_UNSUPPORTED;
#endif
}

extern "C" void dt_cache_destroy(dt_cache* cache)
{
    delete cache;
}

extern "C" dt_status dt_cache_load(dt_cache* cache, const void* bytes, size_t count)
{
#ifdef TRT_MAJOR_RTX
    return said(cache->it->deserialize(bytes, count));
#else
    (void) cache;
    (void) bytes;
    (void) count;
    return DT_UNSUPPORTED;
#endif
}

extern "C" dt_status dt_cache_save(const dt_cache* cache, dt_blob** out)
{
#ifdef TRT_MAJOR_RTX
    auto* memory = cache->it->serialize();
    if (memory == nullptr) {
        return DT_FAILED;
    }
    *out = new dt_blob{memory};
    return DT_OK;
#else
    (void) cache;
    (void) out;
    return DT_UNSUPPORTED;
#endif
}

extern "C" dt_status dt_context_create(dt_engine* engine, dt_cache* cache, int32_t shapes, dt_context** out)
{
    std::unique_ptr<IRuntimeConfig> config(engine->it->createRuntimeConfig());
    if (!config) {
        return DT_FAILED;
    }
    config->setExecutionContextAllocationStrategy(ExecutionContextAllocationStrategy::kUSER_MANAGED);
#ifdef TRT_MAJOR_RTX
    config->setDynamicShapesKernelSpecializationStrategy(
        static_cast<DynamicShapesKernelSpecializationStrategy>(shapes));
    if (!config->setCudaGraphStrategy(CudaGraphStrategy::kDISABLED)) {
        return DT_FAILED;
    }
    if (cache != nullptr && !config->setRuntimeCache(*cache->it)) {
        return DT_FAILED;
    }
#else
    (void) cache;
    (void) shapes;
#endif
    std::unique_ptr<IExecutionContext> made(engine->it->createExecutionContext(config.get()));
    if (!made) {
        return DT_FAILED;
    }
    *out = new dt_context{std::move(config), std::move(made)};
    return DT_OK;
}

extern "C" void dt_context_destroy(dt_context* context)
{
    delete context;
}

extern "C" dt_status dt_context_set_profile(dt_context* context, int32_t profile, void* stream)
{
    return said(context->it->setOptimizationProfileAsync(profile, static_cast<cudaStream_t>(stream)));
}

extern "C" dt_status dt_context_set_shape(dt_context* context, const char* tensor, const dt_dims* dims)
{
    return said(fits(*dims) && context->it->setInputShape(tensor, to_dims(*dims)));
}

extern "C" dt_status dt_context_shape(const dt_context* context, const char* tensor, dt_dims* out)
{
    *out = from_dims(context->it->getTensorShape(tensor));
    return said(0 <= out->rank);
}

extern "C" dt_status dt_context_set_address(dt_context* context, const char* tensor, uint64_t address)
{
    return said(context->it->setTensorAddress(tensor, at(address)));
}

extern "C" int64_t dt_context_device_memory(dt_context* context)
{
    if (!context->it->allInputDimensionsSpecified()) {
        return -1;
    }
    return static_cast<int64_t>(context->it->updateDeviceMemorySizeForShapes());
}

extern "C" dt_status dt_context_set_device_memory(dt_context* context, uint64_t address, int64_t bytes)
{
    // TensorRT reports a block that is too small through the log and says nothing else; the next enqueue then fails.
    context->it->setDeviceMemoryV2(at(address), bytes);
    return DT_OK;
}

extern "C" int32_t dt_context_capturable(const dt_context* context, void* stream)
{
#ifdef TRT_MAJOR_RTX
    return context->it->isStreamCapturable(static_cast<cudaStream_t>(stream)) ? 1 : 0;
#else
    (void) context;
    (void) stream;
    return -1;
#endif
}

extern "C" dt_status dt_context_enqueue(dt_context* context, void* stream)
{
    return said(context->it->enqueueV3(static_cast<cudaStream_t>(stream)));
}
