#include "cuda/emulation/capture.h"

#include <string>

#include "core/error.h"

namespace preresnet::cuda::emulation {

Capture::Capture(Stream origin) : origin_(origin) { ends_[origin] = kNone; }

void Capture::add(Stream stream, std::function<void()> work) {
  size_t& end = ends_.at(stream);
  CapturedGraph::Node node{
      .stream = static_cast<int>(stream), .needs = {}, .work = std::move(work)};
  if (end != kNone) node.needs.push_back(end);
  end = graph_->nodes.size();
  graph_->nodes.push_back(std::move(node));
}

void Capture::record(Stream stream, Event event) { events_[event.number] = ends_.at(stream); }

void Capture::wait(Stream stream, Event event) {
  const size_t awaited = events_.at(event.number);
  const auto [end, joined] = ends_.try_emplace(stream, awaited);
  if (joined || awaited == kNone) return;
  CapturedGraph::Node node{.stream = static_cast<int>(stream), .needs = {awaited}, .work = {}};
  if (end->second != kNone) node.needs.push_back(end->second);
  end->second = graph_->nodes.size();
  graph_->nodes.push_back(std::move(node));
}

std::unique_ptr<CapturedGraph> Capture::end() {
  std::vector<bool> reached(graph_->nodes.size(), false);
  std::vector<size_t> open;
  if (ends_.at(origin_) != kNone) open.push_back(ends_.at(origin_));
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    for (const size_t need : graph_->nodes[node].needs) open.push_back(need);
  }
  for (const auto& [stream, end] : ends_) {
    if (end == kNone || reached[end]) continue;
    throw Error("ERR_DEVICE", "capture ended while stream " +
                                  std::to_string(static_cast<int>(stream)) + " was not joined");
  }
  return std::move(graph_);
}

}  // namespace preresnet::cuda::emulation
