#include "addon/encode.h"

#include <exception>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "core/error.h"
#include "data/jpeg_encode.h"

namespace preresnet {

namespace {

struct Size {
  int64_t height;
  int64_t width;
  int64_t channels;
};

/// On Node's own pool, as decoding is.
class EncodeWork : public Napi::AsyncWorker {
 public:
  EncodeWork(Napi::Env env, std::vector<uint8_t> pixels, Size size, int quality)
      : Napi::AsyncWorker(env),
        deferred_(env),
        pixels_(std::move(pixels)),
        size_(size),
        quality_(quality) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      file_ = encode_jpeg(pixels_.data(), size_.height, size_.width, size_.channels, quality_);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void OnOK() override {
    if (failure_ == nullptr) return deferred_.Resolve(to_array<Napi::Uint8Array>(Env(), file_));
    try {
      std::rethrow_exception(failure_);
    } catch (...) {
      deferred_.Reject(current_error(Env()).Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<uint8_t> pixels_;
  const Size size_;
  const int quality_;
  std::vector<uint8_t> file_;
  std::exception_ptr failure_;
};

}  // namespace

Napi::Value encode_jpeg_async(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Arguments given(info[0], "image");
    constexpr int64_t kLargestSide = 65500;  // of a JPEG file
    const Size size{given.integer("height", 1, kLargestSide),
                    given.integer("width", 1, kLargestSide), given.integer("channels", 1, 3)};
    const int quality = static_cast<int>(given.integer("quality", 1, 100));
    const Napi::Uint8Array pixels = given.bytes("pixels");
    const auto expected = static_cast<size_t>(size.height * size.width * size.channels);
    if (size.channels == 2 || pixels.ByteLength() != expected)
      throw Error("ERR_OPTION", "pixels: expected as many bytes as height, width and channels say");
    auto* work =
        new EncodeWork(info.Env(), {pixels.Data(), pixels.Data() + expected}, size, quality);
    const Napi::Promise promise = work->promise();
    work->Queue();  // deletes itself when done
    return promise;
  });
}

}  // namespace preresnet
