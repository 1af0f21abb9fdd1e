// Reading what JavaScript passes, with one wording: "name: expected ..., got ..."; and copies for
// it.
#pragma once
#include <napi.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace preresnet {

/// ERR_OPTION for each of these where the value is another.
class Arguments {
 public:
  /// `where` stands before every name in errors.
  Arguments(const Napi::Value& object, std::string where);

  bool has(const char* name) const;
  Napi::Value raw(const char* name) const;
  int64_t integer(const char* name, int64_t least,
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  int64_t integer_or(const char* name, int64_t least, int64_t otherwise) const;
  double number_or(const char* name, double otherwise) const;
  bool boolean_or(const char* name, bool otherwise) const;
  std::string text(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
  /// A text in which a unit of U+DC80 ... U+DCFF by itself stands for a byte: see name_bytes.ts.
  std::string path(const char* name) const;
  std::vector<std::string> paths(const char* name) const;
  std::vector<double> doubles(const char* name) const;    // a Float64Array
  std::vector<int32_t> integers(const char* name) const;  // an Int32Array
  Napi::Uint8Array bytes(const char* name) const;
  Arguments object(const char* name) const;
  /// Of an array; none where there is nothing.
  std::vector<Arguments> objects(const char* name) const;

  [[noreturn]] void refuse(const char* name, const std::string& expected) const;

 private:
  std::vector<std::string> strings(const char* name,
                                   std::string (*convert)(const Napi::String&)) const;

  Napi::Object object_;
  std::string where_;
};

/// A string argument.
std::string text_argument(const Napi::CallbackInfo& info, size_t index, const char* name);

/// A Uint8Array.
Napi::Uint8Array bytes_of(const Napi::Value& value, const char* name);

/// The memory of a Float32Array.
std::span<float> floats_of(const Napi::Value& value, const char* name);

/// A typed array with a copy of the values.
template <class Array, class Value>
Array to_array(Napi::Env env, const std::vector<Value>& values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(Value));
  return array;
}

}  // namespace preresnet
