// What a session's thread is to infer: as many under way as the session can have, and each settled
// when it is over.
#pragma once
#include <deque>
#include <exception>
#include <functional>
#include <memory>

#include "addon/task_thread.h"
#include "program/session.h"

namespace preresnet {

struct AskedInference {
  Inference inference;
  std::function<void()> settle;  // called on the session's thread, once
  std::exception_ptr failure;    // why there are no results
};

/// On the session's thread.
class Inferences {
 public:
  explicit Inferences(TaskThread& thread) : thread_(thread) {}

  void add(Session&, std::shared_ptr<AskedInference>);
  /// Waits for all, and settles them.
  void finish();

 private:
  void advance(bool wait);
  void begin();
  bool end(bool wait);

  TaskThread& thread_;
  Session* session_ = nullptr;
  std::deque<std::shared_ptr<AskedInference>> waiting_, under_way_;
};

}  // namespace preresnet
