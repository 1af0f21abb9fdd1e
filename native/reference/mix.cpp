// Mixup and cutmix: y, and what became of the labels.
#include "core/mix.h"

#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Mix& op, const Call& call) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t H = op.x->dim(2);
  const int64_t W = op.x->dim(3);
  const int64_t M = op.labels->dim(0);
  const int64_t K = op.targets->dim(1);
  const int64_t first = call.step.first_image(N);  // of the M images
  const auto* mixes = op.mixes->as<int32_t>();     // M 6
  const auto* labels = op.labels->as<int32_t>();   // M
  const double* x = values(op.x);                  // N C H W
  double* y = values(op.y);                        // N C H W
  double* targets = values(op.targets);            // M K

  for (int64_t n = 0; n < N; ++n) {
    const MixOfImage mix(mixes, first + n);
    const double share = mix.within();
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t h = 0; h < H; ++h) {
        for (int64_t w = 0; w < W; ++w) {
          const bool inside =
              h >= mix.top && h < mix.top + mix.height && w >= mix.left && w < mix.left + mix.width;
          const double own = x[((n * C + c) * H + h) * W + w];
          const double other = x[(((mix.partner - first) * C + c) * H + h) * W + w];
          y[((n * C + c) * H + h) * W + w] = inside ? share * own + (1 - share) * other : own;
        }
      }
    }
  }
  for (int64_t m = 0; m < M; ++m) {
    const MixOfImage mix(mixes, m);
    const double own = mix.own(H * W);
    for (int64_t k = 0; k < K; ++k) {
      const double target = (k == labels[m] ? own : 0) + (k == labels[mix.partner] ? 1 - own : 0);
      targets[m * K + k] = (1 - op.smoothing) * target + op.smoothing / static_cast<double>(K);
    }
  }
}

}  // namespace preresnet::reference
