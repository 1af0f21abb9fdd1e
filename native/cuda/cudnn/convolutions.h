// The convolutions of cuDNN, on a GPU or for one that is only described.
#pragma once
#include <memory>
#include <string>

#include "cuda/cudnn/graph.h"
#include "cuda/cudnn/handles.h"

namespace preresnet::cuda::cudnn {

/// Their plans are built as for a GPU (or, with support_only, looked for); enqueue throws. For
/// checks.
std::unique_ptr<Convolutions> make_convolutions(const Target&);

// One file each. `handles` is null for a GPU that is not there.
std::shared_ptr<const ConvolutionForward> make_forward(const Target&, Handles*,
                                                       const ConvolutionShape&,
                                                       const ConvolutionChoice&,
                                                       ConvolutionForward::Fusion);
std::shared_ptr<const ConvolutionBackwardData> make_backward_data(const Target&, Handles*,
                                                                  const ConvolutionShape&,
                                                                  const ConvolutionChoice&,
                                                                  ConvolutionBackwardData::Fusion);
std::shared_ptr<const ConvolutionBackwardWeights> make_backward_weights(
    const Target&, Handles*, const ConvolutionShape&, const ConvolutionChoice&,
    ConvolutionBackwardWeights::Fusion);

/// For messages: "conv 3x3/2 of 128x128x56x56 to 256 channels, bf16, tier 2".
std::string describe(const char* direction, const ConvolutionShape&, const ConvolutionChoice&);

/// ERR_UNSUPPORTED: `what` cannot be had, whatever cuDNN knows.
[[noreturn]] void unsupported(const std::string& what, const char* reason);

/// Sums of runtime-compiled engines are added to what is there. Neighbors are zeroed at once.
void zero(Runtime&, Stream, float* first, float* second, int64_t channels);

/// Plans want 256 bytes; scratch of a convolution's own lies behind the plan's.
constexpr size_t aligned(size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace preresnet::cuda::cudnn
