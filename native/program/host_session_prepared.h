// Of host_session.cpp and host_session_steps.cpp alone.
#pragma once
#include <memory>
#include <vector>

#include "program/host_session.h"
#include "program/landmarks.h"
#include "program/lifetimes.h"

namespace preresnet {

/// A program with its operations prepared.
struct HostSession::Prepared : Landmarks {
  const Program* program = nullptr;
  std::vector<std::unique_ptr<Operation>> operations;
  std::vector<std::vector<const Tensor*>> dying;  // transient tensors whose last use is operation i
  bool writes_gradients;

  explicit Prepared(const Program& source)
      : Landmarks(find_landmarks(source)),
        program(&source),
        dying(source.operations.size()),
        writes_gradients(!gradient_lifetimes(source).empty()) {
    for (const Lifetime& lifetime : lifetimes(source)) {
      dying[lifetime.last].push_back(lifetime.tensor);
    }
  }
};

}  // namespace preresnet
