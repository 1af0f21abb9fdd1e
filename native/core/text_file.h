// Small files of the kernel that hold text: /proc and /sys.
#pragma once
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace preresnet {

inline std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

/// "MemTotal:  123 kB" of a file such as /proc/meminfo, or "inactive_file 123" of memory.stat.
inline std::optional<size_t> entry(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  size_t value = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream parts(line);
    if (parts >> word >> value && word == key) return value;
  }
  return std::nullopt;
}

}  // namespace preresnet
