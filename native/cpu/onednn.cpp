#include "cpu/onednn.h"

#include <oneapi/dnnl/dnnl_config.h>

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <string_view>

#include "core/error.h"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#elif DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_SEQ
#error "expected a oneDNN built for OpenMP or without threads"
#endif

namespace preresnet::cpu::onednn {
namespace {

using dnnl::memory;
using Type = memory::data_type;
using Tag = memory::format_tag;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

[[noreturn]] void fail(const char* what, const dnnl::error& error) {
  throw Error("ERR_UNSUPPORTED", std::string("oneDNN: ") + what + ": " + error.message);
}

memory::desc images_desc(Type type, int block, int64_t images, int64_t channels, int64_t height,
                         int64_t width) {
  const Tag tag = block == 16 ? Tag::nChw16c : Tag::nChw8c;
  return {{images, channels, height, width}, type, tag};
}

memory::dims weight_dims(const ConvolutionShape& shape) {
  return {shape.filters, shape.in_channels(), shape.kernel_height, shape.kernel_width};
}

struct Described {
  memory::desc x, w, y;
  memory::dims strides, padding;
};

/// The direction's result is f32, its operands are what they are.
Described describe(Direction direction, const ConvolutionShape& shape, Operands operands,
                   int block) {
  const Type operand = operands == Operands::bf16 ? Type::bf16 : Type::f32;
  const auto type = [&](Direction writes) { return direction == writes ? Type::f32 : operand; };
  const Type x = type(Direction::backward_data);
  return {shape.planes > 0
              ? memory::desc({shape.images, shape.planes, shape.height, shape.width}, x, Tag::nchw)
              : images_desc(x, block, shape.images, shape.channels, shape.height, shape.width),
          memory::desc(weight_dims(shape), type(Direction::backward_weights), Tag::any),
          images_desc(type(Direction::forward), block, shape.images, shape.filters,
                      shape.out_height, shape.out_width),
          {shape.stride, shape.stride},
          {shape.padding, shape.padding}};
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

#if DNNL_VERSION_MAJOR >= 3

auto forward_description(const Described& d, const dnnl::primitive_attr& attributes) {
  return dnnl::convolution_forward::primitive_desc(
      engine(), dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, d.x, d.w,
      d.y, d.strides, d.padding, d.padding, attributes);
}
auto data_description(const Described& d, const dnnl::primitive_attr& attributes,
                      const dnnl::convolution_forward::primitive_desc& hint) {
  return dnnl::convolution_backward_data::primitive_desc(
      engine(), dnnl::algorithm::convolution_direct, d.x, d.w, d.y, d.strides, d.padding, d.padding,
      hint, attributes);
}
auto weights_description(const Described& d, const dnnl::primitive_attr& attributes,
                         const dnnl::convolution_forward::primitive_desc& hint) {
  return dnnl::convolution_backward_weights::primitive_desc(
      engine(), dnnl::algorithm::convolution_direct, d.x, d.w, d.y, d.strides, d.padding, d.padding,
      hint, attributes);
}
#else

auto forward_description(const Described& d, const dnnl::primitive_attr& attributes) {
  return dnnl::convolution_forward::primitive_desc(
      {dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, d.x, d.w, d.y,
       d.strides, d.padding, d.padding},
      attributes, engine());
}
auto data_description(const Described& d, const dnnl::primitive_attr& attributes,
                      const dnnl::convolution_forward::primitive_desc& hint) {
  return dnnl::convolution_backward_data::primitive_desc(
      {dnnl::algorithm::convolution_direct, d.x, d.w, d.y, d.strides, d.padding, d.padding},
      attributes, engine(), hint);
}
auto weights_description(const Described& d, const dnnl::primitive_attr& attributes,
                         const dnnl::convolution_forward::primitive_desc& hint) {
  return dnnl::convolution_backward_weights::primitive_desc(
      {dnnl::algorithm::convolution_direct, d.x, d.w, d.y, d.strides, d.padding, d.padding},
      attributes, engine(), hint);
}
#endif

/// A primitive's arguments for one thread. Kept, because making them takes memory.
struct Arguments {
  Arguments() : stream(engine()) {}
  void add(int argument, const memory::desc& desc) {
    memories.emplace_back(desc, engine(), nullptr);
    list.push_back({argument, memories.back().get()});
  }
  void set(size_t index, const void* data) {
    memories[index].set_data_handle(const_cast<void*>(data));
  }
  void execute(const dnnl::primitive& primitive) {
    const dnnl_status_t status = dnnl_primitive_execute(primitive.get(), stream.get(),
                                                        static_cast<int>(list.size()), list.data());
    if (status != dnnl_success) {
      throw Error("ERR_INTERNAL",
                  "oneDNN: a primitive failed with status " + std::to_string(status));
    }
  }

  dnnl::stream stream;
  std::vector<memory> memories;
  std::vector<dnnl_exec_arg_t> list;
};

}  // namespace

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
SingleThreaded::SingleThreaded() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
SingleThreaded::~SingleThreaded() { omp_set_num_threads(before_); }
#else
SingleThreaded::SingleThreaded() : before_(1) {}
SingleThreaded::~SingleThreaded() = default;
#endif

void use_avx2_at_most() {
  const dnnl::status status = dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  if (status != dnnl::status::success) {
    throw Error("ERR_INTERNAL", "oneDNN: expected to be limited to AVX2, got status " +
                                    std::to_string(static_cast<int>(status)));
  }
}

int block_of(const ConvolutionShape& shape) {
  const SingleThreaded single;
  // Where there is no kernel of its own oneDNN falls back to plain loops, a hundred times slower.
  const auto plain_loops = [&](int block) {
    try {
      const auto description = forward_description(
          describe(Direction::forward, shape, Operands::f32, block), user_scratchpad());
      return std::string_view(description.impl_info_str()).starts_with("ref");
    } catch (const dnnl::error&) {
      return true;
    }
  };
  return plain_loops(16) && !plain_loops(8) ? 8 : 16;
}

bool has_bf16_kernel(Direction direction, const ConvolutionShape& shape) {
  try {
    const ConvolutionPrimitive primitive(direction, shape, Operands::bf16, 16, 1, nullptr);
    const std::string_view name = primitive.implementation();
    return name.starts_with("jit") || name.starts_with("brg");
  } catch (const Error&) {
    return false;
  }
}

struct ConvolutionPrimitive::Parts {
  dnnl::primitive primitive;
  memory::desc weights;
  size_t scratchpad = 0;
  std::string implementation;
  mutable std::vector<Arguments> arguments;  // one a thread
};

ConvolutionPrimitive::ConvolutionPrimitive(Direction direction, const ConvolutionShape& shape,
                                           Operands operands, int block, int threads,
                                           const ConvolutionPrimitive* like)
    : parts_(std::make_unique<Parts>()) {
  const SingleThreaded single;
  try {
    const dnnl::primitive_attr attributes = user_scratchpad();
    Described described = describe(direction, shape, operands, block);
    const auto use = [&](const auto& description, const memory::desc& weights, int x, int w, int y,
                         auto&& primitive) {
      parts_->primitive = primitive;
      parts_->weights = weights;
      parts_->scratchpad = description.scratchpad_desc().get_size();
      parts_->implementation = description.impl_info_str();
      parts_->arguments.resize(static_cast<size_t>(threads));
      for (Arguments& arguments : parts_->arguments) {
        arguments.add(x, described.x);
        arguments.add(w, weights);
        arguments.add(y, described.y);
        arguments.add(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
      }
    };
    const auto hint =
        forward_description(describe(Direction::forward, shape, operands, block), attributes);
    if (like != nullptr) described.w = like->parts_->weights;
    switch (direction) {
      case Direction::forward: {
        const auto description = forward_description(described, attributes);
        use(description, description.weights_desc(), DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
            dnnl::convolution_forward(description));
        break;
      }
      case Direction::backward_data: {
        const auto description = data_description(described, attributes, hint);
        use(description, description.weights_desc(), DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS,
            DNNL_ARG_DIFF_DST, dnnl::convolution_backward_data(description));
        break;
      }
      case Direction::backward_weights: {
        const auto description = weights_description(described, attributes, hint);
        use(description, description.diff_weights_desc(), DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS,
            DNNL_ARG_DIFF_DST, dnnl::convolution_backward_weights(description));
        break;
      }
    }
  } catch (const dnnl::error& error) {
    fail("no convolution of this shape", error);
  }
}

ConvolutionPrimitive::~ConvolutionPrimitive() = default;

size_t ConvolutionPrimitive::weights_bytes() const { return parts_->weights.get_size(); }
size_t ConvolutionPrimitive::scratchpad_bytes() const { return parts_->scratchpad; }
const char* ConvolutionPrimitive::implementation() const { return parts_->implementation.c_str(); }

void ConvolutionPrimitive::run(int thread, const void* x, const void* w, const void* y,
                               void* scratchpad) const {
  Arguments& arguments = parts_->arguments[static_cast<size_t>(thread)];
  arguments.set(0, x);
  arguments.set(1, w);
  arguments.set(2, y);
  arguments.set(3, scratchpad);
  arguments.execute(parts_->primitive);
}

struct Packing::Parts {
  std::vector<dnnl::reorder> slices;
  std::vector<std::vector<Arguments>> arguments;  // [slice][thread]
};

Packing::Packing(To to, const ConvolutionShape& shape, const ConvolutionPrimitive& primitive,
                 int threads)
    : parts_(std::make_unique<Parts>()) {
  // Enough slices to keep some threads busy, each worth the call.
  constexpr int64_t kBlock = 16, kMostSlices = 8, kSliceWeights = 1 << 14;
  const SingleThreaded single;
  const int64_t blocks = shape.filters / kBlock;
  const int64_t slices =
      std::clamp<int64_t>(shape.weights() / kSliceWeights, 1, std::min(blocks, kMostSlices));
  try {
    const memory::desc plain(weight_dims(shape), Type::f32, Tag::oihw);
    const memory::desc& packed = primitive.parts_->weights;
    for (int64_t slice = 0; slice < slices; ++slice) {
      const int64_t begin = slice * blocks / slices * kBlock;
      const int64_t end = (slice + 1) * blocks / slices * kBlock;
      memory::dims dims = weight_dims(shape);
      dims[0] = end - begin;
      const memory::dims at{begin, 0, 0, 0};
      const memory::desc a = (to == To::packed ? plain : packed).submemory_desc(dims, at);
      const memory::desc b = (to == To::packed ? packed : plain).submemory_desc(dims, at);
      parts_->slices.emplace_back(
          dnnl::reorder::primitive_desc(engine(), a, engine(), b, dnnl::primitive_attr()));
      std::vector<Arguments>& arguments =
          parts_->arguments.emplace_back(static_cast<size_t>(threads));
      for (Arguments& own : arguments) {
        own.add(DNNL_ARG_FROM, a);
        own.add(DNNL_ARG_TO, b);
      }
    }
  } catch (const dnnl::error& error) {
    fail("no packing of these weights", error);
  }
}

Packing::~Packing() = default;

int Packing::slices() const { return static_cast<int>(parts_->slices.size()); }

void Packing::run(int thread, int slice, const void* from, void* to) const {
  const auto index = static_cast<size_t>(slice);
  Arguments& arguments = parts_->arguments[index][static_cast<size_t>(thread)];
  arguments.set(0, from);
  arguments.set(1, to);
  arguments.execute(parts_->slices[index]);
}

}  // namespace preresnet::cpu::onednn
