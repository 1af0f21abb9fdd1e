// What is mixed into images: the rules of torchvision's MixUp and CutMix. docs/data.md says which
// word decides what.
#pragma once
#include <cstdint>

#include "data/draw.h"
#include "data/pixels.h"

namespace preresnet {

constexpr int64_t kLargestAlpha = 1000;

/// Both parameters of the Beta distributions that shares are drawn from; 0: never. With both, one
/// of them is drawn.
struct MixRule {
  double mixup = 0;
  double cutmix = 0;

  bool mixes() const { return mixup > 0 || cutmix > 0; }
};

/// Of all images of a group.
struct Mix {
  int64_t shift = 0;  // of the partner's place in the group, round its end
  int32_t share = 0;  // see core/mix.h
  Window box;
};

/// draw: of the place in its epoch of the group's first image. images: of the group, at least 2.
Mix draw_mix(const MixRule& rule, const Draw& draw, int64_t images, const ImageSize& input);

}  // namespace preresnet
