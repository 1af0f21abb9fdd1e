// The backward pass of a convolution and of what is fused to it, a block of images at a time: the
// gradient at its output put together, the weight gradient, the gradient at its input, mask and
// sums, all while the block is in the second-level cache.
#include <algorithm>

#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/conv_weights.h"
#include "cpu/operands.h"
#include "cpu/partition.h"
#include "cpu/passes/gradient.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/transform.h"
#include "cpu/passes/vectors.h"
#include "cpu/planes.h"

namespace preresnet::cpu {
namespace {

class ConvBackwardOperation final : public Operation {
 public:
  ConvBackwardOperation(const ops::ConvBackward& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    d_ = activation("conv_backward.d", op.d);
    y_ = activation("conv_backward.y", op.y);
    skip_ = activation("conv_backward.skip", op.skip);
    dy_ = activation("conv_backward.dy", op.dy);
    x_ = activation("conv_backward.x", op.x);
    add_ = activation("conv_backward.add", op.add);
    dx_ = activation("conv_backward.dx", op.dx);
    expect_plain("conv_backward.dw", op.dw, DType::f32);
    const int64_t images = x_.images;
    shape_ = convolution_shape("conv_backward", x_, *op.w, d_, op.stride, op.padding);
    shape_.planes = planes_of(x_.channels, op.winograd, op.dx != nullptr);
    convolution_ = &context.convolution(
        shape_, {.backward_data = op.dx != nullptr, .backward_weights = op.dw != nullptr},
        {.winograd = op.winograd, .bf16_products = op.bf16Products, .fused = can_be_one_pass()});
    one_pass_ = convolution_->fuses_all();
    a_ = Coefficients("conv_backward.dA", op.dA, images, plan);
    b_ = Coefficients("conv_backward.dB", op.dB, images, plan);
    c_ = Coefficients("conv_backward.dC", op.dC, images, plan);
    x_scale_ = Coefficients("conv_backward.xScale", op.xScale, images, plan);
    x_bias_ = Coefficients("conv_backward.xBias", op.xBias, images, plan);
    dbias_ = ChannelSums("conv_backward.dbias", op.dbias, images, d_.channels, 1, plan);
    sums_ = ChannelSums("conv_backward.sums", op.sums, images, x_.channels, 2, plan);

    partition_ = Partition(images, convolution_->granule(),
                           block_images(convolution_->block(context.pool.threads())));
    const int64_t x_block = partition_.block_images() * shape_.x_elements();
    const int64_t y_block = partition_.block_images() * d_.image_elements();
    bf16_operands_ = convolution_->bf16_operands();
    const bool transformed = op.xScale != nullptr || op.xBias != nullptr || op.xRelu;
    transforms_x_ =
        op.dw != nullptr && (x_.bf16 != bf16_operands_ || transformed || shape_.planes > 0);
    const bool composed = op.dA != nullptr || op.y != nullptr || op.dC != nullptr ||
                          op.skip != nullptr || op.dy != nullptr;
    // What is stored in the type that is multiplied need not stand in scratch too.
    takes_stored_dy_ = op.dy != nullptr && dy_.bf16 == bf16_operands_;
    gathers_dy_ = !takes_stored_dy_ && (d_.bf16 != bf16_operands_ || composed);
    if (gathers_dy_ && !one_pass_) gathered_ = plan.thread(storage_bytes(y_block, bf16_operands_));
    if (transforms_x_ && !one_pass_)
      transformed_ = plan.thread(storage_bytes(x_block, bf16_operands_));
    if (dx_.bf16 && !one_pass_) input_gradient_ = plan.thread(storage_bytes(x_block, false));
    convolution_scratch_ = plan.thread(convolution_->scratch_bytes());
    if (op.dx != nullptr) {
      weights_ = PaddedWeights(*op.w, shape_, plan);
      packed_ = plan.shared(convolution_->backward_weights_bytes());
    }
    if (op.dw != nullptr) {
      const auto bytes = static_cast<size_t>(convolution_->gradient_elements()) * sizeof(float);
      collects_ = convolution_->collected_bytes() > 0;
      if (collects_) {
        collected_ = plan.shared(convolution_->collected_bytes());
      } else {
        partial_ = plan.thread(bytes);
        total_ = plan.shared(bytes);
      }
      dw_ = PaddedWeights(*op.dw, shape_, plan);
    }
  }

  void run(const Step&) override {
    const Scratch& scratch = context_.scratch;
    for (Coefficients* row : {&a_, &b_, &c_, &x_scale_, &x_bias_}) row->load(scratch);
    dbias_.bind(scratch);
    sums_.bind(scratch);
    if (op_.dx != nullptr) pack();
    if (op_.dw == nullptr || collects_) {
      const Range all = partition_.all();
      context_.pool.run(partition_.blocks(all), [&](int thread, int64_t block) {
        run_block(thread, partition_.block(all, block), false);
      });
    } else {
      slots_done_.restart();
      context_.pool.run(partition_.slots(),
                        [&](int thread, int64_t slot) { run_slot(thread, slot); });
    }
    if (op_.dw != nullptr) unpack();
    dbias_.finish();
    sums_.finish();
  }

 private:
  void pack() {
    const Scratch& scratch = context_.scratch;
    weights_.fill(scratch);
    context_.pool.run(convolution_->backward_packing_slices(), [&](int thread, int64_t slice) {
      convolution_->pack_backward(thread, slice, weights_.data(scratch), scratch.at<void>(packed_));
    });
  }

  void unpack() {
    const Scratch& scratch = context_.scratch;
    context_.pool.run(convolution_->unpacking_slices(), [&](int thread, int64_t slice) {
      if (collects_) {
        convolution_->collected_gradient(slice, scratch.at<float>(collected_), dw_.data(scratch),
                                         scratch.at<void>(convolution_scratch_, thread));
      } else {
        convolution_->unpack_gradient(thread, slice, scratch.at<float>(total_), dw_.data(scratch));
      }
    });
    dw_.extract(scratch);
  }

  /// The slots' weight gradients are added in the order of the slots, by whoever has one ready.
  void run_slot(int thread, int64_t slot) {
    struct Pass {
      Sequence& sequence;
      int64_t slot;
      ~Pass() {  // also when a block throws: others wait
        sequence.await(slot);
        sequence.pass(slot);
      }
    };
    const Pass pass{slots_done_, slot};
    const Range images = partition_.slot(slot);
    for (int64_t block = 0; block < partition_.blocks(images); ++block) {
      run_block(thread, partition_.block(images, block), block > 0);
    }
    slots_done_.await(slot);
    const float* partial = context_.scratch.at<float>(partial_, thread);
    float* total = context_.scratch.at<float>(total_);
    const int64_t elements = convolution_->gradient_elements();
    if (slot == 0) {
      std::copy_n(partial, elements, total);
    } else {
      passes::add(total, partial, elements);
    }
  }

  /// Whether types are such that all that surrounds the convolution can be part of it.
  bool can_be_one_pass() const {
    const auto bf16 = [](const Activation& activation) { return !activation || activation.bf16; };
    return op_.dw != nullptr && op_.dx != nullptr && op_.dbias == nullptr && bf16(d_) && bf16(y_) &&
           bf16(skip_) && bf16(dy_) && bf16(x_) && bf16(add_) && bf16(dx_);
  }

  void run_one_pass(int thread, Range images, bool accumulate) {
    const Scratch& scratch = context_.scratch;
    float* gradient = scratch.at<float>(partial_, thread);
    if (!accumulate) std::fill_n(gradient, convolution_->gradient_elements(), 0.0f);
    for (int64_t image = images.begin; image < images.end; ++image) {
      sums_.clear(image);
      convolution_->fused_backward(gradient_pass(image, {}), transform_pass(image, {}),
                                   scratch.at<void>(packed_), input_gradient_pass(image, nullptr),
                                   gradient, scratch.at<void>(convolution_scratch_, thread));
    }
  }

  void run_block(int thread, Range images, bool accumulate) {
    if (one_pass_) return run_one_pass(thread, images, accumulate);
    const Scratch& scratch = context_.scratch;
    const int64_t count = images.end - images.begin;
    void* convolution_scratch = scratch.at<void>(convolution_scratch_, thread);
    const void* dy = gathers_dy_ || takes_stored_dy_ || dbias_ ? gather_dy(thread, images)
                                                               : d_.source(images.begin).data;
    if (op_.dw != nullptr) {
      const void* x = transforms_x_ ? transform_x(thread, images) : x_.source(images.begin).data;
      if (collects_) {
        convolution_->collect(images.begin, count, x, dy, scratch.at<float>(collected_));
      } else {
        convolution_->backward_weights(thread, count, x, dy, scratch.at<float>(partial_, thread),
                                       accumulate, convolution_scratch);
      }
    }
    if (op_.dx == nullptr) return;
    float* dx = dx_.bf16 ? scratch.at<float>(input_gradient_, thread)
                         : static_cast<float*>(dx_.target(images.begin).data);
    convolution_->backward_data(thread, count, dy, scratch.at<void>(packed_), dx,
                                convolution_scratch);
    if (dx_.bf16 || op_.add != nullptr || op_.mask || sums_) finish_dx(images, dx);
  }

  const void* gather_dy(int thread, Range images) {
    Target scratch;
    if (gathers_dy_) scratch = {context_.scratch.at<void>(gathered_, thread), bf16_operands_};
    for (int64_t image = images.begin; image < images.end; ++image) {
      dbias_.clear(image);
      passes::run(
          gradient_pass(image, advance(scratch, (image - images.begin) * d_.image_elements())));
    }
    if (gathers_dy_) return scratch.data;
    return takes_stored_dy_ ? dy_.target(images.begin).data : d_.source(images.begin).data;
  }

  passes::GradientPass gradient_pass(int64_t image, Target scratch) const {
    return {
        .d = d_.source(image),
        .y = y_.source(image),
        .skip = skip_.source(image),
        .a = a_.row(image),
        .b = b_.row(image),
        .c = c_.row(image),
        .stored = dy_.target(image),
        .scratch = scratch,
        .blocks = d_.blocks(),
        .pixels = d_.pixels(),
        .sums = dbias_.of(image, 0),
    };
  }

  const void* transform_x(int thread, Range images) {
    const Target out{context_.scratch.at<void>(transformed_, thread), bf16_operands_};
    for (int64_t image = images.begin; image < images.end; ++image) {
      const int64_t place = (image - images.begin) * shape_.x_elements();
      cpu::run(transform_pass(image, advance(out, place)), shape_.planes);
    }
    return out.data;
  }

  passes::TransformPass transform_pass(int64_t image, Target out) const {
    return {
        .x = x_.source(image),
        .scale = x_scale_.row(image),
        .bias = x_bias_.row(image),
        .relu = op_.xRelu,
        .out = out,
        .blocks = x_.blocks(),
        .pixels = x_.pixels(),
    };
  }

  void finish_dx(Range images, const float* gradient) {
    for (int64_t image = images.begin; image < images.end; ++image) {
      sums_.clear(image);
      passes::run(
          input_gradient_pass(image, gradient + (image - images.begin) * x_.image_elements()));
    }
  }

  passes::InputGradientPass input_gradient_pass(int64_t image, const float* gradient) const {
    return {
        .gradient = gradient,
        .add = add_.source(image),
        .x = x_.source(image),
        .scale = x_scale_.row(image),
        .bias = x_bias_.row(image),
        .mask = op_.mask,
        .dx = dx_.target(image),
        .blocks = x_.blocks(),
        .pixels = x_.pixels(),
        .sums = sums_.of(image, 0),
        .products = sums_.of(image, 1),
    };
  }

  const ops::ConvBackward& op_;
  Context& context_;
  const Convolution* convolution_ = nullptr;
  Activation d_, y_, skip_, dy_, x_, add_, dx_;
  ConvolutionShape shape_;
  Coefficients a_, b_, c_, x_scale_, x_bias_;
  ChannelSums dbias_, sums_;
  PaddedWeights weights_, dw_;
  SharedRange packed_, total_, collected_;
  ThreadRange gathered_, transformed_, input_gradient_, partial_, convolution_scratch_;
  Partition partition_;
  Sequence slots_done_;
  bool one_pass_ = false;  // the convolution does all of it
  bool transforms_x_ = false, gathers_dy_ = false, takes_stored_dy_ = false, collects_ = false;
  bool bf16_operands_ = false;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::ConvBackward& op, Context& context) {
  return std::make_unique<ConvBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
