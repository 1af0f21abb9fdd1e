// The table of api.h: exceptions become error structs here, and none goes further.
#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

#include "core/error.h"
#include "cuda/machine.h"
#include "cuda/session.h"
#include "interfaces/cuda_api.h"

struct preresnet_cuda_session {
  preresnet::cuda::DeviceSession session;
};

namespace preresnet::cuda {

namespace {

template <size_t size>
void copy_text(char (&to)[size], const char* from) {
  std::strncpy(to, from, size - 1);
  to[size - 1] = '\0';
}

int report(preresnet_cuda_error* error, const char* code, const char* message) {
  copy_text(error->code, code);
  copy_text(error->message, message);
  return 1;
}

template <class Work>
int guarded(preresnet_cuda_error* error, Work&& work) noexcept {
  try {
    work();
    return 0;
  } catch (const Error& failure) {
    return report(error, failure.code().c_str(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(error, "ERR_MEMORY", "the host has no more memory");
  } catch (const std::exception& failure) {
    return report(error, "ERR_INTERNAL", failure.what());
  } catch (...) {
    return report(error, "ERR_INTERNAL", "an unknown exception");
  }
}

/// A struct of the caller's: a size that is not ours comes from other sources.
template <class Struct>
void check_size(const Struct& value) {
  if (value.size == sizeof(Struct)) return;
  throw Error("ERR_BINDING", "expected a struct of " + std::to_string(sizeof(Struct)) +
                                 " bytes, got " + std::to_string(value.size) +
                                 "; addon and CUDA library were built from different sources");
}

int information(preresnet_cuda_information* result, preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*result);
    *result = machine_information();
  });
}

int device(int32_t index, preresnet_cuda_device* result, preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*result);
    *result = machine_device(index);
  });
}

int open(const char* programs, size_t length, const char* settings, size_t settings_length,
         int (*stop)(void*), void* owner, preresnet_cuda_session** result,
         preresnet_cuda_error* error) {
  return guarded(error, [&] {
    *result = new preresnet_cuda_session{DeviceSession({programs, length},
                                                       read_settings({settings, settings_length}),
                                                       [=] { return stop(owner) != 0; })};
  });
}

int memory(preresnet_cuda_session* session, preresnet_cuda_memory* result,
           preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*result);
    *result = session->session.memory();
  });
}

int allocate(preresnet_cuda_session* session, preresnet_cuda_error* error) {
  return guarded(error, [&] { session->session.allocate(); });
}

int read(preresnet_cuda_session* session, const char* tensor, void* bytes, size_t length,
         preresnet_cuda_error* error) {
  return guarded(error, [&] { session->session.read(tensor, bytes, length); });
}

int write(preresnet_cuda_session* session, const char* tensor, const void* bytes, size_t length,
          preresnet_cuda_error* error) {
  return guarded(error, [&] { session->session.write(tensor, bytes, length); });
}

int run(preresnet_cuda_session* session, preresnet_cuda_run* request, preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*request);
    session->session.run(*request);
  });
}

int begin_inference(preresnet_cuda_session* session, const preresnet_cuda_inference* inference,
                    preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*inference);
    session->session.begin_inference(*inference);
  });
}

int end_inference(preresnet_cuda_session* session, int32_t wait, void* const* targets,
                  int32_t* over, preresnet_cuda_error* error) {
  return guarded(error,
                 [&] { *over = session->session.end_inference(wait != 0, targets) ? 1 : 0; });
}

size_t trace(preresnet_cuda_session* session, preresnet_cuda_event* events, size_t most) {
  const auto& all = session->session.trace();
  std::copy_n(all.begin(), std::min(most, all.size()), events);
  return all.size();
}

int bytes_moved(preresnet_cuda_session* session, const char* program,
                preresnet_cuda_bytes_moved* result, preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*result);
    *result = session->session.bytes_moved(program);
  });
}

int roofline(preresnet_cuda_session* session, preresnet_cuda_roofline* result,
             preresnet_cuda_error* error) {
  return guarded(error, [&] {
    check_size(*result);
    *result = session->session.roofline();
  });
}

void close(preresnet_cuda_session* session) { delete session; }

constexpr preresnet_cuda_api kApi = {.size = sizeof(preresnet_cuda_api),
                                     .version = PRERESNET_CUDA_API_VERSION,
                                     .information = information,
                                     .device = device,
                                     .open = open,
                                     .memory = memory,
                                     .allocate = allocate,
                                     .read = read,
                                     .write = write,
                                     .run = run,
                                     .begin_inference = begin_inference,
                                     .end_inference = end_inference,
                                     .trace = trace,
                                     .bytes_moved = bytes_moved,
                                     .roofline = roofline,
                                     .close = close};

}  // namespace

}  // namespace preresnet::cuda

extern "C" __attribute__((visibility("default"))) const preresnet_cuda_api* preresnet_cuda_get_api(
    uint32_t version) {
  return version == PRERESNET_CUDA_API_VERSION ? &preresnet::cuda::kApi : nullptr;
}
