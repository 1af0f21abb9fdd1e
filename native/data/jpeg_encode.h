// Pixels to a baseline JPEG file through libjpeg-turbo.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace preresnet {

/// `pixels`: [height][width][channels], 1 (gray) or 3 (RGB). `quality`: 1 to 100, of libjpeg's
/// tables. Chroma is stored at half the resolution in both directions, as libjpeg does by itself.
/// The same pixels give the same bytes. Throws ERR_IMAGE for what JPEG cannot hold.
std::vector<uint8_t> encode_jpeg(const uint8_t* pixels, int64_t height, int64_t width,
                                 int64_t channels, int quality);

}  // namespace preresnet
