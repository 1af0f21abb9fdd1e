#include "cuda/cudnn/library.h"

#include <cudnn.h>
#include <cudnn_frontend_version.h>
#include <dlfcn.h>
#include <nvrtc.h>

#include <cstdlib>
#include <vector>

#include "core/error.h"

namespace preresnet::cuda::cudnn {
namespace {

struct Opened {
  void* library = nullptr;
  std::string problem;
};

/// Looks in the folder that CUDNN_PATH names, and in that of CUDA beside it, as wheels lie; then in
/// the library path of this library and the system's.
void* open_library(const std::string& name, std::string& problem) {
  std::vector<std::string> paths;
  if (const char* path = std::getenv("CUDNN_PATH"); path != nullptr && *path != '\0')
    for (const char* folder : {"/lib/", "/lib64/", "/../cu13/lib/"})
      paths.push_back(path + std::string(folder) + name);
  paths.push_back(name);
  for (const std::string& candidate : paths) {
    if (void* library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    problem = dlerror();
  }
  return nullptr;
}

std::string dotted(size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

/// NVRTC in turn opens the library of its built-in functions by its bare name, which fails where it
/// lies in a folder that no library path names, as wheels do. Without it NVRTC compiles nothing.
void open_builtins(void* nvrtc) {
  const auto get = reinterpret_cast<decltype(&nvrtcVersion)>(dlsym(nvrtc, "nvrtcVersion"));
  int major = 0;
  int minor = 0;
  Dl_info found;
  if (get == nullptr || get(&major, &minor) != NVRTC_SUCCESS ||
      dladdr(reinterpret_cast<void*>(get), &found) == 0)
    return;
  const std::string path = found.dli_fname;
  const std::string name =
      "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
  // Where it is not beside NVRTC, NVRTC may know better, or says itself what it lacks.
  dlopen((path.substr(0, path.rfind('/') + 1) + name).c_str(), RTLD_NOW | RTLD_LOCAL);
}

Opened open() {
  Opened opened;
  std::string ignored;
  // cuDNN looks for these by name, which succeeds once they are open. Without cuBLASLt it aborts.
  if (void* nvrtc = open_library("libnvrtc.so.13", ignored)) open_builtins(nvrtc);
  if (open_library("libcublasLt.so.13", opened.problem) == nullptr) {
    opened.problem =
        "expected cuBLASLt 13 (libcublasLt.so.13), which cuDNN needs, got none: " + opened.problem;
    return opened;
  }
  opened.library = open_library("libcudnn.so.9", opened.problem);
  if (opened.library == nullptr) {
    opened.problem = "expected cuDNN " + dotted(CUDNN_VERSION) +
                     " or later (libcudnn.so.9), got none: " + opened.problem +
                     "; CUDNN_PATH names its folder";
    return opened;
  }
  opened.problem.clear();
  const auto get =
      reinterpret_cast<decltype(&cudnnGetVersion)>(dlsym(opened.library, "cudnnGetVersion"));
  const size_t found = get == nullptr ? 0 : get();
  if (found < CUDNN_VERSION)
    opened.problem = "expected cuDNN " + dotted(CUDNN_VERSION) + " or later, got " + dotted(found);
  return opened;
}

const Opened& opened() {
  static const Opened once = open();
  return once;
}

}  // namespace

size_t version() { return opened().library == nullptr ? 0 : cudnnGetVersion(); }

size_t built_for() { return CUDNN_VERSION; }

int frontend_version() { return CUDNN_FRONTEND_VERSION; }

std::string problem() { return opened().problem; }

void require() {
  if (!opened().problem.empty()) throw Error("ERR_DEVICE", opened().problem);
}

namespace {
/// The library's function of that name; null where it has none.
template <class Function>
Function* find(const char* name) {
  return opened().library == nullptr ? nullptr
                                     : reinterpret_cast<Function*>(dlsym(opened().library, name));
}
}  // namespace
}  // namespace preresnet::cuda::cudnn

// cudnn-frontend can open cuDNN itself, but then opens a second CUDA runtime too. It calls these.
#define PRERESNET_FORWARD(name, otherwise, ...)                                     \
  static const auto function = preresnet::cuda::cudnn::find<decltype(name)>(#name); \
  return function == nullptr ? (otherwise) : function(__VA_ARGS__)

extern "C" {

size_t CUDNNWINAPI cudnnGetVersion() { PRERESNET_FORWARD(cudnnGetVersion, 0); }

const char* CUDNNWINAPI cudnnGetErrorString(cudnnStatus_t status) {
  PRERESNET_FORWARD(cudnnGetErrorString, "cuDNN is not loaded", status);
}

void CUDNNWINAPI cudnnGetLastErrorString(char* message, size_t length) {
  static const auto function =
      preresnet::cuda::cudnn::find<decltype(cudnnGetLastErrorString)>("cudnnGetLastErrorString");
  if (function != nullptr)
    function(message, length);
  else if (length > 0)
    *message = '\0';
}

cudnnStatus_t CUDNNWINAPI cudnnCreate(cudnnHandle_t* handle) {
  PRERESNET_FORWARD(cudnnCreate, CUDNN_STATUS_NOT_INITIALIZED, handle);
}

cudnnStatus_t CUDNNWINAPI cudnnDestroy(cudnnHandle_t handle) {
  PRERESNET_FORWARD(cudnnDestroy, CUDNN_STATUS_NOT_INITIALIZED, handle);
}

cudnnStatus_t CUDNNWINAPI cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  PRERESNET_FORWARD(cudnnSetStream, CUDNN_STATUS_NOT_INITIALIZED, handle, stream);
}

cudnnStatus_t CUDNNWINAPI cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  PRERESNET_FORWARD(cudnnGetStream, CUDNN_STATUS_NOT_INITIALIZED, handle, stream);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                                       cudnnBackendDescriptor_t* descriptor) {
  PRERESNET_FORWARD(cudnnBackendCreateDescriptor, CUDNN_STATUS_NOT_INITIALIZED, type, descriptor);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  PRERESNET_FORWARD(cudnnBackendDestroyDescriptor, CUDNN_STATUS_NOT_INITIALIZED, descriptor);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  PRERESNET_FORWARD(cudnnBackendFinalize, CUDNN_STATUS_NOT_INITIALIZED, descriptor);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                                   cudnnBackendAttributeName_t name,
                                                   cudnnBackendAttributeType_t type, int64_t count,
                                                   const void* values) {
  // cudnn-frontend 1.18 and later ask for sums in the type of what is summed; they must be fp32.
  static const cudnnDataType_t precision = CUDNN_DATA_FLOAT;
  if (name == CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC) values = &precision;
  PRERESNET_FORWARD(cudnnBackendSetAttribute, CUDNN_STATUS_NOT_INITIALIZED, descriptor, name, type,
                    count, values);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendGetAttribute(const cudnnBackendDescriptor_t descriptor,
                                                   cudnnBackendAttributeName_t name,
                                                   cudnnBackendAttributeType_t type, int64_t most,
                                                   int64_t* count, void* values) {
  PRERESNET_FORWARD(cudnnBackendGetAttribute, CUDNN_STATUS_NOT_INITIALIZED, descriptor, name, type,
                    most, count, values);
}

cudnnStatus_t CUDNNWINAPI cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                              cudnnBackendDescriptor_t addresses) {
  PRERESNET_FORWARD(cudnnBackendExecute, CUDNN_STATUS_NOT_INITIALIZED, handle, plan, addresses);
}

// For kernels of the frontend's own, which no graph here asks for.
nvrtcResult nvrtcCreateProgram(nvrtcProgram*, const char*, const char*, int, const char* const*,
                               const char* const*) {
  return NVRTC_ERROR_INTERNAL_ERROR;
}
nvrtcResult nvrtcDestroyProgram(nvrtcProgram*) { return NVRTC_ERROR_INTERNAL_ERROR; }
nvrtcResult nvrtcCompileProgram(nvrtcProgram, int, const char* const*) {
  return NVRTC_ERROR_INTERNAL_ERROR;
}
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram, size_t*) { return NVRTC_ERROR_INTERNAL_ERROR; }
nvrtcResult nvrtcGetCUBIN(nvrtcProgram, char*) { return NVRTC_ERROR_INTERNAL_ERROR; }
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram, size_t*) { return NVRTC_ERROR_INTERNAL_ERROR; }
nvrtcResult nvrtcGetProgramLog(nvrtcProgram, char*) { return NVRTC_ERROR_INTERNAL_ERROR; }

}  // extern "C"
