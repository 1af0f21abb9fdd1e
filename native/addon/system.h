// The machine and the libraries, for `preresnet doctor` and manifests.
#pragma once
#include <napi.h>

namespace preresnet {

Napi::Object system_information(Napi::Env env);
/// (root): what control groups leave to this process, their files looked for below `root`.
Napi::Value cgroup_limits_below(const Napi::CallbackInfo& info);
/// (file, remedy): where device "cuda" has its library.
Napi::Value cuda_file(const Napi::CallbackInfo& info);
/// (device, index): one GPU, if it can be used.
Napi::Value cuda_device(const Napi::CallbackInfo& info);
/// (device, index): what the library of that CUDA device and the machine say.
Napi::Value cuda_information(const Napi::CallbackInfo& info);

}  // namespace preresnet
