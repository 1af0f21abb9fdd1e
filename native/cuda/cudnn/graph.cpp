#include "cuda/cudnn/graph.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <cudnn_frontend.h>
#pragma GCC diagnostic pop

#include <unordered_map>

#include "core/error.h"
#include "cuda/cudnn/library.h"

namespace preresnet::cuda::cudnn {
namespace fe = cudnn_frontend;
namespace {

using Value = std::shared_ptr<fe::graph::Tensor_attributes>;

fe::DataType_t data_type(Type type) {
  switch (type) {
    case Type::bf16:
      return fe::DataType_t::BFLOAT16;
    case Type::f16:
      return fe::DataType_t::HALF;
    case Type::f32:
      break;
  }
  return fe::DataType_t::FLOAT;
}

/// Of four dimensions, the second (channels) innermost.
std::vector<int64_t> channels_last(const std::vector<int64_t>& dims) {
  return {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
}

template <class Attributes>
Attributes convolution(const ConvolutionShape& shape) {
  Attributes attributes;
  attributes.set_padding({shape.padding, shape.padding})
      .set_stride({shape.stride, shape.stride})
      .set_dilation({1, 1});
  return attributes;
}

/// What a choice rules out. Accumulation is fp32 and operands are what is stored, always.
std::vector<fe::NumericalNote_t> unwanted(const ConvolutionChoice& choice) {
  using Note = fe::NumericalNote_t;
  std::vector<Note> notes{Note::DOWN_CONVERT_INPUTS,
                          Note::REDUCED_PRECISION_REDUCTION,
                          Note::FFT,
                          Note::WINOGRAD,
                          Note::WINOGRAD_TILE_4x4,
                          Note::WINOGRAD_TILE_6x6,
                          Note::WINOGRAD_TILE_13x13};
  if (choice.type == Type::f32 && !choice.tf32) notes.push_back(Note::TENSOR_CORE);
  if (choice.deterministic) notes.push_back(Note::NONDETERMINISTIC);
  return notes;
}

std::shared_ptr<fe::DeviceProperties> described(const std::string& description) {
  auto device = std::make_shared<fe::DeviceProperties>();
  auto status = device->deserialize({description.begin(), description.end()});
  if (status.is_bad())
    throw Error("ERR_DEVICE", "expected the description of a device, got: " + status.get_message());
  return device;
}

struct FrontendGraph : fe::graph::Graph {
  /// Which of the listed plans no filter rules out, in the list's order.
  std::vector<int64_t> allowed() {
    std::vector<int64_t> indices;
    for (int64_t index = 0; index < get_execution_plan_count(); ++index)
      if (plans.check_support_at_index(index).is_good()) indices.push_back(index);
    return indices;
  }
};

}  // namespace

struct Graph::Parts {
  Target target;
  fe::DataType_t storage;
  FrontendGraph graph;
  std::vector<Value> values;
  std::vector<int64_t> candidates;  // indices in the frontend's list of plans
  int64_t plan = -1;
  int64_t workspace = 0;
  std::string name;

  Tensor keep(Value value) {
    values.push_back(std::move(value));
    return Tensor(static_cast<int>(values.size()) - 1);
  }
  const Value& of(Tensor tensor) const { return values[static_cast<size_t>(tensor)]; }
  static int64_t uid(Tensor tensor) { return static_cast<int64_t>(tensor) + 1; }

  Tensor operand(const char* name, const std::vector<int64_t>& dims, fe::DataType_t type) {
    const Tensor tensor = keep(graph.tensor(fe::graph::Tensor_attributes()
                                                .set_name(name)
                                                .set_dim(dims)
                                                .set_stride(channels_last(dims))
                                                .set_data_type(type)));
    of(tensor)->set_uid(uid(tensor));
    return tensor;
  }

  Tensor pointwise(fe::PointwiseMode_t mode, Tensor a, Tensor b) {
    return keep(graph.pointwise(of(a), of(b), fe::graph::Pointwise_attributes().set_mode(mode)));
  }
  Tensor pointwise(fe::PointwiseMode_t mode, Tensor a) {
    return keep(graph.pointwise(of(a), fe::graph::Pointwise_attributes().set_mode(mode)));
  }
};

Graph::Graph(const Target& target, Type storage) : parts_(std::make_unique<Parts>()) {
  require();
  parts_->target = target;
  parts_->storage = data_type(storage);
  parts_->graph.set_io_data_type(parts_->storage)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
#if CUDNN_FRONTEND_VERSION >= 13200
  // Plans outlive the captured steps that launch their kernels; references would slow each launch.
  parts_->graph.set_cuda_graph_retention(fe::CudaGraphRetention_t::NONE);
#endif
  if (target.handle == nullptr) parts_->graph.set_device_properties(described(target.description));
}

Graph::~Graph() = default;

Graph::Tensor Graph::feature_map(const char* name, int64_t images, int64_t channels, int64_t height,
                                 int64_t width) {
  return parts_->operand(name, {images, channels, height, width}, parts_->storage);
}

Graph::Tensor Graph::weights(const char* name, int64_t out, int64_t in, int64_t height,
                             int64_t width) {
  return parts_->operand(name, {out, in, height, width}, parts_->storage);
}

Graph::Tensor Graph::vector(const char* name, int64_t channels, Type type) {
  return parts_->operand(name, {1, channels, 1, 1}, data_type(type));
}

Graph::Tensor Graph::forward(Tensor x, Tensor w, const ConvolutionShape& shape) {
  return parts_->keep(parts_->graph.conv_fprop(
      parts_->of(x), parts_->of(w), convolution<fe::graph::Conv_fprop_attributes>(shape)));
}

Graph::Tensor Graph::backward_data(Tensor dy, Tensor w, const ConvolutionShape& shape) {
  const Tensor dx = parts_->keep(parts_->graph.conv_dgrad(
      parts_->of(dy), parts_->of(w), convolution<fe::graph::Conv_dgrad_attributes>(shape)));
  // With a stride several sizes of dx have the same dy.
  parts_->of(dx)->set_dim({shape.images, shape.in_channels, shape.height, shape.width});
  return dx;
}

Graph::Tensor Graph::backward_weights(Tensor dy, Tensor x, const ConvolutionShape& shape) {
  const Tensor dw = parts_->keep(parts_->graph.conv_wgrad(
      parts_->of(dy), parts_->of(x), convolution<fe::graph::Conv_wgrad_attributes>(shape)));
  const std::vector<int64_t> dims{shape.out_channels, shape.in_channels, shape.kernel_height,
                                  shape.kernel_width};
  parts_->of(dw)->set_dim(dims).set_stride(channels_last(dims));
  return dw;
}

Graph::Tensor Graph::add(Tensor a, Tensor b) {
  return parts_->pointwise(fe::PointwiseMode_t::ADD, a, b);
}
Graph::Tensor Graph::subtract(Tensor a, Tensor b) {
  return parts_->pointwise(fe::PointwiseMode_t::SUB, a, b);
}
Graph::Tensor Graph::multiply(Tensor a, Tensor b) {
  return parts_->pointwise(fe::PointwiseMode_t::MUL, a, b);
}
Graph::Tensor Graph::relu(Tensor a) { return parts_->pointwise(fe::PointwiseMode_t::RELU_FWD, a); }
Graph::Tensor Graph::relu_backward(Tensor d, Tensor value) {
  return parts_->pointwise(fe::PointwiseMode_t::RELU_BWD, d, value);
}
Graph::Tensor Graph::identity(Tensor a) {
  return parts_->pointwise(fe::PointwiseMode_t::IDENTITY, a);
}

Graph::Tensor Graph::sum(Tensor a, int64_t channels) {
  const Tensor total = parts_->keep(parts_->graph.reduction(
      parts_->of(a), fe::graph::Reduction_attributes().set_mode(fe::ReductionMode_t::ADD)));
  const std::vector<int64_t> dims{1, channels, 1, 1};
  parts_->of(total)->set_dim(dims).set_stride(channels_last(dims));
  return total;
}

std::pair<Graph::Tensor, Graph::Tensor> Graph::statistics(Tensor a) {
  const auto [sum, squares] =
      parts_->graph.genstats(parts_->of(a), fe::graph::Genstats_attributes());
  const Tensor first = parts_->keep(sum);
  return {first, parts_->keep(squares)};
}

std::vector<Graph::Tensor> Graph::norm_backward(Tensor dz, Tensor x, Tensor mean, Tensor invstd,
                                                Tensor weight) {
  std::vector<Tensor> results;
  for (const Value& value :
       parts_->graph.dbn_weight(parts_->of(dz), parts_->of(x), parts_->of(mean), parts_->of(invstd),
                                parts_->of(weight), fe::graph::DBN_weight_attributes()))
    results.push_back(parts_->keep(value));
  return results;
}

void Graph::rounded(Tensor tensor) { parts_->of(tensor)->set_data_type(parts_->storage); }

void Graph::store(Tensor tensor, Type type) {
  parts_->of(tensor)->set_output(true).set_data_type(data_type(type)).set_uid(Parts::uid(tensor));
}

void Graph::build(const ConvolutionChoice& choice, const std::string& what) {
  FrontendGraph& graph = parts_->graph;
  const Target& target = parts_->target;
  const auto demand = [&](fe::error_t status) {
    if (status.is_good()) return;
    throw Error("ERR_UNSUPPORTED", "expected an engine of cuDNN " + std::to_string(version()) +
                                       " for " + what + ", got none: " + status.get_message());
  };
  demand(graph.validate());
  demand(target.handle == nullptr
             ? graph.build_operation_graph()
             : graph.build_operation_graph(static_cast<cudnnHandle_t>(target.handle)));
  const auto list = [&](fe::HeurMode_t mode) {
    const fe::error_t status = graph.create_execution_plans({mode});
    graph.deselect_numeric_notes(unwanted(choice));
    // Lists of the other tiers may hold them too; each takes seconds to compile.
    if (choice.tier != Tier::runtime_compiled)
      graph.deselect_behavior_notes({fe::BehaviorNote_t::RUNTIME_COMPILATION});
    if (choice.workspace_limit > 0)
      graph.deselect_workspace_greater_than(static_cast<int64_t>(choice.workspace_limit));
    // The others stay in the list, at any index of it: an engine's number must not count them.
    parts_->candidates = graph.allowed();
    return status;
  };
  fe::error_t listed = list(fe::HeurMode_t::A);
  // A plain convolution always has an engine, if not a fast one.
  if (choice.tier == Tier::plain && engines() == 0) listed = list(fe::HeurMode_t::FALLBACK);
  demand(listed);
  if (engines() == 0)
    demand({fe::error_code_t::GRAPH_NOT_SUPPORTED, "the heuristics know none that may be taken"});
  if (target.support_only) return;
  // Says itself which plan runs: the frontend would take the one that was built last.
  const auto attempt = [&](int engine) {
    const int64_t plan = parts_->candidates[static_cast<size_t>(engine)];
    fe::error_t status = graph.build_plan_at_index(plan);
    if (status.is_good()) parts_->plan = plan;
    return status;
  };
  if (choice.engine >= 0) {
    if (choice.engine >= engines())
      throw Error("ERR_UNSUPPORTED", "expected one of " + std::to_string(engines()) +
                                         " engines for " + what + ", got number " +
                                         std::to_string(choice.engine));
    demand(attempt(choice.engine));
  } else {
    fe::error_t status;
    const auto attempt_all = [&] {
      for (int engine = 0; engine < engines() && parts_->plan < 0; ++engine)
        status = attempt(engine);
    };
    attempt_all();
    // Appended to those that could not be built.
    if (parts_->plan < 0 && choice.tier == Tier::plain) {
      demand(list(fe::HeurMode_t::FALLBACK));
      attempt_all();
    }
    demand(status);
  }
  demand(graph.get_workspace_size_plan_at_index(parts_->plan, parts_->workspace));
  demand(graph.get_plan_name_at_index(parts_->plan, parts_->name));
}

size_t Graph::workspace_bytes() const { return static_cast<size_t>(parts_->workspace); }

int Graph::engines() const { return static_cast<int>(parts_->candidates.size()); }

const std::string& Graph::engine_name() const { return parts_->name; }

void Graph::enqueue(void* handle, const Addresses& addresses, void* workspace) const {
  if (handle == nullptr || parts_->plan < 0)
    throw Error("ERR_INTERNAL", "expected a plan for a GPU that is there, got a description's");
  std::unordered_map<int64_t, void*> by_uid;
  for (const auto& [tensor, address] : addresses)
    by_uid.emplace(Parts::uid(tensor), const_cast<void*>(address));
  auto status = parts_->graph.execute_plan_at_index(static_cast<cudnnHandle_t>(handle), by_uid,
                                                    workspace, parts_->plan);
  if (status.is_bad())
    throw Error("ERR_DEVICE", "cuDNN could not run " + parts_->name + ": " + status.get_message());
}

}  // namespace preresnet::cuda::cudnn
