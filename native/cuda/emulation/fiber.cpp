#include "cuda/emulation/fiber.h"

#include <boost/context/protected_fixedsize_stack.hpp>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace preresnet::cuda::emulation {
namespace {

constexpr size_t kStackBytes = 64 << 10;

#ifdef __SANITIZE_ADDRESS__
void leaving(void** fake, const void* bottom, size_t size) {
  __sanitizer_start_switch_fiber(fake, bottom, size);
}
void arrived(void* fake, const void** bottom, size_t* size) {
  __sanitizer_finish_switch_fiber(fake, bottom, size);
}
void forget(void* bottom, size_t size) { __asan_unpoison_memory_region(bottom, size); }
#else
void leaving(void**, const void*, size_t) {}
void arrived(void*, const void**, size_t*) {}
void forget(void*, size_t) {}
#endif

/// Stacks that sessions have left, for the next one: each new one costs three system calls and its
/// page faults, and a session has up to a thousand.
class Kept {
 public:
  std::optional<boost::context::stack_context> take() {
    const std::lock_guard lock(mutex_);
    if (stacks_.empty()) return std::nullopt;
    const auto stack = stacks_.back();
    stacks_.pop_back();
    return stack;
  }
  bool keep(const boost::context::stack_context& stack) {
    const std::lock_guard lock(mutex_);
    if (stacks_.size() >= kMost) return false;
    stacks_.push_back(stack);
    return true;
  }

 private:
  static constexpr size_t kMost = 2048;
  std::mutex mutex_;
  std::vector<boost::context::stack_context> stacks_;
};

/// Never destroyed: threads may end after the statics do.
Kept& kept() {
  static auto* const all = new Kept;
  return *all;
}

/// A guard page below each stack: an overflow ends the process, it does not spoil other memory.
class Stacks {
 public:
  boost::context::stack_context allocate() {
    if (const auto stack = kept().take()) return *stack;
    return stacks_.allocate();
  }
  void deallocate(boost::context::stack_context& stack) {
    // The last frames were never left. Whatever gets this memory next must not inherit their marks.
    forget(static_cast<std::byte*>(stack.sp) - stack.size, stack.size);
    if (!kept().keep(stack)) stacks_.deallocate(stack);
  }

 private:
  boost::context::protected_fixedsize_stack stacks_{kStackBytes};
};

}  // namespace

Fiber::Fiber(std::function<void()> work) : work_(std::move(work)) {
  Stacks stacks;
  stack_ = stacks.allocate();
  inside_ = boost::context::fiber(std::allocator_arg,
                                  boost::context::preallocated(stack_.sp, stack_.size, stack_),
                                  stacks, [this](boost::context::fiber&& outside) {
                                    outside_ = std::move(outside);
                                    arrived(nullptr, &outside_bottom_, &outside_size_);
                                    run();
                                    leaving(nullptr, outside_bottom_, outside_size_);
                                    return std::move(outside_);
                                  });
}

Fiber::~Fiber() {
  ending_ = true;
  enter();
}

void Fiber::run() {
  while (!ending_) {
    work_();
    pause();
  }
}

void Fiber::enter() {
  leaving(&fake_outside_, static_cast<std::byte*>(stack_.sp) - stack_.size, stack_.size);
  inside_ = std::move(inside_).resume();
  arrived(fake_outside_, nullptr, nullptr);
}

void Fiber::pause() {
  leaving(&fake_inside_, outside_bottom_, outside_size_);
  outside_ = std::move(outside_).resume();
  arrived(fake_inside_, &outside_bottom_, &outside_size_);
}

}  // namespace preresnet::cuda::emulation
