#include "addon/decode.h"

#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/decode_settings.h"
#include "addon/environment.h"
#include "core/error.h"
#include "data/decode.h"

namespace preresnet {

namespace {

/// On Node's own pool: images are independent and a server decodes several at once.
class DecodeWork : public Napi::AsyncWorker {
 public:
  DecodeWork(Napi::Env env, std::vector<uint8_t> file, const DecodeOptions& options,
             const Draw& draw)
      : Napi::AsyncWorker(env),
        deferred_(env),
        file_(std::move(file)),
        options_(options),
        draw_(draw) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      image_ = ImageDecoder().decode(file_.data(), file_.size(), options_, "image", draw_);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void OnOK() override {
    if (failure_ != nullptr) {
      try {
        std::rethrow_exception(failure_);
      } catch (...) {
        deferred_.Reject(current_error(Env()).Value());
      }
      return;
    }
    auto pixels = Napi::Uint8Array::New(Env(), image_.pixels.size());
    std::memcpy(pixels.Data(), image_.pixels.data(), image_.pixels.size());
    Napi::Object result = Napi::Object::New(Env());
    result.Set("pixels", pixels);
    result.Set("height", Napi::Number::New(Env(), static_cast<double>(image_.height)));
    result.Set("width", Napi::Number::New(Env(), static_cast<double>(image_.width)));
    result.Set("channels", Napi::Number::New(Env(), static_cast<double>(image_.channels)));
    deferred_.Resolve(result);
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<uint8_t> file_;
  DecodeOptions options_;
  Draw draw_;
  DecodedImage image_;
  std::exception_ptr failure_;
};

Napi::Uint8Array file_of(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Error("ERR_OPTION", "file: expected a Uint8Array, got another value");
  }
  return info[0].As<Napi::Uint8Array>();
}

int64_t maximum_pixels(const Arguments& given) {
  return given.has("maxPixels") ? given.integer("maxPixels", 1, kMaximumPixels) : kMaximumPixels;
}

Draw draw_of(const Arguments& given) {
  const auto number = [&](const char* name) {
    return static_cast<uint64_t>(given.integer_or(name, 0, 0));
  };
  return {number("seed"), number("epoch"), number("sample")};
}

}  // namespace

Napi::Value image_size_of(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto bytes = file_of(info);
    const Arguments given(info[1], "options");
    const ImageSize size = image_size(bytes.Data(), bytes.ByteLength(), maximum_pixels(given),
                                      given.has("name") ? given.text("name") : "image");
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("height", Napi::Number::New(info.Env(), static_cast<double>(size.height)));
    result.Set("width", Napi::Number::New(info.Env(), static_cast<double>(size.width)));
    return result;
  });
}

Napi::Value decode_image_async(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto bytes = file_of(info);
    const Arguments given(info[1], "options");
    DecodeOptions options = read_decode_settings(given);
    options.channels = given.integer("channels", 1, 4);
    if (given.has("height")) options.height = given.integer("height", 1, kLargestSide);
    if (given.has("width")) options.width = given.integer("width", 1, kLargestSide);
    if (options.crop != CropKind::center && (options.height == 0 || options.width == 0))
      given.refuse("height", "the size of the crop, height and width");
    options.maximum_pixels = maximum_pixels(given);
    auto* work = new DecodeWork(info.Env(), {bytes.Data(), bytes.Data() + bytes.ByteLength()},
                                options, draw_of(given));
    const Napi::Promise promise = work->promise();
    work->Queue();  // deletes itself when done
    return promise;
  });
}

}  // namespace preresnet
