#include "addon/environment.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "addon/decode_pool.h"
#include "core/error.h"

namespace preresnet {

namespace {

Napi::Error make_error(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Value().Set("code", Napi::String::New(env, code));
  return error;
}

}  // namespace

Napi::Error current_error(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error;
  } catch (const Error& error) {
    return make_error(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return make_error(env, "ERR_MEMORY", "the system has no memory left");
  } catch (const std::exception& error) {
    return make_error(env, "ERR_INTERNAL", error.what());
  }
}

Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()>& call) {
  try {
    return call();
  } catch (...) {
    throw current_error(env);
  }
}

Environment::Environment(Napi::Env env) : env_(env) {
  const napi_status created =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "preresnet"), 0,
                                      1, nullptr, nullptr, this, on_call, &calls_);
  if (created != napi_ok) throw Napi::Error::New(env, "no thread-safe function could be made");
  // Waiting promises keep the process alive, an idle addon does not.
  napi_unref_threadsafe_function(env, calls_);
  // Registered after the function above: hooks run in reverse, so threads end before what they call
  // goes.
  napi_add_async_cleanup_hook(env, on_exit, this, nullptr);
}

void Environment::add(const std::shared_ptr<Stoppable>& member) {
  std::erase_if(members_, [](const auto& weak) { return weak.expired(); });
  members_.push_back(member);
}

const std::shared_ptr<DecodePool>& Environment::decode_pool() {
  if (decode_pool_ == nullptr) {
    decode_pool_ = std::make_shared<DecodePool>();
    add(decode_pool_);
  }
  return decode_pool_;
}

Napi::Promise Environment::promise(std::shared_ptr<void> keep,
                                   const std::function<void(std::function<void()>)>& post,
                                   std::function<Completion()> work) {
  const uint64_t id = next_id_++;
  auto deferred = Napi::Promise::Deferred::New(env_);
  if (pending_.empty()) napi_ref_threadsafe_function(env_, calls_);
  pending_.emplace(id, Pending{deferred, std::move(keep)});
  post([this, id, work = std::move(work)] {
    Completion completion;
    try {
      completion = work();
    } catch (...) {
      completion = [failure = std::current_exception()](Napi::Env) -> Napi::Value {
        std::rethrow_exception(failure);
      };
    }
    this->post([this, id, completion = std::move(completion)](Napi::Env env) {
      settle(env, id, completion);
    });
  });
  return deferred.Promise();
}

void Environment::settle(Napi::Env env, uint64_t id, const Completion& completion) {
  const auto entry = pending_.find(id);
  if (entry == pending_.end()) return;
  const Pending pending = std::move(entry->second);
  pending_.erase(entry);
  if (pending_.empty()) napi_unref_threadsafe_function(env, calls_);
  try {
    pending.deferred.Resolve(completion(env));
  } catch (...) {
    pending.deferred.Reject(current_error(env).Value());
  }
}

void Environment::post(std::function<void(Napi::Env)> call) {
  auto queued = std::make_unique<std::function<void(Napi::Env)>>(std::move(call));
  if (napi_call_threadsafe_function(calls_, queued.get(), napi_tsfn_nonblocking) == napi_ok)
    queued.release();  // else the environment is going: nobody waits any more
}

void Environment::on_call(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<std::function<void(Napi::Env)>> call(
      static_cast<std::function<void(Napi::Env)>*>(data));
  if (env == nullptr) return;
  try {
    (*call)(env);
  } catch (const Napi::Error&) {
    // A thread that is being terminated runs no JavaScript: there is nobody to tell.
  }
}

void Environment::on_exit(napi_async_cleanup_hook_handle handle, void* raw) {
  auto* self = static_cast<Environment*>(raw);
  std::vector<std::shared_ptr<Stoppable>> members;
  for (const auto& weak : self->members_) {
    if (auto member = weak.lock()) members.push_back(std::move(member));
  }
  for (const auto& member : members) member->interrupt();
  for (const auto& member : members) member->join();
  napi_remove_async_cleanup_hook(handle);
}

}  // namespace preresnet
