#include "emulator.h"

#include <cstdlib>
#include <vector>

#ifdef __x86_64__
#include <xmmintrin.h>
// Saves what a call preserves and the stack pointer, takes up another's.
extern "C" void emulator_switch(void** from, void* to);
asm(R"(
.text
.globl emulator_switch
.type emulator_switch, @function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulator_switch, .-emulator_switch
)");
#else
#include <ucontext.h>
#endif

namespace emulator {

Three thread_index, block_index, block_size;

namespace {

constexpr size_t STACK = 64 * 1024;

struct Fiber {
    bool done;
#ifdef __x86_64__
    void* stack_pointer;
#else
    ucontext_t context;
#endif
};

std::vector<char> stacks;
std::vector<Fiber> fibers;
const std::function<void()>* body;
unsigned current;
#ifdef __x86_64__
void* home;
#else
ucontext_t home;
#endif

void leave() {
#ifdef __x86_64__
    emulator_switch(&fibers[current].stack_pointer, home);
#else
    swapcontext(&fibers[current].context, &home);
#endif
}

void enter(unsigned thread) {
    current = thread;
    thread_index = {thread, 0, 0};
#ifdef __x86_64__
    emulator_switch(&home, fibers[thread].stack_pointer);
#else
    swapcontext(&home, &fibers[thread].context);
#endif
}

void fiber_main() {
    (*body)();
    fibers[current].done = true;
    leave();
    std::abort();  // nobody enters a fiber that is done
}

void prepare(unsigned thread) {
    Fiber& fiber = fibers[thread];
    fiber.done = false;
    char* stack = stacks.data() + thread * STACK;
#ifdef __x86_64__
    auto top = (reinterpret_cast<uintptr_t>(stack) + STACK) & ~uintptr_t{15};
    auto* words = reinterpret_cast<void**>(top);
    *--words = nullptr;  // alignment as after a call
    *--words = reinterpret_cast<void*>(&fiber_main);
    for (int it = 0; it < 6; ++it) *--words = nullptr;
    fiber.stack_pointer = words;
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
#endif
}

void run_block(unsigned threads) {
    if (fibers.size() < threads) {
        fibers.resize(threads);
        stacks.resize(threads * STACK);
    }
    for (unsigned thread = 0; thread < threads; ++thread) prepare(thread);
    for (bool alive = true; alive;) {
        alive = false;
        for (unsigned thread = 0; thread < threads; ++thread) {
            if (fibers[thread].done) continue;
            enter(thread);
            alive = alive || !fibers[thread].done;
        }
    }
}

// The card's kernels flush denormals; the host's floats are told to for as long as one runs.
struct Flush {
#ifdef __x86_64__
    unsigned before = _mm_getcsr();
    Flush() { _mm_setcsr(before | 0x8040); }
    ~Flush() { _mm_setcsr(before); }
#endif
};

}  // namespace

void barrier() { leave(); }

void run(Three grid, unsigned threads, bool has_barriers, const std::function<void()>& kernel) {
    Flush flush;
    body = &kernel;
    block_size = {threads, 1, 1};
    for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) {
            block_index = {x, y, 0};
            if (has_barriers) {
                run_block(threads);
                continue;
            }
            for (unsigned thread = 0; thread < threads; ++thread) {
                thread_index = {thread, 0, 0};
                kernel();
            }
        }
    }
}

}  // namespace emulator
