#include "addon/session_arguments.h"

#include "addon/arguments.h"
#include "addon/ranks.h"
#include "core/error.h"
#include "core/limits.h"

namespace preresnet {

SessionOptions read_session_options(const Napi::Value& value) {
  const Arguments options(value, "options");
  SessionOptions result;
  result.threads = static_cast<int>(options.integer("threads", 0, kLargestThreads));
  if (options.has("cuda")) {
    const Arguments cuda = options.object("cuda");
    result.cuda = {.library = cuda.text("library"), .settings = cuda.text("settings")};
  }
  if (options.has("ranks")) result.ranks = RanksObject::steps_of(options.raw("ranks"));
  return result;
}

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

Inference read_inference(const Napi::CallbackInfo& info) {
  if (!info[1].IsArray() || !info[2].IsArray()) {
    throw Error("ERR_OPTION", "infer: expected arrays of images and of outputs, got other values");
  }
  Inference inference;
  inference.program = text_argument(info, 0, "program");
  const auto images = info[1].As<Napi::Array>();
  for (uint32_t index = 0; index < images.Length(); ++index) {
    const Napi::HandleScope scope(info.Env());
    const Napi::Uint8Array image = bytes_of(images[index], "infer: images");
    inference.images.emplace_back(image.Data(), image.ByteLength());
  }
  const auto outputs = info[2].As<Napi::Array>();
  for (uint32_t index = 0; index < outputs.Length(); ++index) {
    const Napi::HandleScope scope(info.Env());
    const Arguments output(outputs[index], "infer: outputs");
    inference.outputs.push_back({output.text("name"), floats_of(output.raw("target"), "target")});
  }
  return inference;
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

}  // namespace preresnet
