// uint8 NHWC to blocks of 16 channels: normalized, padded, cropped, mirrored. A pixel has 256
// values, so its normalized value is looked up.
#include <algorithm>
#include <array>
#include <vector>

#include "core/bf16.h"
#include "core/error.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/partition.h"

namespace preresnet::cpu {
namespace {

float as_stored(float value, const float*) { return value; }
uint16_t as_stored(float value, const uint16_t*) { return to_bf16(value); }

class InputOperation final : public Operation {
 public:
  InputOperation(const ops::Input& op, Context& context) : op_(op), context_(context) {
    x_ = activation("input.x", op.x);
    expect_plain("input.images", op.images, DType::u8);
    expect_plain("input.crops", op.crops, DType::i32);
    if (op.images->dim(0) % x_.images != 0 || op.images->dim(3) != x_.channels) {
      throw Error("ERR_UNSUPPORTED",
                  "input: expected images of x's channels, and a multiple of x's number");
    }
    stored_height_ = op.images->dim(1);
    stored_width_ = op.images->dim(2);
    for (int64_t channel = 0; channel < x_.channels; ++channel) {
      const auto c = static_cast<size_t>(channel);
      std::array<float, 256>& values = normalized_.emplace_back();
      for (size_t pixel = 0; pixel < values.size(); ++pixel) {
        values[pixel] =
            static_cast<float>((static_cast<double>(pixel) / 255 - op.mean.at(c)) / op.std.at(c));
      }
    }
  }

  void run(const Step& step) override {
    // A few images in bands of rows.
    const int64_t images = step.wanted(x_.images), threads = context_.pool.threads();
    const int64_t bands = images < threads ? std::min(threads, x_.height) : 1;
    first_ = step.first_image(x_.images);
    context_.pool.run(images * bands, [&](int, int64_t task) {
      const int64_t image = task / bands, band = task % bands;
      const Range rows{band * x_.height / bands, (band + 1) * x_.height / bands};
      const Destination x = x_.target(image);
      x_.bf16 ? write(image, rows, static_cast<uint16_t*>(x.data))
              : write(image, rows, static_cast<float*>(x.data));
    });
  }

 private:
  struct Crop {
    int64_t top, left;
    bool mirror;
  };

  Crop crop(int64_t image) const {
    const int64_t most_top = stored_height_ + 2 * op_.pad - x_.height;
    const int64_t most_left = stored_width_ + 2 * op_.pad - x_.width;
    if (op_.crops == nullptr) return {most_top / 2, most_left / 2, false};
    const int32_t* values = op_.crops->as<const int32_t>() + (first_ + image) * 3;
    const Crop at{values[0], values[1], values[2] != 0};
    if (at.top < 0 || at.left < 0 || at.top > most_top || at.left > most_left) {
      throw Error("ERR_DATASET", "expected a crop inside the padded image, got top " +
                                     std::to_string(at.top) + ", left " + std::to_string(at.left));
    }
    return at;
  }

  template <class T>
  void write(int64_t image, Range rows, T* x) const {
    const Crop at = crop(image);
    const int64_t row_elements = x_.width * 16;
    for (int64_t block = 0; block < x_.blocks(); ++block) {
      std::fill_n(x + block * x_.pixels() * 16 + rows.begin * row_elements,
                  (rows.end - rows.begin) * row_elements, T{0});
    }
    const int64_t channels = x_.channels;
    const uint8_t* pixels = op_.images->as<const uint8_t>() +
                            (first_ + image) * stored_height_ * stored_width_ * channels;
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      const int64_t row = at.top + h - op_.pad;
      if (row < 0 || row >= stored_height_) continue;
      for (int64_t w = 0; w < x_.width; ++w) {
        const int64_t column = at.left + (at.mirror ? x_.width - 1 - w : w) - op_.pad;
        if (column < 0 || column >= stored_width_) continue;
        const uint8_t* pixel = pixels + (row * stored_width_ + column) * channels;
        T* to = x + (h * x_.width + w) * 16;
        for (int64_t c = 0; c < channels; ++c) {
          const float value = normalized_[static_cast<size_t>(c)][pixel[c]];
          to[c / 16 * x_.pixels() * 16 + c % 16] = as_stored(value, to);
        }
      }
    }
  }

  const ops::Input& op_;
  Context& context_;
  Activation x_;
  int64_t stored_height_ = 0, stored_width_ = 0;
  int64_t first_ = 0;                               // of the images of the step
  std::vector<std::array<float, 256>> normalized_;  // per channel
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Input& op, Context& context) {
  return std::make_unique<InputOperation>(op, context);
}

}  // namespace preresnet::cpu
