#include "addon/asked.h"

#include "core/error.h"

namespace preresnet {
namespace {

/// done(bytes), or done(code, message).
Napi::Function done_of(Napi::Env env, const std::shared_ptr<SampleRequest>& request) {
  return Napi::Function::New(env, [request](const Napi::CallbackInfo& info) {
    if (info[0].IsTypedArray()) {
      const auto bytes = info[0].As<Napi::Uint8Array>();
      request->deliver(bytes.Data(), bytes.ByteLength());
    } else {
      request->refuse(info[0].ToString(), info[1].ToString());
    }
  });
}

}  // namespace

std::shared_ptr<SampleRequests> requests_of_javascript(const Napi::Value& ask,
                                                       const std::shared_ptr<LoaderState>& state) {
  if (!ask.IsFunction())
    throw Error("ERR_OPTION", "loader.source.ask: expected a function, got something else");
  state->ask = Napi::Persistent(ask.As<Napi::Function>());
  Environment* environment = &Environment::of(ask.Env());
  // Weak: the workers, whose requests these are, belong to that state.
  const std::weak_ptr<LoaderState> asked = state;
  return std::make_shared<SampleRequests>(
      [environment, asked](const std::shared_ptr<SampleRequest>& request) {
        environment->post([asked, request](Napi::Env env) {
          const std::shared_ptr<LoaderState> owner = asked.lock();
          if (owner == nullptr) return request->refuse("ERR_ABORTED", "the loader was closed");
          owner->ask.Call({Napi::Number::New(env, static_cast<double>(request->sample())),
                           done_of(env, request)});
        });
      });
}

}  // namespace preresnet
