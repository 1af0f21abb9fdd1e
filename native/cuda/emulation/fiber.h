// A fiber that is used again and again: fibers are cheap to switch to and dear to make.
#pragma once
#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>
#include <functional>

namespace preresnet::cuda::emulation {

class Fiber {
 public:
  /// Each time that the fiber is entered idle it calls `work` once. `work` may not throw.
  explicit Fiber(std::function<void()> work);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From outside: goes on in the fiber until it pauses or its work is done.
  void enter();
  /// From inside: back to where enter() was called.
  void pause();

 private:
  void run();

  std::function<void()> work_;
  bool ending_ = false;
  boost::context::stack_context stack_;
  boost::context::fiber inside_, outside_;
  // AddressSanitizer must be told of every switch.
  void* fake_inside_ = nullptr;
  void* fake_outside_ = nullptr;
  const void* outside_bottom_ = nullptr;
  size_t outside_size_ = 0;
};

}  // namespace preresnet::cuda::emulation
