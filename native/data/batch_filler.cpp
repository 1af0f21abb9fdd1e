#include "data/batch_filler.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "core/error.h"

namespace preresnet {
namespace {

constexpr size_t kAlignment = 64;
constexpr int kPoison = 0xA5;  // as a label or an index: far below -1

std::shared_ptr<uint8_t> allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (memory == nullptr)
    throw Error("ERR_MEMORY",
                "loader: no memory for a batch of " + std::to_string(bytes) + " bytes");
  return {static_cast<uint8_t*>(memory), std::free};
}

bool is_corrupt(const Error& error) { return error.code() == "ERR_IMAGE"; }

}  // namespace

/// The samples at places of a batch, which may lie in two epochs.
class BatchFiller::Row {
 public:
  Row(BatchFiller& filler, const BatchCut::Range& range) : filler_(filler), first_(range.first) {
    if (!filler.training()) return;
    const uint64_t used = filler.cut_.used();
    epoch_ = range.first / used;
    leases_[0].emplace(&filler.orders_, epoch_);
    if ((range.first + range.size - 1) / used != epoch_)
      leases_[1].emplace(&filler.orders_, epoch_ + 1);
  }

  /// `at`: counted from the first place of the batch of all ranks.
  Draw operator[](uint64_t at) const {
    const LoaderOptions& options = filler_.options_;
    if (!leases_[0]) return {options.seed, 0, first_ + at};
    const uint64_t used = filler_.cut_.used();
    const uint64_t in_row = first_ + dealt(at);
    const uint64_t epoch = in_row / used;
    const auto repeats = static_cast<uint64_t>(options.repeats);
    const uint64_t place = in_row % used;
    return {options.seed, epoch, (*leases_[epoch - epoch_])[place / repeats],
            static_cast<uint32_t>(place % repeats)};
  }

 private:
  /// Copies that stand side by side in the row go to one group after another, as they go to one
  /// process after another elsewhere.
  uint64_t dealt(uint64_t at) const {
    if (filler_.options_.repeats == 1) return at;
    const auto groups = static_cast<uint64_t>(filler_.options_.groups);
    return at % filler_.group() * groups + at / filler_.group();
  }

  const BatchFiller& filler_;
  const uint64_t first_;
  uint64_t epoch_ = 0;
  std::array<std::optional<EpochOrders::Lease>, 2> leases_;
};

BatchFiller::BatchFiller(const LoaderOptions& options, const SampleSource& source)
    : options_(options),
      source_(source),
      set_(source.set()),
      image_bytes_(options.shape.bytes()),
      cut_(cut_of(options)),
      orders_(options.seed, options.labels, options.balanced) {}

BatchSlot BatchFiller::make_slot() const {
  const auto count = static_cast<size_t>(options_.batch);
  return {.images = allocate(count * static_cast<size_t>(image_bytes_)),
          .copied = std::vector<uint8_t>(count),
          .indices = std::vector<int32_t>(count),
          .labels = std::vector<int32_t>(count),
          .crops = std::vector<int32_t>(count * 3),
          .mixes = std::vector<int32_t>(options_.mix.mixes() ? count * 6 : 0),
          .corrupt = std::vector<std::unique_ptr<CorruptSample>>(count)};
}

void BatchFiller::fill(Desk& desk, BatchSlot& slot, uint64_t batch, int64_t first, int64_t last,
                       bool pixels, int64_t* position) {
  if (source_.fetches() && (training() || batch + 1 < cut_.batches())) {
    const BatchCut::Range next = cut_.range(batch + 1);
    source_.fetch(samples_at(Row(*this, next), next, first, last));
  }
  const BatchCut::Range range = cut_.range(batch);
  const Row row(*this, range);
  if (!slot.mixes.empty()) put_mixes(slot, first, last, range);
  if (source_.looks_ahead()) source_.expect(samples_at(row, range, first, last), desk);
  for (int64_t i = first; i < last; ++i) {
    *position = i;
    slot.corrupt[i] = nullptr;
    slot.copied[i] = pixels || set_.images == nullptr ? 1 : 0;
    const uint64_t at = range.begin + static_cast<uint64_t>(i);
    if (at >= range.end)
      put_nothing(slot, i);
    else
      fill_one(desk, slot, i, row, at, range);
  }
}

std::vector<uint64_t> BatchFiller::samples_at(const Row& row, const BatchCut::Range& range,
                                              int64_t first, int64_t last) {
  std::vector<uint64_t> samples;
  for (int64_t i = first; i < last; ++i) {
    const uint64_t at = range.begin + static_cast<uint64_t>(i);
    if (at < range.end) samples.push_back(row[at].sample);
  }
  return samples;
}

void BatchFiller::fill_one(Desk& desk, BatchSlot& slot, int64_t i, const Row& row, uint64_t at,
                           const BatchCut::Range& range) const {
  try {
    put(desk, slot, i, row[at]);
  } catch (const Error& error) {
    if (!options_.skip_corrupt || !is_corrupt(error)) throw;
    if (!training())
      put_nothing(slot, i);
    else if (!replace(desk, slot, i, row, at, range))
      throw;
    slot.corrupt[i] = std::make_unique<CorruptSample>(CorruptSample{row[at].sample, error.what()});
  }
}

// Decoded once more, whoever decodes it in its own place: which one it is hangs on no other worker
// and on no rank.
bool BatchFiller::replace(Desk& desk, BatchSlot& slot, int64_t i, const Row& row, uint64_t at,
                          const BatchCut::Range& range) const {
  const auto good = [&](uint64_t other) {
    if (other >= range.size) return false;  // also what would be before the first
    try {
      put(desk, slot, i, row[other]);
      return true;
    } catch (const Error& error) {
      if (!is_corrupt(error)) throw;
      return false;
    }
  };
  for (uint64_t distance = 1; distance < range.size; ++distance) {
    if (good(at - distance) || good(at + distance)) return true;
  }
  return false;
}

void BatchFiller::put(Desk& desk, BatchSlot& slot, int64_t i, const Draw& draw) const {
  if (slot.copied[i] != 0)
    source_.read(draw, desk, pixels_of(slot, i));
  else
    source_.check(draw.sample);
  slot.indices[i] = static_cast<int32_t>(draw.sample);
  slot.labels[i] = options_.labels[draw.sample];
  const auto pad = static_cast<int32_t>(options_.pad);
  put_crop(slot, i,
           training() ? random_crop(draw, options_.pad, options_.flip) : Crop{pad, pad, 0});
}

void BatchFiller::put_nothing(BatchSlot& slot, int64_t i) const {
  const auto pad = static_cast<int32_t>(options_.pad);
  std::memset(pixels_of(slot, i), 0, static_cast<size_t>(image_bytes_));
  slot.copied[i] = 1;
  slot.indices[i] = slot.labels[i] = -1;
  put_crop(slot, i, {pad, pad, 0});
}

void BatchFiller::put_crop(BatchSlot& slot, int64_t i, const Crop& crop) const {
  slot.crops[i * 3] = crop.top;
  slot.crops[i * 3 + 1] = crop.left;
  slot.crops[i * 3 + 2] = crop.mirror;
}

/// Drawn for each group by the place of its first image in the epoch: which ranks and accumulations
/// have the group changes nothing.
void BatchFiller::put_mixes(BatchSlot& slot, int64_t first, int64_t last,
                            const BatchCut::Range& range) const {
  const auto images = static_cast<int64_t>(group());
  const auto begin = static_cast<int64_t>(range.begin);
  const ImageSize input{options_.shape.height, options_.shape.width};
  int64_t drawn = -1;
  Mix mix;
  for (int64_t i = first; i < last; ++i) {
    const int64_t start = (begin + i) / images * images;  // of the group, in the batch of all ranks
    if (start != drawn) {
      const uint64_t place = range.first + static_cast<uint64_t>(start);
      mix = draw_mix(options_.mix, {options_.seed, place / cut_.used(), place % cut_.used()},
                     images, input);
      drawn = start;
    }
    const auto& [top, left, height, width] = mix.box;
    const int64_t partner = start - begin + (begin + i - start + mix.shift) % images;
    const int64_t values[6] = {partner, mix.share, top, left, height, width};
    std::transform(values, values + 6, slot.mixes.begin() + i * 6,
                   [](int64_t value) { return static_cast<int32_t>(value); });
  }
}

void BatchFiller::copy_pixels(BatchSlot& slot) const {
  for (int64_t i = 0; i < options_.batch; ++i) {
    if (slot.copied[i] != 0) continue;
    std::memcpy(pixels_of(slot, i), set_.images + slot.indices[i] * image_bytes_,
                static_cast<size_t>(image_bytes_));
    slot.copied[i] = 1;
  }
}

void BatchFiller::poison(BatchSlot& slot) const {
  std::memset(slot.images.get(), kPoison, static_cast<size_t>(options_.batch * image_bytes_));
  for (std::vector<int32_t>* values : {&slot.indices, &slot.labels, &slot.crops, &slot.mixes})
    std::ranges::fill(std::as_writable_bytes(std::span(*values)), std::byte{kPoison});
}

uint8_t* BatchFiller::pixels_of(const BatchSlot& slot, int64_t i) const {
  return slot.images.get() + i * image_bytes_;
}

}  // namespace preresnet
