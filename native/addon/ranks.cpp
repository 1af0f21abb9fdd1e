#include "addon/ranks.h"

#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "core/error.h"

namespace preresnet {

namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes_argument(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Error("ERR_OPTION", "bytes: expected a Uint8Array");
  }
  const auto array = info[0].As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

RanksState::MakeEngine maker_of(const Arguments& given) {
  if (given.has("library")) {
    return [library = given.path("library")] { return make_mpi_engine(library); };
  }
  Emulation emulation;
  emulation.meeting = given.text("meeting");
  emulation.ranks = given.integer("ranks", 1, 1 << 16);
  emulation.rank = given.integer("rank", 0, emulation.ranks - 1);
  emulation.seed = static_cast<uint64_t>(given.integer_or("seed", 0, 0));
  emulation.stops_after = given.integer_or("stopsAfter", 0, -1);
  emulation.cut_off_after = given.integer_or("cutOffAfter", 0, -1);
  emulation.waits_for_all = given.integer_or("waitsForAll", 0, 0) != 0;
  return [emulation] { return make_emulated_engine(emulation); };
}

}  // namespace

Napi::Function RanksObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeRanks",
      {InstanceAccessor<&RanksObject::rank>("rank"), InstanceAccessor<&RanksObject::ranks>("ranks"),
       InstanceAccessor<&RanksObject::engine>("engine"),
       InstanceMethod<&RanksObject::gather>("gather"),
       InstanceMethod<&RanksObject::broadcast>("broadcast"),
       InstanceMethod<&RanksObject::doing>("doing"), InstanceMethod<&RanksObject::fail>("fail"),
       InstanceMethod<&RanksObject::leave>("leave")});
}

Napi::Value RanksObject::open(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Arguments given(info[0], "ranks");
    const double silence = static_cast<double>(given.integer("silence", 1)) / 1000;
    const std::chrono::milliseconds limit(given.integer("startTimeout", 1));
    RanksState::MakeEngine make = maker_of(given);
    auto state = std::make_shared<RanksState>();
    Environment& environment = Environment::of(info.Env());
    environment.add(state);
    RanksState* raw = state.get();
    return environment.promise(
        state,
        [&](auto task) {
          raw->open(std::move(make), silence);
          raw->waiter = std::thread(std::move(task));
        },
        [raw, limit]() -> Completion {
          raw->wait_until_open(limit);
          return [raw](Napi::Env env) -> Napi::Value {
            auto keep = raw->shared_from_this();
            return Environment::of(env).ranks_class.New(
                {Napi::External<std::shared_ptr<RanksState>>::New(env, &keep)});
          };
        });
  });
}

RanksObject::RanksObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RanksObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "ranks are made by openRanks");
  state_ = *info[0].As<Napi::External<std::shared_ptr<RanksState>>>().Data();
}

std::shared_ptr<Communicator> RanksObject::steps_of(const Napi::Value& value) {
  const std::shared_ptr<Ranks>& ranks = Unwrap(value.As<Napi::Object>())->state_->ranks;
  return {ranks, &ranks->steps()};
}

Napi::Promise RanksObject::later(Napi::Env env, std::function<Completion(Ranks&)> work) {
  RanksState* raw = state_.get();
  return Environment::of(env).promise(
      state_, [raw](auto task) { raw->thread.post(std::move(task)); },
      [raw, work = std::move(work)]() -> Completion { return work(*raw->ranks); });
}

Napi::Value RanksObject::rank(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state_->ranks->rank()));
}

Napi::Value RanksObject::ranks(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state_->ranks->ranks()));
}

Napi::Value RanksObject::engine(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), state_->ranks->engine());
}

Napi::Value RanksObject::gather(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return later(info.Env(), [mine = bytes_argument(info)](Ranks& ranks) -> Completion {
      Bytes all(mine.size() * static_cast<size_t>(ranks.ranks()));
      ranks.control().all_gather(mine.data(), all.data(), mine.size());
      return [all = std::move(all)](Napi::Env env) { return to_array<Napi::Uint8Array>(env, all); };
    });
  });
}

Napi::Value RanksObject::broadcast(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return later(info.Env(), [bytes = bytes_argument(info)](Ranks& ranks) mutable -> Completion {
      ranks.control().broadcast(bytes.data(), bytes.size());
      return [bytes](Napi::Env env) { return to_array<Napi::Uint8Array>(env, bytes); };
    });
  });
}

Napi::Value RanksObject::doing(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    state_->ranks->doing(text_argument(info, 0, "doing"));
    return info.Env().Undefined();
  });
}

Napi::Value RanksObject::fail(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    state_->ranks->fail(text_argument(info, 0, "message"));
    return info.Env().Undefined();
  });
}

Napi::Value RanksObject::leave(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return later(info.Env(), [](Ranks& ranks) -> Completion {
      ranks.leave();
      return [](Napi::Env env) { return env.Undefined(); };
    });
  });
}

}  // namespace preresnet
