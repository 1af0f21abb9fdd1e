// y = [ReLU]((conv(t(x), w) [+ bias]) [* yScale + yBias] [+ t(residual)]). Four operations: where
// no backward pass follows, parts of images, or images in slices of filters, so that an image has
// the same bits in every batch; else images one by one in an algorithm that does everything; or
// blocks of images, whose activation and raw result exist for one block only and stay in the
// second-level cache. Training on one or two images takes slices too.
#include <algorithm>
#include <utility>

#include "cpu/context.h"
#include "cpu/conv_input.h"
#include "cpu/conv_output.h"
#include "cpu/conv_weights.h"
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

/// What all four operations have.
struct ConvParts {
  const ops::Conv& op;
  Context& context;
  ConvInput input;
  ConvOutput output;
  ConvolutionShape shape;  // of a group's images
};

/// Loads and packs what a run reads, and leaves the images to the operation.
class ConvOperation : public Operation {
 public:
  void run(const Step& step) final {
    const Scratch& scratch = context_.scratch;
    input_.load(scratch);
    output_.load(scratch);
    weights_.pack(context_, step, output_.norm().weight_scale(), output_.norm().weights_changed());
    compute(step.wanted(input_.x().images));
    output_.finish();
  }

 protected:
  ConvOperation(ConvParts&& parts, const WeightPacking& packing, int64_t slices, ScratchPlan& plan)
      : context_(parts.context),
        input_(std::move(parts.input)),
        output_(std::move(parts.output)),
        // Of a session that trains, validation packs them again for every batch: what all layers
        // keep would be more memory than a step takes.
        weights_(*parts.op.w, parts.shape, packing,
                 {.slices = slices,
                  .scaled = output_.norm().folds(),
                  .kept = context_.keep_weights && parts.op.sums == nullptr},
                 plan) {}

  /// The first `images` images, at least.
  virtual void compute(int64_t images) = 0;

  Context& context_;
  ConvInput input_;
  ConvOutput output_;
  PackedWeights weights_;
};

class FusedConv final : public ConvOperation {
 public:
  FusedConv(ConvParts&& parts, const FusedConvolution& convolution, ScratchPlan& plan)
      : ConvOperation(std::move(parts), convolution, 1, plan),
        convolution_(convolution),
        filters_{0, output_.y().blocks()},
        scratch_(plan.thread(convolution.scratch_bytes())),
        partition_(parts.shape.images, 1, block_images(1)) {}

 private:
  void compute(int64_t wanted) override {
    const Scratch& scratch = context_.scratch;
    context_.pool.run(partition_.blocks_of_batch(wanted), [&](int thread, int64_t task) {
      const Range images = partition_.block_of_batch(task, wanted);
      for (int64_t image = images.begin; image < images.end; ++image) {
        convolution_.run(input_.pass(image, {}), weights_.slice(scratch),
                         output_.start(image, filters_, nullptr),
                         scratch.at<void>(scratch_, thread));
      }
    });
  }

  const FusedConvolution& convolution_;
  Range filters_;
  ThreadRange scratch_;
  Partition partition_;
};

/// Parts of images in an algorithm that does everything.
class PartConv final : public ConvOperation {
 public:
  PartConv(ConvParts&& parts, const PartConvolution& convolution, ScratchPlan& plan)
      : ConvOperation(std::move(parts), convolution, 1, plan),
        convolution_(convolution),
        scratch_(plan.thread(convolution.scratch_bytes())) {}

 private:
  void compute(int64_t images) override {
    const Scratch& scratch = context_.scratch;
    const int64_t units = images * convolution_.units_of_image(), blocks = output_.y().blocks();
    const Parts parts = convolution_.parts(images, context_.pool.threads());
    const int64_t slices = (blocks + parts.filters - 1) / parts.filters;
    const int64_t pieces = (units + parts.units - 1) / parts.units;
    const passes::TransformPass x = input_.pass(0, {});
    const passes::OutputPass output = output_.start(0, {0, blocks}, nullptr);
    context_.pool.run_same_shares(pieces * slices, [&](int thread, int64_t task) {
      const int64_t unit = task / slices * parts.units, filter = task % slices * parts.filters;
      convolution_.run(
          x, weights_.slice(scratch), output, {unit, std::min(unit + parts.units, units)},
          {filter, std::min(filter + parts.filters, blocks)}, scratch.at<void>(scratch_, thread));
    });
  }

  const PartConvolution& convolution_;
  ThreadRange scratch_;
};

/// From the activations of some images to y, of some filters in blocks of 16. The algorithm writes
/// its result into y or into scratch, and a pass over each image makes y of it where that is not it
/// yet.
class OutputStep {
 public:
  /// elements: of the largest result of a call.
  OutputStep(const BlockConvolution& convolution, const ConvOutput& output, int64_t elements,
             const Scratch& memory, ScratchPlan& plan)
      : convolution_(convolution),
        output_(output),
        memory_(memory),
        result_in_y_(!output.y().bf16),
        finishes_(!output.is_result()) {
    if (!result_in_y_) result_ = plan.thread(storage_bytes(elements, false));
    scratch_ = plan.thread(convolution.scratch_bytes());
  }

  void run(int thread, Range images, Range filters, const void* x, const void* packed) const {
    const Activation& y = output_.y();
    const int64_t pixels = 16 * y.pixels();
    const Destination in_y = advance(y.target(images.begin), filters.begin * pixels);
    float* result =
        result_in_y_ ? static_cast<float*>(in_y.data) : memory_.at<float>(result_, thread);
    convolution_.run(thread, images.end - images.begin, x, packed, result,
                     memory_.at<void>(scratch_, thread));
    for (int64_t image = images.begin; finishes_ && image < images.end; ++image) {
      const int64_t offset = (image - images.begin) * (filters.end - filters.begin) * pixels;
      passes::run(output_.start(image, filters, result + offset));
    }
  }

 private:
  const BlockConvolution& convolution_;
  const ConvOutput& output_;
  const Scratch& memory_;
  ThreadRange result_, scratch_;
  bool result_in_y_, finishes_;
};

class BlockConv final : public ConvOperation {
 public:
  BlockConv(ConvParts&& parts, const BlockForward& algorithm, ScratchPlan& plan)
      : ConvOperation(std::move(parts), *algorithm.convolution, 1, plan),
        filters_{0, output_.y().blocks()},
        partition_(parts.shape.images, algorithm.terms.granule,
                   block_images(algorithm.terms.block)),
        activation_(input_, parts.shape, algorithm.terms.bf16_operands, partition_.block_images(),
                    plan),
        step_(*algorithm.convolution, output_, partition_.block_images() * parts.shape.y_elements(),
              context_.scratch, plan) {}

 private:
  void compute(int64_t wanted) override {
    const Scratch& scratch = context_.scratch;
    context_.pool.run(partition_.blocks_of_batch(wanted), [&](int thread, int64_t task) {
      const Range images = partition_.block_of_batch(task, wanted);
      step_.run(thread, images, filters_, activation_.of(scratch, thread, images),
                weights_.slice(scratch));
    });
  }

  Range filters_;
  Partition partition_;
  BlockInput activation_;
  OutputStep step_;
};

/// Every image in slices of filters: first the activations, for all slices to read, then the
/// convolutions.
class SlicedConv final : public ConvOperation {
 public:
  /// algorithm: of one slice.
  SlicedConv(ConvParts&& parts, const BlockForward& algorithm, int64_t slices, ScratchPlan& plan)
      : ConvOperation(std::move(parts), *algorithm.convolution, slices, plan),
        slices_(slices),
        filter_blocks_(output_.y().blocks() / slices),
        planes_(parts.shape.planes),
        image_elements_(parts.shape.x_elements()),
        bf16_(algorithm.terms.bf16_operands),
        reads_x_(input_.is_x(bf16_, planes_)),
        step_(*algorithm.convolution, output_, parts.shape.y_elements() / slices, context_.scratch,
              plan),
        together_(std::min<int64_t>(input_.x().images, context_.pool.threads())) {
    const int64_t elements = together_ * image_elements_;
    if (!reads_x_) activations_ = plan.shared(storage_bytes(elements, bf16_));
  }

 private:
  void compute(int64_t images) override {
    for (int64_t first = 0; first < images; first += together_) {
      const Range some{first, std::min(first + together_, images)};
      if (!reads_x_) transform(some);
      convolve(some);
    }
  }

  void convolve(Range images) {
    const Scratch& scratch = context_.scratch;
    context_.pool.run((images.end - images.begin) * slices_, [&](int thread, int64_t task) {
      const int64_t image = images.begin + task / slices_, slice = task % slices_;
      const void* x =
          reads_x_ ? input_.x().source(image).data : activations(image - images.begin).data;
      step_.run(thread, {image, image + 1}, {slice * filter_blocks_, (slice + 1) * filter_blocks_},
                x, weights_.slice(scratch, slice));
    });
  }

  void transform(Range images) {
    const int64_t blocks = input_.x().blocks(), pixels = input_.x().pixels();
    context_.pool.run((images.end - images.begin) * blocks, [&](int, int64_t task) {
      const int64_t index = task / blocks, block = task % blocks;
      const Destination out = advance(activations(index), block * 16 * pixels);
      cpu::run(input_.pass(images.begin + index, {block, block + 1}, out), planes_);
    });
  }

  /// Of an image of those that are computed together, for all slices.
  Destination activations(int64_t index) const {
    return advance(Destination{context_.scratch.at<void>(activations_), bf16_},
                   index * image_elements_);
  }

  int64_t slices_, filter_blocks_, planes_, image_elements_;
  bool bf16_, reads_x_;
  OutputStep step_;
  int64_t together_;
  SharedRange activations_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Conv& op, Context& context) {
  ScratchPlan plan(context.scratch);
  ConvInput input("conv", op.x, op.xScale, op.xBias, op.xRelu, plan);
  ConvOutput output(op, input.x().images, plan);
  ConvolutionShape shape =
      convolution_shape("conv", input.x(), *op.w, output.y(), op.stride, op.padding);
  shape.images /= op.groups;
  shape.planes = planes_of(input.x().channels, op.winograd, false);
  const ConvolutionMeans means{.winograd = op.winograd, .bf16_products = op.bf16Products};
  ConvParts parts{op, context, std::move(input), std::move(output), shape};

  if (op.perImage) {
    const PartConvolution* in_parts = context.algorithms.parts(shape, means);
    if (in_parts != nullptr) return std::make_unique<PartConv>(std::move(parts), *in_parts, plan);
  }
  const int64_t slices = choose_slices(op.perImage ? 1 : shape.images, shape.filters);
  if (slices > 1 || op.perImage) {
    ConvolutionShape slice = shape;
    slice.images = 1;
    slice.filters /= slices;
    const BlockForward& algorithm = context.algorithms.block_forward(slice, means);
    return std::make_unique<SlicedConv>(std::move(parts), algorithm, slices, plan);
  }
  if (parts.input.x().bf16 && parts.output.fits_fused()) {
    const FusedConvolution* fused = context.algorithms.fused_forward(shape, means);
    if (fused != nullptr) return std::make_unique<FusedConv>(std::move(parts), *fused, plan);
  }
  const BlockForward& algorithm = context.algorithms.block_forward(shape, means);
  return std::make_unique<BlockConv>(std::move(parts), algorithm, plan);
}

}  // namespace preresnet::cpu
