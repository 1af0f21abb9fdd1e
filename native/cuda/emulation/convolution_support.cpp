#include "cuda/emulation/convolution_support.h"

#include <string>

#include "core/error.h"

namespace preresnet::cuda::emulation {

namespace {

const char* name_of(Type type) {
  switch (type) {
    case Type::bf16:
      return "bf16";
    case Type::f16:
      return "f16";
    case Type::f32:
      break;
  }
  return "f32";
}

void require(bool condition, const std::string& expected, const std::string& got) {
  if (!condition) {
    throw Error("ERR_UNSUPPORTED", "convolution: expected " + expected + ", got " + got);
  }
}

/// Whatever the direction. `fused`: any part beside the convolution itself.
void check(const ConvolutionShape& shape, const ConvolutionChoice& choice, bool fused) {
  require(shape.in_channels % 8 == 0 && shape.out_channels % 8 == 0, "channels in multiples of 8",
          std::to_string(shape.in_channels) + " and " + std::to_string(shape.out_channels));
  require(!choice.tf32 || choice.type == Type::f32, "tf32 with type f32", name_of(choice.type));
  require(choice.engine == -1 || choice.engine == 0, "engine -1 or 0",
          std::to_string(choice.engine));
  switch (choice.tier) {
    case Tier::plain:
      require(!fused, "a convolution alone in tier 0", "fused parts");
      break;
    case Tier::precompiled:
      require(fused, "fused parts in tier 1", "a convolution alone");
      require(choice.type == Type::f16, "type f16 in tier 1", name_of(choice.type));
      require(shape.kernel_height <= 3 && shape.kernel_width <= 3,
              "kernels of up to 3 x 3 in tier 1",
              std::to_string(shape.kernel_height) + " x " + std::to_string(shape.kernel_width));
      break;
    case Tier::runtime_compiled:
      require(fused, "fused parts in tier 2", "a convolution alone");
      require(choice.type != Type::f32, "type f16 or bf16 in tier 2", name_of(choice.type));
      break;
  }
}

/// Tier 2 adds its sums with atomics.
void check_order(const ConvolutionChoice& choice, bool sums) {
  require(!(choice.deterministic && choice.tier == Tier::runtime_compiled && sums),
          "no sums in tier 2 where results must not change from run to run", "sums");
}

}  // namespace

void check_support(const ConvolutionShape& shape, const ConvolutionChoice& choice,
                   ConvolutionForward::Fusion fusion) {
  check(shape, choice, fusion.transform || fusion.residual || fusion.sums);
  check_order(choice, fusion.sums);
  if (choice.tier == Tier::precompiled) {
    require(fusion.sums, "sums in tier 1", "none");
    require(!fusion.residual, "no residual in tier 1", "one");
  }
}

void check_support(const ConvolutionShape& shape, const ConvolutionChoice& choice,
                   ConvolutionBackwardData::Fusion fusion) {
  check(shape, choice, fusion.add || fusion.mask || fusion.sums || fusion.norm);
  check_order(choice, fusion.sums);
  if (choice.tier == Tier::precompiled) {
    require(fusion.mask && fusion.norm && !fusion.sums, "mask and norm in tier 1", "others");
    require(!fusion.add || shape.stride == 1, "stride 1 with an addition in tier 1",
            std::to_string(shape.stride));
  }
  if (choice.tier == Tier::runtime_compiled) {
    require(!fusion.norm, "sums instead of norm in tier 2", "norm");
    require(fusion.mask == fusion.sums, "mask and sums together in tier 2", "one of them");
    require(!(fusion.mask && fusion.add), "no addition before a mask in tier 2", "one");
    require(shape.stride == 1, "stride 1 in tier 2", std::to_string(shape.stride));
  }
}

void check_support(const ConvolutionShape& shape, const ConvolutionChoice& choice,
                   ConvolutionBackwardWeights::Fusion fusion) {
  check(shape, choice, fusion.transform);
  require(choice.tier != Tier::runtime_compiled, "tier 0 or 1 for a gradient of weights", "tier 2");
}

void check_workspace(const ConvolutionChoice& choice, size_t bytes) {
  require(choice.workspace_limit == 0 || bytes <= choice.workspace_limit,
          "a workspace of at most " + std::to_string(choice.workspace_limit) + " bytes",
          std::to_string(bytes));
}

}  // namespace preresnet::cuda::emulation
