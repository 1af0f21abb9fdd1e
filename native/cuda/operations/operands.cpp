#include "cuda/operations/operands.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace preresnet::cuda {
namespace {

/// Blocks of 256 threads that fill a multiprocessor.
constexpr uint32_t kBlocksPerMultiprocessor = 8;
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
                         std::initializer_list<const Tensor*> grouped, const Context& context)
    : ChannelPlan(std::move(where), over, std::vector<const Tensor*>(grouped), context) {}

ChannelPlan::ChannelPlan(std::string where, const FeatureMap& over,
                         const std::vector<const Tensor*>& grouped, const Context& context)
    : where_(std::move(where)) {
  int64_t groups = 1;
  for (const Tensor* tensor : grouped) groups = std::lcm(groups, groups_of(tensor));
  if (groups > kMostBlocks || over.images % groups != 0) {
    throw Error("ERR_UNSUPPORTED", where_ + ": expected at most 65535 groups that divide " +
                                       std::to_string(over.images) + " images, got " +
                                       std::to_string(groups));
  }
  groups_ = static_cast<uint32_t>(groups);
  const uint32_t eights = over.channels / 8;
  const uint32_t tiles = divide_up(eights, kChannelThreads);
  ChannelGrid& channels = launch_.channels;
  channels = {over.rows() / groups_, over.channels, divide_up(eights, tiles)};
  const uint32_t filling = static_cast<uint32_t>(context.runtime.properties().multiprocessors) *
                           kBlocksPerMultiprocessor;
  const uint32_t useful = divide_up(channels.rows, kChannelThreads / channels.lanes);
  launch_.grid = {std::clamp(filling / (tiles * groups_), 1u, useful), tiles, groups_};
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
  if (groups * launch_.grid.y > kCounters) {
    throw Error("ERR_UNSUPPORTED", where_ + ": expected sums of at most " +
                                       std::to_string(kCounters / launch_.grid.y) +
                                       " groups on CUDA, got " + std::to_string(groups));
  }
  return {tensor, groups_ / groups};
}

size_t ChannelPlan::workspace_bytes(size_t terms) const {
  return sizeof(float) * terms * launch_.channels.channels * launch_.grid.x * launch_.grid.z;
}

}  // namespace preresnet::cuda
