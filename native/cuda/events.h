// Numbers of the events: those of a session's loop and of measuring first, then those between
// streams, then those of traces. Programs share them, since a step is over on the main stream
// before the next begins.
#pragma once
#include <cstddef>

#include "cuda/runtime.h"

namespace preresnet::cuda {

/// The inputs of a slot are on the device.
constexpr Event copied_event(int slot) { return {slot, Event::Use::host}; }
/// The step or the inference in a slot is over and its results are on the host.
constexpr Event done_event(int slot) { return {8 + slot, Event::Use::host}; }
/// An inference in a slot is computed; its results are on the device.
constexpr Event computed_event(int slot) { return {12 + slot}; }
constexpr Event kStartEvent{16};
constexpr Event kTraceStartEvent{17, Event::Use::time};
constexpr Event kPeakBeginEvent{18, Event::Use::time}, kPeakEndEvent{19, Event::Use::time};
constexpr Event operation_event(size_t operation) { return {static_cast<int>(32 + operation * 3)}; }
constexpr Event trace_event(size_t operation, bool before) {
  return {static_cast<int>(32 + operation * 3 + (before ? 1 : 2)), Event::Use::time};
}

}  // namespace preresnet::cuda
