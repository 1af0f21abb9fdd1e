// y = [ReLU]((conv(t(x), w) [+ bias]) [* yScale + yBias] [+ t(residual)]), a block of images at a
// time: the activation and the raw result exist for one block only and stay in the second-level
// cache. Where there are too few images to go round, each is shared out in slices of filters.
#include <algorithm>

#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/conv_weights.h"
#include "cpu/operands.h"
#include "cpu/output_norm.h"
#include "cpu/partition.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"
#include "cpu/planes.h"

namespace preresnet::cpu {
namespace {

/// Slices of filters that each image is computed in. The shape decides alone, so that results do
/// not depend on the number of threads. filters: a whole number of blocks.
int64_t choose_slices(int64_t images, int64_t filters) {
  constexpr int64_t kTasks = 4, kFewestFilters = 32;
  for (int64_t slices = std::min(kTasks / images, filters / kFewestFilters); slices > 1; --slices) {
    if (filters / 16 % slices == 0) return slices;
  }
  return 1;
}

class ConvOperation final : public Operation {
 public:
  ConvOperation(const ops::Conv& op, Context& context) : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    x_ = activation("conv.x", op.x);
    y_ = activation("conv.y", op.y);
    residual_ = activation("conv.residual", op.residual);
    const int64_t images = x_.images;
    ConvolutionShape whole = convolution_shape("conv", x_, *op.w, y_, op.stride, op.padding);
    whole.planes = planes_of(x_.channels, op.winograd, false);
    slices_ = choose_slices(images, whole.filters);
    shape_ = whole;
    if (slices_ > 1) {
      shape_.images = 1;
      shape_.filters /= slices_;
    }
    convolution_ = &context.convolution(shape_, {.forward = true},
                                        {.winograd = op.winograd,
                                         .bf16_products = op.bf16Products,
                                         .fused = slices_ == 1 && can_be_one_pass()});
    one_pass_ = convolution_->fuses_all();
    x_scale_ = Coefficients("conv.xScale", op.xScale, images, plan);
    x_bias_ = Coefficients("conv.xBias", op.xBias, images, plan);
    residual_scale_ = Coefficients("conv.residualScale", op.residualScale, images, plan);
    residual_bias_ = Coefficients("conv.residualBias", op.residualBias, images, plan);
    sums_ = ChannelSums("conv.sums", op.sums, images, y_.channels, 2, plan);

    // Of a session that trains, validation packs them again for every batch: what all layers keep
    // would be more memory than a step takes.
    keep_packed_ = context.keep_weights && op.sums == nullptr;
    norm_ = OutputNorm("conv", op.bias, op.yScale, op.yBias, images, op.sums == nullptr, plan);
    packed_bytes_ = (convolution_->forward_weights_bytes() + 63) / 64 * 64;
    const size_t packed_bytes = packed_bytes_ * static_cast<size_t>(slices_);
    weights_ = PaddedWeights(*op.w, whole, plan, norm_.folds());
    packed_ = keep_packed_ ? plan.kept(packed_bytes) : plan.shared(packed_bytes);

    fuses_ = convolution_->takes_epilogue() && can_fuse();
    bf16_operand_ = convolution_->bf16_operands();
    partition_ = slices_ > 1 ? Partition(images, 1, 1)
                             : Partition(images, convolution_->granule(),
                                         block_images(convolution_->block(context.pool.threads())));
    const int64_t block = partition_.block_images();
    transforms_ = !one_pass_ && (x_.bf16 != bf16_operand_ || op.xScale != nullptr ||
                                 op.xBias != nullptr || op.xRelu || shape_.planes > 0);
    const int64_t images_at_once = slices_ > 1 ? images : block;
    const size_t activation_bytes =
        storage_bytes(images_at_once * shape_.x_elements(), bf16_operand_);
    if (transforms_ && slices_ > 1) activations_ = plan.shared(activation_bytes);
    if (transforms_ && slices_ == 1) activation_ = plan.thread(activation_bytes);
    if (y_.bf16 && !one_pass_)
      result_ = plan.thread(storage_bytes(block * shape_.y_elements(), false));
    convolution_scratch_ = plan.thread(convolution_->scratch_bytes());
  }

  void run(const Step& step) override {
    const Scratch& scratch = context_.scratch;
    for (Coefficients* row : {&x_scale_, &x_bias_, &residual_scale_, &residual_bias_}) {
      row->load(scratch);
    }
    norm_.load(scratch);
    sums_.bind(scratch);
    pack(step);
    if (slices_ > 1) return run_slices(step.wanted(x_.images));
    const Range all = partition_.front(step.wanted(x_.images));
    if (one_pass_) return run_one_pass(all);
    context_.pool.run(partition_.blocks(all), [&](int thread, int64_t task) {
      const Range images = partition_.block(all, task);
      const void* x = transforms_ ? transform(thread, images) : plain_x(images.begin);
      float* y = y_.bf16 ? scratch.at<float>(result_, thread) : plain_y(images.begin);
      convolve(thread, images, x, 0, y);
      for (int64_t image = images.begin; finishes() && image < images.end; ++image) {
        sums_.clear(image);
        output(image, 0, y + (image - images.begin) * y_.image_elements());
      }
    });
    sums_.finish();
  }

 private:
  void pack(const Step& step) {
    const bool stands = packed_version_ == step.weights_version && !norm_.weights_changed();
    if (keep_packed_ && packed_once_ && stands) return;
    const Scratch& scratch = context_.scratch;
    weights_.fill(scratch, norm_.weight_scale());
    const int64_t pieces = convolution_->forward_packing_slices();
    context_.pool.run(slices_ * pieces, [&](int thread, int64_t task) {
      const int64_t slice = task / pieces;
      convolution_->pack_forward(thread, task % pieces,
                                 weights_.data(scratch) + slice * shape_.weights(), packed(slice));
    });
    packed_once_ = true;
    packed_version_ = step.weights_version;
  }

  /// Whether types and residual are such that the passes around the convolution can be part of it.
  bool can_be_one_pass() const {
    const bool plain_residual =
        op_.residual == nullptr ||
        (residual_.bf16 && op_.residualSubsample == 1 && residual_.channels == y_.channels);
    return x_.bf16 && y_.bf16 && plain_residual;
  }

  void run_one_pass(Range all) {
    const Scratch& scratch = context_.scratch;
    context_.pool.run(partition_.blocks(all), [&](int thread, int64_t task) {
      const Range images = partition_.block(all, task);
      for (int64_t image = images.begin; image < images.end; ++image) {
        sums_.clear(image);
        convolution_->fused_forward(transform_pass(image, 0, x_.blocks(), {}), packed(0),
                                    output_pass(image, 0, nullptr),
                                    scratch.at<void>(convolution_scratch_, thread));
      }
    });
    sums_.finish();
  }

  /// Every image in slices: first the activations, for all slices to read, then the convolutions.
  void run_slices(int64_t count) {
    const Scratch& scratch = context_.scratch;
    if (transforms_) {
      context_.pool.run(count * x_.blocks(), [&](int, int64_t task) {
        const int64_t image = task / x_.blocks(), block = task % x_.blocks();
        transform(image, block, 1, advance(activations(image), block * 16 * x_.pixels()));
      });
    }
    context_.pool.run(count * slices_, [&](int thread, int64_t task) {
      const int64_t image = task / slices_, slice = task % slices_;
      const void* x = transforms_ ? activations(image).data : plain_x(image);
      float* y = y_.bf16 ? scratch.at<float>(result_, thread)
                         : plain_y(image) + slice * shape_.y_elements();
      convolve(thread, {image, image + 1}, x, slice, y);
      if (!finishes()) return;
      if (sums_) clear_sums(image, slice);
      output(image, slice, y);
    });
    sums_.finish();
  }

  std::byte* packed(int64_t slice) const {
    return context_.scratch.at<std::byte>(packed_) + static_cast<size_t>(slice) * packed_bytes_;
  }
  const void* plain_x(int64_t image) const { return x_.source(image).data; }
  float* plain_y(int64_t image) const { return static_cast<float*>(y_.target(image).data); }
  /// Of one image, for all slices.
  Target activations(int64_t image) const {
    const Target all{context_.scratch.at<void>(activations_), bf16_operand_};
    return advance(all, image * shape_.x_elements());
  }

  void convolve(int thread, Range images, const void* x, int64_t slice, float* y) const {
    void* scratch = context_.scratch.at<void>(convolution_scratch_, thread);
    const int64_t count = images.end - images.begin;
    if (!fuses_) return convolution_->forward(thread, count, x, packed(slice), y, scratch);
    const Epilogue epilogue{
        .bias = from_block(norm_.bias(images.begin), slice * shape_.filters / 16),
        .residual = residual_ ? static_cast<const float*>(residual_.source(images.begin).data) +
                                    slice * shape_.y_elements()
                              : nullptr,
        .relu = op_.relu,
    };
    convolution_->finish_forward(thread, count, x, packed(slice), epilogue, y, scratch);
  }

  /// Whether all that is left to do after the convolution is one addition a filter, one of a tensor
  /// like y, and a ReLU.
  bool can_fuse() const {
    const bool plain_residual =
        op_.residual == nullptr ||
        (!residual_.bf16 && op_.residualScale == nullptr && !op_.residualRelu &&
         op_.residualSubsample == 1 && residual_.channels == y_.channels);
    return !y_.bf16 && !sums_ && (op_.yScale == nullptr || norm_.folds()) && plain_residual;
  }

  const void* transform(int thread, Range images) const {
    const Target out{context_.scratch.at<void>(activation_, thread), bf16_operand_};
    for (int64_t image = images.begin; image < images.end; ++image) {
      transform(image, 0, x_.blocks(), advance(out, (image - images.begin) * shape_.x_elements()));
    }
    return out.data;
  }

  /// Some blocks of an image's channels.
  void transform(int64_t image, int64_t first, int64_t blocks, Target out) const {
    cpu::run(transform_pass(image, first, blocks, out), shape_.planes);
  }

  passes::TransformPass transform_pass(int64_t image, int64_t first, int64_t blocks,
                                       Target out) const {
    return {
        .x = advance(x_.source(image), first * 16 * x_.pixels()),
        .scale = from_block(x_scale_.row(image), first),
        .bias = from_block(x_bias_.row(image), first),
        .relu = op_.xRelu,
        .out = out,
        .blocks = blocks,
        .pixels = x_.pixels(),
    };
  }

  /// Whether the convolution's result is not y yet.
  bool finishes() const {
    if (fuses_) return false;
    return y_.bf16 || sums_ || norm_ || op_.residual != nullptr || op_.relu;
  }

  void clear_sums(int64_t image, int64_t slice) const {
    for (int64_t term = 0; term < 2; ++term) {
      std::fill_n(sums_.of(image, term) + slice * shape_.filters, shape_.filters, 0.0);
    }
  }

  void output(int64_t image, int64_t slice, const float* result) const {
    passes::run(output_pass(image, slice, result));
  }

  passes::OutputPass output_pass(int64_t image, int64_t slice, const float* result) const {
    const int64_t blocks = shape_.filters / 16, first = slice * blocks;
    const int64_t residual_pixels = residual_.height * residual_.width;
    return {
        .result = result,
        .scale = from_block(norm_.scale(image), first),
        .bias = from_block(norm_.bias(image), first),
        .residual = advance(residual_.source(image), first * 16 * residual_pixels),
        .residual_scale = from_block(residual_scale_.row(image), first),
        .residual_bias = from_block(residual_bias_.row(image), first),
        .residual_relu = op_.residualRelu,
        .residual_blocks = residual_.blocks() - first,
        .residual_height = residual_.height,
        .residual_width = residual_.width,
        .subsample = op_.residualSubsample,
        .relu = op_.relu,
        .y = advance(y_.target(image), first * 16 * y_.pixels()),
        .blocks = blocks,
        .height = y_.height,
        .width = y_.width,
        .sums = from_block(sums_.of(image, 0), first),
        .squares = from_block(sums_.of(image, 1), first),
    };
  }

  template <class T>
  static T* from_block(T* row, int64_t block) {
    return row == nullptr ? nullptr : row + 16 * block;
  }

  const ops::Conv& op_;
  Context& context_;
  int64_t slices_ = 1;
  ConvolutionShape shape_;  // of one slice
  const Convolution* convolution_ = nullptr;
  Activation x_, y_, residual_;
  Coefficients x_scale_, x_bias_, residual_scale_, residual_bias_;
  ChannelSums sums_;
  OutputNorm norm_;
  PaddedWeights weights_;
  SharedRange packed_;
  size_t packed_bytes_ = 0;
  bool keep_packed_ = false, packed_once_ = false;
  uint64_t packed_version_ = 0;
  Partition partition_;
  bool one_pass_ = false;  // the convolution does all of it
  bool transforms_ = false, fuses_ = false, bf16_operand_ = false;
  SharedRange activations_;
  ThreadRange activation_, result_, convolution_scratch_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Conv& op, Context& context) {
  return std::make_unique<ConvOperation>(op, context);
}

}  // namespace preresnet::cpu
