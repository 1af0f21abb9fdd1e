#include "addon/inferences.h"

#include <utility>

namespace preresnet {

void Inferences::add(Session& session, std::shared_ptr<AskedInference> asked) {
  session_ = &session;
  waiting_.push_back(std::move(asked));
  advance(false);
}

void Inferences::finish() { advance(true); }

void Inferences::advance(bool wait) {
  for (;;) {
    if (!waiting_.empty() && under_way_.size() < session_->most_inferences()) {
      begin();
      continue;
    }
    if (under_way_.empty()) return;
    // Where all slots are taken and more waits, there is nothing to do but to wait too.
    if (!end(wait || !waiting_.empty())) break;
  }
  thread_.post_idle([this] { advance(false); });
}

/// One that fails is settled at once: those that are under way go on.
void Inferences::begin() {
  std::shared_ptr<AskedInference> asked = std::move(waiting_.front());
  waiting_.pop_front();
  try {
    session_->begin_inference(asked->inference);
    under_way_.push_back(std::move(asked));
  } catch (...) {
    asked->failure = std::current_exception();
    asked->settle();
  }
}

bool Inferences::end(bool wait) {
  AskedInference& oldest = *under_way_.front();
  try {
    if (!session_->end_inference(wait)) return false;
  } catch (...) {
    oldest.failure = std::current_exception();
  }
  oldest.settle();
  under_way_.pop_front();
  return true;
}

}  // namespace preresnet
