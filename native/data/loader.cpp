#include "data/loader.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "data/decode.h"
#include "data/order.h"
#include "data/ring.h"

namespace preresnet {
namespace {

constexpr size_t kAlignment = 64;
// A task of a memory source copies about this much: enough to be worth a lock, little enough to
// spread over workers.
constexpr int64_t kTaskBytes = 256 << 10;
constexpr int64_t kMaximumFile = int64_t{1} << 30;

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

void read_file(const std::string& path, std::vector<uint8_t>& contents) {
  const auto fail = [&](const std::string& reason) {
    throw Error("ERR_FILE", path + ": " + reason);
  };
  struct File {
    int descriptor;
    ~File() {
      if (descriptor >= 0) ::close(descriptor);
    }
  } file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.descriptor < 0) fail(std::strerror(errno));
  struct stat status {};
  if (::fstat(file.descriptor, &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("expected a file");
  if (status.st_size > kMaximumFile)
    fail("expected an image of at most 1 GiB, got " + std::to_string(status.st_size) + " bytes");
  contents.resize(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t count = ::read(file.descriptor, contents.data() + done, contents.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(std::strerror(errno));
    if (count == 0)
      fail("expected " + std::to_string(contents.size()) + " bytes, got " + std::to_string(done));
    done += static_cast<size_t>(count);
  }
}

// The shuffled orders of the epochs in use: mostly two. Their memory goes from epoch to epoch.
class Orders {
  struct Entry {
    uint64_t epoch = 0;
    uint64_t used = 0;  // when: larger is later
    int readers = 0;
    std::vector<uint32_t> order;
  };

 public:
  /// Holds an order; its memory is not reused meanwhile.
  class Lease {
   public:
    Lease(Orders* orders, uint64_t epoch) : orders_(orders), entry_(orders->enter(epoch)) {}
    ~Lease() { orders_->leave(entry_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    uint32_t operator[](size_t rank) const { return entry_->order[rank]; }

   private:
    Orders* orders_;
    Entry* entry_;
  };

  Orders(uint64_t seed, size_t samples) : seed_(seed), samples_(samples) {}

 private:
  // Shuffles under the lock: the others would have to wait for this order anyway.
  Entry* enter(uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    Entry* oldest = nullptr;
    for (Entry& entry : entries_) {
      if (entry.epoch == epoch) return use(entry);
      if (entry.readers == 0 && (oldest == nullptr || entry.used < oldest->used)) oldest = &entry;
    }
    if (oldest == nullptr || entries_.size() < 2) {
      oldest = &entries_.emplace_back(Entry{.order = std::vector<uint32_t>(samples_)});
    }
    oldest->epoch = epoch;
    shuffle_epoch(seed_, epoch, oldest->order);
    return use(*oldest);
  }

  Entry* use(Entry& entry) {
    entry.used = ++clock_;
    ++entry.readers;
    return &entry;
  }

  void leave(Entry* entry) {
    const std::lock_guard lock(mutex_);
    --entry->readers;
  }

  const uint64_t seed_;
  const size_t samples_;
  std::mutex mutex_;
  std::list<Entry> entries_;
  uint64_t clock_ = 0;
};

void validate(const LoaderOptions& options) {
  const auto at_least = [](const char* name, int64_t value, int64_t minimum) {
    if (value >= minimum) return;
    throw Error("ERR_OPTION", std::string("loader: ") + name + ": expected at least " +
                                  std::to_string(minimum) + ", got " + std::to_string(value));
  };
  at_least("height", options.height, 1);
  at_least("width", options.width, 1);
  at_least("channels", options.channels, 1);
  at_least("batch", options.batch, 1);
  at_least("pad", options.pad, 0);
  at_least("resize", options.resize, 0);
  at_least("workers", options.workers, 1);
  at_least("slots", options.slots, 2);
  // Placements are 32-bit, and so are sample indices.
  if (options.pad > 1 << 20)
    throw Error("ERR_OPTION",
                "loader: pad: expected at most 1048576, got " + std::to_string(options.pad));
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
  if (__builtin_mul_overflow(options.height, options.width, &image) ||
      __builtin_mul_overflow(image, options.channels, &image) ||
      __builtin_mul_overflow(image, std::max(samples, options.batch), &bytes)) {
    throw Error("ERR_OPTION", "loader: height, width, channels and batch are too large together");
  }
  if (options.kind == LoaderOptions::Kind::memory) {
    if (options.images == nullptr || options.images_bytes != static_cast<size_t>(image * samples)) {
      throw Error("ERR_DATASET", "loader: expected " + std::to_string(image * samples) +
                                     " bytes of images for " + std::to_string(samples) +
                                     " labels, got " + std::to_string(options.images_bytes));
    }
    return;
  }
  if (options.paths.size() != options.labels.size()) {
    throw Error("ERR_DATASET", "loader: expected as many paths as labels (" +
                                   std::to_string(samples) + "), got " +
                                   std::to_string(options.paths.size()));
  }
  if (options.channels != 1 && options.channels != 3) {
    throw Error("ERR_OPTION", "loader: channels: expected 1 or 3 for files, got " +
                                  std::to_string(options.channels));
  }
  if (options.resize > 0 && options.resize < std::max(options.height, options.width)) {
    throw Error("ERR_OPTION", "loader: resize: expected at least the larger of height and width (" +
                                  std::to_string(std::max(options.height, options.width)) +
                                  "), got " + std::to_string(options.resize));
  }
}

uint64_t batches_of(const LoaderOptions& options) {
  if (options.mode == LoaderOptions::Mode::train) return Ring::kEndless;
  return (options.labels.size() + options.batch - 1) / options.batch;
}

int64_t grain_of(const LoaderOptions& options) {
  const int64_t share = (options.batch + options.workers - 1) / options.workers;
  const int64_t image = options.height * options.width * options.channels;
  // Images differ in size, so files go in small portions.
  const int64_t portion =
      options.kind == LoaderOptions::Kind::files ? share / 4 : kTaskBytes / image;
  return std::clamp<int64_t>(portion, 1, share);
}

class Loader : public BatchSource {
 public:
  explicit Loader(LoaderOptions options)
      : options_(std::move(options)),
        image_bytes_(options_.height * options_.width * options_.channels),
        samples_(options_.labels.size()),
        orders_(options_.seed, samples_),
        ring_(options_.slots, options_.batch, grain_of(options_), batches_of(options_)) {
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
    pixels_wanted_.store(pixels || set().id == 0, std::memory_order_relaxed);
    int slot = 0;
    uint64_t ticket = 0;
    if (!ring_.acquire(index, &slot, &ticket)) return false;
    Slot& filled = slots_[slot];
    if (pixels) {
      for (int64_t i = 0; i < options_.batch; ++i) copy_pixels(filled, i);
    }
    batch->images = pixels ? filled.images.get() : nullptr;
    batch->indices = set().id == 0 ? nullptr : filled.indices.data();
    batch->labels = filled.labels.data();
    batch->placement = filled.placement.data();
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
  ImageSet set() const override {
    if (options_.kind != LoaderOptions::Kind::memory) return {};
    return {options_.set_id, options_.images, static_cast<int64_t>(samples_)};
  }

 private:
  struct Slot {
    Bytes images;
    std::vector<uint8_t> copied;   // whether an image is there
    std::vector<int32_t> indices;  // in the set, -1: none
    std::vector<int32_t> labels;
    std::vector<int32_t> placement;
  };
  // What a worker keeps from image to image.
  struct Desk {
    ImageDecoder decoder;
    std::vector<uint8_t> file;
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
    std::optional<Orders::Lease> order;
    if (training()) order.emplace(&orders_, epoch);
    Slot& slot = slots_[task.slot];
    const auto pad = static_cast<int32_t>(options_.pad);
    for (int64_t i = task.first; i < task.last; ++i) {
      *position = i;
      const uint64_t rank = first + i;
      Placement placement{pad, pad, 0};
      if (rank >= samples_) {
        std::memset(pixels(slot, i), 0, image_bytes_);
        slot.copied[i] = 1;
        slot.indices[i] = slot.labels[i] = -1;
      } else {
        const uint64_t sample = order ? (*order)[rank] : rank;
        slot.indices[i] = static_cast<int32_t>(sample);
        slot.labels[i] = options_.labels[sample];
        fetch(desk, slot, i);
        if (training())
          placement = random_placement(options_.seed, epoch, sample, options_.pad, options_.flip);
      }
      slot.placement[i * 3] = placement.top;
      slot.placement[i * 3 + 1] = placement.left;
      slot.placement[i * 3 + 2] = placement.mirror;
    }
  }

  uint8_t* pixels(const Slot& slot, int64_t i) const {
    return slot.images.get() + i * image_bytes_;
  }

  /// Of a set in memory, unless the image is there already.
  void copy_pixels(Slot& slot, int64_t i) const {
    if (slot.copied[i] != 0) return;
    std::memcpy(pixels(slot, i), options_.images + slot.indices[i] * image_bytes_, image_bytes_);
    slot.copied[i] = 1;
  }

  void fetch(Desk& desk, Slot& slot, int64_t i) const {
    slot.copied[i] = 0;
    if (options_.kind == LoaderOptions::Kind::memory) {
      if (pixels_wanted_.load(std::memory_order_relaxed)) copy_pixels(slot, i);
      return;
    }
    const std::string& path = options_.paths[slot.indices[i]];
    read_file(path, desk.file);
    desk.decoder.decode_into(desk.file.data(), desk.file.size(),
                             {.channels = options_.channels,
                              .resize = options_.resize,
                              .height = options_.height,
                              .width = options_.width,
                              .exact = options_.resize == 0},
                             path, pixels(slot, i));
    slot.copied[i] = 1;
  }

  const LoaderOptions options_;
  const int64_t image_bytes_;
  const uint64_t samples_;
  Orders orders_;
  std::atomic<bool> pixels_wanted_{true};
  Ring ring_;
  std::vector<Slot> slots_;
  std::vector<std::thread> workers_;
};

}  // namespace

std::shared_ptr<BatchSource> make_loader(LoaderOptions options) {
  validate(options);
  return std::make_shared<Loader>(std::move(options));
}

}  // namespace preresnet
