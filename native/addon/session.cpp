#include "addon/session.h"

#include <utility>

#include "addon/arguments.h"
#include "addon/loader.h"
#include "addon/session_arguments.h"
#include "addon/session_results.h"
#include "core/error.h"
#include "cuda_client/session.h"
#include "program/host_session.h"

namespace preresnet {

namespace {

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

std::unique_ptr<Session> open_session(const std::string& text, const SessionOptions& options,
                                      const std::atomic<bool>& stop) {
  std::unique_ptr<ProgramSet> programs = read_programs(text);
  if (programs->device == "cuda") {
    return std::make_unique<CudaSession>(std::move(programs), text, options.cuda, stop);
  }
  return std::make_unique<HostSession>(std::move(programs), options.threads, stop, options.ranks);
}

}  // namespace

Napi::Function SessionObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeSession",
      {InstanceAccessor<&SessionObject::memory>("memory"),
       InstanceMethod<&SessionObject::allocate>("allocate"),
       InstanceMethod<&SessionObject::read>("read"),
       InstanceMethod<&SessionObject::read_floats>("readFloats"),
       InstanceMethod<&SessionObject::write_floats>("writeFloats"),
       InstanceMethod<&SessionObject::write>("write"), InstanceMethod<&SessionObject::view>("view"),
       InstanceMethod<&SessionObject::run>("run"), InstanceMethod<&SessionObject::infer>("infer"),
       InstanceMethod<&SessionObject::share>("share"),
       InstanceMethod<&SessionObject::measureRoofline>("measureRoofline"),
       InstanceMethod<&SessionObject::cancel>("cancel"),
       InstanceMethod<&SessionObject::trace>("trace"),
       InstanceMethod<&SessionObject::bytes_moved>("bytesMoved"),
       InstanceMethod<&SessionObject::dispose>("dispose")});
}

Napi::Value SessionObject::create(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto programs = std::make_shared<std::string>(text_argument(info, 0, "programs"));
    const SessionOptions options = read_session_options(info[1]);
    auto state = std::make_shared<SessionState>();
    Environment& environment = Environment::of(info.Env());
    environment.add(state);
    // Ends what was begun below, for a caller that no longer wants it. What was made by then is of
    // no use, and is to be disposed of.
    if (info[2].IsFunction()) {
      info[2].As<Napi::Function>().Call({Napi::Function::New(
          info.Env(), [weak = std::weak_ptr<SessionState>(state)](const Napi::CallbackInfo&) {
            if (const auto held = weak.lock()) held->ending = true;
          })});
    }
    // The task refers to the state without owning it: the last owner joins the thread and must not
    // be the thread.
    SessionState* raw = state.get();
    return environment.promise(
        state, [&](auto task) { raw->thread.post(std::move(task)); },
        [raw, programs, options]() -> Completion {
          raw->session = open_session(*programs, options, raw->ending);
          return [raw](Napi::Env env) -> Napi::Value {
            auto keep = raw->shared_from_this();
            return Environment::of(env).session_class.New(
                {Napi::External<std::shared_ptr<SessionState>>::New(env, &keep)});
          };
        });
  });
}

SessionObject::SessionObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SessionObject>(info) {
  if (!info[0].IsExternal())
    throw Napi::TypeError::New(info.Env(), "sessions are made by createSession");
  state_ = *info[0].As<Napi::External<std::shared_ptr<SessionState>>>().Data();
}

void SessionObject::require_usable() const {
  if (state_->disposing) throw Error("ERR_DISPOSED", "the session was disposed");
}

Napi::Promise SessionObject::later(Napi::Env env, std::function<Completion(Session&)> work,
                                   std::shared_ptr<void> keep) {
  SessionState* raw = state_.get();
  using Both = std::pair<std::shared_ptr<SessionState>, std::shared_ptr<void>>;
  return Environment::of(env).promise(
      std::make_shared<Both>(state_, std::move(keep)),
      [raw](auto task) { raw->thread.post(std::move(task)); },
      [raw, work = std::move(work)]() -> Completion {
        if (raw->ending) throw Error("ERR_ABORTED", "the JavaScript thread ended");
        return work(*raw->session);
      });
}

Napi::Value SessionObject::memory(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return to_result(info.Env(), state_->session->memory());
  });
}

Napi::Value SessionObject::allocate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(), [](Session& session) -> Completion {
      session.allocate();
      return undefined;
    });
  });
}

Napi::Value SessionObject::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(
        info.Env(), [name = text_argument(info, 0, "tensor")](Session& session) -> Completion {
          return [values = session.read(name)](Napi::Env env) { return from_values(env, values); };
        });
  });
}

namespace {

/// Held until a promise is settled, which is on the JavaScript thread.
std::shared_ptr<Napi::ObjectReference> keep(const Napi::Value& value) {
  return std::make_shared<Napi::ObjectReference>(Napi::Persistent(value.As<Napi::Object>()));
}

}  // namespace

Napi::Value SessionObject::read_floats(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    const std::span<float> target = floats_of(info[1], "target");
    const auto kept = keep(info[1]);
    return later(
        info.Env(),
        [name = text_argument(info, 0, "tensor"), target,
         held = kept.get()](Session& session) -> Completion {
          session.read_floats(name, target);
          return [held](Napi::Env) -> Napi::Value { return held->Value(); };
        },
        kept);
  });
}

Napi::Value SessionObject::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(),
                 [name = text_argument(info, 0, "tensor"),
                  values = to_values(info[1])](Session& session) -> Completion {
                   session.write(name, values);
                   return undefined;
                 });
  });
}

Napi::Value SessionObject::write_floats(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(
        info.Env(),
        [name = text_argument(info, 0, "tensor"),
         values = floats_of(info[1], "values")](Session& session) -> Completion {
          session.write_floats(name, values);
          return undefined;
        },
        keep(info[1]));
  });
}

Napi::Value SessionObject::view(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    const Tensor& tensor = state_->session->viewable(text_argument(info, 0, "tensor"));
    Napi::ArrayBuffer buffer;
    const std::shared_ptr<Arena> arena = state_->session->arena(tensor.arena);
    if (arena != nullptr)
      buffer = state_->buffers.over(info.Env(), arena->data(), arena->bytes(), arena);
    return make_view(info.Env(), tensor, buffer);
  });
}

Napi::Value SessionObject::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    std::shared_ptr<LoaderState> loader;
    auto request = std::make_shared<RunRequest>(read_request(info[1], &loader));
    request->ticket = state_->session->ticket();
    return later(
        info.Env(),
        [name = text_argument(info, 0, "program"), request](Session& session) -> Completion {
          // The loader's memory belongs to JavaScript; it is let go of before the promise is
          // settled, whatever happens.
          struct Release {
            RunRequest& request;
            ~Release() { request.source.reset(); }
          } release{*request};
          return [outcome = session.run(name, *request), collect = request->collect](
                     Napi::Env env) { return to_result(env, outcome, collect); };
        },
        loader);
  });
}

Napi::Value SessionObject::infer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    SessionState* raw = state_.get();
    auto asked = std::make_shared<AskedInference>();
    asked->inference = read_inference(info);
    asked->inference.ticket = raw->session->ticket();
    // What the arrays of JavaScript hold lives until the promise is settled.
    struct Kept {
      std::shared_ptr<SessionState> state;
      Napi::ObjectReference images, outputs;
    };
    auto keep = std::make_shared<Kept>(Kept{state_, Napi::Persistent(info[1].As<Napi::Object>()),
                                            Napi::Persistent(info[2].As<Napi::Object>())});
    return Environment::of(info.Env())
        .promise(
            std::move(keep),
            [&](auto task) {
              asked->settle = std::move(task);
              raw->thread.post([raw, asked] {
                if (raw->ending) return;  // nobody waits any more
                raw->inferences.add(*raw->session, asked);
              });
            },
            // Called while the one that is settled is there.
            [asked = asked.get()]() -> Completion {
              if (asked->failure != nullptr) std::rethrow_exception(asked->failure);
              return undefined;
            });
  });
}

Napi::Value SessionObject::share(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(),
                 [arena = text_argument(info, 0, "arena")](Session& session) -> Completion {
                   session.share(arena);
                   return undefined;
                 });
  });
}

Napi::Value SessionObject::measureRoofline(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(), [](Session& session) -> Completion {
      return [roofline = session.measure_roofline()](Napi::Env env) {
        return to_result(env, roofline);
      };
    });
  });
}

Napi::Value SessionObject::cancel(const Napi::CallbackInfo& info) {
  if (!state_->disposing) state_->session->cancel();
  return info.Env().Undefined();
}

Napi::Value SessionObject::trace(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return to_result(info.Env(), state_->session->trace());
  });
}

Napi::Value SessionObject::bytes_moved(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(),
                 [name = text_argument(info, 0, "program")](Session& session) -> Completion {
                   auto* cuda = dynamic_cast<CudaSession*>(&session);
                   if (cuda == nullptr) {
                     throw Error("ERR_UNSUPPORTED",
                                 "launches are counted on a CUDA device, got another device");
                   }
                   return [bytes_moved = cuda->bytes_moved(name)](Napi::Env env) {
                     return to_result(env, bytes_moved);
                   };
                 });
  });
}

Napi::Value SessionObject::dispose(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    SessionState* raw = state_.get();
    if (raw->disposed) {
      const auto done = Napi::Promise::Deferred::New(env);
      done.Resolve(env.Undefined());
      return done.Promise();
    }
    if (!raw->disposing) raw->session->cancel();
    raw->disposing = true;
    return Environment::of(env).promise(
        state_, [raw](auto task) { raw->thread.post(std::move(task)); },
        [raw]() -> Completion {
          raw->inferences.finish();
          return [raw](Napi::Env env) -> Napi::Value {
            if (!raw->disposed) {
              raw->disposed = true;
              raw->thread.stop();  // it has nothing left to do
              raw->buffers.detach();
              raw->session.reset();
            }
            return env.Undefined();
          };
        });
  });
}

}  // namespace preresnet
