#include "cuda/settings.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"

namespace preresnet::cuda {

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& key, const std::string& expected,
                         const std::string& got) {
  throw Error("ERR_OPTION",
              "settings of the device: " + key + ": expected " + expected + ", got " + got);
}

/// The values of one object; what is left when all known keys were read is not known.
class Object {
 public:
  Object(std::string where, const Json& json) : where_(std::move(where)), json_(json) {
    if (!json.is_object()) refuse(where_.empty() ? "document" : where_, "an object", json.dump());
  }

  void read(const char* key, bool& value) {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) refuse(where_ + key, "true or false", found->dump());
    value = found->get<bool>();
  }

  template <class Integer>
  void read(const char* key, Integer& value, int64_t least = 0) {
    const Json* found = find(key);
    if (found == nullptr) return;
    const int64_t most =
        sizeof(Integer) < 8 ? std::numeric_limits<int32_t>::max() : int64_t{1} << 53;
    const bool fits = found->is_number_integer() &&
                      found->get<double>() <= static_cast<double>(most) &&
                      found->get<int64_t>() >= least;
    if (!fits) {
      refuse(where_ + key, "an integer of at least " + std::to_string(least), found->dump());
    }
    value = static_cast<Integer>(found->get<int64_t>());
  }

  const Json* find(const char* key) {
    known_.emplace_back(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  void end() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        refuse(where_ + key, "known keys only", "this one");
      }
    }
  }

 private:
  std::string where_;
  const Json& json_;
  std::vector<std::string> known_;
};

Emulation read_emulation(const Json& json) {
  Object object("emulation.", json);
  Emulation result;
  object.read("recordOnly", result.record_only);
  object.read("scheduleSeed", result.schedule_seed);
  object.read("omitWait", result.omit_wait, -1);
  object.read("multiprocessors", result.multiprocessors, 1);
  object.read("memory", result.memory);
  object.end();
  return result;
}

}  // namespace

Settings read_settings(std::string_view document) {
  const Json json = Json::parse(document, nullptr, false);
  Object object("", json);
  Settings result;
  object.read("index", result.index);
  object.read("deterministic", result.deterministic);
  object.read("eager", result.eager);
  object.read("partial", result.partial);
  object.read("workspaceLimit", result.workspace_limit);
  object.read("residentLimit", result.resident_limit);
  if (const Json* emulation = object.find("emulation"))
    result.emulation = read_emulation(*emulation);
  object.end();
  return result;
}

}  // namespace preresnet::cuda
