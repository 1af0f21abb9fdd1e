// All that this executor knows of oneDNN: single-threaded convolutions on blocks of 16 channels,
// and the packing of their weights. Versions 2 and 3 differ in how primitives are
// described; nothing outside onednn.cpp sees that.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace preresnet::cpu {

/// A convolution over `images` images at once. Channels and filters are whole blocks of 16.
struct ConvolutionShape {
  int64_t images = 0, channels = 0, height = 0, width = 0;
  int64_t filters = 0, kernel_height = 0, kernel_width = 0, out_height = 0, out_width = 0;
  int64_t stride = 1, padding = 0;
  /// x has so many channels, a plane each, instead of blocks; not where its gradient is wanted.
  int64_t planes = 0;

  auto operator<=>(const ConvolutionShape&) const = default;
  int64_t in_channels() const { return planes > 0 ? planes : channels; }
  int64_t x_elements() const { return in_channels() * height * width; }    // of one image
  int64_t y_elements() const { return filters * out_height * out_width; }  // of one image
  int64_t weights() const { return filters * in_channels() * kernel_height * kernel_width; }
};

namespace onednn {

/// Before anything else here. Throws ERR_INTERNAL where oneDNN was used before.
void use_avx2_at_most();

/// While it lives, oneDNN uses this thread alone for what this thread asks of it. Debian's build
/// asks OpenMP for the number of threads, when a primitive is created and when it runs; regions of
/// its own would compete with our pool.
class SingleThreaded {
 public:
  SingleThreaded();
  ~SingleThreaded();
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;

 private:
  int before_;
};

enum class Direction { forward, backward_data, backward_weights };

/// What is multiplied: f32, or bf16. Results are f32 in either case.
enum class Operands { f32, bf16 };

/// Channels to a block: 16, or 8 on processors whose kernels want that (AVX2).
int block_of(const ConvolutionShape& shape);
/// Whether oneDNN has a kernel for bf16 operands in blocks of 16 channels, and not only plain
/// loops.
bool has_bf16_kernel(Direction direction, const ConvolutionShape& shape);

/// One primitive, runnable by many threads at once, each with arguments of its own.
class ConvolutionPrimitive {
 public:
  /// Images are in blocks of `block` channels. like: the primitive whose packed weights this one
  /// must read or write too (for another number of images), or null.
  /// Throws Error("ERR_UNSUPPORTED") where oneDNN has no implementation.
  ConvolutionPrimitive(Direction direction, const ConvolutionShape& shape, Operands operands,
                       int block, int threads, const ConvolutionPrimitive* like);
  ~ConvolutionPrimitive();

  size_t weights_bytes() const;
  size_t scratchpad_bytes() const;
  /// oneDNN's name of the implementation.
  const char* implementation() const;

  /// x, w, y: the gradients, where the direction says so; one of them is written, the weights of
  /// backward_weights overwritten.
  void run(int thread, const void* x, const void* w, const void* y, void* scratchpad) const;

 private:
  friend class Packing;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Plain OIHW weights (padded to whole blocks) to a primitive's packed format, or back. In slices
/// that threads can share out.
class Packing {
 public:
  enum class To { packed, plain };
  Packing(To to, const ConvolutionShape& shape, const ConvolutionPrimitive& primitive, int threads);
  ~Packing();

  int slices() const;
  void run(int thread, int slice, const void* from, void* to) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace onednn
}  // namespace preresnet::cpu
