#include "core/system.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>

#include "core/cgroup.h"
#include "core/text_file.h"

namespace preresnet {

namespace {

std::string cpu_entry(std::initializer_list<const char*> keys) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    for (const char* wanted : keys) {
      if (key == wanted) return line.substr(colon + 2);
    }
  }
  return {};
}

}  // namespace

int machine_threads() { return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))); }

int allowed_threads() {
  int affinity = machine_threads();
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) affinity = std::max(1, CPU_COUNT(&set));
  return std::min(affinity, cgroup_limits().threads);
}

size_t total_memory() { return entry("/proc/meminfo", "MemTotal:").value_or(0) * 1024; }

size_t available_memory() {
  const std::optional<size_t> machine = entry("/proc/meminfo", "MemAvailable:");
  return std::min(machine ? *machine * 1024 : CgroupLimits::kNone, cgroup_limits().memory);
}

std::string cpu_model() {
  const std::string model = cpu_entry({"model name", "Model", "Hardware", "CPU part"});
  return model.empty() ? "unknown" : model;
}

std::vector<std::string> instruction_sets() {
  static constexpr std::array kKnown = {
      "sse4_2",   "avx",         "f16c",        "fma",      "avx2",     "avx512f",     "avx512bw",
      "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "avx512_fp16", "asimd",
      "asimddp",  "fphp",        "bf16",        "sve",      "svebf16"};
  std::vector<std::string> found;
  std::istringstream flags(cpu_entry({"flags", "Features"}));
  for (std::string flag; flags >> flag;) {
    if (std::find(kKnown.begin(), kKnown.end(), flag) != kKnown.end()) found.push_back(flag);
  }
  return found;
}

}  // namespace preresnet
