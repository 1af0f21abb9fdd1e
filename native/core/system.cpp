#include "core/system.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace preresnet {

namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<size_t> number_in(const std::string& path) {
  const std::optional<std::string> line = first_line(path);
  if (!line || line->empty() || line->find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;  // no such file, or "max"
  }
  try {
    return std::stoull(*line);
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
}

/// "MemTotal:  123 kB" of a file such as /proc/meminfo, or "inactive_file 123" of memory.stat.
std::optional<size_t> entry(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  size_t value = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream parts(line);
    if (parts >> word >> value && word == key) return value;
  }
  return std::nullopt;
}

/// This process's group in the controller's hierarchy and every group above it, as folders. Limits
/// hold at each level.
std::vector<std::string> cgroup_folders(const std::string& controller) {
  std::vector<std::string> folders;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string root;
    if (names == ",,") {
      root = "/sys/fs/cgroup";  // version 2
    } else if (names.find("," + controller + ",") != std::string::npos) {
      root = "/sys/fs/cgroup/" + controller;
    } else {
      continue;
    }
    std::string path = line.substr(second + 1);
    while (path.size() > 1) {
      folders.push_back(root + path);
      path.resize(path.rfind('/'));
    }
    folders.push_back(root);  // in a container the own group is mounted here
  }
  return folders;
}

int quota_threads() {
  double least = std::numeric_limits<double>::max();
  for (const std::string& folder : cgroup_folders("cpu")) {
    double quota = 0;
    double period = 0;
    if (const auto both = first_line(folder + "/cpu.max")) {
      std::istringstream parts(*both);
      if (!(parts >> quota >> period)) continue;  // "max 100000"
    } else {
      quota = static_cast<double>(number_in(folder + "/cpu.cfs_quota_us").value_or(0));
      period = static_cast<double>(number_in(folder + "/cpu.cfs_period_us").value_or(0));
    }
    if (quota > 0 && period > 0) least = std::min(least, quota / period);
  }
  if (least >= std::numeric_limits<int>::max()) return std::numeric_limits<int>::max();
  return std::max(1, static_cast<int>(least + 0.5));
}

size_t cgroup_left() {
  size_t least = kUnlimited;
  for (const std::string& folder : cgroup_folders("memory")) {
    std::optional<size_t> limit = number_in(folder + "/memory.max");
    std::optional<size_t> usage = number_in(folder + "/memory.current");
    const char* cache = "inactive_file";
    if (!limit) {
      limit = number_in(folder + "/memory.limit_in_bytes");
      usage = number_in(folder + "/memory.usage_in_bytes");
      cache = "total_inactive_file";
    }
    if (!limit || !usage) continue;
    // Cached files count as usage and are given up under pressure.
    const size_t used =
        *usage - std::min(*usage, entry(folder + "/memory.stat", cache).value_or(0));
    least = std::min(least, *limit - std::min(*limit, used));
  }
  return least;
}

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
  return std::min(affinity, quota_threads());
}

size_t total_memory() { return entry("/proc/meminfo", "MemTotal:").value_or(0) * 1024; }

size_t available_memory() {
  const std::optional<size_t> machine = entry("/proc/meminfo", "MemAvailable:");
  return std::min(machine ? *machine * 1024 : kUnlimited, cgroup_left());
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
