// x = crop, mirrored, of the zero-padded (images / 255 - mean) / std.
#include "core/error.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Input& op, const Call& call) {
  const int64_t N = op.x->dim(0);
  const int64_t first = call.step.first_image(N);  // of the M images
  const int64_t Y = op.images->dim(1);
  const int64_t X = op.images->dim(2);
  const int64_t C = op.images->dim(3);
  const int64_t H = op.x->dim(2);
  const int64_t W = op.x->dim(3);
  const auto* images = op.images->as<uint8_t>();  // N Y X C
  double* x = values(op.x);                       // N C H W

  for (int64_t n = 0; n < N; ++n) {
    int64_t top = (Y + 2 * op.pad - H) / 2;
    int64_t left = (X + 2 * op.pad - W) / 2;
    bool mirror = false;
    if (op.crops != nullptr) {
      const int32_t* crops = op.crops->as<int32_t>() + (first + n) * 3;
      top = crops[0];
      left = crops[1];
      mirror = crops[2] != 0;
      if (top < 0 || left < 0 || top > Y + 2 * op.pad - H || left > X + 2 * op.pad - W) {
        throw Error("ERR_DATASET", "expected a crop inside the padded image, got top " +
                                       std::to_string(top) + ", left " + std::to_string(left));
      }
    }
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t h = 0; h < H; ++h) {
        for (int64_t w = 0; w < W; ++w) {
          const int64_t row = top + h - op.pad;  // in the stored image
          const int64_t column = left + (mirror ? W - 1 - w : w) - op.pad;
          const bool inside = row >= 0 && row < Y && column >= 0 && column < X;
          const double pixel =
              inside ? images[(((first + n) * Y + row) * X + column) * C + c] / 255.0 : 0;
          x[((n * C + c) * H + h) * W + w] = inside ? (pixel - op.mean[c]) / op.std[c] : 0;
        }
      }
    }
  }
}

}  // namespace preresnet::reference
