// Paths of a million files and more, in two pieces of memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace preresnet {

class PathList {
 public:
  /// `prefix` stands before each name. `ends`: the place behind the last byte of each name, where
  /// `names` has a zero byte. ERR_DATASET where the ends do not rise within `names`.
  PathList(std::string prefix, std::string names, std::vector<int32_t> ends);
  explicit PathList(const std::vector<std::string>& paths);

  size_t size() const { return ends_.size(); }
  std::string at(size_t index) const;

 private:
  std::string prefix_;
  std::string names_;
  std::vector<int32_t> ends_;
};

}  // namespace preresnet
