// The machine and the libraries, for `preresnet doctor` and manifests.
#pragma once
#include <napi.h>

namespace preresnet {

Napi::Object system_information(Napi::Env env);

}  // namespace preresnet
