// Samples that a function of JavaScript gives.
#pragma once
#include <napi.h>

#include <memory>

#include "addon/loader.h"
#include "data/sample_requests.h"

namespace preresnet {

/// Requests that are handed to `ask(sample, done)`: LoaderDescription of lib/native/types.ts.
/// The function lives as long as `state`. ERR_OPTION where it is none.
std::shared_ptr<SampleRequests> requests_of_javascript(const Napi::Value& ask,
                                                       const std::shared_ptr<LoaderState>& state);

}  // namespace preresnet
