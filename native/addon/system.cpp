#include "addon/system.h"

#include "core/system.h"
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
  system.Set("compiler", PRERESNET_COMPILER);
  system.Set("build", PRERESNET_BUILD);
  return system;
}

}  // namespace preresnet
