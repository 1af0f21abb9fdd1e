// JSON to ProgramSet. Strict: what is not understood is refused.
#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "core/error.h"
#include "program/program.h"

namespace preresnet {

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& got) {
  throw Error("ERR_PROGRAM", where + ": expected " + expected + ", got " + got);
}

std::string show(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text + " (type " + value.type_name() + ")";
}

const Json& object(const std::string& where, const Json& value) {
  if (!value.is_object()) refuse(where, "an object", show(value));
  return value;
}

const Json& array(const std::string& where, const Json& value) {
  if (!value.is_array()) refuse(where, "an array", show(value));
  return value;
}

/// An object with exactly these keys, and perhaps the optional one.
const Json& object(const std::string& where, const Json& value,
                   std::initializer_list<const char*> keys, const char* optional = nullptr) {
  object(where, value);
  for (const char* key : keys) {
    if (!value.contains(key)) refuse(where, "key \"" + std::string(key) + "\"", "none");
  }
  if (value.size() == keys.size()) return value;
  for (const auto& [key, unused] : value.items()) {
    bool known = optional != nullptr && key == optional;
    for (const char* candidate : keys) known = known || key == candidate;
    if (!known) refuse(where, "known keys only", "\"" + key + "\"");
  }
  return value;
}

std::string text(const std::string& where, const Json& value) {
  if (!value.is_string()) refuse(where, "a string", show(value));
  return value.get<std::string>();
}

int64_t integer(const std::string& where, const Json& value) {
  // JavaScript writes no integer outside ±2^53 exactly; larger ones would only invite overflow.
  constexpr int64_t kLargest = int64_t{1} << 53;
  if (!value.is_number_integer()) refuse(where, "an integer", show(value));
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kLargest)) {
    refuse(where, "an integer of at most 2^53", show(value));
  }
  const auto number = value.get<int64_t>();
  if (number > kLargest || number < -kLargest)
    refuse(where, "an integer within ±2^53", show(value));
  return number;
}

int64_t count(const std::string& where, const Json& value, int64_t least) {
  const int64_t number = integer(where, value);
  if (number < least) {
    refuse(where, "an integer of at least " + std::to_string(least), show(value));
  }
  return number;
}

double number(const std::string& where, const Json& value) {
  if (!value.is_number()) refuse(where, "a number", show(value));
  return value.get<double>();
}

template <class Value, size_t size>
Value one_of(const std::string& where, const Json& value,
             const std::array<std::pair<const char*, Value>, size>& choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (value == name) return choice;
    names += (names.empty() ? "" : " or ") + std::string(name);
  }
  refuse(where, names, show(value));
}

constexpr std::array<std::pair<const char*, DType>, 6> kTypes = {{{"f64", DType::f64},
                                                                  {"f32", DType::f32},
                                                                  {"bf16", DType::bf16},
                                                                  {"f16", DType::f16},
                                                                  {"i32", DType::i32},
                                                                  {"u8", DType::u8}}};
constexpr std::array<std::pair<const char*, Layout>, 4> kLayouts = {{{"plain", Layout::plain},
                                                                     {"nchw16c", Layout::nchw16c},
                                                                     {"nhwc8", Layout::nhwc8},
                                                                     {"krsc8", Layout::krsc8}}};
constexpr std::array<std::pair<const char*, Phase>, 4> kPhases = {{{"forward", Phase::forward},
                                                                   {"loss", Phase::loss},
                                                                   {"backward", Phase::backward},
                                                                   {"update", Phase::update}}};

Tensor read_tensor(const std::string& where, const Json& json) {
  object(where, json, {"name", "dtype", "layout", "shape", "arena", "offset", "bytes"});
  Tensor tensor;
  tensor.name = text(where + ".name", json["name"]);
  tensor.dtype = one_of(where + ".dtype", json["dtype"], kTypes);
  tensor.layout = one_of(where + ".layout", json["layout"], kLayouts);
  for (const Json& size : array(where + ".shape", json["shape"])) {
    tensor.shape.push_back(count(where + ".shape", size, 1));
  }
  tensor.arena = text(where + ".arena", json["arena"]);
  tensor.offset = static_cast<size_t>(count(where + ".offset", json["offset"], 0));
  tensor.bytes = static_cast<size_t>(count(where + ".bytes", json["bytes"], 0));
  return tensor;
}

void read_value(const std::string& where, const Json& json, int64_t* value) {
  *value = integer(where, json);
}
void read_value(const std::string& where, const Json& json, double* value) {
  *value = number(where, json);
}
void read_value(const std::string& where, const Json& json, bool* value) {
  if (!json.is_boolean()) refuse(where, "true or false", show(json));
  *value = json.get<bool>();
}
template <class Element>
void read_value(const std::string& where, const Json& json, std::vector<Element>* values) {
  values->clear();
  values->reserve(json.size());
  for (const Json& element : array(where, json)) {
    read_value(where, element, &values->emplace_back());
  }
}

class OperationReader {
 public:
  OperationReader(std::string where, const Json& json, const std::vector<Tensor>& tensors)
      : where_(std::move(where)), json_(json), tensors_(tensors) {}

  ProgramOperation read() {
    object(where_, json_, {"op", "name", "fused", "phase", "operands", "attributes"});
    ProgramOperation result;
    result.op = text(where_ + ".op", json_["op"]);
    result.name = text(where_ + ".name", json_["name"]);
    where_ += " " + result.op + " " + result.name;
    for (const Json& layer : array(where_ + ".fused", json_["fused"]))
      text(where_ + ".fused", layer);
    result.phase = one_of(where_ + ".phase", json_["phase"], kPhases);
    if (!ops::make_operation(result.op, &result.operation)) {
      refuse(where_, "an operation of the contracts", "\"" + result.op + "\"");
    }
    std::visit([&](auto& operation) { fill(operation); }, result.operation);
    return result;
  }

 private:
  /// Instantiated for each operation, so the work is in functions that are not.
  template <class Op>
  void fill(Op& operation) {
    const Json& operands = object(where_ + ".operands", json_["operands"]);
    size_t used = 0;
    Op::each_operand(operation, [&](const ops::OperandContract& contract, auto& field) {
      const Json* entry = find_operand(operands, contract, &used);
      if (entry != nullptr) read_operand(where_ + "." + contract.name, *entry, field);
    });
    if (used != operands.size()) {
      refuse_unknown(operands, "operand", Op::kName, names_of(Op::kOperands));
    }

    const Json& attributes = object(where_ + ".attributes", json_["attributes"]);
    used = 0;
    Op::each_attribute(operation, [&](const ops::AttributeContract& contract, auto& field) {
      const Json* entry = find_attribute(attributes, contract, &used);
      if (entry != nullptr) read_value(where_ + "." + contract.name, *entry, &field);
    });
    if (used != attributes.size()) {
      refuse_unknown(attributes, "attribute", Op::kName, names_of(Op::kAttributes));
    }
  }

  /// Null where an optional one is not there.
  const Json* find_operand(const Json& operands, const ops::OperandContract& contract,
                           size_t* used) const {
    const Json* entry = find(operands, contract.name, used);
    if (entry == nullptr && !contract.optional) {
      refuse(where_, std::string("operand ") + contract.name, "none");
    }
    return entry;
  }
  const Json* find_attribute(const Json& attributes, const ops::AttributeContract& contract,
                             size_t* used) const {
    const Json* entry = find(attributes, contract.name, used);
    if (entry == nullptr && contract.required) {
      refuse(where_, std::string("attribute ") + contract.name, "none");
    }
    return entry;
  }
  static const Json* find(const Json& entries, const char* name, size_t* used) {
    const auto entry = entries.find(name);
    if (entry == entries.end()) return nullptr;
    ++*used;
    return &*entry;
  }

  void read_operand(const std::string& where, const Json& json, const Tensor*& field) {
    const int64_t index = integer(where, json);
    if (index < 0 || static_cast<size_t>(index) >= tensors_.size()) {
      refuse(where, "an index below " + std::to_string(tensors_.size()), std::to_string(index));
    }
    field = &tensors_[static_cast<size_t>(index)];
  }
  void read_operand(const std::string& where, const Json& json, std::vector<const Tensor*>& field) {
    for (const Json& element : array(where, json)) {
      read_operand(where, element, field.emplace_back());
    }
  }

  template <class Contracts>
  static std::vector<std::string> names_of(const Contracts& contracts) {
    std::vector<std::string> names;
    for (const auto& contract : contracts) names.emplace_back(contract.name);
    return names;
  }
  [[noreturn]] void refuse_unknown(const Json& entries, const char* kind, const char* operation,
                                   const std::vector<std::string>& known) const {
    for (const auto& [key, unused] : entries.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        refuse(where_, std::string("an ") + kind + " of " + operation, "\"" + key + "\"");
      }
    }
    throw Error("ERR_INTERNAL", where_ + ": an entry was read twice");
  }

  std::string where_;
  const Json& json_;
  const std::vector<Tensor>& tensors_;
};

}  // namespace

std::unique_ptr<ProgramSet> read_programs(std::string_view source) {
  const Json json = Json::parse(source, nullptr, false);
  if (json.is_discarded()) refuse("programs", "JSON", "text that is none");
  object("programs", json,
         {"format", "contracts", "network", "device", "precision", "arenas", "tensors", "programs"},
         "gradientsAt");
  if (integer("format", json["format"]) != 1) refuse("format", "1", show(json["format"]));
  if (integer("contracts", json["contracts"]) != ops::kContractsVersion) {
    refuse("contracts", std::to_string(ops::kContractsVersion), show(json["contracts"]));
  }

  auto set = std::make_unique<ProgramSet>();
  set->network = text("network", json["network"]);
  set->device = text("device", json["device"]);
  set->precision = text("precision", json["precision"]);
  for (const auto& [name, bytes] : object("arenas", json["arenas"]).items()) {
    set->arenas[name] = static_cast<size_t>(count("arena " + name, bytes, 0));
  }
  if (json.contains("gradientsAt")) {
    set->gradients_at = static_cast<size_t>(count("gradientsAt", json["gradientsAt"], 0));
  }
  set->tensors.reserve(array("tensors", json["tensors"]).size());
  for (const Json& tensor : json["tensors"]) {
    set->tensors.push_back(read_tensor("tensor " + std::to_string(set->tensors.size()), tensor));
  }
  for (const auto& [name, program] : object("programs", json["programs"]).items()) {
    const std::string where = "program " + name;
    object(where, program, {"name", "batch", "operations"});
    Program& result = set->programs[name];
    result.name = text(where + ".name", program["name"]);
    result.batch = count(where + ".batch", program["batch"], 1);
    const Json& operations = array(where + ".operations", program["operations"]);
    result.operations.reserve(operations.size());
    for (const Json& operation : operations) {
      const std::string at = where + ": operation " + std::to_string(result.operations.size());
      result.operations.push_back(OperationReader(at, operation, set->tensors).read());
    }
  }
  return set;
}

}  // namespace preresnet
