#include "cpu/algorithms.h"

#include "cpu/direct_convolution.h"
#include "cpu/instruction_sets.h"
#include "cpu/one_by_one_convolution.h"
#include "cpu/onednn_convolution.h"
#include "cpu/winograd_convolution.h"

namespace preresnet::cpu {
namespace {

using onednn::Direction;
using onednn::has_bf16_kernel;
using onednn::Operands;

BlockForward winograd_forward(const ConvolutionShape& shape, int threads) {
  return {.terms = winograd_terms(shape, threads),
          .convolution = make_winograd_convolution(shape, WinogradSide::output)};
}

BlockForward onednn_forward(const ConvolutionShape& shape, bool bf16_products, int threads) {
  const bool bf16 = bf16_products && has_bf16_kernel(Direction::forward, shape);
  const Operands operands = bf16 ? Operands::bf16 : Operands::f32;
  return {.terms = onednn_terms(shape, operands),
          .convolution = make_onednn_convolution(Direction::forward, shape, operands, threads)};
}

BlockBackward winograd_backward(const ConvolutionShape& shape, BackwardUse use, int threads) {
  BlockBackward backward{.terms = winograd_terms(shape, threads)};
  if (use.data) backward.data = make_winograd_convolution(shape, WinogradSide::input);
  if (!use.weights) return backward;
  if (winograd_collects(shape)) {
    backward.weights = make_collected_winograd_gradient(shape);
  } else {
    backward.weights = make_winograd_gradient(shape);
  }
  return backward;
}

BlockBackward onednn_backward(const ConvolutionShape& shape, BackwardUse use, bool bf16_products,
                              int threads) {
  // Both gradients read the same dy.
  const bool bf16 = bf16_products &&
                    (!use.data || has_bf16_kernel(Direction::backward_data, shape)) &&
                    (!use.weights || has_bf16_kernel(Direction::backward_weights, shape));
  const Operands operands = bf16 ? Operands::bf16 : Operands::f32;
  BlockBackward backward{.terms = onednn_terms(shape, operands)};
  if (use.data) {
    backward.data = make_onednn_convolution(Direction::backward_data, shape, operands, threads);
  }
  if (use.weights) backward.weights = make_onednn_gradient(shape, operands, threads);
  return backward;
}

/// What stands under a key, made the first time.
template <class Map, class Make>
auto& shared(Map& map, const typename Map::key_type& key, Make make) {
  const auto found = map.find(key);
  return found != map.end() ? found->second : map.emplace(key, make()).first->second;
}

/// Winograd's filters take four times the memory of products of bf16 in fp16, eight times in f32.
/// Where they are larger than a cache of the third level, which comes with few pixels, reading them
/// takes longer than multiplying directly; for one image, in f32, by a half.
bool reads_too_much(const ConvolutionShape& shape) {
  constexpr size_t kMostBytes = size_t{32} << 20;
  return winograd_bytes(shape) > kMostBytes;
}

}  // namespace

const PartConvolution* Algorithms::parts(ConvolutionShape shape, ConvolutionMeans means) {
  shape.images = 1;
  const bool in_bf16 = means.bf16_products && multiplies_bf16();
  if (in_bf16 && reads_too_much(shape)) means.winograd = false;
  if (means.bf16_products && !means.winograd && !in_bf16) return nullptr;
  return shared(parts_, {shape, means, {}},
                [&] {
                  return means.winograd ? make_winograd_parts(shape, means.bf16_products)
                                        : make_direct_convolution(shape, means.bf16_products);
                })
      .get();
}

const FusedConvolution* Algorithms::fused_forward(const ConvolutionShape& shape,
                                                  ConvolutionMeans means) {
  if (!means.bf16_products) return nullptr;
  return shared(fused_forward_, shape, [&] { return make_one_by_one_convolution(shape); }).get();
}

const FusedBackward* Algorithms::fused_backward(const ConvolutionShape& shape,
                                                ConvolutionMeans means) {
  if (!means.bf16_products) return nullptr;
  return shared(fused_backward_, shape, [&] { return make_one_by_one_backward(shape); }).get();
}

const BlockForward& Algorithms::block_forward(const ConvolutionShape& shape,
                                              ConvolutionMeans means) {
  return shared(block_forward_, {shape, means, {}}, [&] {
    return means.winograd ? winograd_forward(shape, threads_)
                          : onednn_forward(shape, means.bf16_products, threads_);
  });
}

const BlockBackward& Algorithms::block_backward(const ConvolutionShape& shape, BackwardUse use,
                                                ConvolutionMeans means) {
  return shared(block_backward_, {shape, means, use}, [&] {
    return means.winograd ? winograd_backward(shape, use, threads_)
                          : onednn_backward(shape, use, means.bf16_products, threads_);
  });
}

}  // namespace preresnet::cpu
