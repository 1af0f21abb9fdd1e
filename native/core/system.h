// What the machine is and what of it this process may use.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace preresnet {

/// Threads that affinity and the cgroup's CPU quota allow; at least 1.
int allowed_threads();
/// Logical processors of the machine.
int machine_threads();
size_t total_memory();
/// Bytes that can still be had: the machine's available memory, or what the cgroup's limit leaves
/// where that is less.
size_t available_memory();
std::string cpu_model();
/// Instruction sets that matter to the executors, in the kernel's spelling: avx2, fma, avx512f,
/// asimd ...
std::vector<std::string> instruction_sets();

}  // namespace preresnet
