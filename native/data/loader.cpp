#include "data/loader.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/limits.h"
#include "data/epoch_orders.h"
#include "data/order.h"
#include "data/ring.h"

namespace preresnet {
namespace {

constexpr size_t kAlignment = 64;

struct FreeAligned {
  void operator()(void* memory) const { std::free(memory); }
};
using Bytes = std::unique_ptr<uint8_t, FreeAligned>;

Bytes allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (memory == nullptr)
    throw Error("ERR_MEMORY",
                "loader: no memory for a batch of " + std::to_string(bytes) + " bytes");
  return Bytes(static_cast<uint8_t*>(memory));
}

uint64_t batches_of(const LoaderOptions& options) {
  if (options.mode == LoaderOptions::Mode::train) return Ring::kEndless;
  return (options.labels.size() + options.batch - 1) / options.batch;
}

int64_t grain_of(const LoaderOptions& options, const SampleSource& source) {
  return source.grain((options.batch + options.workers - 1) / options.workers);
}

class Loader : public BatchSource {
 public:
  Loader(LoaderOptions options, std::unique_ptr<SampleSource> source)
      : options_(std::move(options)),
        source_(std::move(source)),
        set_(source_->set()),
        image_bytes_(options_.shape.bytes()),
        samples_(options_.labels.size()),
        orders_(options_.seed, samples_),
        ring_(options_.slots, options_.batch, grain_of(options_, *source_), batches_of(options_)) {
    for (int i = 0; i < options_.slots; ++i) {
      slots_.push_back({allocate(options_.batch * image_bytes_),
                        std::vector<uint8_t>(options_.batch), std::vector<int32_t>(options_.batch),
                        std::vector<int32_t>(options_.batch),
                        std::vector<int32_t>(options_.batch * 3)});
    }
    start_workers();
  }

  ~Loader() override {
    ring_.close();
    for (std::thread& worker : workers_) worker.join();
  }

  bool acquire(uint64_t index, bool pixels, Batch* batch) override {
    // What is made ahead is what the last reader wanted.
    pixels_wanted_.store(pixels || set_.id == 0, std::memory_order_relaxed);
    int slot = 0;
    uint64_t ticket = 0;
    if (!ring_.acquire(index, &slot, &ticket)) return false;
    Slot& filled = slots_[slot];
    if (pixels) {
      for (int64_t i = 0; i < options_.batch; ++i) copy_pixels(filled, i);
    }
    batch->images = pixels ? filled.images.get() : nullptr;
    batch->indices = set_.id == 0 ? nullptr : filled.indices.data();
    batch->labels = filled.labels.data();
    batch->crops = filled.crops.data();
    batch->count = options_.batch;
    if (!training())
      batch->count = std::min<int64_t>(options_.batch, samples_ - index * options_.batch);
    batch->ticket = ticket;
    return true;
  }

  void release(uint64_t ticket) override { ring_.release(ticket); }
  void close() override { ring_.close(); }
  int64_t batch_size() const override { return options_.batch; }
  int64_t image_bytes() const override { return image_bytes_; }
  SampleSet set() const override { return set_; }

 private:
  struct Slot {
    Bytes images;
    std::vector<uint8_t> copied;   // whether an image is there
    std::vector<int32_t> indices;  // in the set, -1: none
    std::vector<int32_t> labels;
    std::vector<int32_t> crops;
  };
  bool training() const { return options_.mode == LoaderOptions::Mode::train; }

  void start_workers() {
    // Signals belong to the threads of the program.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      ring_.close();
      for (std::thread& worker : workers_) worker.join();
      throw Error("ERR_MEMORY", "loader: cannot start " + std::to_string(options_.workers) +
                                    " workers: " + error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void work() {
    pthread_setname_np(pthread_self(), "preresnet-data");
    std::unique_ptr<Desk> desk;
    Ring::Task task;
    while (ring_.take(&task)) {
      Ring::Failure failure;
      int64_t position = task.first;
      try {
        if (!desk) desk = std::make_unique<Desk>();
        fill(*desk, task, &position);
      } catch (const Error& error) {
        failure = {position, error.code(), error.what()};
      } catch (const std::bad_alloc&) {
        failure = {position, "ERR_MEMORY", "loader: no memory to decode an image"};
      } catch (const std::exception& error) {
        failure = {position, "ERR_INTERNAL", std::string("loader: ") + error.what()};
      }
      ring_.finish(task, failure);
    }
  }

  void fill(Desk& desk, const Ring::Task& task, int64_t* position) {
    const uint64_t batches = samples_ / options_.batch;  // of an epoch
    const uint64_t epoch = training() ? task.batch / batches : 0;
    const uint64_t first = (training() ? task.batch % batches : task.batch) * options_.batch;
    std::optional<EpochOrders::Lease> order;
    if (training()) order.emplace(&orders_, epoch);
    Slot& slot = slots_[task.slot];
    const auto pad = static_cast<int32_t>(options_.pad);
    for (int64_t i = task.first; i < task.last; ++i) {
      *position = i;
      const uint64_t rank = first + i;
      Crop crop{pad, pad, 0};
      if (rank >= samples_) {
        std::memset(pixels(slot, i), 0, image_bytes_);
        slot.copied[i] = 1;
        slot.indices[i] = slot.labels[i] = -1;
      } else {
        const uint64_t sample = order ? (*order)[rank] : rank;
        slot.indices[i] = static_cast<int32_t>(sample);
        slot.labels[i] = options_.labels[sample];
        fetch(desk, {options_.seed, epoch, sample}, slot, i);
        if (training())
          crop = random_crop(options_.seed, epoch, sample, options_.pad, options_.flip);
      }
      slot.crops[i * 3] = crop.top;
      slot.crops[i * 3 + 1] = crop.left;
      slot.crops[i * 3 + 2] = crop.mirror;
    }
  }

  uint8_t* pixels(const Slot& slot, int64_t i) const {
    return slot.images.get() + i * image_bytes_;
  }

  /// Of a set in memory, unless the image is there already.
  void copy_pixels(Slot& slot, int64_t i) const {
    if (slot.copied[i] != 0) return;
    std::memcpy(pixels(slot, i), set_.images + slot.indices[i] * image_bytes_, image_bytes_);
    slot.copied[i] = 1;
  }

  /// Images of a set are copied when they are wanted: a device that holds the set needs none.
  void fetch(Desk& desk, const Draw& draw, Slot& slot, int64_t i) const {
    const bool waits = set_.images != nullptr && !pixels_wanted_.load(std::memory_order_relaxed);
    if (!waits) source_->read(draw, desk, pixels(slot, i));
    slot.copied[i] = waits ? 0 : 1;
  }

  const LoaderOptions options_;
  const std::unique_ptr<SampleSource> source_;
  const SampleSet set_;
  const int64_t image_bytes_;
  const uint64_t samples_;
  EpochOrders orders_;
  std::atomic<bool> pixels_wanted_{true};
  Ring ring_;
  std::vector<Slot> slots_;
  std::vector<std::thread> workers_;
};

}  // namespace

void check_loader(const LoaderOptions& options) {
  const auto at_least = [](const char* name, int64_t value, int64_t minimum) {
    if (value >= minimum) return;
    throw Error("ERR_OPTION", std::string("loader: ") + name + ": expected at least " +
                                  std::to_string(minimum) + ", got " + std::to_string(value));
  };
  const auto& [height, width, channels] = options.shape;
  at_least("height", height, 1);
  at_least("width", width, 1);
  at_least("channels", channels, 1);
  at_least("batch", options.batch, 1);
  at_least("pad", options.pad, 0);
  at_least("workers", options.workers, 1);
  at_least("slots", options.slots, 2);
  if (options.pad > kLargestPad)
    throw Error("ERR_OPTION", "loader: pad: expected at most " + std::to_string(kLargestPad) +
                                  ", got " + std::to_string(options.pad));
  const auto samples = static_cast<int64_t>(options.labels.size());
  if (samples == 0) throw Error("ERR_DATASET", "loader: expected at least one sample, got none");
  if (samples > int64_t{0x7FFFFFFF})
    throw Error("ERR_DATASET", "loader: expected fewer than 2^31 samples");
  if (options.mode == LoaderOptions::Mode::train && samples < options.batch) {
    throw Error("ERR_DATASET", "loader: expected at least one batch of " +
                                   std::to_string(options.batch) + " samples, got " +
                                   std::to_string(samples));
  }
  int64_t image = 0;
  int64_t bytes = 0;
  if (__builtin_mul_overflow(height, width, &image) ||
      __builtin_mul_overflow(image, channels, &image) ||
      __builtin_mul_overflow(image, std::max(samples, options.batch), &bytes)) {
    throw Error("ERR_OPTION", "loader: height, width, channels and batch are too large together");
  }
}

std::shared_ptr<BatchSource> make_loader(LoaderOptions options,
                                         std::unique_ptr<SampleSource> source) {
  check_loader(options);
  if (source->count() != options.labels.size()) {
    throw Error("ERR_DATASET", "loader: expected as many samples as labels (" +
                                   std::to_string(options.labels.size()) + "), got " +
                                   std::to_string(source->count()));
  }
  return std::make_shared<Loader>(std::move(options), std::move(source));
}

}  // namespace preresnet
