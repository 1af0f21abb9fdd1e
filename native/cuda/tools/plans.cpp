// Asks cuDNN for plans, for GPUs that need not be there, with the classes that the executor itself
// uses. Driven by scripts/cuda-plans.mjs: reads one JSON document {device, requests} and writes one
// line of JSON for each request, in order.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "cuda/cudnn/convolutions.h"
#include "cuda/cudnn/library.h"

namespace preresnet::cuda {
namespace {

using nlohmann::json;

ConvolutionShape shape_of(const json& layer) {
  return {.images = layer.at("images"),
          .in_channels = layer.at("inChannels"),
          .height = layer.at("height"),
          .width = layer.at("width"),
          .out_channels = layer.at("outChannels"),
          .out_height = layer.at("outHeight"),
          .out_width = layer.at("outWidth"),
          .kernel_height = layer.at("kernelHeight"),
          .kernel_width = layer.at("kernelWidth"),
          .stride = layer.at("stride"),
          .padding = layer.at("padding")};
}

ConvolutionChoice choice_of(const json& request, int engine) {
  const std::string precision = request.at("precision");
  ConvolutionChoice choice;
  choice.type = precision == "fp16" ? Type::f16 : precision == "bf16" ? Type::bf16 : Type::f32;
  choice.tf32 = precision == "tf32";
  choice.tier = Tier(request.at("tier").get<int>());
  choice.engine = engine;
  choice.deterministic = request.value("deterministic", false);
  choice.workspace_limit = request.value("workspaceLimit", size_t{0});
  return choice;
}

std::shared_ptr<const Convolution> make(const cudnn::Target& target, const json& request,
                                        int engine = -1) {
  const ConvolutionShape shape = shape_of(request.at("layer"));
  const ConvolutionChoice choice = choice_of(request, engine);
  const auto fuses = [&](const char* part) {
    for (const json& fused : request.at("fuse"))
      if (fused == part) return true;
    return false;
  };
  const std::string direction = request.at("direction");
  if (direction == "forward")
    return cudnn::make_forward(
        target, nullptr, shape, choice,
        {.transform = fuses("transform"), .residual = fuses("residual"), .sums = fuses("sums")});
  if (direction == "backward_data")
    return cudnn::make_backward_data(
        target, nullptr, shape, choice,
        {.add = fuses("add"), .mask = fuses("mask"), .sums = fuses("sums"), .norm = fuses("norm")});
  return cudnn::make_backward_weights(target, nullptr, shape, choice,
                                      {.transform = fuses("transform")});
}

/// How many engines there are, up to `numbered`, that are built by their numbers, as the tuner
/// takes them: from 0 until one is refused.
int built_by_number(const cudnn::Target& target, const json& request) {
  const int most = request.at("numbered");
  for (int engine = 0; engine < most; ++engine) {
    try {
      make(target, request, engine);
    } catch (const Error& error) {
      if (error.code() != "ERR_UNSUPPORTED") throw;
      return engine;
    }
  }
  return most;
}

json answer(const std::string& device, const json& request) {
  const auto start = std::chrono::steady_clock::now();
  json result;
  try {
    const cudnn::Target target{.description = device,
                               .support_only = !request.at("build").get<bool>()};
    const auto convolution = make(target, request);
    result = {{"ok", true},
              {"engines", convolution->engines()},
              {"workspace", convolution->workspace_bytes()}};
    if (request.contains("numbered")) result["numbered"] = built_by_number(target, request);
  } catch (const Error& error) {
    if (error.code() != "ERR_UNSUPPORTED") throw;
    result = {{"ok", false}, {"reason", error.what()}};
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  result["seconds"] = elapsed.count();
  return result;
}

int run() {
  cudnn::require();
  std::cout << json{{"cudnn", cudnn::version()}, {"frontend", cudnn::frontend_version()}}
            << std::endl;
  const json input = json::parse(std::cin);
  const std::string device = input.at("device").dump();
  for (const json& request : input.at("requests"))
    std::cout << answer(device, request) << std::endl;
  return 0;
}

}  // namespace
}  // namespace preresnet::cuda

int main() {
  try {
    return preresnet::cuda::run();
  } catch (const std::exception& error) {
    std::cerr << "cuda_plans: " << error.what() << '\n';
    return 1;
  }
}
