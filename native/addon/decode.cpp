#include "addon/decode.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/decode_pool.h"
#include "addon/decode_settings.h"
#include "addon/environment.h"
#include "core/error.h"
#include "data/decode.h"
#include "data/pixels.h"

namespace preresnet {

namespace {

/// An image that waits for its turn with its file, or has been withdrawn. The bytes are a copy:
/// what JavaScript does to its own has no effect.
struct DecodeRequest {
  std::vector<uint8_t> file;
  DecodeOptions options;
  Draw draw;
  std::string name;
  bool withdrawn = false;
};

Napi::Value to_result(Napi::Env env, const Pixels& image, double seconds) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("pixels", to_array<Napi::Uint8Array>(env, image.data));
  result.Set("height", Napi::Number::New(env, static_cast<double>(image.height)));
  result.Set("width", Napi::Number::New(env, static_cast<double>(image.width)));
  result.Set("channels", Napi::Number::New(env, static_cast<double>(image.channels)));
  result.Set("seconds", Napi::Number::New(env, seconds));
  return result;
}

/// On a thread of the pool, or on the JavaScript thread where it was withdrawn.
Completion decode(DecodeRequest& request) {
  // What withdraws the request holds it until JavaScript's garbage is collected; not the file too.
  const std::vector<uint8_t> file = std::move(request.file);
  if (request.withdrawn) {
    throw Error("ERR_ABORTED", request.name + ": withdrawn before it was decoded");
  }
  const auto begin = std::chrono::steady_clock::now();
  auto image = std::make_shared<const Pixels>(
      ImageDecoder().decode(file.data(), file.size(), request.options, request.name, request.draw));
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  return [image = std::move(image), seconds = time.count()](Napi::Env env) {
    return to_result(env, *image, seconds);
  };
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

/// Of a file by its header, or of pixels as they are said to be.
ImageSize stored_size(const Napi::Uint8Array& bytes, const Arguments& given,
                      const DecodeOptions& options, const std::string& name) {
  if (!given.has("stored")) {
    return image_size(bytes.Data(), bytes.ByteLength(), options.maximum_pixels, name);
  }
  const Arguments stored = given.object("stored");
  const ImageSize size{stored.integer("height", 1, kLargestSide),
                       stored.integer("width", 1, kLargestSide)};
  check_pixels(name, size, options.maximum_pixels);
  const auto expected = static_cast<size_t>(size.height * size.width * options.channels);
  if (bytes.ByteLength() != expected) {
    throw Error("ERR_OPTION", name + ": expected " + std::to_string(expected) +
                                  " bytes of pixels, got " + std::to_string(bytes.ByteLength()));
  }
  return size;
}

}  // namespace

Napi::Value image_size_of(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto bytes = bytes_of(info[0], "file");
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
    const auto bytes = bytes_of(info[0], "file");
    const Arguments given(info[1], "options");
    DecodeOptions options = read_decode_settings(given);
    options.channels = given.integer("channels", 1, 4);
    if (given.has("height")) options.height = given.integer("height", 1, kLargestSide);
    if (given.has("width")) options.width = given.integer("width", 1, kLargestSide);
    if (options.crop != CropKind::center && (options.height == 0 || options.width == 0))
      given.refuse("height", "the size of the crop, height and width");
    options.maximum_pixels = maximum_pixels(given);
    const std::string name = given.has("name") ? given.text("name") : "image";
    const ImageSize stored = stored_size(bytes, given, options, name);
    if (given.has("stored")) {
      options.given_height = stored.height;
      options.given_width = stored.width;
    }
    auto request = std::make_shared<DecodeRequest>(DecodeRequest{
        {bytes.Data(), bytes.Data() + bytes.ByteLength()}, options, draw_of(given), name});
    Environment& environment = Environment::of(info.Env());
    const std::shared_ptr<DecodePool> pool = environment.decode_pool();
    uint64_t number = 0;
    const Napi::Promise promise = environment.promise(
        nullptr,
        [&](auto task) { number = pool->post(stored.height * stored.width, std::move(task)); },
        [request] { return decode(*request); });
    if (info[2].IsFunction()) {
      info[2].As<Napi::Function>().Call(
          {Napi::Function::New(info.Env(), [pool, request, number](const Napi::CallbackInfo&) {
            const std::function<void()> task = pool->withdraw(number);
            if (!task) return;
            request->withdrawn = true;
            task();
          })});
    }
    return promise;
  });
}

}  // namespace preresnet
