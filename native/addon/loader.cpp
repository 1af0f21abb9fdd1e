#include "addon/loader.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/asked.h"
#include "addon/augmentations.h"
#include "addon/decode_settings.h"
#include "core/error.h"
#include "core/limits.h"
#include "data/loader.h"
#include "data/tar_member.h"

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
  options.shape.height = description.integer("height", 1, kLargestSide);
  options.shape.width = description.integer("width", 1, kLargestSide);
  options.shape.channels = description.integer("channels", 1, 64);
  options.batch = description.integer("batch", 1, kLargestBatch);
  const std::string mode = description.text("mode");
  if (mode != "train" && mode != "evaluate")
    description.refuse("mode", "\"train\" or \"evaluate\"");
  options.mode = mode == "train" ? LoaderOptions::Mode::train : LoaderOptions::Mode::evaluate;
  options.ranks = description.integer_or("ranks", 1, 1);
  options.rank = description.integer_or("rank", 0, 0);
  options.first_sample = static_cast<uint64_t>(description.integer_or("firstSample", 0, 0));
  options.skip_corrupt = description.boolean_or("skipCorrupt", false);
  options.poison = description.boolean_or("poison", false);
  options.seed = static_cast<uint64_t>(description.integer("seed", 0));
  options.balanced = description.boolean_or("balanced", false);
  options.repeats = description.integer_or("repeats", 1, 1);
  options.groups = description.integer_or("groups", 1, 1);
  options.mix.mixup = description.number_or("mixup", 0);
  options.mix.cutmix = description.number_or("cutmix", 0);
  options.pad = description.integer("pad", 0, kLargestPad);
  options.flip = description.boolean_or("flip", false);
  options.workers = static_cast<int>(description.integer("workers", 1, kLargestWorkers));
  options.slots = static_cast<int>(description.integer("slots", 2, 1024));
  return options;
}

/// Numbers of samples and, for each, why.
std::vector<CorruptSample> read_corrupt(const Arguments& source) {
  std::vector<CorruptSample> corrupt;
  if (!source.has("corrupt")) return corrupt;
  const Arguments list = source.object("corrupt");
  const std::vector<int32_t> samples = list.integers("samples");
  const std::vector<std::string> reasons = list.texts("reasons");
  if (samples.size() != reasons.size()) list.refuse("reasons", "one for each sample");
  for (size_t i = 0; i < samples.size(); ++i)
    corrupt.push_back({static_cast<uint64_t>(samples[i]), reasons[i]});
  return corrupt;
}

/// An array of paths, or names behind one prefix.
PathList read_files(const Arguments& source) {
  if (source.raw("files").IsArray()) return PathList(source.paths("files"));
  const Arguments files = source.object("files");
  const Napi::Uint8Array names = files.bytes("names");
  const auto* first = reinterpret_cast<const char*>(names.Data());
  return {files.path("prefix"), std::string(first, names.ByteLength()), files.integers("ends")};
}

AskedSamples read_asked(const Arguments& source) {
  AskedSamples samples{source.text("name"), source.integers("index"), source.text("prefix")};
  if (source.has("addresses")) {
    const Arguments addresses = source.object("addresses");
    samples.files = read_files(addresses);
    samples.file = addresses.integers("file");
    samples.offset = whole_numbers(addresses, "offset");
  }
  return samples;
}

std::unique_ptr<SampleSource> read_source(const Arguments& description,
                                          const LoaderOptions& options,
                                          const std::shared_ptr<LoaderState>& state) {
  const Arguments source = description.object("source");
  const std::string kind = source.text("kind");
  if (kind == "memory") {
    const Napi::Uint8Array bytes = source.bytes("images");
    state->images = Napi::Persistent(bytes);
    const auto set_id = static_cast<uint64_t>(source.integer_or("id", 0, 0));
    return memory_source(bytes.Data(), bytes.ByteLength(), set_id, options.labels.size(),
                         options.shape, read_corrupt(source));
  }
  const DecodeOptions preparation = read_decode_settings(description.object("decode"));
  if (kind == "custom") {
    return asked_source(read_asked(source), requests_of_javascript(source.raw("ask"), state),
                        options.shape, preparation);
  }
  if (kind != "ranges") source.refuse("kind", "\"memory\", \"ranges\" or \"custom\"");
  FileRanges ranges{read_files(source),
                    source.integers("file"),
                    whole_numbers(source, "offset"),
                    whole_numbers(source, "length"),
                    {},
                    {}};
  if (source.has("listed")) {
    const Arguments listed = source.object("listed");
    ranges.bytes = listed.doubles("bytes");
    ranges.modified = listed.doubles("modified");
  }
  return range_source(std::move(ranges), options.shape, preparation);
}

std::shared_ptr<BatchSource> read_loader(const Napi::Value& value,
                                         const std::shared_ptr<LoaderState>& state, BatchCut* cut) {
  const Arguments description(value, "loader");
  LoaderOptions options = read_options(description);
  check_loader(options);
  *cut = cut_of(options);
  auto source = read_source(description, options, state);
  auto augmentations = read_augmentations(description, options.shape.channels);
  if (!augmentations.empty()) {
    source = augmented_source(std::move(source), std::move(augmentations), options.shape);
  }
  return make_loader(std::move(options), std::move(source));
}

/// A batch in the ring: `memory` keeps its images where they are.
struct HeldBatch {
  uint8_t* images;
  size_t bytes;
  std::shared_ptr<void> memory;
  std::vector<int32_t> labels;
  std::vector<int32_t> crops;
  std::vector<int32_t> mixes;  // empty where nothing is mixed
  std::vector<int32_t> indices;
  int64_t count;
  uint64_t ticket;
};

/// The images as an array over the ring's memory; a copy where that cannot be had.
Napi::Uint8Array images_of(Napi::Env env, LoaderState& state, const HeldBatch& batch) {
  const Napi::ArrayBuffer buffer = state.buffers.over(env, batch.images, batch.bytes, batch.memory);
  if (!buffer.IsEmpty()) return Napi::Uint8Array::New(env, batch.bytes, buffer, 0);
  auto copy = Napi::Uint8Array::New(env, batch.bytes);
  std::memcpy(copy.Data(), batch.images, batch.bytes);
  return copy;
}

Completion held_batch(LoaderState& state, BatchSource& source, uint64_t index) {
  Batch batch;
  if (!source.acquire(index, true, &batch)) {
    return [](Napi::Env env) -> Napi::Value { return env.Null(); };
  }
  const auto size = static_cast<size_t>(source.batch_size());
  HeldBatch held{.images = const_cast<uint8_t*>(batch.images),
                 .bytes = size * static_cast<size_t>(source.image_bytes()),
                 .memory = source.memory(batch.ticket),
                 .labels = {batch.labels, batch.labels + size},
                 .crops = {batch.crops, batch.crops + 3 * size},
                 .mixes = batch.mixes == nullptr
                              ? std::vector<int32_t>{}
                              : std::vector<int32_t>{batch.mixes, batch.mixes + 6 * size},
                 .indices = {batch.indices, batch.indices + size},
                 .count = batch.count,
                 .ticket = batch.ticket};
  return [&state, held = std::move(held)](Napi::Env env) -> Napi::Value {
    if (state.source == nullptr) return env.Null();  // closed meanwhile
    Napi::Object result = Napi::Object::New(env);
    result.Set("images", images_of(env, state, held));
    result.Set("labels", to_array<Napi::Int32Array>(env, held.labels));
    result.Set("crops", to_array<Napi::Int32Array>(env, held.crops));
    if (!held.mixes.empty()) result.Set("mixes", to_array<Napi::Int32Array>(env, held.mixes));
    result.Set("indices", to_array<Napi::Int32Array>(env, held.indices));
    result.Set("count", Napi::Number::New(env, static_cast<double>(held.count)));
    result.Set("ticket", Napi::Number::New(env, static_cast<double>(held.ticket)));
    return result;
  };
}

Napi::Value number(const Napi::CallbackInfo& info, uint64_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

uint64_t index_argument(const Napi::CallbackInfo& info, const char* name) {
  if (!info[0].IsNumber() || !(info[0].As<Napi::Number>().DoubleValue() >= 0)) {
    throw Error("ERR_OPTION",
                std::string(name) + ": expected an integer of at least 0, got another value");
  }
  return static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
}

}  // namespace

Napi::Value tar_member_of(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Arguments range(info[0], "range");
    constexpr int64_t kLargest = 9007199254740991;  // 2^53 - 1
    const std::string name = tar_member(range.path("path"), range.integer("offset", 0, kLargest),
                                        range.integer("length", -1, kLargest));
    return Napi::String::New(info.Env(), name);
  });
}

Napi::Function LoaderObject::define(Napi::Env env) {
  return DefineClass(env, "NativeLoader",
                     {InstanceAccessor<&LoaderObject::batch>("batch"),
                      InstanceAccessor<&LoaderObject::batches>("batches"),
                      InstanceAccessor<&LoaderObject::samples>("samples"),
                      InstanceMethod<&LoaderObject::corrupt>("corrupt"),
                      InstanceMethod<&LoaderObject::acquire>("acquire"),
                      InstanceMethod<&LoaderObject::release>("release"),
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
    state->source = read_loader(info[0], state, &cut_);
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
  return number(info, static_cast<uint64_t>(batch_));
}

Napi::Value LoaderObject::batches(const Napi::CallbackInfo& info) {
  return number(info, cut_.training ? cut_.used() / cut_.whole() : cut_.batches());
}

Napi::Value LoaderObject::samples(const Napi::CallbackInfo& info) {
  if (cut_.training) return number(info, cut_.used() / cut_.ranks);
  const uint64_t full = cut_.batches() - 1;
  const BatchCut::Range last = cut_.range(full);
  return number(info, full * cut_.batch + last.end - last.begin);
}

Napi::Value LoaderObject::corrupt(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (state_->source == nullptr) throw Error("ERR_DISPOSED", "the loader was closed");
    std::vector<int32_t> samples;
    const std::vector<CorruptSample> all = state_->source->corrupt();
    Napi::Array reasons = Napi::Array::New(info.Env(), all.size());
    for (const auto& [sample, reason] : all) {
      reasons.Set(static_cast<uint32_t>(samples.size()), Napi::String::New(info.Env(), reason));
      samples.push_back(static_cast<int32_t>(sample));
    }
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("samples", to_array<Napi::Int32Array>(info.Env(), samples));
    result.Set("reasons", reasons);
    return result;
  });
}

Napi::Value LoaderObject::acquire(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const uint64_t index = index_argument(info, "index");
    if (state_->source == nullptr) throw Error("ERR_DISPOSED", "the loader was closed");
    return Environment::of(info.Env())
        .promise(
            state_, [&](auto task) { state_->thread.post(std::move(task)); },
            [state = state_.get(), source = state_->source, index] {
              return held_batch(*state, *source, index);
            });
  });
}

Napi::Value LoaderObject::release(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const uint64_t ticket = index_argument(info, "ticket");
    if (state_->source != nullptr) state_->source->release(ticket);
    return info.Env().Undefined();
  });
}

Napi::Value LoaderObject::close(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    std::shared_ptr<BatchSource> source = std::move(state_->source);
    state_->source = nullptr;
    if (source != nullptr) source->close();
    state_->buffers.detach();
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
