#include "addon/session_results.h"

#include <cstring>
#include <memory>

#include "addon/arguments.h"

namespace preresnet {

namespace {

Napi::Number number(Napi::Env env, size_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

template <class Element>
Napi::Object view_of(Napi::Env env, const Tensor& tensor, const Napi::ArrayBuffer& buffer) {
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

Napi::Value from_values(Napi::Env env, const Values& values) {
  if (const auto* doubles = std::get_if<std::vector<double>>(&values)) {
    return to_array<Napi::Float64Array>(env, *doubles);
  }
  if (const auto* integers = std::get_if<std::vector<int32_t>>(&values)) {
    return to_array<Napi::Int32Array>(env, *integers);
  }
  return to_array<Napi::Uint8Array>(env, std::get<std::vector<uint8_t>>(values));
}

Napi::Value to_result(Napi::Env env, const SessionMemory& memory) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("arenas", number(env, memory.arenas));
  result.Set("scratch", number(env, memory.scratch));
  result.Set("total", number(env, memory.total()));
  result.Set("available", number(env, memory.available));
  return result;
}

Napi::Value to_result(Napi::Env env, const RunOutcome& outcome, bool collect) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", to_array<Napi::Float64Array>(env, outcome.rows));
  result.Set("completed", Napi::Number::New(env, static_cast<double>(outcome.completed)));
  result.Set("canceled", Napi::Boolean::New(env, outcome.canceled));
  if (collect) {
    result.Set("predictions", to_array<Napi::Int32Array>(env, outcome.predictions));
    result.Set("labels", to_array<Napi::Int32Array>(env, outcome.labels));
  }
  return result;
}

Napi::Value to_result(Napi::Env env, const Roofline& roofline) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("flops", Napi::Number::New(env, roofline.flops));
  result.Set("bytes", Napi::Number::New(env, roofline.bytes));
  result.Set("instructions", roofline.instructions);
  return result;
}

Napi::Value to_result(Napi::Env env, const std::vector<TraceEvent>& events) {
  Napi::Array result = Napi::Array::New(env, events.size());
  for (uint32_t index = 0; index < events.size(); ++index) {
    const Napi::HandleScope scope(env);
    const TraceEvent& event = events[index];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", event.operation->name);
    entry.Set("op", event.operation->op);
    entry.Set("start", event.start);
    entry.Set("duration", event.duration);
    result[index] = entry;
  }
  return result;
}

Napi::Value to_result(Napi::Env env, const BytesMoved& bytes_moved) {
  Napi::Object result = Napi::Object::New(env);
  const auto set = [&](const char* key, auto value) {
    result.Set(key, Napi::Number::New(env, static_cast<double>(value)));
  };
  set("launches", bytes_moved.launches);
  set("convolutionLaunches", bytes_moved.convolution_launches);
  set("waits", bytes_moved.waits);
  set("bytesRead", bytes_moved.bytes_read);
  set("bytesWritten", bytes_moved.bytes_written);
  return result;
}

Napi::Value make_view(Napi::Env env, const Tensor& tensor, const Napi::ArrayBuffer& buffer) {
  return tensor.dtype == DType::f64 ? view_of<double>(env, tensor, buffer)
                                    : view_of<float>(env, tensor, buffer);
}

}  // namespace preresnet
