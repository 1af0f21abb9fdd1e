#include "cuda/operations/operands.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace preresnet::cuda {
namespace {

/// Blocks of 256 threads that fill a multiprocessor; sums take registers, and every block leaves
/// some for the last one to add.
constexpr uint32_t kBlocksPerMultiprocessor = 8, kSummingBlocksPerMultiprocessor = 4;
/// Threads side by side where sums are taken: a line of 128 bytes in a half type. Narrow, so that
/// many blocks are the last of their channels, and each has little to add.
constexpr uint32_t kSummingLanes = 8;
/// Rows that are worth a thread's coefficients and a block's part in the sums.
constexpr uint32_t kRowsPerThread = 4;
/// Of a grid's second and third dimension.
constexpr int64_t kMostBlocks = 65535;

uint32_t narrow(const std::string& where, int64_t value) {
  if (value > std::numeric_limits<int32_t>::max()) {
    throw Error("ERR_UNSUPPORTED",
                where + ": expected less than 2^31 on CUDA, got " + std::to_string(value));
  }
  return static_cast<uint32_t>(value);
}

int64_t padded(int64_t channels) { return (channels + 7) / 8 * 8; }

int64_t groups_of(const Tensor* tensor) {
  return tensor == nullptr || tensor->shape.size() == 1 ? 1 : tensor->dim(0);
}

uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

}  // namespace

DType dtype_of(Type type) {
  switch (type) {
    case Type::f32:
      return DType::f32;
    case Type::bf16:
      return DType::bf16;
    case Type::f16:
      return DType::f16;
  }
  throw Error("ERR_INTERNAL", "unknown storage type");
}

void expect(const std::string& where, const Tensor* tensor, DType dtype, Layout layout) {
  if (tensor == nullptr || (tensor->dtype == dtype && tensor->layout == layout)) return;
  throw Error("ERR_UNSUPPORTED", where + ": expected " + name_of(dtype) + " " + name_of(layout) +
                                     " on CUDA, got " + name_of(tensor->dtype) + " " +
                                     name_of(tensor->layout));
}

FeatureMap feature_map(const std::string& where, const Tensor* tensor, const Context& context) {
  if (tensor == nullptr) return {};
  expect(where, tensor, dtype_of(context.storage), Layout::nhwc8);
  if (tensor->shape.size() != 4) {
    throw Error("ERR_UNSUPPORTED",
                where + ": expected four sizes, got " + std::to_string(tensor->shape.size()));
  }
  narrow(where + ": pixels", tensor->dim(0) * tensor->dim(2) * tensor->dim(3));
  return {tensor, narrow(where, tensor->dim(0)), narrow(where, padded(tensor->dim(1))),
          narrow(where, tensor->dim(2)), narrow(where, tensor->dim(3))};
}

ChannelPlan::ChannelPlan(std::string where, const FeatureMap& over,
                         std::vector<const Tensor*> grouped, const Tensor* sums,
                         const Context& context)
    : where_(std::move(where)) {
  grouped.push_back(sums);
  int64_t groups = 1;
  for (const Tensor* tensor : grouped) groups = std::lcm(groups, groups_of(tensor));
  if (groups > kMostBlocks || over.images % groups != 0) {
    throw Error("ERR_UNSUPPORTED", where_ + ": expected at most 65535 groups that divide " +
                                       std::to_string(over.images) + " images, got " +
                                       std::to_string(groups));
  }
  groups_ = static_cast<uint32_t>(groups);
  const uint32_t eights = over.channels / 8;
  const uint32_t tiles = divide_up(eights, sums == nullptr ? kChannelThreads : kSummingLanes);
  ChannelGrid& channels = launch_.channels;
  channels = {over.rows() / groups_, over.channels, divide_up(eights, tiles)};
  const auto multiprocessors = static_cast<uint32_t>(context.runtime.properties().multiprocessors);
  const uint32_t each =
      sums == nullptr ? kBlocksPerMultiprocessor : kSummingBlocksPerMultiprocessor;
  // Blocks that share a group's rows: as many as fill the device; on a small map fewer, as long as
  // every multiprocessor has one.
  const uint32_t side_by_side = tiles * groups_;
  const uint32_t most = divide_up(channels.rows, kChannelThreads / channels.lanes);
  const uint32_t worthwhile =
      std::max(divide_up(most, kRowsPerThread), divide_up(multiprocessors, side_by_side));
  const uint32_t filling = multiprocessors * each / side_by_side;
  launch_.grid = {tiles, std::clamp(filling, 1u, std::min(most, worthwhile)), groups_};
}

VectorOperand ChannelPlan::vector(const Tensor* tensor) const {
  if (tensor == nullptr) return {};
  expect(where_, tensor, DType::f32, Layout::nhwc8);
  const uint32_t channels = narrow(where_, padded(tensor->shape.back()));
  return {tensor, {nullptr, channels, groups_ / static_cast<uint32_t>(groups_of(tensor))}};
}

SumsOperand ChannelPlan::sums(const Tensor* tensor) const {
  if (tensor == nullptr) return {};
  expect(where_, tensor, DType::f32, Layout::nhwc8);
  const auto groups = static_cast<uint32_t>(groups_of(tensor));
  if (groups * launch_.grid.x > kCounters) {
    throw Error("ERR_UNSUPPORTED", where_ + ": expected sums of at most " +
                                       std::to_string(kCounters / launch_.grid.x) +
                                       " groups on CUDA, got " + std::to_string(groups));
  }
  return {tensor, groups_ / groups};
}

size_t ChannelPlan::workspace_bytes(size_t terms) const {
  return sizeof(float) * terms * launch_.channels.channels * launch_.grid.y * launch_.grid.z;
}

}  // namespace preresnet::cuda
