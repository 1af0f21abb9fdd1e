// What an algorithm of convolution is to the operations: where the arithmetic of a network is.
// Everything around it (transforms, types in memory, sums, threads) belongs to the operations, so
// that an algorithm can be replaced here alone. There are five kinds: blocks of images to blocks of
// images, the weight gradient added up block by block, the weight gradient made at the end, one
// image with all that surrounds its convolution, and parts of images with the same. algorithms.h
// chooses when an operation is prepared.
#pragma once
#include "cpu/onednn.h"
#include "cpu/partition.h"
#include "cpu/passes/gradient.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu {

/// How an algorithm wants its images, in blocks of 16 channels. What is written is f32.
struct BlockTerms {
  /// The images that are read (x, dy) are bf16, else f32.
  bool bf16_operands = false;
  /// Calls take whole granules, or the rest of the batch at its end. What comes out depends on
  /// where granules begin, and granules depend on the shape alone.
  int64_t granule = 1;
  /// Images that are best taken at a time; any number of granules gives the same results.
  int64_t block = 1;
};

/// Weights as an algorithm reads them, from plain weights padded to whole blocks; in slices for
/// threads.
class WeightPacking {
 public:
  virtual ~WeightPacking() = default;
  virtual size_t packed_bytes() const = 0;
  virtual int64_t packing_slices() const = 0;
  virtual void pack(int thread, int64_t slice, const float* plain, void* packed) const = 0;
};

/// A weight gradient as an algorithm adds it up, and its way back to plain weights padded to whole
/// blocks; in slices for threads.
class GradientPacking {
 public:
  virtual ~GradientPacking() = default;
  virtual int64_t gradient_elements() const = 0;
  virtual int64_t unpacking_slices() const = 0;
  virtual void unpack(int thread, int64_t slice, const float* gradient, float* plain) const = 0;
};

/// A block of images to a block of images: x to y, or dy to dx.
class BlockConvolution : public WeightPacking {
 public:
  /// Scratch bytes of a thread that calls run().
  virtual size_t scratch_bytes() const = 0;
  virtual void run(int thread, int64_t images, const void* from, const void* packed, float* to,
                   void* scratch) const = 0;
};

/// The weight gradient of a block of images.
class BlockWeightGradient : public GradientPacking {
 public:
  virtual size_t scratch_bytes() const = 0;
  /// gradient = (accumulate ? gradient : 0) + that of these images.
  virtual void run(int thread, int64_t images, const void* x, const void* dy, float* gradient,
                   bool accumulate, void* scratch) const = 0;
};

/// A weight gradient larger than a cache, better written once: first all images' operands are
/// collected (in any order, by any thread), then each slice of the plain gradient is made.
class CollectedWeightGradient {
 public:
  virtual ~CollectedWeightGradient() = default;
  virtual size_t scratch_bytes() const = 0;
  virtual size_t collected_bytes() const = 0;
  virtual void collect(int64_t first, int64_t images, const void* x, const void* dy,
                       float* collected) const = 0;
  virtual int64_t slices() const = 0;
  virtual void make_slice(int64_t slice, const float* collected, float* plain,
                          void* scratch) const = 0;
};

/// One image from what is read from memory to what is stored.
class FusedConvolution : public WeightPacking {
 public:
  virtual size_t scratch_bytes() const = 0;
  virtual void run(const passes::TransformPass& x, const void* packed,
                   const passes::OutputPass& output, void* scratch) const = 0;
};

/// Parts of images from what is read from memory to what is stored: some pixels or tiles, which are
/// the units, and some filters. An image gets the same bits whatever the batch, and whatever else
/// is computed in the same part.
class PartConvolution : public WeightPacking {
 public:
  virtual size_t scratch_bytes() const = 0;
  virtual int64_t units_of_image() const = 0;
  /// How `threads` threads best share out so many images.
  virtual Parts parts(int64_t images, int threads) const = 0;
  /// units: counted through from the first of `x` and `output`, which are the first image's, with
  /// all blocks. filters: in blocks of 16.
  virtual void run(const passes::TransformPass& x, const void* packed,
                   const passes::OutputPass& output, Range units, Range filters,
                   void* scratch) const = 0;
};

/// The same as FusedConvolution for both gradients: that of the weights is added to.
class FusedBackward : public WeightPacking, public GradientPacking {
 public:
  virtual size_t scratch_bytes() const = 0;
  virtual void run(const passes::GradientPass& dy, const passes::TransformPass& x,
                   const void* packed, const passes::InputGradientPass& dx, float* gradient,
                   void* scratch) const = 0;
};

}  // namespace preresnet::cpu
