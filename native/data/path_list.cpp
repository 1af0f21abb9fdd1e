#include "data/path_list.h"

#include <limits>
#include <utility>

#include "core/error.h"

namespace preresnet {

PathList::PathList(std::string prefix, std::string names, std::vector<int32_t> ends)
    : prefix_(std::move(prefix)), names_(std::move(names)), ends_(std::move(ends)) {
  int64_t first = 0;
  for (size_t i = 0; i < ends_.size(); ++i) {
    if (ends_[i] < first || static_cast<size_t>(ends_[i]) >= names_.size()) {
      throw Error("ERR_DATASET", "loader: file " + std::to_string(i) +
                                     ": expected the end of its name from byte " +
                                     std::to_string(first) + " on and within " +
                                     std::to_string(names_.size()) + " bytes, got " +
                                     std::to_string(ends_[i]));
    }
    first = int64_t{ends_[i]} + 1;
  }
}

PathList::PathList(const std::vector<std::string>& paths) {
  size_t bytes = 0;
  for (const std::string& path : paths) bytes += path.size() + 1;
  if (bytes > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    throw Error("ERR_DATASET", "loader: files: expected names of at most 2 GiB together");
  names_.reserve(bytes);
  ends_.reserve(paths.size());
  for (const std::string& path : paths) {
    names_ += path;
    ends_.push_back(static_cast<int32_t>(names_.size()));
    names_ += '\0';
  }
}

std::string PathList::at(size_t index) const {
  const auto first = index == 0 ? size_t{0} : static_cast<size_t>(ends_[index - 1]) + 1;
  return prefix_ + names_.substr(first, static_cast<size_t>(ends_[index]) - first);
}

}  // namespace preresnet
