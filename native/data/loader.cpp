#include "data/loader.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/limits.h"
#include "data/batch_filler.h"
#include "data/ring.h"

namespace preresnet {
namespace {

uint64_t batches_of(const LoaderOptions& options) {
  if (options.mode == LoaderOptions::Mode::train) return Ring::kEndless;
  return cut_of(options).batches();
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
        filler_(options_, *source_),
        ring_(options_.slots, options_.batch, grain_of(options_, *source_), batches_of(options_)) {
    for (int i = 0; i < options_.slots; ++i) slots_.push_back(filler_.make_slot());
    start_workers();
  }

  ~Loader() override {
    close();
    for (std::thread& worker : workers_) worker.join();
  }

  bool acquire(uint64_t index, bool pixels, Batch* batch) override {
    // What is made ahead is what the last reader wanted.
    pixels_wanted_.store(pixels || set_.id == 0, std::memory_order_relaxed);
    int slot = 0;
    uint64_t ticket = 0;
    if (!ring_.acquire(index, &slot, &ticket)) return false;
    BatchSlot& filled = slots_[slot];
    if (pixels) filler_.copy_pixels(filled);
    note_corrupt(filled);
    batch->images = pixels ? filled.images.get() : nullptr;
    batch->indices = filled.indices.data();
    batch->labels = filled.labels.data();
    batch->crops = filled.crops.data();
    batch->mixes = filled.mixes.empty() ? nullptr : filled.mixes.data();
    batch->count = std::count_if(filled.labels.begin(), filled.labels.end(),
                                 [](int32_t label) { return label >= 0; });
    batch->ticket = ticket;
    return true;
  }

  void release(uint64_t ticket) override {
    if (options_.poison) filler_.poison(slots_[ring_.slot_of(ticket)]);
    ring_.release(ticket);
  }
  void close() override {
    ring_.close();
    source_->close();
  }
  int64_t batch_size() const override { return options_.batch; }
  int64_t image_bytes() const override { return options_.shape.bytes(); }
  SampleSet set() const override { return set_; }

  std::vector<CorruptSample> corrupt() const override {
    const std::lock_guard lock(corrupt_mutex_);
    std::vector<CorruptSample> all;
    for (const auto& [sample, reason] : corrupt_) all.push_back({sample, reason});
    return all;
  }

  std::shared_ptr<void> memory(uint64_t ticket) const override {
    return slots_[ring_.slot_of(ticket)].images;
  }

 private:
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
        filler_.fill(*desk, slots_[task.slot], task.batch, task.first, task.last,
                     pixels_wanted_.load(std::memory_order_relaxed), &position);
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

  void note_corrupt(const BatchSlot& slot) {
    for (const auto& left_out : slot.corrupt) {
      if (left_out == nullptr) continue;
      const std::lock_guard lock(corrupt_mutex_);
      corrupt_[left_out->sample] = left_out->reason;
    }
  }

  const LoaderOptions options_;
  const std::unique_ptr<SampleSource> source_;
  const SampleSet set_;
  BatchFiller filler_;
  std::atomic<bool> pixels_wanted_{true};
  Ring ring_;
  std::vector<BatchSlot> slots_;
  mutable std::mutex corrupt_mutex_;
  std::map<uint64_t, std::string> corrupt_;
  std::vector<std::thread> workers_;
};

}  // namespace

BatchCut cut_of(const LoaderOptions& options) {
  return {.samples = options.labels.size(),
          .batch = static_cast<uint64_t>(options.batch),
          .rank = static_cast<uint64_t>(options.rank),
          .ranks = static_cast<uint64_t>(options.ranks),
          .first_sample = options.first_sample,
          .training = options.mode == LoaderOptions::Mode::train};
}

namespace {

/// Groups are whole on each rank, and one that is mixed has partners.
void check_groups(const LoaderOptions& options, int64_t whole) {
  const auto refuse = [](const char* expected, int64_t got) {
    throw Error("ERR_OPTION", std::string("loader: ") + expected + ", got " + std::to_string(got));
  };
  if (options.groups < 1 || whole % options.groups != 0)
    refuse("groups: expected a divisor of the batch", options.groups);
  if (options.groups % options.ranks != 0 && options.groups != 1)
    refuse("groups: expected a multiple of ranks", options.groups);
  if (options.repeats < 1) refuse("repeats: expected at least 1", options.repeats);
  const auto mixed = [](double alpha) { return alpha >= 0 && alpha <= kLargestAlpha; };
  if (!mixed(options.mix.mixup) || !mixed(options.mix.cutmix))
    throw Error("ERR_OPTION",
                "loader: mixup and cutmix: expected 0 to " + std::to_string(kLargestAlpha));
  if (!options.mix.mixes() && options.repeats == 1) return;
  if (options.mode != LoaderOptions::Mode::train)
    throw Error("ERR_OPTION", "loader: expected neither mixing nor repeats in an evaluation");
  if (options.groups % options.ranks != 0)
    refuse("groups: expected a multiple of ranks", options.groups);
  if (options.mix.mixes() && whole / options.groups < 2)
    refuse("groups: expected groups of at least 2 images, whose partners are of the same group",
           options.groups);
}

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
  at_least("ranks", options.ranks, 1);
  at_least("rank", options.rank, 0);
  at_least("workers", options.workers, 1);
  at_least("slots", options.slots, 2);
  if (options.pad > kLargestPad)
    throw Error("ERR_OPTION", "loader: pad: expected at most " + std::to_string(kLargestPad) +
                                  ", got " + std::to_string(options.pad));
  if (options.rank >= options.ranks)
    throw Error("ERR_OPTION", "loader: rank: expected less than ranks (" +
                                  std::to_string(options.ranks) + "), got " +
                                  std::to_string(options.rank));
  const auto samples = static_cast<int64_t>(options.labels.size());
  if (samples == 0) throw Error("ERR_DATASET", "loader: expected at least one sample, got none");
  if (samples > int64_t{0x7FFFFFFF})
    throw Error("ERR_DATASET", "loader: expected fewer than 2^31 samples");
  const int64_t whole = options.batch * options.ranks;
  check_groups(options, whole);
  if (options.mode == LoaderOptions::Mode::train && samples < whole) {
    throw Error("ERR_DATASET", "loader: expected at least one batch of " + std::to_string(whole) +
                                   " samples, got " + std::to_string(samples));
  }
  if (options.mode == LoaderOptions::Mode::evaluate &&
      options.first_sample >= static_cast<uint64_t>(samples)) {
    throw Error("ERR_OPTION", "loader: firstSample: expected less than the " +
                                  std::to_string(samples) + " samples, got " +
                                  std::to_string(options.first_sample));
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
