// All parameters in one pass.
#include "cpu/moments.h"

namespace preresnet::cpu {
namespace {

class AdamwOperation final : public Operation {
 public:
  AdamwOperation(const ops::Adamw& op, Context& context) : moments_("adamw", op, context, 0) {}

  void run(const Step& step) override {
    const passes::MomentsPass pass = moments_.begin(step);
    moments_.pieces().each([&](const ParameterPiece& piece, int64_t) {
      passes::adamw(moments_.of(piece, step, pass));
    });
  }

 private:
  Moments<ops::Adamw> moments_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Adamw& op, Context& context) {
  return std::make_unique<AdamwOperation>(op, context);
}

}  // namespace preresnet::cpu
