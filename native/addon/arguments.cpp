#include "addon/arguments.h"

#include <cmath>
#include <utility>

#include "core/error.h"

namespace preresnet {

namespace {

std::string show(const Napi::Value& value) {
  if (value.IsEmpty() || value.IsUndefined()) return "nothing";
  if (value.IsNumber() || value.IsBoolean() || value.IsNull()) return value.ToString().Utf8Value();
  if (value.IsString()) return "\"" + value.ToString().Utf8Value() + "\"";
  return "a value of another type";
}

bool is_typed_array(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

void append_utf8(std::string* bytes, uint32_t code) {
  const auto put = [bytes](uint32_t byte) { bytes->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::string path_of(const Napi::String& text) {
  const std::u16string units = text.Utf16Value();
  std::string bytes;
  bytes.reserve(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    const uint32_t unit = units[i];
    const bool pair = unit >= 0xD800 && unit < 0xDC00 && i + 1 < units.size() &&
                      units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000;
    if (pair) {
      append_utf8(&bytes, 0x10000 + ((unit - 0xD800) << 10) + (units[++i] - 0xDC00u));
    } else if (unit >= 0xDC80 && unit < 0xDD00) {
      bytes.push_back(static_cast<char>(unit - 0xDC00));
    } else {
      append_utf8(&bytes, unit);
    }
  }
  return bytes;
}

}  // namespace

Arguments::Arguments(const Napi::Value& object, std::string where) : where_(std::move(where)) {
  if (!object.IsObject())
    throw Error("ERR_OPTION", where_ + ": expected an object, got " + show(object));
  object_ = object.As<Napi::Object>();
}

void Arguments::refuse(const char* name, const std::string& expected) const {
  throw Error("ERR_OPTION",
              where_ + "." + name + ": expected " + expected + ", got " + show(raw(name)));
}

Napi::Value Arguments::raw(const char* name) const { return object_.Get(name); }

bool Arguments::has(const char* name) const { return !raw(name).IsUndefined(); }

int64_t Arguments::integer(const char* name, int64_t least, int64_t most) const {
  const Napi::Value value = raw(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(std::abs(number) <= 0x1p53) || number != std::floor(number) ||
      number < static_cast<double>(least) || number > static_cast<double>(most)) {
    refuse(name, most == std::numeric_limits<int64_t>::max()
                     ? "an integer of at least " + std::to_string(least)
                     : "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int64_t>(number);
}

int64_t Arguments::integer_or(const char* name, int64_t least, int64_t otherwise) const {
  return has(name) ? integer(name, least) : otherwise;
}

double Arguments::number_or(const char* name, double otherwise) const {
  if (!has(name)) return otherwise;
  const Napi::Value value = raw(name);
  if (!value.IsNumber()) refuse(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

bool Arguments::boolean_or(const char* name, bool otherwise) const {
  if (!has(name)) return otherwise;
  const Napi::Value value = raw(name);
  if (!value.IsBoolean()) refuse(name, "true or false");
  return value.As<Napi::Boolean>();
}

std::string Arguments::text(const char* name) const {
  const Napi::Value value = raw(name);
  if (!value.IsString()) refuse(name, "a string");
  return value.As<Napi::String>();
}

std::vector<std::string> Arguments::texts(const char* name) const {
  return strings(name, [](const Napi::String& text) { return text.Utf8Value(); });
}

std::string Arguments::path(const char* name) const {
  const Napi::Value value = raw(name);
  if (!value.IsString()) refuse(name, "a string");
  return path_of(value.As<Napi::String>());
}

std::vector<std::string> Arguments::paths(const char* name) const { return strings(name, path_of); }

std::vector<std::string> Arguments::strings(const char* name,
                                            std::string (*convert)(const Napi::String&)) const {
  const Napi::Value value = raw(name);
  if (!value.IsArray()) refuse(name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> result;
  result.reserve(array.Length());
  for (uint32_t index = 0; index < array.Length(); ++index) {
    const Napi::HandleScope scope(array.Env());
    const Napi::Value element = array[index];
    if (!element.IsString()) refuse(name, "an array of strings");
    result.push_back(convert(element.As<Napi::String>()));
  }
  return result;
}

std::vector<double> Arguments::doubles(const char* name) const {
  const Napi::Value value = raw(name);
  if (!is_typed_array(value, napi_float64_array)) refuse(name, "a Float64Array");
  const auto array = value.As<Napi::Float64Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<int32_t> Arguments::integers(const char* name) const {
  const Napi::Value value = raw(name);
  if (!is_typed_array(value, napi_int32_array)) refuse(name, "an Int32Array");
  const auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Napi::Uint8Array Arguments::bytes(const char* name) const {
  const Napi::Value value = raw(name);
  if (!is_typed_array(value, napi_uint8_array)) refuse(name, "a Uint8Array");
  return value.As<Napi::Uint8Array>();
}

Arguments Arguments::object(const char* name) const { return {raw(name), where_ + "." + name}; }

std::vector<Arguments> Arguments::objects(const char* name) const {
  std::vector<Arguments> result;
  if (!has(name)) return result;
  if (!raw(name).IsArray()) refuse(name, "an array");
  const auto array = raw(name).As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); ++index) {
    result.emplace_back(array[index], where_ + "." + name + "[" + std::to_string(index) + "]");
  }
  return result;
}

std::string text_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsString()) {
    throw Error("ERR_OPTION", std::string(name) + ": expected a string, got " + show(info[index]));
  }
  return info[index].As<Napi::String>();
}

Napi::Uint8Array bytes_of(const Napi::Value& value, const char* name) {
  if (!is_typed_array(value, napi_uint8_array)) {
    throw Error("ERR_OPTION", std::string(name) + ": expected a Uint8Array, got " + show(value));
  }
  return value.As<Napi::Uint8Array>();
}

std::span<float> floats_of(const Napi::Value& value, const char* name) {
  if (!is_typed_array(value, napi_float32_array)) {
    throw Error("ERR_OPTION", std::string(name) + ": expected a Float32Array, got " + show(value));
  }
  auto array = value.As<Napi::Float32Array>();
  return std::span<float>(array.Data(), array.ElementLength());
}

}  // namespace preresnet
