#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "data/sample_source.h"

namespace preresnet {
namespace {

constexpr int64_t kTaskBytes = 256 << 10;

class MemorySource : public SampleSource {
 public:
  MemorySource(SampleSet set, const SampleShape& shape, const std::vector<CorruptSample>& corrupt)
      : set_(set), image_bytes_(shape.bytes()) {
    for (const auto& [sample, reason] : corrupt) corrupt_[sample] = reason;
  }

  size_t count() const override { return static_cast<size_t>(set_.count); }
  int64_t grain(int64_t share) const override {
    return std::clamp<int64_t>(kTaskBytes / image_bytes_, 1, share);
  }
  SampleSet set() const override { return set_; }
  void check(uint64_t sample) const override {
    const auto found = corrupt_.find(sample);
    if (found != corrupt_.end()) throw Error("ERR_IMAGE", found->second);
  }
  void read(const Draw& draw, Desk&, uint8_t* pixels) const override {
    check(draw.sample);
    std::memcpy(pixels, set_.images + draw.sample * image_bytes_, image_bytes_);
  }

 private:
  const SampleSet set_;
  const int64_t image_bytes_;
  std::unordered_map<uint64_t, std::string> corrupt_;  // and why
};

}  // namespace

std::unique_ptr<SampleSource> memory_source(const uint8_t* images, size_t bytes, uint64_t set_id,
                                            size_t count, const SampleShape& shape,
                                            const std::vector<CorruptSample>& corrupt) {
  const size_t expected = count * static_cast<size_t>(shape.bytes());
  if (images == nullptr || bytes != expected) {
    throw Error("ERR_DATASET", "loader: expected " + std::to_string(expected) +
                                   " bytes of images for " + std::to_string(count) +
                                   " labels, got " + std::to_string(bytes));
  }
  return std::make_unique<MemorySource>(SampleSet{set_id, images, static_cast<int64_t>(count)},
                                        shape, corrupt);
}

}  // namespace preresnet
