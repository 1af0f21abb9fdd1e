#include "addon/system.h"

#include "addon/arguments.h"
#include "addon/environment.h"
#include "core/cgroup.h"
#include "core/error.h"
#include "core/system.h"
#include "cuda_client/library.h"
#include "data/decode.h"

namespace preresnet {

Napi::Object system_information(Napi::Env env) {
  Napi::Object system = Napi::Object::New(env);
  system.Set("cpu", cpu_model());
  const std::vector<std::string> sets = instruction_sets();
  Napi::Array names = Napi::Array::New(env, sets.size());
  for (uint32_t index = 0; index < sets.size(); ++index) names[index] = sets[index];
  system.Set("instructionSets", names);
  system.Set("machineThreads", machine_threads());
  system.Set("allowedThreads", allowed_threads());
  system.Set("totalMemory", static_cast<double>(total_memory()));
  system.Set("availableMemory", static_cast<double>(available_memory()));
  system.Set("oneDNN", PRERESNET_DNNL_VERSION);
  system.Set("highway", PRERESNET_HWY_VERSION);
  system.Set("jpeg", jpeg_library());
  system.Set("png", png_library());
  system.Set("webp", webp_library());
  system.Set("compiler", PRERESNET_COMPILER);
  system.Set("build", PRERESNET_BUILD);
  return system;
}

Napi::Value cgroup_limits_below(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const CgroupLimits limits = cgroup_limits(text_argument(info, 0, "root"));
    Napi::Object result = Napi::Object::New(info.Env());
    if (limits.threads != CgroupLimits().threads) result.Set("threads", limits.threads);
    if (limits.memory != CgroupLimits::kNone) {
      result.Set("memory", static_cast<double>(limits.memory));
    }
    return result;
  });
}

namespace {

struct DeviceArguments {
  const preresnet_cuda_api& library;
  int32_t index;
};

DeviceArguments device_arguments(const Napi::CallbackInfo& info) {
  const std::string name = text_argument(info, 0, "device");
  if (!info[1].IsNumber()) throw Error("ERR_OPTION", "index: expected a number");
  return {cuda_library(name), info[1].As<Napi::Number>().Int32Value()};
}

Napi::Object device_entry(Napi::Env env, const DeviceArguments& wanted) {
  preresnet_cuda_error error{};
  preresnet_cuda_device device{};
  device.size = sizeof device;
  check_cuda(wanted.library.device(wanted.index, &device, &error), error);
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("name", device.name);
  entry.Set("architecture", device.architecture);
  entry.Set("multiprocessors", device.multiprocessors);
  entry.Set("memory", static_cast<double>(device.memory));
  entry.Set("available", static_cast<double>(device.available));
  return entry;
}

}  // namespace

Napi::Value cuda_file(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    set_cuda_file(text_argument(info, 0, "file"), text_argument(info, 1, "remedy"));
    return info.Env().Undefined();
  });
}

Napi::Value cuda_device(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&]() -> Napi::Value { return device_entry(info.Env(), device_arguments(info)); });
}

Napi::Value cuda_information(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const DeviceArguments wanted = device_arguments(info);
    preresnet_cuda_error error{};
    preresnet_cuda_information found{};
    found.size = sizeof found;
    check_cuda(wanted.library.information(&found, &error), error);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("builtForRuntime", found.built_for_runtime);
    result.Set("runtime", found.runtime);
    result.Set("driver", found.driver);
    result.Set("builtForCudnn", found.built_for_cudnn);
    result.Set("cudnn", found.cudnn);
    result.Set("cudnnFrontend", found.cudnn_frontend);
    result.Set("devices", found.devices);
    result.Set("architectures", found.architectures);
    result.Set("problem", found.problem);
    if (found.problem[0] == '\0') result.Set("device", device_entry(info.Env(), wanted));
    return result;
  });
}

}  // namespace preresnet
