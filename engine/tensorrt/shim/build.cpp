// From an ONNX file to a plan: parse, profiles, flags, build.
#include "common.h"

#include <memory>
#include <mutex>

using namespace nvinfer1;

namespace {

// Hands TensorRT's progress on, one call at a time, and remembers that a stop was asked for: only some of TensorRT's calls can
// be answered.
struct Monitor final : IProgressMonitor {
    dt_build_options const* options;
    std::mutex one_at_a_time;
    bool stopped = false;

    bool tell(int32_t kind, char const* phase, char const* parent, int32_t step, int32_t steps)
    {
        std::lock_guard<std::mutex> held(one_at_a_time);
        if (!stopped && options->progress != nullptr) {
            dt_progress const now{kind, phase, parent, step, steps};
            stopped = options->progress(options->user, &now) != 0;
        }
        return !stopped;
    }
    void phaseStart(char const* phase, char const* parent, int32_t steps) noexcept override
    {
        tell(DT_PHASE_STARTED, phase, parent, 0, steps);
    }
    bool stepComplete(char const* phase, int32_t step) noexcept override
    {
        return tell(DT_STEP_DONE, phase, nullptr, step, 0);
    }
    void phaseFinish(char const* phase) noexcept override
    {
        tell(DT_PHASE_DONE, phase, nullptr, 0, 0);
    }
};

bool add_profile(IBuilder& builder, IBuilderConfig& config, dt_profile const& from)
{
    // Owned by the builder.
    IOptimizationProfile* profile = builder.createOptimizationProfile();
    if (profile == nullptr) {
        return false;
    }
    for (size_t i = 0; i < from.count; ++i) {
        dt_range const& range = from.ranges[i];
        bool const taken = fits(range.least) && fits(range.best) && fits(range.most)
            && profile->setDimensions(range.tensor, OptProfileSelector::kMIN, to_dims(range.least))
            && profile->setDimensions(range.tensor, OptProfileSelector::kOPT, to_dims(range.best))
            && profile->setDimensions(range.tensor, OptProfileSelector::kMAX, to_dims(range.most));
        if (!taken) {
            return false;
        }
    }
    return 0 <= config.addOptimizationProfile(profile);
}

dt_status target(IBuilderConfig& config, dt_build_options const& options)
{
    if (options.capability_count == 0) {
        return DT_OK;
    }
#ifdef TRT_MAJOR_RTX
    if (!config.setNbComputeCapabilities(static_cast<int32_t>(options.capability_count))) {
        return DT_FAILED;
    }
    for (size_t i = 0; i < options.capability_count; ++i) {
        auto const capability = static_cast<ComputeCapability>(options.capabilities[i]);
        if (!config.setComputeCapability(capability, static_cast<int32_t>(i))) {
            return DT_FAILED;
        }
    }
    return DT_OK;
#else
    // The data-centre product builds for the GPU that is there, and for no other.
    bool const current = options.capability_count == 1 && options.capabilities[0] == DT_CAPABILITY_CURRENT;
    (void) config;
    return current ? DT_OK : DT_UNSUPPORTED;
#endif
}

void set_flags(IBuilderConfig& config, uint32_t flags)
{
    if ((flags & DT_BUILD_REFIT) != 0) {
        config.setFlag(BuilderFlag::kREFIT);
    }
    if ((flags & DT_BUILD_STRIP) != 0) {
        config.setFlag(BuilderFlag::kSTRIP_PLAN);
    }
    if ((flags & DT_BUILD_NO_TF32) != 0) {
        config.clearFlag(BuilderFlag::kTF32);
    }
    if ((flags & DT_BUILD_STREAM_WEIGHTS) != 0) {
        config.setFlag(BuilderFlag::kWEIGHT_STREAMING);
    }
}

dt_status configure(IBuilder& builder, IBuilderConfig& config, dt_build_options const& options)
{
    set_flags(config, options.flags);
    if (0 <= options.level) {
        config.setBuilderOptimizationLevel(options.level);
    }
    if (0 < options.workspace_bytes) {
        config.setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, options.workspace_bytes);
    }
    if (0 < options.threads && !builder.setMaxThreads(options.threads)) {
        return DT_FAILED;
    }
    for (size_t i = 0; i < options.profile_count; ++i) {
        if (!add_profile(builder, config, options.profiles[i])) {
            return DT_FAILED;
        }
    }
    return target(config, options);
}

} // namespace

extern "C" dt_status dt_build(dt_library* library, const dt_build_options* options, dt_blob** out)
{
    Monitor monitor;
    monitor.options = options;
    std::unique_ptr<IBuilder> builder(static_cast<IBuilder*>(library->builder(library->logger, NV_TENSORRT_VERSION)));
    if (!builder) {
        return DT_FAILED;
    }
    // Strongly typed: the file says which precision is used where, and the builder keeps to it.
    auto const typed = 1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
    std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(typed));
    std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
    if (!network || !config) {
        return DT_FAILED;
    }
    // The parser outlives the build: it owns the weights that it read.
    std::unique_ptr<nvonnxparser::IParser> parser(static_cast<nvonnxparser::IParser*>(
        library->parser(network.get(), library->logger, NV_ONNX_PARSER_VERSION)));
    if (!parser) {
        return DT_FAILED;
    }
    if (!parser->parseFromFile(options->onnx, static_cast<int>(ILogger::Severity::kWARNING))) {
        tell_faults(*parser, options->fault, options->user);
        return DT_NOT_PARSED;
    }
    dt_status const configured = configure(*builder, *config, *options);
    if (configured != DT_OK) {
        return configured;
    }
    config->setProgressMonitor(&monitor);
    std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    if (monitor.stopped) {
        return DT_STOPPED;
    }
    if (!plan || plan->size() == 0) {
        return DT_FAILED;
    }
    *out = new dt_blob{plan.release()};
    return DT_OK;
}
