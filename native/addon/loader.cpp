#include "addon/loader.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "core/error.h"
#include "core/limits.h"
#include "data/loader.h"

namespace preresnet {

namespace {

std::vector<int64_t> whole_numbers(const Arguments& source, const char* name) {
  const std::vector<double> values = source.doubles(name);
  std::vector<int64_t> result;
  result.reserve(values.size());
  for (const double value : values) {
    constexpr double kLargest = 9007199254740991;  // 2^53 - 1
    if (!(std::abs(value) <= kLargest && value == std::floor(value)))
      source.refuse(name, "whole numbers");
    result.push_back(static_cast<int64_t>(value));
  }
  return result;
}

LoaderOptions read_options(const Arguments& description) {
  LoaderOptions options;
  options.labels = description.object("source").integers("labels");
  constexpr int64_t kLargestSide = 1 << 16;
  options.shape.height = description.integer("height", 1, kLargestSide);
  options.shape.width = description.integer("width", 1, kLargestSide);
  options.shape.channels = description.integer("channels", 1, 64);
  options.batch = description.integer("batch", 1, kLargestBatch);
  const std::string mode = description.text("mode");
  if (mode != "train" && mode != "evaluate")
    description.refuse("mode", "\"train\" or \"evaluate\"");
  options.mode = mode == "train" ? LoaderOptions::Mode::train : LoaderOptions::Mode::evaluate;
  options.seed = static_cast<uint64_t>(description.integer("seed", 0));
  options.pad = description.integer("pad", 0, kLargestPad);
  options.flip = description.boolean_or("flip", false);
  options.workers = static_cast<int>(description.integer("workers", 1, kLargestWorkers));
  options.slots = static_cast<int>(description.integer("slots", 2, 1024));
  return options;
}

std::unique_ptr<SampleSource> read_source(const Arguments& description,
                                          const LoaderOptions& options,
                                          Napi::Reference<Napi::Uint8Array>* images) {
  const Arguments source = description.object("source");
  const std::string kind = source.text("kind");
  if (kind == "memory") {
    const Napi::Uint8Array bytes = source.bytes("images");
    *images = Napi::Persistent(bytes);
    const auto set_id = static_cast<uint64_t>(source.integer_or("id", 0, 0));
    return memory_source(bytes.Data(), bytes.ByteLength(), set_id, options.labels.size(),
                         options.shape);
  }
  if (kind != "ranges") source.refuse("kind", "\"memory\" or \"ranges\"");
  FileRanges ranges{source.paths("files"), source.integers("file"), whole_numbers(source, "offset"),
                    whole_numbers(source, "length")};
  const Arguments decode = description.object("decode");
  return range_source(std::move(ranges), options.shape,
                      {.resize = decode.integer("resize", 0),
                       .exact = decode.boolean_or("exact", false),
                       .keep_fitting = decode.boolean_or("keepFitting", false)});
}

std::shared_ptr<BatchSource> read_loader(const Napi::Value& value,
                                         Napi::Reference<Napi::Uint8Array>* images) {
  const Arguments description(value, "loader");
  LoaderOptions options = read_options(description);
  check_loader(options);
  auto source = read_source(description, options, images);
  return make_loader(std::move(options), std::move(source));
}

struct BatchCopy {
  std::vector<uint8_t> images;
  std::vector<int32_t> labels;
  std::vector<int32_t> crops;
  int64_t count = 0;
};

Completion next_batch(BatchSource& source, uint64_t index) {
  Batch batch;
  if (!source.acquire(index, true, &batch)) {
    return [](Napi::Env env) -> Napi::Value { return env.Null(); };
  }
  const auto size = static_cast<size_t>(source.batch_size());
  BatchCopy copy;
  copy.images.assign(batch.images, batch.images + size * static_cast<size_t>(source.image_bytes()));
  copy.labels.assign(batch.labels, batch.labels + size);
  if (batch.crops != nullptr) copy.crops.assign(batch.crops, batch.crops + 3 * size);
  copy.count = batch.count;
  source.release(batch.ticket);
  return [copy = std::move(copy)](Napi::Env env) -> Napi::Value {
    Napi::Object result = Napi::Object::New(env);
    result.Set("images", to_array<Napi::Uint8Array>(env, copy.images));
    result.Set("labels", to_array<Napi::Int32Array>(env, copy.labels));
    result.Set("crops", to_array<Napi::Int32Array>(env, copy.crops));
    result.Set("count", Napi::Number::New(env, static_cast<double>(copy.count)));
    return result;
  };
}

}  // namespace

Napi::Function LoaderObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeLoader",
      {InstanceAccessor<&LoaderObject::batch>("batch"), InstanceMethod<&LoaderObject::next>("next"),
       InstanceMethod<&LoaderObject::close>("close")});
}

Napi::Value LoaderObject::create(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return Environment::of(info.Env()).loader_class.New({info[0]});
  });
}

LoaderObject::LoaderObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LoaderObject>(info) {
  guarded(info.Env(), [&]() -> Napi::Value {
    auto state = std::make_shared<LoaderState>();
    state->source = read_loader(info[0], &state->images);
    batch_ = state->source->batch_size();
    state_ = std::move(state);
    Environment::of(info.Env()).add(state_);
    return info.Env().Undefined();
  });
}

std::shared_ptr<LoaderState> LoaderObject::state_of(const Napi::Value& value) {
  if (value.IsObject() &&
      value.As<Napi::Object>().InstanceOf(Environment::of(value.Env()).loader_class.Value())) {
    return Unwrap(value.As<Napi::Object>())->state_;
  }
  throw Error("ERR_OPTION", "loader: expected a loader of this library, got something else");
}

Napi::Value LoaderObject::batch(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(batch_));
}

Napi::Value LoaderObject::next(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsNumber() || !(info[0].As<Napi::Number>().DoubleValue() >= 0)) {
      throw Error("ERR_OPTION", "index: expected an integer of at least 0, got another value");
    }
    const auto index = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    if (state_->source == nullptr) throw Error("ERR_DISPOSED", "the loader was closed");
    return Environment::of(info.Env())
        .promise(
            state_, [&](auto task) { state_->thread.post(std::move(task)); },
            [source = state_->source, index] { return next_batch(*source, index); });
  });
}

Napi::Value LoaderObject::close(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    std::shared_ptr<BatchSource> source = std::move(state_->source);
    state_->source = nullptr;
    if (source != nullptr) source->close();
    // The workers are joined where nobody waits for it.
    return Environment::of(info.Env())
        .promise(
            state_, [&](auto task) { state_->thread.post(std::move(task)); },
            [holder = std::make_shared<std::shared_ptr<BatchSource>>(std::move(source))] {
              holder->reset();
              return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
            });
  });
}

}  // namespace preresnet
