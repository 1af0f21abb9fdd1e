#include "program/formats.h"

#include <algorithm>
#include <array>

namespace preresnet {

namespace {

struct Device {
  const char* name;
  const char* precision;
  DType storage;
  Layout activations;
};

constexpr std::array<Device, 4> kHosts = {{{"reference", "fp64", DType::f64, Layout::plain},
                                           {"cpu", "fp32", DType::f32, Layout::nchw16c},
                                           {"cpu", "bf16", DType::bf16, Layout::nchw16c},
                                           {"cpu", "bf16-native", DType::bf16, Layout::nchw16c}}};
constexpr std::array<std::pair<const char*, DType>, 4> kCudaPrecisions = {
    {{"fp32", DType::f32}, {"tf32", DType::f32}, {"bf16", DType::bf16}, {"fp16", DType::f16}}};

bool on_cuda(const ProgramSet& set) { return set.device == "cuda"; }

/// Of feature maps.
DType storage_of(const ProgramSet& set) {
  for (const Device& host : kHosts) {
    if (set.device == host.name && set.precision == host.precision) return host.storage;
  }
  for (const auto& [precision, storage] : kCudaPrecisions) {
    if (set.precision == precision) return storage;
  }
  return DType::f64;
}

bool is_float(DType dtype) { return dtype != DType::i32 && dtype != DType::u8; }

std::string expected(const std::string& what, const Tensor& tensor) {
  return "expected " + what + ", got " + name_of(tensor.layout) + " " + name_of(tensor.dtype);
}

std::string wrong_on_cuda(const ProgramSet& set, const ops::OperandContract& contract,
                          const Tensor& tensor) {
  const bool number = is_float(tensor.dtype);
  const DType dtype = !number                              ? tensor.dtype
                      : contract.type == ops::Type::master ? DType::f32
                                                           : storage_of(set);
  const Layout layout = contract.plain || !number             ? Layout::plain
                        : contract.type == ops::Type::weights ? Layout::krsc8
                                                              : Layout::nhwc8;
  if (tensor.dtype == dtype && tensor.layout == layout) return {};
  return expected(std::string(name_of(layout)) + " " + name_of(dtype), tensor);
}

}  // namespace

std::string wrong_device(const ProgramSet& set) {
  for (const Device& host : kHosts) {
    if (set.device == host.name && set.precision == host.precision) return {};
  }
  for (const auto& [precision, storage] : kCudaPrecisions) {
    if (on_cuda(set) && set.precision == precision) return {};
  }
  return "expected reference with fp64, cpu with fp32, bf16 or bf16-native, or cuda with fp32, "
         "tf32, bf16 or fp16, got " +
         set.device + " with " + set.precision;
}

std::string wrong_format(const ProgramSet& set, const Tensor& tensor) {
  if (set.device == "reference") {
    // It computes and keeps everything in double.
    const bool right =
        tensor.layout == Layout::plain && (!is_float(tensor.dtype) || tensor.dtype == DType::f64);
    return right ? "" : expected("plain f64 on the reference executor", tensor);
  }
  if (on_cuda(set)) {
    const bool right = tensor.layout != Layout::nchw16c && tensor.dtype != DType::f64 &&
                       (tensor.layout == Layout::plain || is_float(tensor.dtype));
    return right ? "" : expected("plain, nhwc8 or krsc8 without f64 on CUDA", tensor);
  }
  const bool right = (tensor.layout == Layout::plain || tensor.layout == Layout::nchw16c) &&
                     tensor.dtype != DType::f16;
  return right ? "" : expected("plain or nchw16c without f16 on the CPU", tensor);
}

std::string wrong_format(const ProgramSet& set, const ops::OperandContract& contract,
                         const Tensor& tensor) {
  if (on_cuda(set)) return wrong_on_cuda(set, contract, tensor);
  if (contract.type != ops::Type::storage && tensor.layout != Layout::plain) {
    return expected("layout plain", tensor);
  }
  const bool master_type =
      contract.type == ops::Type::weights || contract.type == ops::Type::coefficients;
  if (master_type && !ops::accepts(ops::Type::master, tensor.dtype)) {
    return expected("another type", tensor);
  }
  return {};
}

}  // namespace preresnet
