// How an operation of a program becomes launches: operations/NAME.cpp prepares each once and
// enqueues it every step (or once, into a graph). A launch may not allocate, synchronize or read
// device memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "cuda/convolution.h"
#include "cuda/runtime.h"
#include "cuda/step_values.h"
#include "ops/operations.h"

namespace preresnet::cuda {

/// Where one enqueueing of an operation goes.
struct StreamContext {
  Runtime& runtime;
  Stream stream;
  void* workspace;         // of this stream, at least workspace_bytes(); contents undefined
  unsigned* counters;      // of this stream, kCounters zeros; whoever counts leaves zeros
  const StepValues* step;  // device memory
  ptrdiff_t slot = 0;      // bytes from the first input slot to the one in use

  /// Device address of a tensor. Tensors of arena `inputs` exist once a slot.
  template <class T>
  T* at(const Tensor* tensor) const {
    if (tensor == nullptr) return nullptr;
    return reinterpret_cast<T*>(static_cast<std::byte*>(tensor->data) +
                                (tensor->arena == "inputs" ? slot : 0));
  }
};

/// One for each group and 64 channels of it.
constexpr size_t kCounters = 32768;

class DeviceOperation {
 public:
  virtual ~DeviceOperation() = default;
  virtual size_t workspace_bytes() const { return 0; }
  /// Launches made by enqueue, and how many of them are cuDNN's.
  virtual int launches() const { return 1; }
  virtual int convolution_launches() const { return 0; }
  virtual void enqueue(const StreamContext&) const = 0;
};

struct Context {
  Runtime& runtime;
  Convolutions& convolutions;
  Type storage = Type::f32;
  bool tf32 = false;
  bool deterministic = false;
  size_t workspace_limit = 0;
};

// One file each in operations/, of the operation's name. They check their tensors' types and
// layouts and throw ERR_UNSUPPORTED.
#define PRERESNET_PREPARE(Name) \
  std::unique_ptr<DeviceOperation> prepare(const ops::Name&, const Context&);
PRERESNET_EACH_OPERATION(PRERESNET_PREPARE)
#undef PRERESNET_PREPARE

}  // namespace preresnet::cuda
