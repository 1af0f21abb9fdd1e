// Mixup and cutmix: rows of an image, and within the box with its partner's.
#include "core/mix.h"

#include <algorithm>

#include "core/bf16.h"
#include "core/error.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/partition.h"

namespace preresnet::cpu {
namespace {

float value_of(float stored) { return stored; }
float value_of(uint16_t stored) { return from_bf16(stored); }
void store(float value, float* to) { *to = value; }
void store(float value, uint16_t* to) { *to = to_bf16(value); }

class MixOperation final : public Operation {
 public:
  MixOperation(const ops::Mix& op, Context& context) : op_(op), context_(context) {
    x_ = activation("mix.x", op.x);
    y_ = activation("mix.y", op.y);
    expect_plain("mix.labels", op.labels, DType::i32);
    expect_plain("mix.mixes", op.mixes, DType::i32);
    expect_plain("mix.targets", op.targets, DType::f32);
    if (x_.bf16 != y_.bf16) throw Error("ERR_UNSUPPORTED", "mix: expected x and y of one type");
  }

  void run(const Step& step) override {
    first_ = step.first_image(x_.images);
    const int64_t all = op_.labels->dim(0);
    context_.pool.run(x_.images + all, [&](int, int64_t task) {
      if (task >= x_.images) return write_target(task - x_.images);
      x_.bf16 ? mix<uint16_t>(task) : mix<float>(task);
    });
  }

 private:
  template <class T>
  void mix(int64_t image) const {
    const MixOfImage mix(mixes(), first_ + image);
    const auto share = static_cast<float>(mix.within());
    const float rest = 1 - share;
    const auto* x = static_cast<const T*>(x_.source(image).data);
    const auto* partner = static_cast<const T*>(x_.source(mix.partner - first_).data);
    auto* y = static_cast<T*>(y_.target(image).data);
    std::copy_n(x, x_.image_elements(), y);
    for (int64_t block = 0; block < x_.blocks(); ++block) {
      for (int64_t row = mix.top; row < mix.top + mix.height; ++row) {
        const int64_t begin = (block * x_.pixels() + row * x_.width + mix.left) * 16;
        for (int64_t i = begin; i < begin + mix.width * 16; ++i) {
          store(share * value_of(x[i]) + rest * value_of(partner[i]), y + i);
        }
      }
    }
  }

  void write_target(int64_t image) const {
    const MixOfImage mix(mixes(), image);
    const int64_t classes = op_.targets->dim(1);
    const auto* labels = op_.labels->as<const int32_t>();
    const double own = mix.own(x_.pixels());
    float* row = op_.targets->as<float>() + image * classes;
    for (int64_t k = 0; k < classes; ++k) {
      const double target =
          (k == labels[image] ? own : 0) + (k == labels[mix.partner] ? 1 - own : 0);
      row[k] = static_cast<float>((1 - op_.smoothing) * target +
                                  op_.smoothing / static_cast<double>(classes));
    }
  }

  const int32_t* mixes() const { return op_.mixes->as<const int32_t>(); }

  const ops::Mix& op_;
  Context& context_;
  Activation x_, y_;
  int64_t first_ = 0;  // of the images of the step
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Mix& op, Context& context) {
  return std::make_unique<MixOperation>(op, context);
}

}  // namespace preresnet::cpu
