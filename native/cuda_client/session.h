// A session whose programs run in the CUDA library.
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interfaces/cuda_api.h"
#include "program/session.h"

namespace preresnet {

/// Where the programs run, and how.
struct CudaConnection {
  std::string library = "cuda";  // or "cuda-emulated"
  std::string settings = "{}";   // the settings document of the C table
};

/// What a step does to memory and how many launches it takes.
struct BytesMoved {
  int64_t launches = 0, convolution_launches = 0, waits = 0;
  uint64_t bytes_read = 0, bytes_written = 0;
};

class CudaSession : public Session {
 public:
  /// `text`: the JSON that `programs` was read from. Ends with ERR_ABORTED soon after `stop`
  /// becomes true.
  CudaSession(std::unique_ptr<ProgramSet> programs, std::string_view text, const CudaConnection&,
              const std::atomic<bool>& stop);
  ~CudaSession() override;

  SessionMemory memory() const override;
  void allocate() override;
  Values read(std::string_view tensor) override;
  void read_floats(std::string_view tensor, std::span<float> target) override;
  void write(std::string_view tensor, const Values&) override;
  void write_floats(std::string_view tensor, std::span<const float>) override;
  const Tensor& viewable(std::string_view tensor) override;
  std::shared_ptr<Arena> arena(std::string_view name) const override;
  RunOutcome run(std::string_view program, const RunRequest&) override;
  size_t most_inferences() const override { return PRERESNET_CUDA_INFERENCES; }
  void begin_inference(const Inference&) override;
  bool end_inference(bool wait) override;
  Roofline measure_roofline() override;
  std::vector<TraceEvent> trace() const override;
  BytesMoved bytes_moved(const std::string& program);

 private:
  /// With its contents, which lie in `bytes`.
  Tensor fetched(std::string_view name, std::vector<std::byte>& bytes);
  template <class Write>
  void write_by(std::string_view tensor, Write&& into);
  struct Running;
  /// A tensor with memory of its own, for what comes of an inference, and where that goes.
  struct Fetched {
    Tensor tensor;
    std::vector<std::byte> bytes;
    std::span<float> target;
  };

  void check_written_indices(const Program&) const;
  void fetch_trace();

  const preresnet_cuda_api& library_;
  preresnet_cuda_session* session_ = nullptr;
  /// Integers among the inputs as they were last written: a step's indices are looked at before it.
  std::map<std::string_view, std::vector<int32_t>> indices_;
  std::deque<std::vector<Fetched>> inferences_;  // those under way, the oldest first
  mutable std::mutex trace_mutex_;
  std::vector<TraceEvent> trace_;  // guarded by trace_mutex_
};

}  // namespace preresnet
