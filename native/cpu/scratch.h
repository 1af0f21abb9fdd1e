// Memory beside the arenas. Operations run one after another, so what each needs while it runs may
// lie over what the others need; only what is kept from run to run lies apart. All of it is known
// before it is allocated, in one piece.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace preresnet::cpu {

class Scratch;

/// A range that exists once: for as long as an operation runs, or for good.
struct SharedRange {
  size_t offset = 0;
  size_t bytes = 0;
  bool kept = false;
};
/// A range that every thread has.
struct ThreadRange {
  size_t offset = 0;
  size_t bytes = 0;
};

/// Lays out the ranges of one operation. While it lives it is the only one of its Scratch.
class ScratchPlan {
 public:
  explicit ScratchPlan(Scratch& scratch) : scratch_(scratch) {}
  SharedRange shared(size_t bytes);
  ThreadRange thread(size_t bytes);
  /// Zero after allocation, and never touched by another operation.
  SharedRange kept(size_t bytes);

 private:
  Scratch& scratch_;
  size_t shared_ = 0;
  size_t thread_ = 0;
};

/// Gives back the pages that a range lies in.
struct Unmap {
  void* base = nullptr;
  size_t bytes = 0;
  void operator()(std::byte* memory) const;
};

class Scratch {
 public:
  explicit Scratch(int threads) : threads_(threads) {}
  size_t bytes() const { return allocation_bytes(); }
  void allocate(bool huge_pages);

  template <class T>
  T* at(const SharedRange& range) const {
    return reinterpret_cast<T*>(memory_.get() + (range.kept ? 0 : kept_) + range.offset);
  }
  template <class T>
  T* at(const ThreadRange& range, int thread) const {
    return reinterpret_cast<T*>(memory_.get() + kept_ + shared_ +
                                static_cast<size_t>(thread) * thread_ + range.offset);
  }

 private:
  friend class ScratchPlan;
  size_t allocation_bytes() const {
    return kept_ + shared_ + static_cast<size_t>(threads_) * thread_;
  }

  int threads_;
  size_t kept_ = 0;
  size_t shared_ = 0;
  size_t thread_ = 0;
  std::unique_ptr<std::byte, Unmap> memory_;
};

}  // namespace preresnet::cpu
