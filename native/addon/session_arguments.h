// What JavaScript passes to a session: where to run, values of tensors, and what a run is to do.
#pragma once
#include <napi.h>

#include <memory>

#include "addon/loader.h"
#include "cuda_client/session.h"
#include "program/convert.h"
#include "program/session.h"

namespace preresnet {

struct SessionOptions {
  int threads = 0;
  CudaConnection cuda;
  std::shared_ptr<Communicator> ranks;  // or null
};

SessionOptions read_session_options(const Napi::Value& value);

/// A copy, taken now: JavaScript may change the array while the session is busy.
Values to_values(const Napi::Value& value);

/// infer(program, images, outputs): spans over the memory of their arrays.
Inference read_inference(const Napi::CallbackInfo& info);

/// `loader` is set where the run reads from one.
RunRequest read_request(const Napi::Value& value, std::shared_ptr<LoaderState>* loader);

}  // namespace preresnet
