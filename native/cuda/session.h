// What the table of api.h works on: a set of programs on one device. Used by one thread at a time;
// memory() by any.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "cuda/device.h"
#include "cuda/inference_loop.h"
#include "cuda/prepared.h"
#include "cuda/settings.h"
#include "cuda/step_loop.h"
#include "interfaces/cuda_api.h"

namespace preresnet::cuda {

class DeviceSession {
 public:
  /// Reads and verifies the programs and prepares every operation; ERR_ABORTED soon after `stop`
  /// says so.
  DeviceSession(std::string_view programs, const Settings&, const std::function<bool()>& stop);
  ~DeviceSession();

  preresnet_cuda_memory memory() const;
  void allocate();
  void read(std::string_view tensor, void* bytes, size_t length) const;
  void write(std::string_view tensor, const void* bytes, size_t length);
  void run(preresnet_cuda_run&);
  void begin_inference(const preresnet_cuda_inference&);
  bool end_inference(bool wait, void* const* targets);
  const std::vector<preresnet_cuda_event>& trace() const { return trace_; }
  preresnet_cuda_bytes_moved bytes_moved(std::string_view program);
  preresnet_cuda_roofline roofline();

 private:
  template <class Work>
  auto watching_failures(Work&& work);
  void require_computing() const;
  const Tensor& output(std::string_view name) const;
  const Tensor& persistent(std::string_view name, size_t length) const;
  PreparedProgram& program(std::string_view name) const;
  Device& device() const;
  void refresh_weights();

  const Settings settings_;
  std::unique_ptr<ProgramSet> set_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Convolutions> convolutions_;
  ConvolutionChoice arithmetic_;  // of a plain convolution
  std::map<std::string, std::unique_ptr<PreparedProgram>, std::less<>> programs_;
  /// Of a partial session: why a program could not be prepared.
  std::map<std::string, Error, std::less<>> refused_;
  std::unique_ptr<MemoryPlan> plan_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<StepLoop> loop_;
  std::unique_ptr<InferenceLoop> inferences_;  // from the first one on
  bool stale_weights_ = false;                 // parameters were written; their copies were not
  std::string failure_;                        // of the device; it cannot be used any more
  std::vector<preresnet_cuda_event> trace_;
};

}  // namespace preresnet::cuda
