// What the control groups of this process (version 1 or 2) leave to it.
#pragma once
#include <cstddef>
#include <limits>
#include <string>

namespace preresnet {

struct CgroupLimits {
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();

  int threads = std::numeric_limits<int>::max();  // of the CPU quota, rounded, at least 1
  size_t memory = kNone;                          // bytes that can still be had
};

/// Limits hold at each level from the own group up; the least counts. `root`: /proc and /sys are
/// looked for below it.
CgroupLimits cgroup_limits(const std::string& root = "");

}  // namespace preresnet
