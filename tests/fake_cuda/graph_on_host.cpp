// The kernels of plain plans, compiled for the host: the very text that the card runs.
#include "emulator.h"

#include "../../engine/src/backend/cuda/kernels/graph.cu"

#include "fake.h"

namespace {

struct Entry {
    const char* name;
    std::function<void()> (*bind)(emulator::Three grid, unsigned threads, void** arguments);
};

// Copies the argument at once, as a launch does, and gives what runs later.
template <typename T, void (*KERNEL)(T), bool HAS_BARRIERS>
std::function<void()> bind(emulator::Three grid, unsigned threads, void** arguments) {
    T told;
    std::memcpy(&told, arguments[0], sizeof told);
    return [=] { emulator::run(grid, threads, HAS_BARRIERS, [&] { KERNEL(told); }); };
}

const Entry ENTRIES[] = {
    {"graph_each", bind<Each, graph_each, false>},
    {"graph_columns", bind<Columns, graph_columns, false>},
    {"graph_overlap", bind<Overlap, graph_overlap, false>},
    {"graph_norm", bind<Norm, graph_norm, true>},
    {"graph_rope", bind<Rope, graph_rope, false>},
    {"graph_softmax", bind<Softmax, graph_softmax, true>},
    {"graph_sinusoid", bind<Sinusoid, graph_sinusoid, false>},
    {"graph_embed", bind<Embed, graph_embed, false>},
};

}  // namespace

std::function<void()> bind_graph_kernel(const std::string& name, emulator::Three grid, unsigned threads, void** arguments) {
    for (const Entry& entry : ENTRIES) {
        if (name == entry.name) return entry.bind(grid, threads, arguments);
    }
    return nullptr;
}

bool is_graph_kernel(const std::string& name) {
    for (const Entry& entry : ENTRIES) {
        if (name == entry.name) return true;
    }
    return false;
}
