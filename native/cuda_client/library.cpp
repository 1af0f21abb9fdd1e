#include "cuda_client/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "core/error.h"

namespace preresnet {

namespace {

/// The folder of the file that this code was loaded from.
std::string own_folder() {
  Dl_info information{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &information) == 0) return ".";
  const std::string file = information.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

struct CudaFile {
  std::string file, remedy;
};

std::mutex mutex;

CudaFile& cuda_file() {
  static CudaFile given;
  return given;
}

CudaFile file_of(const std::string& device) {
  if (device != "cuda-emulated") return cuda_file();
  return {own_folder() + "/preresnet_cuda_emulated.so",
          "build it with `npm run build:native` where Boost.Context is installed"};
}

const preresnet_cuda_api* open_library(const std::string& device) {
  const auto [file, remedy] = file_of(device);
  if (access(file.c_str(), F_OK) != 0) {
    throw Error("ERR_DEVICE", "device \"" + device +
                                  "\": the library of the CUDA executor is missing: no " + file +
                                  "; " + remedy);
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("ERR_DEVICE", "device \"" + device +
                                  "\": the library of the CUDA executor cannot be opened: " +
                                  dlerror() + "; " + remedy);
  }
  using GetApi = const preresnet_cuda_api* (*)(uint32_t);
  const auto get_api = reinterpret_cast<GetApi>(dlsym(library, "preresnet_cuda_get_api"));
  const preresnet_cuda_api* api =
      get_api == nullptr ? nullptr : get_api(PRERESNET_CUDA_API_VERSION);
  if (api == nullptr || api->size != sizeof(preresnet_cuda_api)) {
    throw Error("ERR_DEVICE",
                "device \"" + device + "\": " + file + " was built from other sources; " + remedy);
  }
  return api;
}

}  // namespace

void set_cuda_file(const std::string& file, const std::string& remedy) {
  const std::lock_guard lock(mutex);
  cuda_file() = {file, remedy};
}

const preresnet_cuda_api& cuda_library(const std::string& device) {
  static std::map<std::string, const preresnet_cuda_api*> opened;
  const std::lock_guard lock(mutex);
  const preresnet_cuda_api*& api = opened[device];
  if (api == nullptr) api = open_library(device);
  return *api;
}

void check_cuda(int status, const preresnet_cuda_error& error) {
  if (status != 0) throw Error(error.code, error.message);
}

}  // namespace preresnet
