// One graph of cuDNN: a convolution and what is fused with it. The only file that sees
// cudnn-frontend is graph.cpp, which takes long to compile.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda/convolution.h"

namespace preresnet::cuda::cudnn {

/// What plans are made for: the GPU of a handle, or one that is only described.
struct Target {
  void* handle = nullptr;     // cudnnHandle_t
  std::string description;    // JSON of native/cuda/devices, where there is no handle
  bool support_only = false;  // asks whether there are engines, builds none
};

class Graph {
 public:
  /// A value of the graph.
  enum class Tensor : int {};
  using Addresses = std::vector<std::pair<Tensor, const void*>>;

  Graph(const Target&, Type storage);
  ~Graph();

  // Operands in memory.
  Tensor feature_map(const char* name, int64_t images, int64_t channels, int64_t height,
                     int64_t width);
  Tensor weights(const char* name, int64_t out, int64_t in, int64_t height, int64_t width);
  Tensor vector(const char* name, int64_t channels, Type);

  // Values; fp32 unless `rounded` or `store` says otherwise.
  Tensor forward(Tensor x, Tensor w, const ConvolutionShape&);
  Tensor backward_data(Tensor dy, Tensor w, const ConvolutionShape&);
  Tensor backward_weights(Tensor dy, Tensor x, const ConvolutionShape&);
  Tensor add(Tensor, Tensor);
  Tensor subtract(Tensor, Tensor);
  Tensor multiply(Tensor, Tensor);
  Tensor relu(Tensor);
  /// d where `value` is above 0, else 0.
  Tensor relu_backward(Tensor d, Tensor value);
  Tensor identity(Tensor);
  /// Per channel; added to what is there, in no fixed order.
  Tensor sum(Tensor, int64_t channels);
  /// Sum and sum of squares per channel, overwritten.
  std::pair<Tensor, Tensor> statistics(Tensor);
  /// Of dz, the gradient at a norm's output, the norm's input and its constants: dweight, dbeta, a,
  /// b, c.
  std::vector<Tensor> norm_backward(Tensor dz, Tensor x, Tensor mean, Tensor invstd, Tensor weight);

  /// The value is of the storage type, without standing in memory.
  void rounded(Tensor);
  /// The value goes to memory.
  void store(Tensor, Type);

  /// Chooses an engine and builds its plan. ERR_UNSUPPORTED, naming `what`, where there is none.
  void build(const ConvolutionChoice&, const std::string& what);

  size_t workspace_bytes() const;
  /// Candidates of the heuristics that the choice does not rule out: its `engine` is one of them.
  int engines() const;
  /// Of the chosen one, as cuDNN calls it.
  const std::string& engine_name() const;

  void enqueue(void* handle, const Addresses&, void* workspace) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace preresnet::cuda::cudnn
