#include "cuda/cudnn/handles.h"

#include <cudnn.h>

#include <string>

#include "core/error.h"
#include "cuda/cudnn/library.h"

namespace preresnet::cuda::cudnn {
namespace {
constexpr int kFirst = 2;  // streams that convolutions usually run on

void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS)
    throw Error("ERR_DEVICE", std::string(call) + " failed: " + cudnnGetErrorString(status));
}
}  // namespace

Handles::Handles(Runtime& runtime) : runtime_(runtime) {
  require();
  for (int stream = 0; stream < kFirst; ++stream) of(Stream(stream));
}

Handles::~Handles() {
  for (const auto& [stream, handle] : handles_) cudnnDestroy(static_cast<cudnnHandle_t>(handle));
}

void* Handles::of(Stream stream) {
  // Makes the device current too, which cuDNN takes for granted.
  const auto native = static_cast<cudaStream_t>(runtime_.native(stream));
  const auto found = handles_.find(stream);
  if (found != handles_.end()) return found->second;
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle), "cudnnCreate");
  handles_.emplace(stream, handle);
  check(cudnnSetStream(handle, native), "cudnnSetStream");
  return handle;
}

}  // namespace preresnet::cuda::cudnn
