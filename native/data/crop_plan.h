// Which part of a stored image becomes a sample, and how large: by the header alone, before a pixel
// is decoded.
#pragma once
#include <cstdint>
#include <string>

#include "data/draw.h"
#include "data/pixels.h"

namespace preresnet {

struct CropPlan {
  Window source;  // of the stored image: it is resized to `target`, as if it were cut out before
  ImageSize target;
  Window window;        // of the target: the result
  bool mirror = false;  // of the result
  // The window is drawn at random, so that pixels beyond it need not be read.
  bool drawn = false;
};

/// Throws ERR_IMAGE, which begins with `name`, where the image is smaller than the crop.
CropPlan plan_crop(const ImageSize& stored, const DecodeOptions& options, const Draw& draw,
                   const std::string& name);

/// 1, 2, 4 or 8: by how much an image can be reduced while it is decoded, so that the source still
/// is at least as large as the target.
int64_t reduction(const CropPlan& plan);

}  // namespace preresnet
