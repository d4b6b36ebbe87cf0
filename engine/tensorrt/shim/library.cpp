// Opening TensorRT and its ONNX parser by path, and what is asked of the library itself.
#include "common.h"

#include <dlfcn.h>

#include <cstdio>

namespace {

// TensorRT keeps the first logger it was given for the life of the process, so there is one, and it is never freed.
Logger& the_logger()
{
    static Logger* logger = new Logger;
    return *logger;
}

struct Opening {
    char* why;
    size_t why_bytes;
    dt_status status = DT_OK;

    void fail(dt_status with, char const* path, char const* text)
    {
        if (status == DT_OK) {
            status = with;
            std::snprintf(why, why_bytes, "%s: %s", path, text);
        }
    }

    // Never closed: TensorRT leaves threads and thread-local destructors behind.
    void* open(char const* path)
    {
        void* handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
        if (handle == nullptr) {
            char const* text = dlerror();
            fail(DT_NOT_OPENED, path, text == nullptr ? "dlopen failed" : text);
        }
        return handle;
    }

    void* symbol(void* handle, char const* path, char const* name)
    {
        void* found = handle == nullptr ? nullptr : dlsym(handle, name);
        if (found == nullptr && handle != nullptr) {
            fail(DT_NO_SYMBOL, path, name);
        }
        return found;
    }
};

} // namespace

extern "C" uint32_t dt_abi(void)
{
    return DT_ABI;
}

extern "C" int32_t dt_flavour(void)
{
#ifdef TRT_MAJOR_RTX
    return DT_FLAVOUR_RTX;
#else
    return DT_FLAVOUR_DATACENTRE;
#endif
}

extern "C" int32_t dt_headers_version(void)
{
    return NV_TENSORRT_VERSION;
}

extern "C" dt_status dt_library_create(
    const char* infer, const char* parser, dt_log_fn log, void* user, dt_library** out, char* why, size_t why_bytes)
{
    Opening opening{why, why_bytes};
    void* first = opening.open(infer);
    void* second = first == nullptr ? nullptr : opening.open(parser);
    auto version = reinterpret_cast<int32_t (*)()>(opening.symbol(first, infer, "getInferLibVersion"));
    dt_library found{&the_logger(), 0,
        reinterpret_cast<Factory>(opening.symbol(first, infer, "createInferBuilder_INTERNAL")),
        reinterpret_cast<Factory>(opening.symbol(first, infer, "createInferRuntime_INTERNAL")),
        reinterpret_cast<Factory2>(opening.symbol(first, infer, "createInferRefitter_INTERNAL")),
        reinterpret_cast<Factory2>(opening.symbol(second, parser, "createNvOnnxParser_INTERNAL")),
        reinterpret_cast<Factory2>(opening.symbol(second, parser, "createNvOnnxParserRefitter_INTERNAL"))};
    if (opening.status != DT_OK) {
        return opening.status;
    }
    found.version = version();
    // The vtables are those of one minor version; a patch may differ.
    if (found.version / 100 != NV_TENSORRT_VERSION / 100) {
        char text[96];
        std::snprintf(text, sizeof text, "is version %d, the shim was compiled for %ld", found.version,
            static_cast<long>(NV_TENSORRT_VERSION));
        opening.fail(DT_OTHER_VERSION, infer, text);
        return opening.status;
    }
    found.logger->say = log;
    found.logger->user = user;
    *out = new dt_library(found);
    return DT_OK;
}

extern "C" int32_t dt_library_version(const dt_library* library)
{
    return library->version;
}

extern "C" void dt_library_destroy(dt_library* library)
{
    delete library;
}

extern "C" const void* dt_blob_data(const dt_blob* blob)
{
    return blob->memory->data();
}

extern "C" size_t dt_blob_bytes(const dt_blob* blob)
{
    return blob->memory->size();
}

extern "C" void dt_blob_destroy(dt_blob* blob)
{
    delete blob->memory;
    delete blob;
}
