#include "cuda/emulation/blocks.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "cuda/emulation/device.h"
#include "cuda/emulation/fiber.h"

namespace preresnet::cuda::emulation {

constinit thread_local Now now;

namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kMostThreads = 1024;
constexpr size_t kMostSharedBytes = 48 << 10;

/// SplitMix64 (Steele, Lea and Flood, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// 0 ... count - 1.
  size_t below(size_t count) {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    bits ^= bits >> 31;
    return static_cast<size_t>(((bits >> 32) * count) >> 32);
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  uint64_t state_;
};

/// What a thread waits for.
enum class State : uint8_t { running, barrier, shuffle, left };

struct Thread {
  explicit Thread(std::function<void()> work) : fiber(std::move(work)) {}
  Fiber fiber;
  Dim3 index;
  State state = State::left;
  bool inside = false;                          // the kernel has begun and not ended
  const std::source_location* where = nullptr;  // of the barrier or shuffle
  Shuffle kind = Shuffle::down;
  uint32_t mask = 0, distance = 0;
  uint32_t given = 0, received = 0;
  std::exception_ptr error;
};

struct SharedArray {
  const void* key;
  size_t bytes;
  std::unique_ptr<std::byte[]> memory;
};

/// Thrown inside threads that will not be resumed, so that their stacks are unwound.
struct Abandoned {};

std::string text(Dim3 index) {
  return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " +
         std::to_string(index.z) + ")";
}

std::string text(const std::source_location& where) {
  const std::string file = where.file_name();
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line());
}

/// One multiprocessor for one host thread.
class Machine {
 public:
  void seed(uint64_t seed) { random_ = Random(seed); }

  void run(Dim3 grid, Dim3 block, const std::function<void()>& work) {
    if (now.thread != nullptr) throw Error("ERR_INTERNAL", "a kernel cannot launch kernels");
    const size_t threads = size_t{block.x} * block.y * block.z;
    if (threads < 1 || threads > kMostThreads) {
      throw Error("ERR_INTERNAL", "expected blocks of 1 to 1024 threads, got " + text(block));
    }
    std::vector<size_t> blocks(size_t{grid.x} * grid.y * grid.z);
    if (blocks.empty() || grid.y > 65535 || grid.z > 65535) {
      throw Error("ERR_INTERNAL", "expected a grid of blocks, got " + text(grid));
    }
    std::iota(blocks.begin(), blocks.end(), size_t{0});
    random_.shuffle(blocks);
    prepare(grid, block, threads, work);
    const Leave leave(*this);
    for (const size_t index : blocks) {
      now.block = {static_cast<unsigned>(index % grid.x),
                   static_cast<unsigned>(index / grid.x % grid.y),
                   static_cast<unsigned>(index / grid.x / grid.y)};
      run_block();
    }
  }

  void wait(State state, const std::source_location& where) {
    Thread& thread = *current_;
    thread.state = state;
    thread.where = &where;
    thread.fiber.pause();
    if (abandoned_) throw Abandoned();
  }

  uint32_t shuffle(Shuffle kind, uint32_t mask, uint32_t value, uint32_t distance,
                   const std::source_location& where) {
    Thread& thread = *current_;
    thread.kind = kind;
    thread.mask = mask;
    thread.distance = distance;
    thread.given = value;
    wait(State::shuffle, where);
    return thread.received;
  }

  void* shared(const void* key, size_t bytes) {
    for (const SharedArray& array : shared_) {
      if (array.key == key) return array.memory.get();
    }
    shared_bytes_ += bytes;
    if (shared_bytes_ > kMostSharedBytes) {
      throw Error("ERR_INTERNAL", "expected at most 49152 bytes of shared memory, got " +
                                      std::to_string(shared_bytes_));
    }
    shared_.push_back({key, bytes, std::make_unique_for_overwrite<std::byte[]>(bytes)});
    poison(shared_.back());
    return shared_.back().memory.get();
  }

 private:
  /// After a launch, whether it ended well or not.
  struct Leave {
    explicit Leave(Machine& machine) : machine(machine) {}
    ~Leave() {
      machine.abandon();
      machine.shared_.clear();
      machine.shared_bytes_ = 0;
      now = {};
    }
    Leave(const Leave&) = delete;
    Leave& operator=(const Leave&) = delete;
    Machine& machine;
  };

  void prepare(Dim3 grid, Dim3 block, size_t threads, const std::function<void()>& work) {
    work_ = &work;
    now.block_size = block;
    now.grid = grid;
    while (threads_.size() < threads) {
      threads_.push_back(std::make_unique<Thread>([this] { run_thread(); }));
    }
    count_ = threads;
    for (size_t i = 0; i < threads; ++i) {
      threads_[i]->index = {static_cast<unsigned>(i % block.x),
                            static_cast<unsigned>(i / block.x % block.y),
                            static_cast<unsigned>(i / block.x / block.y)};
    }
  }

  /// Inside a fiber.
  void run_thread() {
    Thread& thread = *current_;
    thread.inside = true;
    try {
      (*work_)();
    } catch (const Abandoned&) {
    } catch (...) {
      thread.error = std::current_exception();
    }
    thread.inside = false;
    thread.state = State::left;
  }

  /// All bits set: a NaN, a negative integer, no bool.
  static void poison(const SharedArray& array) {
    std::memset(array.memory.get(), 0xff, array.bytes);
  }

  void run_block() {
    for (const SharedArray& array : shared_) poison(array);
    for (size_t i = 0; i < count_; ++i) threads_[i]->state = State::running;
    for (;;) {
      resume_all();
      if (resume_warps()) continue;
      if (!resume_block()) return;
    }
  }

  /// Every thread that can run does, up to its next barrier or shuffle.
  void resume_all() {
    ready_.clear();
    for (size_t i = 0; i < count_; ++i) {
      if (threads_[i]->state == State::running) ready_.push_back(threads_[i].get());
    }
    random_.shuffle(ready_);
    for (Thread* thread : ready_) resume(*thread);
  }

  void resume(Thread& thread) {
    current_ = &thread;
    now.thread = &thread.index;
    thread.fiber.enter();
    now.thread = nullptr;
    current_ = nullptr;
    if (thread.error) std::rethrow_exception(std::exchange(thread.error, nullptr));
  }

  /// Exchanges values in warps that are at a shuffle; whether there were any.
  bool resume_warps() {
    bool any = false;
    for (size_t first = 0; first < count_; first += kWarp) {
      const size_t lanes = std::min<size_t>(kWarp, count_ - first);
      for (size_t i = 0; i < lanes; ++i) {
        if (threads_[first + i]->state != State::shuffle) continue;
        check_warp(first, lanes, *threads_[first + i]);
        exchange(first);
        any = true;
        break;
      }
    }
    return any;
  }

  void check_warp(size_t first, size_t lanes, const Thread& one) {
    const std::string expected =
        "expected the 32 lanes of a warp at the shuffle of " + text(*one.where) + ", got ";
    if (one.mask != 0xffffffffu) throw Error("ERR_INTERNAL", expected + "a mask of fewer");
    if (lanes < kWarp) throw Error("ERR_INTERNAL", expected + std::to_string(lanes) + " lanes");
    for (size_t i = 0; i < lanes; ++i) {
      const Thread& thread = *threads_[first + i];
      if (thread.state != State::shuffle || thread.mask != one.mask || thread.kind != one.kind ||
          !same_place(thread, one)) {
        throw Error("ERR_INTERNAL", expected + describe(thread));
      }
    }
  }

  void exchange(size_t first) {
    for (unsigned lane = 0; lane < kWarp; ++lane) {
      Thread& thread = *threads_[first + lane];
      unsigned source =
          thread.kind == Shuffle::down ? lane + thread.distance : lane ^ thread.distance;
      if (source >= kWarp) source = lane;
      thread.received = threads_[first + source]->given;
      thread.state = State::running;
    }
  }

  /// Opens the barrier that all threads are at; false where all have left.
  bool resume_block() {
    const Thread* waiting = nullptr;
    for (size_t i = 0; i < count_ && waiting == nullptr; ++i) {
      if (threads_[i]->state == State::barrier) waiting = threads_[i].get();
    }
    if (waiting == nullptr) return false;
    for (size_t i = 0; i < count_; ++i) {
      const Thread& thread = *threads_[i];
      if (thread.state != State::barrier || !same_place(thread, *waiting)) {
        throw Error("ERR_INTERNAL", "expected all threads of a block at the barrier of " +
                                        text(*waiting->where) + ", got " + describe(thread));
      }
    }
    for (size_t i = 0; i < count_; ++i) threads_[i]->state = State::running;
    return true;
  }

  static bool same_place(const Thread& a, const Thread& b) {
    return a.where->line() == b.where->line() &&
           std::strcmp(a.where->file_name(), b.where->file_name()) == 0;
  }

  static std::string describe(const Thread& thread) {
    const std::string who = "thread " + text(thread.index) + " of block " + text(now.block);
    if (thread.state == State::left) return who + ", which has left the kernel";
    return who + " at the " + (thread.state == State::barrier ? "barrier" : "shuffle") + " of " +
           text(*thread.where);
  }

  void abandon() {
    abandoned_ = true;
    for (size_t i = 0; i < count_; ++i) {
      Thread& thread = *threads_[i];
      if (thread.inside) {
        current_ = &thread;
        thread.fiber.enter();
      }
      thread.state = State::left;
      thread.error = nullptr;
    }
    current_ = nullptr;
    abandoned_ = false;
  }

  Random random_{1};
  std::vector<std::unique_ptr<Thread>> threads_;  // as many as any launch had
  size_t count_ = 0;                              // of the block that runs
  std::vector<Thread*> ready_;
  Thread* current_ = nullptr;
  const std::function<void()>* work_ = nullptr;
  std::vector<SharedArray> shared_;
  size_t shared_bytes_ = 0;
  bool abandoned_ = false;
};

Machine& machine() {
  thread_local Machine instance;
  return instance;
}

}  // namespace

void barrier(const std::source_location& where) { machine().wait(State::barrier, where); }

uint32_t shuffle(Shuffle kind, uint32_t mask, uint32_t value, uint32_t distance,
                 const std::source_location& where) {
  return machine().shuffle(kind, mask, value, distance, where);
}

void* shared_memory(const void* key, size_t bytes) { return machine().shared(key, bytes); }

void run_blocks(Dim3 grid, Dim3 block, const std::function<void()>& thread) {
  machine().run(grid, block, thread);
}

void seed_blocks(uint64_t seed) { machine().seed(seed); }

}  // namespace preresnet::cuda::emulation
