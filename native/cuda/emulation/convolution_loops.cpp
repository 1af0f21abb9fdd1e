#include "cuda/emulation/convolution_loops.h"

#include <algorithm>
#include <vector>

#include "cuda/emulation/matrix_product.h"
#include "cuda/emulation/stored.h"

namespace preresnet::cuda::emulation {

void ConvolutionLoops::load_operand(const void* from, int64_t first, int64_t count,
                                    float* to) const {
  load(choice.type, from, first, count, to);
  if (choice.tf32) std::transform(to, to + count, to, to_tf32);
}

void ConvolutionLoops::transform(const void* scale, const void* bias, float* values) const {
  const int64_t channels = shape.in_channels;
  std::vector<float> scales(channels), biases(channels);
  load(choice.type, scale, 0, channels, scales.data());
  load(choice.type, bias, 0, channels, biases.data());
  for (int64_t pixel = 0; pixel < shape.height * shape.width; ++pixel) {
    float* pixel_values = values + pixel * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float value = scales[c] * pixel_values[c] + biases[c];
      // A NaN stays one.
      const float activated = rounded(choice.type, value < 0 ? 0 : value);
      pixel_values[c] = choice.tf32 ? to_tf32(activated) : activated;
    }
  }
}

void ConvolutionLoops::weights_for_forward(const void* w, float* rsck) const {
  const int64_t K = shape.out_channels, taps = kernel_size(), C = shape.in_channels;
  std::vector<float> row(C);
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      load_operand(w, (k * taps + tap) * C, C, row.data());
      for (int64_t c = 0; c < C; ++c) rsck[(tap * C + c) * K + k] = row[c];
    }
  }
}

void ConvolutionLoops::weights_for_backward(const void* w, float* rskc) const {
  const int64_t K = shape.out_channels, taps = kernel_size(), C = shape.in_channels;
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      load_operand(w, (k * taps + tap) * C, C, rskc + (tap * K + k) * C);
    }
  }
}

void ConvolutionLoops::store_weights(const float* rskc, void* dw) const {
  const int64_t K = shape.out_channels, taps = kernel_size(), C = shape.in_channels;
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      store(choice.type, rskc + (tap * K + k) * C, C, dw, (k * taps + tap) * C);
    }
  }
}

template <class Visitor>
void ConvolutionLoops::each_row(Visitor&& visit) const {
  const int64_t stride = shape.stride;
  for (int64_t p = 0; p < shape.out_height; ++p) {
    for (int64_t r = 0; r < shape.kernel_height; ++r) {
      const int64_t h = p * stride + r - shape.padding;
      if (h < 0 || h >= shape.height) continue;
      for (int64_t s = 0; s < shape.kernel_width; ++s) {
        const int64_t left = s - shape.padding;  // column of x under output 0
        const int64_t first = left < 0 ? (-left + stride - 1) / stride : 0;
        const int64_t end =
            std::min(shape.out_width, (shape.width - 1 - left + stride) / stride);  // w < width
        if (left >= shape.width || first >= end) continue;
        visit(r * shape.kernel_width + s, p * shape.out_width + first,
              h * shape.width + first * stride + left, end - first);
      }
    }
  }
}

void ConvolutionLoops::forward(const float* x, const float* rsck, float* y) const {
  const int64_t K = shape.out_channels, C = shape.in_channels;
  std::fill_n(y, output_size(), 0.0f);
  each_row([&](int64_t tap, int64_t to, int64_t from, int64_t count) {
    add_product(count, K, C, {x + from * C, shape.stride * C, 1}, rsck + tap * C * K, K, y + to * K,
                K);
  });
}

void ConvolutionLoops::backward_data(const float* dy, const float* rskc, float* dx) const {
  const int64_t K = shape.out_channels, C = shape.in_channels;
  std::fill_n(dx, input_size(), 0.0f);
  each_row([&](int64_t tap, int64_t from, int64_t to, int64_t count) {
    add_product(count, C, K, {dy + from * K, K, 1}, rskc + tap * K * C, C, dx + to * C,
                shape.stride * C);
  });
}

void ConvolutionLoops::backward_weights(const float* dy, const float* x, float* rskc) const {
  const int64_t K = shape.out_channels, C = shape.in_channels;
  each_row([&](int64_t tap, int64_t output, int64_t input, int64_t count) {
    add_product(K, C, count, {dy + output * K, 1, K}, x + input * C, shape.stride * C,
                rskc + tap * K * C, C);
  });
}

}  // namespace preresnet::cuda::emulation
