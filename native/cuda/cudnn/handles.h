// Handles of cuDNN, one a stream, so that none has to change its stream between launches or within
// a capture.
#pragma once
#include <map>

#include "cuda/runtime.h"

namespace preresnet::cuda::cudnn {

class Handles {
 public:
  /// Makes those of the first streams, before anything is captured.
  explicit Handles(Runtime&);
  ~Handles();
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  /// A cudnnHandle_t.
  void* of(Stream);

 private:
  Runtime& runtime_;
  std::map<Stream, void*> handles_;
};

}  // namespace preresnet::cuda::cudnn
