#include "cuda/runtime.h"

#include <cuda_runtime_api.h>

#include <vector>

#include "core/error.h"
#include "cuda/cudart/check.h"
#include "cuda/machine.h"
#include "cuda/streams.h"

namespace preresnet::cuda {
namespace {

class Captured final : public Graph {
 public:
  explicit Captured(cudaGraph_t graph) : graph_(graph) {
    try {
      // Else all nodes have the priority of the stream that the graph is launched into.
      PRERESNET_CUDA(
          cudaGraphInstantiate(&executable_, graph_, cudaGraphInstantiateFlagUseNodePriority));
    } catch (...) {
      cudaGraphDestroy(graph_);
      throw;
    }
  }
  ~Captured() override {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);  // holds what its kernels need, so it lives as long as they may run
  }
  cudaGraphExec_t executable() const { return executable_; }

 private:
  cudaGraph_t graph_;
  cudaGraphExec_t executable_ = nullptr;
};

/// The context and cuDNN's handles are there before memory is planned. What comes later: modules of
/// kernels, which the driver loads when they are first launched (ours are a few MiB; cuDNN's
/// engines have large ones, and a network takes several), local memory of kernels that spill, and
/// graphs. Some hundred MiB together, which nobody tells beforehand; not measured.
constexpr size_t kReserve = size_t{512} << 20;

class CudaRuntime final : public Runtime {
 public:
  explicit CudaRuntime(int device) : device_(device) {
    use_device();
    cudaDeviceProp found{};
    PRERESNET_CUDA(cudaGetDeviceProperties(&found, device_));
    properties_ = {.name = found.name,
                   .architecture = found.major * 10 + found.minor,
                   .multiprocessors = found.multiProcessorCount,
                   .l2_bytes = static_cast<size_t>(found.l2CacheSize)};
  }

  ~CudaRuntime() override {
    cudaSetDevice(device_);
    for (cudaEvent_t event : events_)
      if (event != nullptr) cudaEventDestroy(event);
    for (cudaStream_t stream : streams_)
      if (stream != nullptr) cudaStreamDestroy(stream);
  }

  const Properties& properties() const override { return properties_; }

  void* allocate(size_t bytes) override {
    use_device();
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw Error("ERR_MEMORY", "expected " + std::to_string(bytes) +
                                    " bytes of memory on the device, got " +
                                    std::to_string(available_bytes()) + " that are free");
    }
    PRERESNET_CUDA(error);
    return memory;
  }

  void free(void* memory) noexcept override {
    cudaSetDevice(device_);
    cudaFree(memory);
  }

  size_t available_bytes() const override {
    use_device();
    size_t available = 0, total = 0;
    PRERESNET_CUDA(cudaMemGetInfo(&available, &total));
    return available;
  }

  size_t reserved_bytes() const override { return kReserve; }

  void* allocate_pinned(size_t bytes) override {
    use_device();
    void* memory = nullptr;
    const cudaError_t error = cudaHostAlloc(&memory, bytes, cudaHostAllocPortable);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw Error("ERR_MEMORY",
                  "expected " + std::to_string(bytes) + " bytes of page-locked memory, got none");
    }
    PRERESNET_CUDA(error);
    return memory;
  }

  void free_pinned(void* memory) noexcept override {
    cudaSetDevice(device_);
    cudaFreeHost(memory);
  }

  void launch(Stream stream, const Launch& work) override {
    const dim3 grid(work.grid.x, work.grid.y, work.grid.z);
    const dim3 block(work.block.x, work.block.y, work.block.z);
    cudart::check(cudaLaunchKernel(work.kernel, grid, block, work.arguments, 0, of(stream)),
                  work.name, __FILE__, __LINE__);
  }

  void copy_to_device(Stream stream, void* device, const void* pinned, size_t bytes) override {
    PRERESNET_CUDA(cudaMemcpyAsync(device, pinned, bytes, cudaMemcpyHostToDevice, of(stream)));
  }
  void copy_to_host(Stream stream, void* pinned, const void* device, size_t bytes) override {
    PRERESNET_CUDA(cudaMemcpyAsync(pinned, device, bytes, cudaMemcpyDeviceToHost, of(stream)));
  }
  void copy_on_device(Stream stream, void* to, const void* from, size_t bytes) override {
    PRERESNET_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, of(stream)));
  }
  void fill(Stream stream, void* device, uint8_t value, size_t bytes) override {
    PRERESNET_CUDA(cudaMemsetAsync(device, value, bytes, of(stream)));
  }
  void record(Stream stream, Event event) override {
    PRERESNET_CUDA(cudaEventRecord(of(event), of(stream)));
  }
  void wait(Stream stream, Event event) override {
    PRERESNET_CUDA(cudaStreamWaitEvent(of(stream), of(event), 0));
  }

  void synchronize(Stream stream) override { PRERESNET_CUDA(cudaStreamSynchronize(of(stream))); }
  void synchronize(Event event) override { PRERESNET_CUDA(cudaEventSynchronize(of(event))); }
  bool reached(Event event) override {
    const cudaError_t state = cudaEventQuery(of(event));
    if (state == cudaErrorNotReady) {
      cudaGetLastError();
      return false;
    }
    PRERESNET_CUDA(state);
    return true;
  }
  double milliseconds(Event from, Event to) override {
    float elapsed = 0;
    PRERESNET_CUDA(cudaEventElapsedTime(&elapsed, of(from), of(to)));
    return elapsed;
  }

  void begin_capture(Stream stream) override {
    // Relaxed: cuDNN loads a kernel's code when the kernel is first enqueued.
    PRERESNET_CUDA(cudaStreamBeginCapture(of(stream), cudaStreamCaptureModeRelaxed));
  }
  std::unique_ptr<Graph> end_capture(Stream stream) override {
    cudaGraph_t graph = nullptr;
    PRERESNET_CUDA(cudaStreamEndCapture(of(stream), &graph));
    return std::make_unique<Captured>(graph);
  }
  void replay(Stream stream, const Graph& graph) override {
    PRERESNET_CUDA(cudaGraphLaunch(static_cast<const Captured&>(graph).executable(), of(stream)));
  }

  void* native(Stream stream) override { return of(stream); }

 private:
  /// The current device is a property of the calling thread.
  void use_device() const { PRERESNET_CUDA(cudaSetDevice(device_)); }

  /// Blocks of the critical chain go first, gradients of weights take what it leaves; a captured
  /// kernel has its stream's. What that gains has not been measured.
  static int priority_of(Stream stream) {
    int least = 0, greatest = 0;
    PRERESNET_CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    return stream == kMain ? greatest : least;
  }

  cudaStream_t of(Stream stream) {
    use_device();
    cudaStream_t& made = at(streams_, static_cast<size_t>(stream));
    if (made == nullptr) {
      PRERESNET_CUDA(
          cudaStreamCreateWithPriority(&made, cudaStreamNonBlocking, priority_of(stream)));
    }
    return made;
  }

  static unsigned flags_of(Event::Use use) {
    switch (use) {
      case Event::Use::time:
        return cudaEventDefault;
      case Event::Use::host:
        return cudaEventDisableTiming | cudaEventBlockingSync;  // else the thread spins
      case Event::Use::order:
        break;
    }
    return cudaEventDisableTiming;
  }

  cudaEvent_t of(Event event) {
    use_device();
    cudaEvent_t& made = at(events_, static_cast<size_t>(event.number));
    if (made == nullptr) PRERESNET_CUDA(cudaEventCreateWithFlags(&made, flags_of(event.use)));
    return made;
  }

  template <class T>
  static T& at(std::vector<T>& made, size_t index) {
    if (index >= made.size()) made.resize(index + 1, nullptr);
    return made[index];
  }

  int device_;
  Properties properties_;
  std::vector<cudaStream_t> streams_;
  std::vector<cudaEvent_t> events_;
};

}  // namespace

std::unique_ptr<Runtime> make_runtime(const Settings& settings) {
  if (settings.emulation.has_value()) {
    throw Error("ERR_OPTION", "settings of the device: expected no emulation, got some for a GPU");
  }
  machine_device(settings.index);  // says what is missing better than CUDA would
  return std::make_unique<CudaRuntime>(settings.index);
}

}  // namespace preresnet::cuda
