// Loads the CUDA library, as the addon does, on a machine that may have neither GPU nor driver, and
// prints what it says of itself. Fails where it cannot be loaded, or where it neither has a device
// nor says why.
#include <dlfcn.h>

#include <cstdio>

#include "interfaces/cuda_api.h"

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: cuda_load LIBRARY\n"), 2;
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::fprintf(stderr, "cuda_load: %s\n", dlerror()), 1;
  using GetApi = const preresnet_cuda_api* (*)(uint32_t);
  const auto get_api = reinterpret_cast<GetApi>(dlsym(library, "preresnet_cuda_get_api"));
  const preresnet_cuda_api* api =
      get_api == nullptr ? nullptr : get_api(PRERESNET_CUDA_API_VERSION);
  if (api == nullptr) return std::fprintf(stderr, "cuda_load: the library has no table\n"), 1;
  preresnet_cuda_error error{};
  preresnet_cuda_information found{};
  found.size = sizeof found;
  if (api->information(&found, &error) != 0)
    return std::fprintf(stderr, "cuda_load: %s: %s\n", error.code, error.message), 1;
  std::printf(
      "CUDA %d, driver %d, cuDNN %d (built for %d), cudnn-frontend %d, for %s: %d devices%s%s\n",
      found.built_for_runtime, found.driver, found.cudnn, found.built_for_cudnn,
      found.cudnn_frontend, found.architectures, found.devices,
      found.problem[0] == '\0' ? "" : "; ", found.problem);
  return (found.devices > 0) == (found.problem[0] == '\0') ? 0 : 1;
}
