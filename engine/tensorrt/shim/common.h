// What building and running share: the opened library, the log, dimensions.
#pragma once

#include "demon_tensorrt.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

struct Logger final : nvinfer1::ILogger {
    dt_log_fn say = nullptr;
    void* user = nullptr;
    void log(Severity severity, char const* text) noexcept override
    {
        if (say != nullptr) {
            say(user, static_cast<int32_t>(severity), text);
        }
    }
};

using Factory = void* (*)(void*, int32_t);
using Factory2 = void* (*)(void*, void*, int32_t);

struct dt_library {
    Logger* logger;
    int32_t version;
    Factory builder;
    Factory runtime;
    Factory2 refitter;
    Factory2 parser;
    Factory2 parser_refitter;
};

struct dt_blob {
    nvinfer1::IHostMemory* memory;
};

inline nvinfer1::Dims to_dims(dt_dims const& from)
{
    nvinfer1::Dims to{};
    to.nbDims = from.rank;
    for (int32_t i = 0; i < from.rank && i < DT_RANK_MAX; ++i) {
        to.d[i] = from.size[i];
    }
    return to;
}

inline dt_dims from_dims(nvinfer1::Dims const& from)
{
    dt_dims to{};
    to.rank = from.nbDims;
    for (int32_t i = 0; i < from.nbDims && i < DT_RANK_MAX; ++i) {
        to.size[i] = from.d[i];
    }
    return to;
}

inline bool fits(dt_dims const& dims)
{
    return 0 <= dims.rank && dims.rank <= DT_RANK_MAX && dims.rank <= nvinfer1::Dims::MAX_DIMS;
}

// The two parsers (of a build and of a refit) list their errors alike.
template <typename Parser>
void tell_faults(Parser& parser, dt_fault_fn tell, void* user)
{
    for (int32_t i = 0; tell != nullptr && i < parser.getNbErrors(); ++i) {
        auto const* error = parser.getError(i);
        if (error != nullptr) {
            dt_fault fault{static_cast<int32_t>(error->code()), error->node(), error->nodeName(), error->nodeOperator(), error->desc()};
            tell(user, &fault);
        }
    }
}
