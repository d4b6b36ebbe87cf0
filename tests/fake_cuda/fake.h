// Between the fake driver and the kernels that it runs.
#pragma once
#include <functional>
#include <string>

#include "emulator.h"

std::function<void()> bind_kernel(const std::string& name, emulator::Three grid, unsigned threads, void** arguments);
bool is_kernel(const std::string& name);

// The kernels of plain plans.
std::function<void()> bind_graph_kernel(const std::string& name, emulator::Three grid, unsigned threads, void** arguments);
bool is_graph_kernel(const std::string& name);
