// What a session gives back, as values of JavaScript.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "cuda_client/session.h"
#include "program/arena.h"
#include "program/convert.h"
#include "program/session.h"

namespace preresnet {

/// A typed array with a copy.
Napi::Value from_values(Napi::Env env, const Values& values);
Napi::Value to_result(Napi::Env env, const SessionMemory& memory);
/// `collect`: with the predictions and labels.
Napi::Value to_result(Napi::Env env, const RunOutcome& outcome, bool collect);
Napi::Value to_result(Napi::Env env, const Roofline& roofline);
Napi::Value to_result(Napi::Env env, const std::vector<TraceEvent>& events);
Napi::Value to_result(Napi::Env env, const BytesMoved& bytes_moved);

/// An f32 or f64 tensor in its arena's buffer; a copy where the buffer is empty.
Napi::Value make_view(Napi::Env env, const Tensor& tensor, const Napi::ArrayBuffer& buffer);

}  // namespace preresnet
