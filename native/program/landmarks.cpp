#include "program/landmarks.h"

#include <algorithm>
#include <variant>

#include "core/error.h"
#include "core/label_weights.h"
#include "core/mix.h"

namespace preresnet {

int64_t accumulations_of(const Landmarks& program) {
  return program.accumulate == nullptr ? 1 : program.accumulate->times;
}

std::optional<Update> update_of(const ops::AnyOperation& operation) {
  return std::visit(
      [](const auto& op) -> std::optional<Update> {
        if constexpr (requires { op.growthInterval; }) {
          return Update{op.gradients,      op.weightGradients, op.scaler,
                        op.growthInterval, op.offsets,         op.lengths};
        } else {
          return std::nullopt;
        }
      },
      operation);
}

std::optional<Loss> loss_of(const ops::AnyOperation& operation) {
  if (const auto* loss = std::get_if<ops::SoftmaxCrossEntropy>(&operation)) {
    const bool weighs = !loss->classWeights.empty() && loss->targets == nullptr;
    return Loss{loss->logits,
                loss->labels,
                loss->predictions,
                loss->metrics,
                weighs ? &loss->classWeights : nullptr,
                loss->groups};
  }
  if (const auto* loss = std::get_if<ops::BinaryCrossEntropy>(&operation)) {
    return Loss{loss->logits, loss->labels, nullptr, loss->metrics, nullptr, loss->groups};
  }
  return std::nullopt;
}

Landmarks find_landmarks(const Program& program) {
  Landmarks found;
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ops::AnyOperation& operation = program.operations[index].operation;
    if (const auto* input = std::get_if<ops::Input>(&operation)) found.input = input;
    if (const auto* mix = std::get_if<ops::Mix>(&operation)) found.mix = mix;
    if (const auto loss = loss_of(operation)) {
      found.loss.emplace(*loss);
      found.loss_index = index;
    }
    if (const auto* accumulate = std::get_if<ops::Accumulate>(&operation)) {
      found.accumulate = accumulate;
      found.accumulate_index = index;
    }
    if (const auto* all_reduce = std::get_if<ops::AllReduce>(&operation)) {
      found.all_reduce = all_reduce;
      found.all_reduce_index = index;
      found.ranks = all_reduce->ranks;
    }
    if (const auto* sums = std::get_if<ops::AllReduceSums>(&operation)) found.ranks = sums->ranks;
    if (const auto* begun = std::get_if<ops::AllReduceBegin>(&operation)) {
      found.ranks = begun->ranks;
    }
    if (const auto update = update_of(operation)) {
      found.update.emplace(*update);
      found.update_index = std::min(found.update_index, index);
    }
  }
  return found;
}

bool trains(const ProgramSet& set) {
  return std::any_of(set.programs.begin(), set.programs.end(), [](const auto& entry) {
    return find_landmarks(entry.second).update.has_value();
  });
}

namespace {

[[noreturn]] void refuse(const char* what, int64_t image, int64_t most, int64_t least,
                         int32_t value) {
  throw Error("ERR_DATASET", std::string(what) + " of image " + std::to_string(image) +
                                 ": expected " + std::to_string(least) + " to " +
                                 std::to_string(most) + ", got " + std::to_string(value));
}

/// Partners of the same accumulation, shares of at most 1, and boxes within the image.
void check_mixes(const ops::Mix& mix, const int32_t* mixes) {
  const int64_t images = mix.x->dim(0), height = mix.x->dim(2), width = mix.x->dim(3);
  for (int64_t index = 0; index < mix.mixes->dim(0); ++index, mixes += 6) {
    const int64_t first = index / images * images;
    const int64_t limits[6][2] = {{first, first + images - 1},
                                  {0, kWholeShare},
                                  {0, height},
                                  {0, width},
                                  {0, height},
                                  {0, width}};
    for (int64_t i = 0; i < 6; ++i) {
      const auto& [least, most] = limits[i];
      if (mixes[i] < least || mixes[i] > most) refuse("mixes", index, most, least, mixes[i]);
    }
    // Each is at most 65,536.
    if (mixes[2] + mixes[4] > height) refuse("mixes", index, height - mixes[2], 0, mixes[4]);
    if (mixes[3] + mixes[5] > width) refuse("mixes", index, width - mixes[3], 0, mixes[5]);
  }
}

}  // namespace

void check_indices(const Landmarks& program, const int32_t* labels, const int32_t* crops,
                   const int32_t* mixes) {
  if (program.loss && labels != nullptr) {
    const int64_t classes = program.loss->logits->dim(1);
    for (int64_t index = 0; index < program.loss->labels->dim(0); ++index) {
      const int32_t label = labels[index];
      if (label < -1 || label >= classes) refuse("label", index, classes - 1, -1, label);
    }
  }
  if (program.input != nullptr && program.input->crops != nullptr && crops != nullptr) {
    const ops::Input& input = *program.input;
    const int64_t limits[3] = {input.images->dim(1) + 2 * input.pad - input.x->dim(2),
                               input.images->dim(2) + 2 * input.pad - input.x->dim(3), 1};
    for (int64_t index = 0; index < 3 * input.crops->dim(0); ++index) {
      const int32_t value = crops[index];
      if (value < 0 || value > limits[index % 3]) {
        refuse("crops", index / 3, limits[index % 3], 0, value);
      }
    }
  }
  if (program.mix != nullptr && mixes != nullptr) check_mixes(*program.mix, mixes);
}

double weight_of_labels(const Loss& loss, const int32_t* labels) {
  return weight_of_labels(labels, loss.labels->dim(0),
                          loss.groups * (loss.labels->dim(0) / loss.logits->dim(0)),
                          *loss.label_weights);
}

}  // namespace preresnet
