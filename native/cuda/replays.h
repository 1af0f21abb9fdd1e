// Work that is the same every time: launched one by one once, so that the code of its kernels is
// loaded, then captured, and replayed from then on.
#pragma once
#include <exception>
#include <functional>
#include <map>
#include <memory>

#include "cuda/runtime.h"
#include "cuda/streams.h"

namespace preresnet::cuda {

/// What `enqueue` puts on the main stream, and on streams that wait for it, as a graph.
std::unique_ptr<Graph> capture(Runtime&, const std::function<void()>& enqueue);

/// Of one program. Key: what its work depends on beside it.
template <class Key>
class Replays {
 public:
  /// one_by_one: in any case.
  void run(Runtime& runtime, const Key& key, bool one_by_one,
           const std::function<void()>& enqueue) {
    if (one_by_one || !ran_) {
      enqueue();
      ran_ = true;
      return;
    }
    std::unique_ptr<Graph>& graph = graphs_[key];
    if (graph == nullptr) graph = capture(runtime, enqueue);
    runtime.replay(kMain, *graph);
  }

 private:
  bool ran_ = false;
  std::map<Key, std::unique_ptr<Graph>> graphs_;
};

}  // namespace preresnet::cuda
