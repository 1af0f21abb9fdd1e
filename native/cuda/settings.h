// What a session is told beside its programs: the settings document of api.h, read.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace preresnet::cuda {

/// Of the emulated device alone, for tests.
struct Emulation {
  bool record_only = false;    // nothing is allocated or computed; launches are counted
  uint64_t schedule_seed = 0;  // which of the legal orders; 0: that of enqueueing
  int omit_wait = -1;  // the number, in each step, of the event wait that is left out; -1: none
  int multiprocessors = 2;
  uint64_t memory = 0;  // bytes that the device has; 0: what is free on the host
};

struct Settings {
  int index = 0;  // of the device
  bool deterministic = false;
  bool eager = false;            // no CUDA graph: every launch is made anew
  bool partial = false;          // a program that no engine can run is refused when it is run
  uint64_t workspace_limit = 0;  // bytes that one convolution may take; 0: no limit
  uint64_t resident_limit = 0;   // bytes that sets of images may take on the device
  std::optional<Emulation> emulation;

  Emulation emulated() const { return emulation.value_or(Emulation{}); }
};

/// ERR_OPTION for a key that is not known and a value that is not expected.
Settings read_settings(std::string_view document);

}  // namespace preresnet::cuda
