// What JavaScript sees of the native side: NativeBinding of lib/native/types.ts. No numerics in
// this room.
#include <napi.h>

#include <memory>

#include "addon/decode.h"
#include "addon/encode.h"
#include "addon/environment.h"
#include "addon/file_lock.h"
#include "addon/loader.h"
#include "addon/ranks.h"
#include "addon/session.h"
#include "addon/system.h"
#include "ops/operations.h"

namespace preresnet {

// Once for every JavaScript thread that loads the addon; nothing is shared between them.
static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto environment = std::make_unique<Environment>(env);
  environment->session_class = Napi::Persistent(SessionObject::define(env));
  environment->loader_class = Napi::Persistent(LoaderObject::define(env));
  environment->ranks_class = Napi::Persistent(RanksObject::define(env));
  env.SetInstanceData(environment.release());
  exports.Set("version", PRERESNET_VERSION);
  exports.Set("contracts", Napi::Number::New(env, static_cast<double>(ops::kContractsVersion)));
  exports.Set("system", system_information(env));
  exports.Set("cgroupLimits", Napi::Function::New<cgroup_limits_below>(env));
  exports.Set("cudaFile", Napi::Function::New<cuda_file>(env));
  exports.Set("cudaDevice", Napi::Function::New<cuda_device>(env));
  exports.Set("cuda", Napi::Function::New<cuda_information>(env));
  exports.Set("createSession", Napi::Function::New<SessionObject::create>(env));
  exports.Set("createLoader", Napi::Function::New<LoaderObject::create>(env));
  exports.Set("tarMember", Napi::Function::New<tar_member_of>(env));
  exports.Set("openRanks", Napi::Function::New<RanksObject::open>(env));
  exports.Set("lockFile", Napi::Function::New<lock_file>(env));
  exports.Set("imageSize", Napi::Function::New<image_size_of>(env));
  exports.Set("decodeImage", Napi::Function::New<decode_image_async>(env));
  exports.Set("encodeJpeg", Napi::Function::New<encode_jpeg_async>(env));
  return exports;
}

}  // namespace preresnet

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  return preresnet::initialize(env, exports);
}
NODE_API_MODULE(preresnet, start)
