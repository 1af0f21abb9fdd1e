#include "core/cgroup.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "core/text_file.h"

namespace preresnet {

namespace {

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

/// This process's group in the controller's hierarchy and every group above it, as folders. Limits
/// hold at each level.
std::vector<std::string> group_folders(const std::string& root, const std::string& controller) {
  std::vector<std::string> folders;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string hierarchy = root + "/sys/fs/cgroup";
    if (names != ",,") {  // version 1
      if (names.find("," + controller + ",") == std::string::npos) continue;
      hierarchy += "/" + controller;
    }
    std::string path = line.substr(second + 1);
    while (path.size() > 1) {
      folders.push_back(hierarchy + path);
      path.resize(path.rfind('/'));
    }
    folders.push_back(hierarchy);  // in a container the own group is mounted here
  }
  return folders;
}

int threads_of(const std::string& root) {
  double least = std::numeric_limits<double>::max();
  for (const std::string& folder : group_folders(root, "cpu")) {
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

size_t memory_of(const std::string& root) {
  size_t least = CgroupLimits::kNone;
  for (const std::string& folder : group_folders(root, "memory")) {
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

}  // namespace

CgroupLimits cgroup_limits(const std::string& root) { return {threads_of(root), memory_of(root)}; }

}  // namespace preresnet
