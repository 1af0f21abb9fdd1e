#include "cuda/machine.h"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <string>

#include "core/error.h"
#include "cuda/cudart/check.h"
#include "cuda/cudnn/library.h"

namespace preresnet::cuda {
namespace {

constexpr int kOldestArchitecture = 80;  // A100: bf16, and cuDNN's fused convolutions

std::string dotted(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int device_count(int driver) {
  int count = 0;
  const cudaError_t error = driver == 0 ? cudaErrorInsufficientDriver : cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

/// A driver serves every release of its own major number and older ones.
constexpr int kOldestDriver = CUDART_VERSION / 1000 * 1000;

std::string driver_problem(int driver, int devices) {
  const std::string wanted =
      "expected an NVIDIA driver for CUDA " + dotted(kOldestDriver) + " or later, got ";
  if (driver == 0) return wanted + "none";
  if (driver < kOldestDriver) return wanted + "one for CUDA " + dotted(driver);
  if (devices > 0) return "";
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  return "expected a GPU, got none that CUDA can see" +
         (error == cudaSuccess
              ? ""
              : std::string(": ") + cudaGetErrorString(error) + cudart::remedy(error));
}

template <size_t length>
void copy(char (&to)[length], const std::string& from) {
  std::snprintf(to, length, "%s", from.c_str());
}

}  // namespace

preresnet_cuda_information machine_information() {
  preresnet_cuda_information found{};
  found.size = sizeof found;
  found.built_for_runtime = CUDART_VERSION;
  cudaRuntimeGetVersion(&found.runtime);
  found.driver = driver_version();
  found.built_for_cudnn = static_cast<int32_t>(cudnn::built_for());
  found.cudnn = static_cast<int32_t>(cudnn::version());
  found.cudnn_frontend = cudnn::frontend_version();
  found.devices = device_count(found.driver);
  copy(found.architectures, PRERESNET_CUDA_ARCHITECTURES);
  std::string problem = driver_problem(found.driver, found.devices);
  if (problem.empty()) problem = cudnn::problem();
  copy(found.problem, problem);
  return found;
}

preresnet_cuda_device machine_device(int32_t index) {
  const int driver = driver_version();
  const int devices = device_count(driver);
  std::string problem = driver_problem(driver, devices);
  // Last, since it loads cuDNN, some 150 MB, for which a machine without a GPU has no use.
  if (problem.empty()) problem = cudnn::problem();
  if (!problem.empty()) throw Error("ERR_DEVICE", problem);
  if (index < 0 || index >= devices)
    throw Error("ERR_DEVICE", "expected a GPU from 0 to " + std::to_string(devices - 1) + ", got " +
                                  std::to_string(index));
  cudaDeviceProp properties{};
  PRERESNET_CUDA(cudaGetDeviceProperties(&properties, index));
  preresnet_cuda_device device{};
  device.size = sizeof device;
  copy(device.name, properties.name);
  device.architecture = properties.major * 10 + properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  if (device.architecture < kOldestArchitecture)
    throw Error("ERR_DEVICE", "expected a GPU of compute capability 8.0 or more, got " +
                                  std::to_string(properties.major) + "." +
                                  std::to_string(properties.minor) + " (" + properties.name + ")");
  size_t available = 0, total = 0;
  PRERESNET_CUDA(cudaSetDevice(index));
  PRERESNET_CUDA(cudaMemGetInfo(&available, &total));
  device.memory = total;
  device.available = available;
  return device;
}

}  // namespace preresnet::cuda
