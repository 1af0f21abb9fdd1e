// Convolution over a few images at a time, in blocks of 16 channels: where the arithmetic of a
// network is. Everything around it (transforms, types in memory, sums, threads) belongs to the
// operations, so that an algorithm can be replaced here alone.
#pragma once
#include <memory>

#include "cpu/epilogue.h"
#include "cpu/onednn.h"
#include "cpu/passes/gradient.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu {

/// What of a convolution an operation uses; the rest is not prepared.
struct ConvolutionUse {
  bool forward = false, backward_data = false, backward_weights = false;
};

/// What a program allows beside direct convolution of f32: Winograd's algorithm (then that is
/// taken), products of bf16 (taken where oneDNN has the kernels).
struct ConvolutionMeans {
  bool winograd = false, bf16_products = false;
  /// All that surrounds the convolution is what fused_forward() or fused_backward() does.
  bool fused = false;
};

class Convolution {
 public:
  virtual ~Convolution() = default;

  /// Whether the images that are read (x, dy) are bf16 here, else f32. What is written is f32.
  virtual bool bf16_operands() const = 0;
  /// Images to a granule. Calls take whole granules, or the rest of the batch at its end. What
  /// comes out depends on where granules begin, and granules depend on the shape alone.
  virtual int64_t granule() const = 0;
  /// Images that are best taken at a time; any number of granules gives the same results.
  virtual int64_t block(int /*threads*/) const { return granule(); }
  /// Scratch bytes of a thread that calls any of the functions below.
  virtual size_t scratch_bytes() const = 0;

  /// Packed weights for forward() and for backward_data(), from plain weights padded to whole
  /// blocks; in slices for threads.
  virtual size_t forward_weights_bytes() const = 0;
  virtual size_t backward_weights_bytes() const = 0;
  virtual int64_t forward_packing_slices() const = 0;
  virtual int64_t backward_packing_slices() const = 0;
  virtual void pack_forward(int thread, int64_t slice, const float* plain, void* packed) const = 0;
  virtual void pack_backward(int thread, int64_t slice, const float* plain, void* packed) const = 0;
  /// Elements of a weight gradient as it is accumulated, and its way back to plain weights padded
  /// to whole blocks.
  virtual int64_t gradient_elements() const = 0;
  virtual int64_t unpacking_slices() const = 0;
  virtual void unpack_gradient(int thread, int64_t slice, const float* gradient,
                               float* plain) const = 0;

  /// A weight gradient larger than a cache is better written once: first all images' operands are
  /// collected (in any order, by any thread), then each slice of the plain gradient is made, as
  /// many as unpacking_slices(). Bytes to collect in; 0: not here, backward_weights() serves.
  virtual size_t collected_bytes() const { return 0; }
  virtual void collect(int64_t /*first*/, int64_t /*images*/, const void* /*x*/, const void* /*dy*/,
                       float* /*collected*/) const {}
  virtual void collected_gradient(int64_t /*slice*/, const float* /*collected*/, float* /*plain*/,
                                  void* /*scratch*/) const {}

  virtual void forward(int thread, int64_t images, const void* x, const void* packed, float* y,
                       void* scratch) const = 0;
  /// Whether there is a finish_forward(): forward() with an epilogue.
  virtual bool takes_epilogue() const { return false; }
  virtual void finish_forward(int thread, int64_t images, const void* x, const void* packed,
                              const Epilogue& epilogue, float* y, void* scratch) const;
  /// Whether this is fused_forward() and fused_backward() alone, of one image each: everything from
  /// what is read from memory to what is stored, the weight gradient added to.
  virtual bool fuses_all() const { return false; }
  virtual void fused_forward(const passes::TransformPass& x, const void* packed,
                             const passes::OutputPass& output, void* scratch) const;
  virtual void fused_backward(const passes::GradientPass& dy, const passes::TransformPass& x,
                              const void* packed, const passes::InputGradientPass& dx,
                              float* gradient, void* scratch) const;
  virtual void backward_data(int thread, int64_t images, const void* dy, const void* packed,
                             float* dx, void* scratch) const = 0;
  /// gradient = (accumulate ? gradient : 0) + that of these images.
  virtual void backward_weights(int thread, int64_t images, const void* x, const void* dy,
                                float* gradient, bool accumulate, void* scratch) const = 0;
};

/// By Winograd's algorithm (winograd.h). ERR_UNSUPPORTED but for kernel 3, stride 1, padding 1.
std::unique_ptr<Convolution> make_winograd_convolution(const ConvolutionShape& shape);

/// Kernel 1 in one pass over bf16 (passes/one_by_one.h). Null where that is not for this shape,
/// this use or this processor.
std::unique_ptr<Convolution> make_one_by_one_convolution(const ConvolutionShape& shape,
                                                         ConvolutionUse use);

/// Over oneDNN's direct kernels. shape.images: the batch.
std::unique_ptr<Convolution> make_onednn_convolution(const ConvolutionShape& shape,
                                                     ConvolutionUse use, onednn::Operands operands,
                                                     int threads);

}  // namespace preresnet::cpu
