#include "cpu/planes.h"

#include <cmath>

#include "core/bf16.h"

namespace preresnet::cpu {
namespace {

float value_at(const Source& source, int64_t index) {
  if (!source.bf16) return static_cast<const float*>(source.data)[index];
  return from_bf16(static_cast<const uint16_t*>(source.data)[index]);
}

void put(const Destination& target, int64_t index, float value) {
  if (!target.bf16) static_cast<float*>(target.data)[index] = value;
  if (target.bf16) static_cast<uint16_t*>(target.data)[index] = to_bf16(value);
}

}  // namespace

int64_t planes_of(int64_t channels, bool winograd, bool input_gradient) {
  return channels <= 4 && !winograd && !input_gradient ? channels : 0;
}

void run(const passes::TransformPass& pass, int64_t planes) {
  if (planes == 0) return passes::run(pass);
  const bool affine = pass.scale != nullptr || pass.bias != nullptr;
  for (int64_t channel = 0; channel < planes; ++channel) {
    const float scale = pass.scale == nullptr ? 1 : pass.scale[channel];
    const float bias = pass.bias == nullptr ? 0 : pass.bias[channel];
    for (int64_t pixel = 0; pixel < pass.pixels; ++pixel) {
      float value = value_at(pass.x, pixel * 16 + channel);
      if (affine) value = std::fma(value, scale, bias);
      put(pass.out, channel * pass.pixels + pixel, pass.relu && value < 0 ? 0 : value);
    }
  }
}

}  // namespace preresnet::cpu
