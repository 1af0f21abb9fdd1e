#include "cuda/roofline.h"

#include <algorithm>

#include "core/error.h"
#include "cuda/device.h"
#include "cuda/events.h"

namespace preresnet::cuda {
namespace {

constexpr int kTries = 10;
constexpr size_t kPinnedBytes = size_t{16} << 20;

/// The shortest of several tries, after one that does not count.
template <class Work>
double seconds(Runtime& runtime, Work&& work) {
  double best = 0;
  for (int attempt = 0; attempt <= kTries; ++attempt) {
    runtime.record(kMain, kPeakBeginEvent);
    work();
    runtime.record(kMain, kPeakEndEvent);
    runtime.synchronize(kMain);
    const double time = runtime.milliseconds(kPeakBeginEvent, kPeakEndEvent) / 1e3;
    if (attempt == 1 || (attempt > 1 && time < best)) best = time;
  }
  // A device that is faster than its clock can tell.
  return std::max(best, 1e-9);
}

/// Random numbers of either sign between a half and one: multiplying zeros takes less power, and
/// so less time, than multiplying what occurs.
void fill_with_noise(Runtime& runtime, const PinnedMemory& pinned, Type type,
                     const DeviceMemory& memory) {
  uint32_t mask = 0x807fffff, half = 0x3f000000;
  if (type == Type::f16) mask = 0x83ff83ff, half = 0x38003800;
  if (type == Type::bf16) mask = 0x807f807f, half = 0x3f003f00;
  auto* words = reinterpret_cast<uint32_t*>(pinned.data());
  uint64_t state = 1;
  for (size_t index = 0; index < kPinnedBytes / sizeof(uint32_t); ++index) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    words[index] = (static_cast<uint32_t>(state >> 32) & mask) | half;
  }
  for (size_t at = 0; at < memory.bytes(); at += kPinnedBytes) {
    runtime.copy_to_device(kMain, memory.data() + at, pinned.data(),
                           std::min(kPinnedBytes, memory.bytes() - at));
  }
  runtime.synchronize(kMain);
}

size_t element_bytes(Type type) { return type == Type::f32 ? 4 : 2; }

/// A convolution of kernel 1 is a matrix product. Its three sides grow with the device: 8,448 with
/// 132 multiprocessors.
double measure_arithmetic(Runtime& runtime, Convolutions& convolutions,
                          const ConvolutionChoice& choice, const PinnedMemory& pinned) {
  const int64_t side = int64_t{64} * runtime.properties().multiprocessors;
  ConvolutionShape shape;
  shape.images = 1;
  shape.height = shape.out_height = 64;
  shape.width = shape.out_width = side / 64;
  shape.in_channels = shape.out_channels = side;
  shape.kernel_height = shape.kernel_width = 1;
  const auto product = convolutions.forward(shape, choice, {});
  const auto elements = static_cast<size_t>(side * side);
  const DeviceMemory x(runtime, elements * element_bytes(choice.type)), w(runtime, x.bytes()),
      y(runtime, x.bytes()), workspace(runtime, std::max<size_t>(product->workspace_bytes(), 1));
  fill_with_noise(runtime, pinned, choice.type, x);
  fill_with_noise(runtime, pinned, choice.type, w);
  ConvolutionForward::Operands operands{};
  operands.x = x.data();
  operands.w = w.data();
  operands.y = y.data();
  operands.workspace = workspace.data();
  const double time = seconds(runtime, [&] { product->enqueue(runtime, kMain, operands); });
  const auto each = static_cast<double>(side);
  return 2 * each * each * each / time;
}

/// Many times what the second-level cache holds, and not more than lies free.
double measure_copies(Runtime& runtime, const PinnedMemory& pinned) {
  const size_t wanted =
      std::clamp<size_t>(20 * runtime.properties().l2_bytes, size_t{1} << 20, size_t{1} << 30);
  const size_t bytes = std::min(wanted, runtime.available_bytes() / 4);
  const DeviceMemory from(runtime, bytes), to(runtime, bytes);
  fill_with_noise(runtime, pinned, Type::f32, from);
  const double time =
      seconds(runtime, [&] { runtime.copy_on_device(kMain, to.data(), from.data(), bytes); });
  return 2 * static_cast<double>(bytes) / time;
}

}  // namespace

Roofline measure_roofline(Runtime& runtime, Convolutions& convolutions,
                          const ConvolutionChoice& choice) {
  const PinnedMemory pinned(runtime, kPinnedBytes);
  return {.flops = measure_arithmetic(runtime, convolutions, choice, pinned),
          .bytes = measure_copies(runtime, pinned)};
}

}  // namespace preresnet::cuda
