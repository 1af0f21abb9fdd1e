// A step that is recorded instead of run.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "cuda/runtime.h"

namespace preresnet::cuda::emulation {

class CapturedGraph : public Graph {
 public:
  struct Node {
    int stream;
    std::vector<size_t> needs;  // earlier nodes
    std::function<void()> work;
  };
  std::vector<Node> nodes;
};

/// The rules of cudaStreamBeginCapture: a stream joins by waiting for an event of the capture, and
/// has to be waited for by the first stream in the end.
class Capture {
 public:
  explicit Capture(Stream origin);

  bool has(Stream stream) const { return ends_.find(stream) != ends_.end(); }
  void add(Stream, std::function<void()> work);
  void record(Stream, Event);
  bool recorded(Event event) const { return events_.find(event.number) != events_.end(); }
  void wait(Stream, Event);
  /// ERR_DEVICE where a stream was not joined.
  std::unique_ptr<CapturedGraph> end();

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  Stream origin_;
  std::unique_ptr<CapturedGraph> graph_ = std::make_unique<CapturedGraph>();
  std::map<Stream, size_t> ends_;  // last node, or kNone
  std::map<int, size_t> events_;   // by number
};

}  // namespace preresnet::cuda::emulation
