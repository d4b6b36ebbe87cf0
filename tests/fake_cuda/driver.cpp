// A CUDA driver without a card: the calls that the engine makes, on memory of the host, with kernels run by the emulator.
//
// It is stricter than it needs to be, so that what works here is right and not lucky: work runs only when somebody waits
// for it (host memory that was changed too early shows), what stands on the legacy stream runs as late as it may (streams
// that were created do not wait for it), copies are checked against the allocations, an allocation is followed by a canary,
// and calls that a capture forbids fail. `fake_*` let a test make any call fail, take the card away, and read the order of
// the calls.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "fake.h"

namespace {

using Address = unsigned long long;
using Work = std::function<int()>;

enum Code {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_IMPLICIT = 906,
};

struct Graph {
    std::vector<Work> work;
    bool on_card = false;
};

struct Stream {
    std::deque<Work> work;
    Graph* recording = nullptr;
};

struct Function {
    std::string name;
};

constexpr size_t CANARY = 64;
constexpr unsigned char CANARY_BYTE = 0xA5;

struct Fail {
    int skip;
    int code;
};

struct State {
    State() = default;
    State(State&& it) : fails(std::move(it.fails)) {}
    std::recursive_mutex lock;
    std::map<Address, size_t> device, host;
    std::vector<Stream*> streams;
    // The stream without a name, on which calls without a stream work.
    Stream legacy;
    std::map<std::string, Fail> fails;
    size_t memory = size_t{8} << 30, used = 0;
    int devices = 1, lost = OK, compute_major = 12, owners = 0;
    unsigned long long leaked = 0;
    std::string log;
};

// What a call does instead of failing.
constexpr int DIES = -1, HANGS = -2;

// A process that is not a test's own is told by `FAKE_CUDA_FAIL="CALL SKIP CODE"` what fails when.
State& state() {
    static State it = [] {
        State it;
        char name[64];
        int skip, code;
        const char* cue = std::getenv("FAKE_CUDA_FAIL");
        if (cue && std::sscanf(cue, "%63s %d %d", name, &skip, &code) == 3) it.fails[name] = {skip, code};
        return it;
    }();
    return it;
}

using Guard = std::lock_guard<std::recursive_mutex>;

// Writes the call down and says whether it fails.
int call(const char* name) {
    State& s = state();
    s.log += name;
    s.log += '\n';
    if (s.lost != OK) return s.lost;
    const auto fail = s.fails.find(name);
    if (fail == s.fails.end() || 0 < fail->second.skip--) return OK;
    const int code = fail->second.code;
    s.fails.erase(fail);
    if (code == DIES) std::abort();
    while (code == HANGS) pause();
    // What a real card does not recover from without a new context.
    if ((700 <= code && code < 720) || code == 999 || code == 214) s.lost = code;
    return code;
}

// Calls that need no context work whatever has become of it.
int call_without_context(const char* name) {
    const int lost = state().lost;
    state().lost = OK;
    const int code = call(name);
    state().lost = state().lost == OK ? lost : state().lost;
    return code;
}

#define CALL_WITHOUT_CONTEXT(name) \
    Guard guard(state().lock);     \
    if (int code = call_without_context(name)) return code

#define CALL(name)          \
    Guard guard(state().lock); \
    if (int code = call(name)) return code

bool inside(const std::map<Address, size_t>& blocks, Address at, size_t bytes) {
    auto block = blocks.upper_bound(at);
    if (block == blocks.begin()) return false;
    --block;
    return at + bytes <= block->first + block->second;
}

int run_all(Stream* stream) {
    while (!stream->work.empty()) {
        Work work = std::move(stream->work.front());
        stream->work.pop_front();
        if (int code = work()) {
            state().lost = code;
            return code;
        }
    }
    return OK;
}

int add(Stream* stream, Work work) {
    if (stream->recording) {
        stream->recording->work.push_back(std::move(work));
    } else {
        stream->work.push_back(std::move(work));
    }
    return OK;
}

// Whoever waits for a stream of its own has no claim on the legacy stream: its work comes after that, never before.
int run_then_legacy(Stream* stream) {
    if (int code = run_all(stream)) return code;
    return run_all(&state().legacy);
}

bool anyone_records() {
    for (Stream* stream : state().streams) {
        if (stream->recording) return true;
    }
    return false;
}

int copy(Stream* stream, Address to, Address from, size_t bytes, bool to_device) {
    return add(stream, [=] {
        const State& s = state();
        const Address on_card = to_device ? to : from;
        const Address at_home = to_device ? from : to;
        if (!inside(s.device, on_card, bytes) || !inside(s.host, at_home, bytes)) return int{ILLEGAL_ADDRESS};
        std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
        return int{OK};
    });
}

// Everything on the card and pinned for it goes with the context, and so does what made it unusable.
void end_context() {
    State& s = state();
    if (s.lost == OK) s.leaked += s.device.size() + s.host.size();
    for (auto* blocks : {&s.device, &s.host}) {
        for (const auto& block : *blocks) std::free(reinterpret_cast<void*>(block.first));
        blocks->clear();
    }
    for (Stream* stream : s.streams) delete stream;
    s.streams.clear();
    s.legacy.work.clear();
    s.used = 0;
    s.lost = OK;
}

}  // namespace

extern "C" {

// What a test can do.

void fake_fail(const char* name, int skip, int code) {
    Guard guard(state().lock);
    state().fails[name] = {skip, code};
}

void fake_card(int devices, unsigned long long memory, int compute_major) {
    Guard guard(state().lock);
    State& s = state();
    s.devices = devices;
    s.memory = memory;
    s.compute_major = compute_major;
}

void fake_lose(int code) {
    Guard guard(state().lock);
    state().lost = code;
}

// Copies the log of calls, one a line, and empties it.
size_t fake_log(char* out, size_t room) {
    Guard guard(state().lock);
    std::string& log = state().log;
    const size_t bytes = std::min(room, log.size());
    std::memcpy(out, log.data(), bytes);
    log.clear();
    return bytes;
}

// Enqueues a library's work on a stream, or in the graph that is being recorded there.
void fake_enqueue(Stream* stream, void (*work)(void*), void* with) {
    Guard guard(state().lock);
    state().log += "library\n";
    add(stream, [=] {
        work(with);
        return int{OK};
    });
}

// Whether these bytes lie in one allocation on the card.
int fake_inside(Address first, size_t bytes) {
    Guard guard(state().lock);
    return inside(state().device, first, bytes);
}

// Blocks of device memory and of pinned memory that a healthy context still held when it ended.
unsigned long long fake_leaked() {
    Guard guard(state().lock);
    return std::exchange(state().leaked, 0);
}

// The driver.

int cuInit(unsigned) { CALL_WITHOUT_CONTEXT("cuInit"); return state().devices == 0 ? NO_DEVICE : OK; }
int cuDriverGetVersion(int* version) { CALL_WITHOUT_CONTEXT("cuDriverGetVersion"); *version = 13000; return OK; }
int cuDeviceGetCount(int* count) { CALL_WITHOUT_CONTEXT("cuDeviceGetCount"); *count = state().devices; return OK; }

int cuDeviceGet(int* device, int ordinal) {
    CALL_WITHOUT_CONTEXT("cuDeviceGet");
    *device = ordinal;
    return ordinal < state().devices ? OK : INVALID_VALUE;
}

int cuDeviceGetName(char* name, int room, int) {
    CALL_WITHOUT_CONTEXT("cuDeviceGetName");
    std::snprintf(name, room, "Fake Card");
    return OK;
}

int cuDeviceGetAttribute(int* value, int attribute, int) {
    CALL_WITHOUT_CONTEXT("cuDeviceGetAttribute");
    *value = attribute == 75 ? state().compute_major : attribute == 76 ? 0 : attribute == 16 ? 4 : 0;
    return OK;
}

int cuDeviceTotalMem_v2(size_t* bytes, int) { CALL_WITHOUT_CONTEXT("cuDeviceTotalMem"); *bytes = state().memory; return OK; }

int cuMemGetInfo_v2(size_t* free, size_t* total) {
    Guard guard(state().lock);
    *total = state().memory;
    *free = state().memory - state().used;
    return state().lost;
}

int cuDevicePrimaryCtxRetain(void** context, int) {
    CALL_WITHOUT_CONTEXT("cuDevicePrimaryCtxRetain");
    ++state().owners;
    *context = &state();
    return OK;
}

int cuDevicePrimaryCtxRelease_v2(int) {
    CALL_WITHOUT_CONTEXT("cuDevicePrimaryCtxRelease");
    if (--state().owners == 0) end_context();
    return OK;
}

int cuDevicePrimaryCtxReset_v2(int) {
    CALL_WITHOUT_CONTEXT("cuDevicePrimaryCtxReset");
    end_context();
    return OK;
}

int cuCtxSetCurrent(void*) { CALL("cuCtxSetCurrent"); return OK; }

int cuCtxGetStreamPriorityRange(int* least, int* most) {
    CALL("cuCtxGetStreamPriorityRange");
    *least = 0;
    *most = -5;
    return OK;
}

int cuMemAlloc_v2(Address* address, size_t bytes) {
    CALL("cuMemAlloc");
    State& s = state();
    if (anyone_records()) return CAPTURE_UNSUPPORTED;
    if (s.memory < s.used + bytes) return OUT_OF_MEMORY;
    auto* block = static_cast<unsigned char*>(std::malloc(bytes + CANARY));
    // What a kernel must not take for zeros.
    std::memset(block, 0x7F, bytes);
    std::memset(block + bytes, CANARY_BYTE, CANARY);
    *address = reinterpret_cast<Address>(block);
    s.device[*address] = bytes;
    s.used += bytes;
    return OK;
}

int cuMemFree_v2(Address address) {
    CALL("cuMemFree");
    State& s = state();
    const auto block = s.device.find(address);
    if (block == s.device.end()) return INVALID_VALUE;
    for (Stream* stream : s.streams) run_all(stream);
    run_all(&s.legacy);
    const auto* bytes = reinterpret_cast<unsigned char*>(address) + block->second;
    for (size_t it = 0; it < CANARY; ++it) {
        if (bytes[it] != CANARY_BYTE) {
            std::fprintf(stderr, "fake driver: a kernel wrote past %zu bytes\n", block->second);
            std::abort();
        }
    }
    s.used -= block->second;
    s.device.erase(block);
    std::free(reinterpret_cast<void*>(address));
    return OK;
}

int cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    CALL("cuMemHostAlloc");
    *address = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    state().host[reinterpret_cast<Address>(*address)] = bytes;
    return OK;
}

int cuMemFreeHost(void* address) {
    CALL("cuMemFreeHost");
    state().host.erase(reinterpret_cast<Address>(address));
    std::free(address);
    return OK;
}

int cuMemsetD8_v2(Address address, unsigned char value, size_t bytes) {
    CALL("cuMemsetD8");
    if (!inside(state().device, address, bytes)) return INVALID_VALUE;
    if (anyone_records()) return CAPTURE_IMPLICIT;
    // On the card, too, it returns before it is done.
    return add(&state().legacy, [=] {
        std::memset(reinterpret_cast<void*>(address), value, bytes);
        return int{OK};
    });
}

int cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, Stream* stream) {
    CALL("cuMemcpyHtoDAsync");
    return copy(stream, to, reinterpret_cast<Address>(from), bytes, true);
}

int cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, Stream* stream) {
    CALL("cuMemcpyDtoHAsync");
    return copy(stream, reinterpret_cast<Address>(to), from, bytes, false);
}

int cuStreamCreateWithPriority(Stream** stream, unsigned, int) {
    CALL("cuStreamCreate");
    *stream = new Stream;
    state().streams.push_back(*stream);
    return OK;
}

int cuStreamDestroy_v2(Stream* stream) {
    CALL("cuStreamDestroy");
    run_all(stream);
    auto& streams = state().streams;
    streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
    delete stream;
    return OK;
}

int cuStreamSynchronize(Stream* stream) {
    CALL("cuStreamSynchronize");
    if (stream == nullptr) return run_all(&state().legacy);
    return stream->recording ? int{CAPTURE_UNSUPPORTED} : run_then_legacy(stream);
}

int cuStreamBeginCapture_v2(Stream* stream, int) {
    CALL("cuStreamBeginCapture");
    stream->recording = new Graph;
    return OK;
}

int cuStreamEndCapture(Stream* stream, Graph** graph) {
    CALL("cuStreamEndCapture");
    *graph = stream->recording;
    stream->recording = nullptr;
    return *graph ? OK : INVALID_VALUE;
}

int cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
    CALL("cuGraphInstantiate");
    *executable = new Graph(*graph);
    return OK;
}

int cuGraphDestroy(Graph* graph) { CALL("cuGraphDestroy"); delete graph; return OK; }
int cuGraphExecDestroy(Graph* graph) { CALL("cuGraphExecDestroy"); delete graph; return OK; }

int cuGraphUpload(Graph* graph, Stream* stream) {
    CALL("cuGraphUpload");
    return add(stream, [=] {
        graph->on_card = true;
        return int{OK};
    });
}

int cuGraphLaunch(Graph* graph, Stream* stream) {
    CALL("cuGraphLaunch");
    if (!graph->on_card) state().log += "a launch that uploads its graph\n";
    for (const Work& work : graph->work) add(stream, work);
    return OK;
}

int cuEventCreate(Stream*** event, unsigned) { CALL("cuEventCreate"); *event = new Stream*{nullptr}; return OK; }
int cuEventRecord(Stream** event, Stream* stream) { CALL("cuEventRecord"); *event = stream; return OK; }
int cuEventDestroy_v2(Stream** event) { CALL("cuEventDestroy"); delete event; return OK; }
int cuEventSynchronize(Stream** event) { CALL("cuEventSynchronize"); return *event ? run_then_legacy(*event) : OK; }
int cuEventElapsedTime(float* ms, Stream**, Stream**) { CALL("cuEventElapsedTime"); *ms = 1.0f; return OK; }
int cuEventElapsedTime_v2(float* ms, Stream** a, Stream** b) { return cuEventElapsedTime(ms, a, b); }

int cuModuleLoadData(void** module, const void* image) {
    CALL("cuModuleLoadData");
    // An older card does not take PTX for a newer one.
    const std::string text(static_cast<const char*>(image));
    const auto at = text.find(".target sm_");
    if (at == std::string::npos) return 218;
    if (state().compute_major * 10 < std::atoi(text.c_str() + at + 11)) return 209;
    *module = &state();
    return OK;
}

int cuModuleUnload(void*) { CALL("cuModuleUnload"); return OK; }

int cuModuleGetFunction(Function** function, void*, const char* name) {
    CALL("cuModuleGetFunction");
    static std::deque<Function> functions;
    if (!is_kernel(name)) return NOT_FOUND;
    functions.push_back({name});
    *function = &functions.back();
    return OK;
}

int cuLaunchKernel(Function* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned, unsigned,
                   unsigned, Stream* stream, void** arguments, void**) {
    CALL("cuLaunchKernel");
    if (grid_x == 0 || grid_y == 0 || grid_z != 1 || block_x == 0 || 1024 < block_x) return INVALID_VALUE;
    auto kernel = bind_kernel(function->name, {grid_x, grid_y, 1}, block_x, arguments);
    return add(stream, [kernel] {
        kernel();
        return int{OK};
    });
}

int cuGetErrorName(int code, const char** name) {
    switch (code) {
        case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
        case ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
        case 209: *name = "CUDA_ERROR_NO_BINARY_FOR_GPU"; break;
        case 999: *name = "CUDA_ERROR_UNKNOWN"; break;
        default: *name = "CUDA_ERROR"; break;
    }
    return OK;
}

int cuGetErrorString(int, const char** words) {
    *words = "said by the fake driver";
    return OK;
}

}  // extern "C"
