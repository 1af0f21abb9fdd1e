#include "data/sample_requests.h"

#include <utility>

#include "core/error.h"

namespace preresnet {

void SampleRequest::deliver(const uint8_t* bytes, size_t size) {
  std::vector<uint8_t> copy(bytes, bytes + size);
  {
    const std::lock_guard lock(board_->mutex);
    if (settled_ || board_->closed) return;
    bytes_ = std::move(copy);
    settled_ = true;
  }
  board_->settled.notify_all();
}

void SampleRequest::refuse(std::string code, std::string message) {
  {
    const std::lock_guard lock(board_->mutex);
    if (settled_) return;
    code_ = std::move(code);
    message_ = std::move(message);
    settled_ = true;
  }
  board_->settled.notify_all();
}

std::shared_ptr<SampleRequest> SampleRequests::ask(uint64_t sample) {
  auto request = std::make_shared<SampleRequest>(sample, board_);
  // Under the lock, so that nothing is posted once close() has returned.
  const std::lock_guard lock(board_->mutex);
  if (!board_->closed) post_(request);
  return request;
}

void SampleRequests::wait(SampleRequest& request, std::vector<uint8_t>* to) {
  std::unique_lock lock(board_->mutex);
  board_->settled.wait(lock, [&] { return request.settled_ || board_->closed; });
  if (board_->closed) throw Error("ERR_ABORTED", "the loader was closed");
  if (!request.code_.empty()) throw Error(request.code_, request.message_);
  const std::vector<uint8_t> bytes = std::move(request.bytes_);
  lock.unlock();
  to->insert(to->end(), bytes.begin(), bytes.end());
}

void SampleRequests::close() {
  {
    const std::lock_guard lock(board_->mutex);
    board_->closed = true;
  }
  board_->settled.notify_all();
}

}  // namespace preresnet
