// What of a program a run has to find quickly.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "program/program.h"

namespace preresnet {

/// What all optimizers have.
struct Update {
  const Tensor* gradients;
  const Tensor* weight_gradients;  // may be absent
  const Tensor* scaler;            // may be absent
  int64_t growth_interval;
  const std::vector<int64_t>& offsets;
  const std::vector<int64_t>& lengths;
};

/// Nothing of an operation that is no optimizer's.
std::optional<Update> update_of(const ops::AnyOperation&);

/// What all losses have.
struct Loss {
  const Tensor* logits;
  const Tensor* labels;
  const Tensor* predictions;  // may be absent
  const Tensor* metrics;
  /// Of each class where the step is divided by the weights of its labels; null: by their number.
  const std::vector<double>* label_weights;
  int64_t groups;
};

/// Nothing of an operation that is no loss.
std::optional<Loss> loss_of(const ops::AnyOperation&);

struct Landmarks {
  static constexpr size_t kNone = static_cast<size_t>(-1);

  const ops::Input* input = nullptr;
  const ops::Mix* mix = nullptr;
  std::optional<Loss> loss;
  std::optional<Update> update;
  const ops::Accumulate* accumulate = nullptr;
  const ops::AllReduce* all_reduce = nullptr;
  /// Processes that run the program together.
  int64_t ranks = 1;
  size_t loss_index = kNone;
  size_t accumulate_index = kNone;
  size_t all_reduce_index = kNone;
  size_t update_index = kNone;  // of the first operation that changes parameters
};

/// Of a loader whose batches say nothing of what is mixed.
constexpr const char* kNoMixes =
    "loader: expected what is mixed into each image, as with mixup or cutmix, got nothing";

/// How often a step runs the operations up to `accumulate` before it goes on with the others; 1
/// where there is no such operation.
int64_t accumulations_of(const Landmarks&);

Landmarks find_landmarks(const Program&);

/// Whether a program of the set updates parameters.
bool trains(const ProgramSet&);

/// Indices among the inputs: the verifier cannot know them, so they are looked at before each step.
/// ERR_DATASET. Null: the program has none.
void check_indices(const Landmarks&, const int32_t* labels, const int32_t* crops,
                   const int32_t* mixes);

/// Sum of the weights of the labels that count, of all accumulations of this rank.
double weight_of_labels(const Loss&, const int32_t* labels);

}  // namespace preresnet
