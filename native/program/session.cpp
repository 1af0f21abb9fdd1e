#include "program/session.h"

#include "core/error.h"
#include "program/landmarks.h"

namespace preresnet {

Session::Session(std::unique_ptr<ProgramSet> set) : set_(std::move(set)) {
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.arena != kTransientArena) persistent_[tensor.name] = &tensor;
  }
}

void Session::share(std::string_view) {
  throw Error("ERR_UNSUPPORTED", "share: expected a session of several ranks, got another");
}

const Tensor& Session::persistent(std::string_view name) const {
  const auto entry = persistent_.find(name);
  if (entry != persistent_.end()) return *entry->second;
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.name == name) {
      throw Error("ERR_PARAMETER", "expected a tensor that keeps its contents, got " + tensor.name +
                                       " of arena " + tensor.arena);
    }
  }
  throw Error("ERR_PARAMETER", "no tensor named \"" + std::string(name) + "\"");
}

const Program& Session::program_for(std::string_view name, const RunRequest& request) const {
  const auto entry = set_->programs.find(name);
  if (entry == set_->programs.end()) {
    throw Error("ERR_OPTION", "no program named \"" + std::string(name) + "\" was compiled");
  }
  const Landmarks program = find_landmarks(entry->second);
  if (program.update && request.learning_rates.size() != static_cast<size_t>(request.steps)) {
    throw Error("ERR_OPTION", "learningRates: expected one a step (" +
                                  std::to_string(request.steps) + "), got " +
                                  std::to_string(request.learning_rates.size()));
  }
  if (request.images > 0 && (request.images > entry->second.batch || program.loss)) {
    throw Error("ERR_OPTION", "images: expected at most " + std::to_string(entry->second.batch) +
                                  " in a program without a loss, got " +
                                  std::to_string(request.images) + " for " + std::string(name));
  }
  if (request.source != nullptr) {
    if (program.input == nullptr) {
      throw Error("ERR_OPTION",
                  "loader: expected a program that takes images, got " + std::string(name));
    }
    const Tensor& images = *program.input->images;
    const int64_t image_bytes = static_cast<int64_t>(images.bytes) / images.dim(0);
    if (request.source->batch_size() != images.dim(0) ||
        request.source->image_bytes() != image_bytes) {
      throw Error("ERR_OPTION", "loader: expected batches of " + std::to_string(images.dim(0)) +
                                    " images of " + std::to_string(image_bytes) + " bytes, got " +
                                    std::to_string(request.source->batch_size()) + " of " +
                                    std::to_string(request.source->image_bytes()));
    }
  }
  return entry->second;
}

const Tensor& Session::images_for(const Inference& inference) const {
  if (inference.ticket != ticket()) {
    throw Error("ERR_ABORTED", "the inference was canceled before it began");
  }
  RunRequest request;
  request.images = static_cast<int64_t>(inference.images.size());
  const Landmarks program = find_landmarks(program_for(inference.program, request));
  if (program.input == nullptr || program.input->crops != nullptr || program.loss ||
      inference.images.empty()) {
    throw Error("ERR_OPTION", "expected images for a program that infers from pixels, got " +
                                  std::to_string(inference.images.size()) + " for " +
                                  inference.program);
  }
  const Tensor& images = *program.input->images;
  const size_t bytes = images.bytes / static_cast<size_t>(images.dim(0));
  for (const auto& image : inference.images) {
    if (image.size() == bytes) continue;
    throw Error("ERR_OPTION", "images: expected " + std::to_string(bytes) + " bytes each, got " +
                                  std::to_string(image.size()));
  }
  return images;
}

}  // namespace preresnet
