#include <napi.h>

#include "ops/operations.h"

static Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("contracts", Napi::Number::New(env, preresnet::ops::kContractsVersion));
  return exports;
}
NODE_API_MODULE(preresnet, initialise)
