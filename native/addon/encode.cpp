#include "addon/encode.h"

#include <memory>
#include <vector>

#include "addon/arguments.h"
#include "addon/decode_pool.h"
#include "addon/environment.h"
#include "core/error.h"
#include "data/jpeg_encode.h"

namespace preresnet {

Napi::Value encode_jpeg_async(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Arguments given(info[0], "image");
    constexpr int64_t kLargestSide = 65500;  // of a JPEG file
    const int64_t height = given.integer("height", 1, kLargestSide);
    const int64_t width = given.integer("width", 1, kLargestSide);
    const int64_t channels = given.integer("channels", 1, 3);
    const int quality = static_cast<int>(given.integer("quality", 1, 100));
    const Napi::Uint8Array bytes = given.bytes("pixels");
    const auto expected = static_cast<size_t>(height * width * channels);
    if (channels == 2 || bytes.ByteLength() != expected)
      throw Error("ERR_OPTION", "pixels: expected as many bytes as height, width and channels say");
    // A copy: what JavaScript does to its own has no effect.
    const auto pixels =
        std::make_shared<const std::vector<uint8_t>>(bytes.Data(), bytes.Data() + expected);
    Environment& environment = Environment::of(info.Env());
    const std::shared_ptr<DecodePool> pool = environment.decode_pool();
    return environment.promise(
        nullptr, [&](auto task) { pool->post(height * width, std::move(task)); },
        [=]() -> Completion {
          return [file = encode_jpeg(pixels->data(), height, width, channels, quality)](
                     Napi::Env env) { return to_array<Napi::Uint8Array>(env, file); };
        });
  });
}

}  // namespace preresnet
