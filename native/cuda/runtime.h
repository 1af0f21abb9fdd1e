// Seam 3 of 3: what the executor asks of CUDA's runtime. cudart/ implements it over the real one;
// emulation/ records what is enqueued and runs it, at a synchronization or a replay, in a random
// order that the recorded events allow.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cuda/settings.h"

namespace preresnet::cuda {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

/// Streams and events are small numbers; the runtime makes them when they are first used.
enum class Stream : int {};

struct Event {
  /// Streams may wait for any event. What else is asked of it, and so what it costs:
  enum class Use : uint8_t {
    order,  // nothing
    host,   // the host waits for it too, and sleeps meanwhile
    time,   // it tells the time
  };
  int number;
  Use use = Use::order;  // always the same for a number
};

/// Work of one stream: a kernel, or a call into a library.
struct Launch {
  const char* name = "";
  Dim3 grid, block;
  const void* kernel = nullptr;    // for cudaLaunchKernel
  void** arguments = nullptr;      // likewise; only valid during launch()
  std::function<void()> emulated;  // what the emulated device does instead
};

/// A captured step.
class Graph {
 public:
  virtual ~Graph() = default;
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  struct Properties {
    std::string name;
    int architecture = 0;  // 90
    int multiprocessors = 1;
    size_t l2_bytes = 0;
  };
  virtual const Properties& properties() const = 0;

  /// Device memory, aligned to 256 bytes, contents undefined. ERR_MEMORY with what was wanted and
  /// what is free.
  virtual void* allocate(size_t bytes) = 0;
  virtual void free(void*) noexcept = 0;
  virtual size_t available_bytes() const = 0;
  /// What has to stay free for that which is not allocated here and comes later: the code of
  /// kernels, which is loaded when they are first launched.
  virtual size_t reserved_bytes() const = 0;
  /// What may be allocated now.
  size_t plannable_bytes() const {
    const size_t available = available_bytes();
    return available - std::min(available, reserved_bytes());
  }
  /// Host memory that the device reads and writes while the host goes on.
  virtual void* allocate_pinned(size_t bytes) = 0;
  virtual void free_pinned(void*) noexcept = 0;

  // Enqueued; return at once. ERR_DEVICE where CUDA reports an error, of this call or of an earlier
  // one.
  virtual void launch(Stream, const Launch&) = 0;
  virtual void copy_to_device(Stream, void* device, const void* pinned, size_t bytes) = 0;
  virtual void copy_to_host(Stream, void* pinned, const void* device, size_t bytes) = 0;
  virtual void copy_on_device(Stream, void* to, const void* from, size_t bytes) = 0;
  virtual void fill(Stream, void* device, uint8_t value, size_t bytes) = 0;
  virtual void record(Stream, Event) = 0;
  virtual void wait(Stream, Event) = 0;

  // The host waits.
  virtual void synchronize(Stream) = 0;
  virtual void synchronize(Event) = 0;  // of use `host`
  /// Does not wait: whether it would have to, for an event of use `host`.
  virtual bool reached(Event) = 0;
  /// Between two events of use `time` that were recorded and reached.
  virtual double milliseconds(Event from, Event to) = 0;

  /// Everything enqueued on the stream, and on streams that wait for it, until end_capture becomes
  /// a graph and is not run.
  virtual void begin_capture(Stream) = 0;
  virtual std::unique_ptr<Graph> end_capture(Stream) = 0;
  virtual void replay(Stream, const Graph&) = 0;

  /// The library's own stream handle (cudaStream_t), for cuDNN; null on the emulated device.
  virtual void* native(Stream) = 0;

  /// Calls of launch so far; counted by the emulated device only.
  virtual uint64_t launches() const { return 0; }
};

/// Each library has one of them: cudart/ or emulation/. ERR_DEVICE where the device cannot be used.
std::unique_ptr<Runtime> make_runtime(const Settings&);

}  // namespace preresnet::cuda
