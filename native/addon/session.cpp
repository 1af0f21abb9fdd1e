#include "addon/session.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "addon/arguments.h"
#include "addon/loader.h"
#include "core/error.h"
#include "core/limits.h"
#include "cuda_client/session.h"
#include "program/host_session.h"

namespace preresnet {

namespace {

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

Napi::Number number(Napi::Env env, size_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value from_values(Napi::Env env, const Values& values) {
  if (const auto* doubles = std::get_if<std::vector<double>>(&values)) {
    return to_array<Napi::Float64Array>(env, *doubles);
  }
  if (const auto* integers = std::get_if<std::vector<int32_t>>(&values)) {
    return to_array<Napi::Int32Array>(env, *integers);
  }
  return to_array<Napi::Uint8Array>(env, std::get<std::vector<uint8_t>>(values));
}

/// A copy, taken now: JavaScript may change the array while the session is busy.
Values to_values(const Napi::Value& value) {
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    const size_t count = array.ElementLength();
    switch (array.TypedArrayType()) {
      case napi_float64_array: {
        const double* data = value.As<Napi::Float64Array>().Data();
        return std::vector<double>(data, data + count);
      }
      case napi_float32_array: {
        const float* data = value.As<Napi::Float32Array>().Data();
        return std::vector<double>(data, data + count);
      }
      case napi_int32_array: {
        const int32_t* data = value.As<Napi::Int32Array>().Data();
        return std::vector<int32_t>(data, data + count);
      }
      case napi_uint8_array: {
        const uint8_t* data = value.As<Napi::Uint8Array>().Data();
        return std::vector<uint8_t>(data, data + count);
      }
      default:
        break;
    }
  }
  throw Error(
      "ERR_PARAMETER",
      "values: expected a Float64Array, Float32Array, Int32Array or Uint8Array, got another value");
}

struct SessionOptions {
  int threads = 0;
  CudaPlace cuda;
};

SessionOptions read_options(const Napi::Value& value) {
  const Arguments options(value, "options");
  SessionOptions result;
  result.threads = static_cast<int>(options.integer("threads", 0, kLargestThreads));
  if (options.has("cuda")) {
    const Arguments cuda = options.object("cuda");
    result.cuda = {.library = cuda.text("library"), .settings = cuda.text("settings")};
  }
  return result;
}

std::unique_ptr<Session> open_session(const std::string& text, const SessionOptions& options,
                                      const std::atomic<bool>& stop) {
  std::unique_ptr<ProgramSet> programs = read_programs(text);
  if (programs->device == "cuda") {
    return std::make_unique<CudaSession>(std::move(programs), text, options.cuda, stop);
  }
  return std::make_unique<HostSession>(std::move(programs), options.threads, stop);
}

RunRequest read_request(const Napi::Value& value, std::shared_ptr<LoaderState>* loader) {
  const Arguments options(value, "run");
  RunRequest request;
  request.steps = options.integer("steps", 0, 1 << 24);
  request.seed = static_cast<uint64_t>(options.integer("seed", 0));
  request.first_step = static_cast<uint64_t>(options.integer("firstStep", 0));
  request.learning_rates = options.doubles("learningRates");
  request.first_batch = static_cast<uint64_t>(options.integer_or("firstBatch", 0, 0));
  request.check_finite = options.boolean_or("checkFinite", false);
  request.poison = options.boolean_or("poison", false);
  request.trace = options.boolean_or("trace", false);
  request.serial = options.boolean_or("serial", false);
  request.collect = options.boolean_or("collect", false);
  request.images = options.integer_or("images", 0, 0);
  if (options.has("loader")) {
    *loader = LoaderObject::state_of(options.raw("loader"));
    if ((*loader)->source == nullptr) throw Error("ERR_DISPOSED", "the loader was closed");
    request.source = (*loader)->source;
  }
  return request;
}

Napi::Value to_result(Napi::Env env, const RunOutcome& outcome, bool collect) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", to_array<Napi::Float64Array>(env, outcome.rows));
  result.Set("completed", Napi::Number::New(env, static_cast<double>(outcome.completed)));
  result.Set("cancelled", Napi::Boolean::New(env, outcome.cancelled));
  if (collect) {
    result.Set("predictions", to_array<Napi::Int32Array>(env, outcome.predictions));
    result.Set("labels", to_array<Napi::Int32Array>(env, outcome.labels));
  }
  return result;
}

/// The arena as an ArrayBuffer that keeps it alive; empty where there is none to hand out, or where
/// this runtime forbids buffers over foreign memory.
Napi::ArrayBuffer external_buffer(Napi::Env env, const std::shared_ptr<Arena>& arena) {
  if (arena == nullptr || std::getenv("PRERESNET_NO_EXTERNAL_BUFFERS") != nullptr) return {};
  auto keep = std::make_unique<std::shared_ptr<Arena>>(arena);
  napi_value value = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, arena->data(), arena->bytes(),
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Arena>*>(hint); },
      keep.get(), &value);
  if (status != napi_ok) return {};
  keep.release();
  return {env, value};
}

template <class Element>
Napi::Object make_view(Napi::Env env, const Tensor& tensor, const Napi::ArrayBuffer& buffer) {
  const auto count = static_cast<size_t>(element_count(tensor));
  Napi::Object result = Napi::Object::New(env);
  if (buffer.IsEmpty()) {
    auto copy = Napi::TypedArrayOf<Element>::New(env, count);
    std::memcpy(copy.Data(), tensor.data, tensor.bytes);
    result.Set("values", copy);
  } else {
    result.Set("values", Napi::TypedArrayOf<Element>::New(env, count, buffer, tensor.offset));
  }
  result.Set("shared", Napi::Boolean::New(env, !buffer.IsEmpty()));
  return result;
}

}  // namespace

Napi::Function SessionObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeSession",
      {InstanceAccessor<&SessionObject::memory>("memory"),
       InstanceMethod<&SessionObject::allocate>("allocate"),
       InstanceMethod<&SessionObject::read>("read"), InstanceMethod<&SessionObject::write>("write"),
       InstanceMethod<&SessionObject::view>("view"), InstanceMethod<&SessionObject::run>("run"),
       InstanceMethod<&SessionObject::measurePeaks>("measurePeaks"),
       InstanceMethod<&SessionObject::cancel>("cancel"),
       InstanceMethod<&SessionObject::trace>("trace"),
       InstanceMethod<&SessionObject::traffic>("traffic"),
       InstanceMethod<&SessionObject::dispose>("dispose")});
}

Napi::Value SessionObject::create(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto programs = std::make_shared<std::string>(text_argument(info, 0, "programs"));
    const SessionOptions options = read_options(info[1]);
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
    const SessionMemory memory = state_->session->memory();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("arenas", number(info.Env(), memory.arenas));
    result.Set("scratch", number(info.Env(), memory.scratch));
    result.Set("total", number(info.Env(), memory.total()));
    result.Set("available", number(info.Env(), memory.available));
    return result;
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

Napi::Value SessionObject::view(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    const Tensor& tensor = state_->session->viewable(text_argument(info, 0, "tensor"));
    Napi::ArrayBuffer buffer;
    const auto entry = state_->buffers.find(tensor.arena);
    if (entry != state_->buffers.end()) {
      buffer = entry->second.Value();
    } else {
      buffer = external_buffer(info.Env(), state_->session->arena(tensor.arena));
      if (!buffer.IsEmpty()) state_->buffers.emplace(tensor.arena, Napi::Persistent(buffer));
    }
    return tensor.dtype == DType::f64 ? make_view<double>(info.Env(), tensor, buffer)
                                      : make_view<float>(info.Env(), tensor, buffer);
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

Napi::Value SessionObject::measurePeaks(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(), [](Session& session) -> Completion {
      return [peaks = session.measure_peaks()](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("flops", Napi::Number::New(env, peaks.flops));
        result.Set("bytes", Napi::Number::New(env, peaks.bytes));
        result.Set("instructions", peaks.instructions);
        return result;
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
    const std::vector<TraceEvent> events = state_->session->trace();
    Napi::Array result = Napi::Array::New(info.Env(), events.size());
    for (uint32_t index = 0; index < events.size(); ++index) {
      const Napi::HandleScope scope(info.Env());
      const TraceEvent& event = events[index];
      Napi::Object entry = Napi::Object::New(info.Env());
      entry.Set("name", event.operation->name);
      entry.Set("op", event.operation->op);
      entry.Set("start", event.start);
      entry.Set("duration", event.duration);
      result[index] = entry;
    }
    return result;
  });
}

Napi::Value SessionObject::traffic(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    require_usable();
    return later(info.Env(),
                 [name = text_argument(info, 0, "program")](Session& session) -> Completion {
                   auto* cuda = dynamic_cast<CudaSession*>(&session);
                   if (cuda == nullptr) {
                     throw Error("ERR_UNSUPPORTED",
                                 "launches are counted on a CUDA device, got another device");
                   }
                   return [traffic = cuda->traffic(name)](Napi::Env env) -> Napi::Value {
                     Napi::Object result = Napi::Object::New(env);
                     const auto set = [&](const char* key, auto value) {
                       result.Set(key, Napi::Number::New(env, static_cast<double>(value)));
                     };
                     set("launches", traffic.launches);
                     set("convolutionLaunches", traffic.convolution_launches);
                     set("waits", traffic.waits);
                     set("bytesRead", traffic.bytes_read);
                     set("bytesWritten", traffic.bytes_written);
                     return result;
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
          return [raw](Napi::Env env) -> Napi::Value {
            if (!raw->disposed) {
              raw->disposed = true;
              raw->thread.stop();  // it has nothing left to do
              for (auto& [arena, buffer] : raw->buffers) buffer.Value().Detach();
              raw->buffers.clear();
              raw->session.reset();
            }
            return env.Undefined();
          };
        });
  });
}

}  // namespace preresnet
