// y = [ReLU](conv(t(x), w) [+ bias] [+ t(residual)]), a block of images at a time: the activation
// and the raw result exist for one block only and stay in the second-level cache.
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/conv_weights.h"
#include "cpu/operands.h"
#include "cpu/partition.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu {
namespace {

class ConvOperation final : public Operation {
 public:
  ConvOperation(const ops::Conv& op, Context& context) : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    x_ = activation("conv.x", op.x);
    y_ = activation("conv.y", op.y);
    residual_ = activation("conv.residual", op.residual);
    expect_plain("conv.bias", op.bias, DType::f32);
    const int64_t images = x_.images;
    const ConvolutionShape shape = convolution_shape("conv", x_, *op.w, y_, op.stride, op.padding);
    convolution_ = &context.convolution(
        shape, {.forward = true}, {.winograd = op.winograd, .bf16_products = op.bf16Products});
    x_scale_ = Coefficients("conv.xScale", op.xScale, images, plan);
    x_bias_ = Coefficients("conv.xBias", op.xBias, images, plan);
    bias_ = Coefficients("conv.bias", op.bias, images, plan);
    residual_scale_ = Coefficients("conv.residualScale", op.residualScale, images, plan);
    residual_bias_ = Coefficients("conv.residualBias", op.residualBias, images, plan);
    sums_ = ChannelSums("conv.sums", op.sums, images, y_.channels, 2, plan);

    // Without sums it is most likely inference, where weights stand still from run to run.
    keep_packed_ = op.sums == nullptr;
    const size_t packed_bytes = convolution_->forward_weights_bytes();
    weights_ = PaddedWeights(*op.w, shape, plan);
    packed_ = keep_packed_ ? plan.kept(packed_bytes) : plan.shared(packed_bytes);

    partition_ = Partition(images, convolution_->granule(),
                           block_images(convolution_->block(context.pool.threads())));
    const int64_t block = partition_.block_images();
    bf16_operand_ = convolution_->bf16_operands();
    transforms_ =
        x_.bf16 != bf16_operand_ || op.xScale != nullptr || op.xBias != nullptr || op.xRelu;
    if (transforms_)
      activation_ = plan.thread(storage_bytes(block * x_.image_elements(), bf16_operand_));
    if (y_.bf16) result_ = plan.thread(storage_bytes(block * y_.image_elements(), false));
    convolution_scratch_ = plan.thread(convolution_->scratch_bytes());
  }

  void run(const Step& step) override {
    const Scratch& scratch = context_.scratch;
    for (Coefficients* row : {&x_scale_, &x_bias_, &bias_, &residual_scale_, &residual_bias_}) {
      row->load(scratch);
    }
    sums_.bind(scratch);
    pack(step);
    const Range all = partition_.all();
    context_.pool.run(partition_.blocks(all), [&](int thread, int64_t block) {
      run_block(thread, partition_.block(all, block));
    });
    sums_.finish();
  }

 private:
  void pack(const Step& step) {
    if (keep_packed_ && packed_once_ && packed_version_ == step.weights_version) return;
    const Scratch& scratch = context_.scratch;
    weights_.fill(scratch);
    context_.pool.run(convolution_->forward_packing_slices(), [&](int thread, int64_t slice) {
      convolution_->pack_forward(thread, slice, weights_.data(scratch), scratch.at<void>(packed_));
    });
    packed_once_ = true;
    packed_version_ = step.weights_version;
  }

  void run_block(int thread, Range images) {
    const Scratch& scratch = context_.scratch;
    const void* x = transforms_ ? transform(thread, images) : x_.source(images.begin).data;
    float* result = y_.bf16 ? scratch.at<float>(result_, thread)
                            : static_cast<float*>(y_.target(images.begin).data);
    convolution_->forward(thread, images.end - images.begin, x, scratch.at<void>(packed_), result,
                          scratch.at<void>(convolution_scratch_, thread));
    const bool finished =
        !y_.bf16 && !sums_ && op_.bias == nullptr && op_.residual == nullptr && !op_.relu;
    if (!finished) output(images, result);
  }

  const void* transform(int thread, Range images) {
    const Target out{context_.scratch.at<void>(activation_, thread), bf16_operand_};
    for (int64_t image = images.begin; image < images.end; ++image) {
      passes::run(passes::TransformPass{
          .x = x_.source(image),
          .scale = x_scale_.row(image),
          .bias = x_bias_.row(image),
          .relu = op_.xRelu,
          .out = advance(out, (image - images.begin) * x_.image_elements()),
          .blocks = x_.blocks(),
          .pixels = x_.pixels(),
      });
    }
    return out.data;
  }

  void output(Range images, const float* result) {
    for (int64_t image = images.begin; image < images.end; ++image) {
      sums_.clear(image);
      passes::run(passes::OutputPass{
          .result = result + (image - images.begin) * y_.image_elements(),
          .bias = bias_.row(image),
          .residual = residual_.source(image),
          .residual_scale = residual_scale_.row(image),
          .residual_bias = residual_bias_.row(image),
          .residual_relu = op_.residualRelu,
          .residual_blocks = residual_.blocks(),
          .residual_height = residual_.height,
          .residual_width = residual_.width,
          .subsample = op_.residualSubsample,
          .relu = op_.relu,
          .y = y_.target(image),
          .blocks = y_.blocks(),
          .height = y_.height,
          .width = y_.width,
          .sums = sums_.of(image, 0),
          .squares = sums_.of(image, 1),
      });
    }
  }

  const ops::Conv& op_;
  Context& context_;
  const Convolution* convolution_ = nullptr;
  Activation x_, y_, residual_;
  Coefficients x_scale_, x_bias_, bias_, residual_scale_, residual_bias_;
  ChannelSums sums_;
  PaddedWeights weights_;
  SharedRange packed_;
  bool keep_packed_ = false, packed_once_ = false;
  uint64_t packed_version_ = 0;
  Partition partition_;
  bool transforms_ = false, bf16_operand_ = false;
  ThreadRange activation_, result_, convolution_scratch_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Conv& op, Context& context) {
  return std::make_unique<ConvOperation>(op, context);
}

}  // namespace preresnet::cpu
