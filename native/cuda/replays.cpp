#include "cuda/replays.h"

namespace preresnet::cuda {

std::unique_ptr<Graph> capture(Runtime& runtime, const std::function<void()>& enqueue) {
  runtime.begin_capture(kMain);
  std::exception_ptr failure;
  try {
    enqueue();
  } catch (...) {
    failure = std::current_exception();
  }
  std::unique_ptr<Graph> graph;
  try {
    graph = runtime.end_capture(kMain);
  } catch (...) {
    if (failure == nullptr) throw;
  }
  if (failure != nullptr) std::rethrow_exception(failure);
  return graph;
}

}  // namespace preresnet::cuda
