#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/file_source.h"
#include "data/sample_requests.h"

namespace preresnet {
namespace {

/// Samples that a worker asks for at a time: what it waits for comes while others are under way.
constexpr int64_t kAsked = 64;

class AskedSource : public FileSource {
 public:
  AskedSource(AskedSamples samples, std::shared_ptr<SampleRequests> requests,
              const SampleShape& shape, const DecodeOptions& preparation)
      : FileSource(shape, preparation),
        samples_(std::move(samples)),
        requests_(std::move(requests)) {}

  size_t count() const override { return samples_.index.size(); }
  int64_t grain(int64_t share) const override { return std::clamp<int64_t>(share, 1, kAsked); }
  bool looks_ahead() const override { return true; }

  void expect(const std::vector<uint64_t>& samples, Desk& desk) const override {
    // What an earlier task left is wanted no more.
    desk.asked.clear();
    for (const uint64_t sample : samples) desk.asked.push_back(requests_->ask(sample));
  }

  void close() override { requests_->close(); }

 protected:
  void read_file(uint64_t sample, Desk& desk) const override {
    const auto found = std::find_if(desk.asked.begin(), desk.asked.end(), [&](const auto& each) {
      return each != nullptr && each->sample() == sample;
    });
    const std::shared_ptr<SampleRequest> request =
        found == desk.asked.end() ? requests_->ask(sample) : std::exchange(*found, nullptr);
    desk.file.assign(samples_.prefix.begin(), samples_.prefix.end());
    requests_->wait(*request, &desk.file);
  }

  std::string name(uint64_t sample) const override {
    const auto index = static_cast<size_t>(samples_.index[sample]);
    if (samples_.file.empty()) return samples_.name + ": sample " + std::to_string(index);
    const std::string path = samples_.files.at(static_cast<size_t>(samples_.file[index]));
    const int64_t offset = samples_.offset[index];
    return offset == 0 ? path : path + " at byte " + std::to_string(offset);
  }

 private:
  const AskedSamples samples_;
  const std::shared_ptr<SampleRequests> requests_;
};

void check_addresses(const AskedSamples& samples) {
  if (samples.file.empty() && samples.offset.empty()) return;
  const auto within = [](int64_t value, size_t size) {
    return value >= 0 && static_cast<size_t>(value) < size;
  };
  bool fits = samples.file.size() == samples.offset.size();
  for (const int32_t file : samples.file) fits = fits && within(file, samples.files.size());
  for (const int32_t index : samples.index) fits = fits && within(index, samples.file.size());
  if (!fits) throw Error("ERR_DATASET", "loader: addresses: expected one for each sample");
}

}  // namespace

std::unique_ptr<SampleSource> asked_source(AskedSamples samples,
                                           std::shared_ptr<SampleRequests> requests,
                                           const SampleShape& shape,
                                           const DecodeOptions& preparation) {
  check_addresses(samples);
  return std::make_unique<AskedSource>(std::move(samples), std::move(requests), shape, preparation);
}

}  // namespace preresnet
