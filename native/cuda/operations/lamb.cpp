#include "cuda/operations/update.h"

namespace preresnet::cuda {
namespace {

class Lamb final : public MomentsOperation<ops::Lamb> {
 public:
  Lamb(const ops::Lamb& op, const Context& context)
      : MomentsOperation("lamb", op, context), segments_(context.runtime, segments_of(op)) {}

  int launches() const override { return MomentsOperation::launches() + 1; }
  size_t workspace_bytes() const override { return sums_at() + lamb_workspace(pieces().count); }

  void enqueue(const StreamContext& on) const override {
    LambParameters parameters{};
    fill(on, parameters);
    parameters.segments = segments_.data();
    parameters.sums = reinterpret_cast<float*>(static_cast<std::byte*>(on.workspace) + sums_at());
    lamb_moments(on.runtime, on.stream, type(), parameters);
    lamb(on.runtime, on.stream, type(), parameters);
  }

 private:
  /// Behind what measuring the gradients takes.
  size_t sums_at() const {
    constexpr size_t kLine = 256;
    return (MomentsOperation::workspace_bytes() + kLine - 1) / kLine * kLine;
  }

  /// For each piece those of its segment.
  static std::vector<SegmentPieces> segments_of(const ops::Lamb& op) {
    const int64_t border = op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0);
    std::vector<SegmentPieces> segments;
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const auto first = static_cast<int32_t>(segments.size());
      const auto count = static_cast<int32_t>(
          make_pieces({op.offsets[segment]}, {op.lengths[segment]}, {}, {}, border).size());
      segments.insert(segments.end(), static_cast<size_t>(count), {first, count});
    }
    return segments;
  }

  DeviceTable<SegmentPieces> segments_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Lamb& op, const Context& context) {
  return std::make_unique<Lamb>(op, context);
}

}  // namespace preresnet::cuda
