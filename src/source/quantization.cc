#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "source/access.h"
#include "source/state.h"
#include "ztensor/info.h"

namespace zt {
namespace {

std::string digits(std::uint64_t value) { return std::to_string(value); }

// --- what the names and dtypes of tensors tell ---

// A dense tensor that stands beside another one.
struct Sibling {
  DType dtype = DType::u8;
  std::span<const std::uint64_t> shape;
};

class Siblings {
 public:
  explicit Siblings(const model::Catalog& catalog) : catalog_(catalog) {}

  std::optional<Sibling> find(const std::string& name) const {
    const auto row = catalog_.find(name);
    return row ? at(*row) : std::nullopt;
  }
  std::optional<Sibling> at(std::uint32_t row) const {
    const model::TensorRow& tensor = catalog_.tensor(row);
    const auto parts = catalog_.parts(tensor);
    if (parts.size() != 1 || parts[0].fault != model::kNone || catalog_.word(tensor.layout) != "dense") return {};
    return Sibling{parts[0].dtype, catalog_.shape(tensor)};
  }

 private:
  const model::Catalog& catalog_;
};

bool is_float8(DType dtype) { return dtype == DType::f8_e4m3fn || dtype == DType::f8_e5m2; }
bool is_bytes(const std::optional<Sibling>& tensor) { return tensor && tensor->dtype == DType::u8; }

// Integers of some bits in words of 32, with the scales of groups of inputs. The words of `weights` are along the inputs
// for GPTQ, and along the outputs for AWQ. The zero points are along the outputs for both.
std::string packed_words(const Siblings& names, const std::string& stem, const Sibling& weights) {
  const auto scales = names.find(stem + "scales"), zeros = names.find(stem + "qzeros");
  if (weights.dtype != DType::i32 || weights.shape.size() != 2 || !scales || !zeros) return "";
  if (scales->shape.size() != 2 || zeros->shape.size() != 2) return "";
  const std::uint64_t groups = scales->shape[0], outputs = scales->shape[1];
  if (groups == 0 || outputs == 0 || zeros->shape[1] > outputs) return "";
  const std::uint64_t bits = 32 * zeros->shape[1] / outputs;  // fits: all bytes of the tensor fit 64 bits
  if (bits == 0) return "";
  const bool along_inputs = weights.shape[1] == outputs;
  if (!along_inputs && weights.shape[1] != zeros->shape[1]) return "";
  const std::uint64_t inputs = along_inputs ? weights.shape[0] * 32 / bits : weights.shape[0];
  return (along_inputs ? "GPTQ, " : "AWQ, ") + digits(bits) + " bits, groups of " + digits(inputs / groups);
}

// What compressed-tensors writes for weights of 4 bits and fewer.
std::string packed_weight(const Siblings& names, const std::string& stem, const Sibling& weights) {
  const auto scale = names.find(stem + "weight_scale");
  if (!scale) return "";
  if (weights.dtype == DType::i32) return "compressed-tensors pack-quantized";
  if (weights.dtype != DType::u8) return "";
  if (names.find(stem + "weight_global_scale")) return "compressed-tensors nvfp4-pack-quantized";
  return is_bytes(scale) || scale->dtype == DType::f8_e8m0 ? "compressed-tensors mxfp4-pack-quantized" : "";
}

// Weights with a scale for each of their blocks.
std::string inverse_scale(const Siblings& names, const std::string& stem, const Sibling& scale) {
  const auto weights = names.find(stem + "weight");
  if (!weights || !is_float8(weights->dtype)) return "";
  std::string blocks;
  for (std::size_t i = 0; i < weights->shape.size() && scale.shape.size() == weights->shape.size(); ++i) {
    if (scale.shape[i] == 0) return "";
    const std::uint64_t size = weights->shape[i];
    blocks += (i == 0 ? ", blocks of " : "x") + digits(size / scale.shape[i] + (size % scale.shape[i] == 0 ? 0 : 1));
  }
  return "FP8" + blocks;
}

std::string plain_scale(const Siblings& names, const std::string& stem, const Sibling& scale) {
  const auto weights = names.find(stem + "weight");
  if (!weights) return "";
  if (is_bytes(weights) && names.find(stem + "weight_scale_2")) return "ModelOpt NVFP4";
  const char* granularity = scale.shape.empty() || scale.shape[0] == 1      ? ", a scale for each tensor"
                            : scale.shape.size() < 2 || scale.shape[1] == 1 ? ", a scale for each row"
                                                                            : ", scales of groups";
  if (is_float8(weights->dtype)) return std::string("FP8") + granularity;
  if (weights->dtype == DType::i8) return std::string("INT8") + granularity;
  return "";
}

std::string blocks_and_scales(const Siblings& names, const std::string& stem, const Sibling& blocks) {
  return blocks.dtype == DType::u8 && is_bytes(names.find(stem + "_scales")) ? "MXFP4" : "";
}

std::string absolute_maxima(const Siblings& names, const std::string& stem, const Sibling&) {
  if (names.find(stem + ".quant_state.bitsandbytes__nf4")) return "bitsandbytes NF4";
  if (names.find(stem + ".quant_state.bitsandbytes__fp4")) return "bitsandbytes FP4";
  return "";
}

std::string row_maxima(const Siblings& names, const std::string& stem, const Sibling&) {
  const auto weights = names.find(stem + "weight");
  return weights && weights->dtype == DType::i8 ? "bitsandbytes INT8" : "";
}

// The tensor of a quantized weight by which it is told. Each weight has only one of these.
struct Mark {
  std::string_view suffix;
  std::string (*scheme)(const Siblings& names, const std::string& stem, const Sibling& tensor);
};
constexpr Mark kMarks[] = {
    {"qweight", packed_words},     {"weight_packed", packed_weight}, {"weight_scale_inv", inverse_scale},
    {"weight_scale", plain_scale}, {"_blocks", blocks_and_scales},   {".absmax", absolute_maxima},
    {"SCB", row_maxima},
};

std::string scheme_of(const Siblings& names, std::string_view name, const Sibling& tensor) {
  for (const Mark& mark : kMarks) {
    if (!name.ends_with(mark.suffix)) continue;
    const std::string stem(name.substr(0, name.size() - mark.suffix.size()));
    const bool whole = stem.empty() || stem.ends_with('.') || mark.suffix.front() == '_' || mark.suffix.front() == '.';
    std::string found = whole ? mark.scheme(names, stem, tensor) : std::string();
    if (!found.empty()) return found;
  }
  return "";
}

// --- what attributes tell ---

// A text that is JSON, or the value itself.
Value parsed(const Value& value) {
  const std::string* text = value.text();
  if (text == nullptr || !text->starts_with('{')) return value;
  try {
    return json_parse(*text);
  } catch (const Error&) {
    return value;  // it is for people, or for another program
  }
}

std::string text_of(const Value& map, std::string_view key) {
  const Value* value = map.members() == nullptr ? nullptr : map.find(key);
  if (value == nullptr) return "";
  if (const std::string* text = value->text()) return *text;
  const auto whole = value->unsigned_integer();
  return whole ? digits(*whole) : "";
}

// A `quantization_config` of a model's configuration, or a file of its own.
std::string config_scheme(const Value& config) {
  std::string out = text_of(config, "quant_method");
  const auto add = [&](const std::string& more) {
    if (!more.empty()) out += (out.empty() ? "" : ", ") + more;
  };
  const std::string algorithm = text_of(config, "quant_algo");
  if (out.empty() && !algorithm.empty()) out = "modelopt";
  add(algorithm);
  add(text_of(config, "format"));
  const std::string bits = text_of(config, "bits"), width = text_of(config, "w_bit");
  if (!out.empty() && !(bits + width).empty()) add((bits.empty() ? width : bits) + " bits");
  const std::string group = text_of(config, "group_size"), size = text_of(config, "q_group_size");
  if (!out.empty() && !(group + size).empty()) add("groups of " + (group.empty() ? size : group));
  return out;
}

// The names of torchao's classes, which the attributes of its safetensors files have by tensor.
void add_classes(const Value& attributes, std::map<std::string, std::uint64_t>& found) {
  constexpr std::string_view kBegin = R"({"_type")";
  for (const auto& [key, value] : *attributes.members()) {
    const std::string* text = value.text();
    if (text == nullptr || !text->starts_with(kBegin)) continue;
    const std::string name = text_of(parsed(value), "_type");
    if (!name.empty() && name != "Tensor") ++found["torchao " + name];
  }
}

std::string attribute_scheme(const Value& attributes) {
  const auto inside = [](const Value& map, std::string_view key) {
    const Value* value = map.members() == nullptr ? nullptr : map.find(key);
    return value == nullptr ? Value() : parsed(*value);
  };
  const Value configs[] = {
      inside(attributes, "quantization_config"),
      inside(inside(attributes, "config.json"), "quantization_config"),
      inside(inside(attributes, "config.json"), "compression_config"),
      inside(inside(attributes, "hf_quant_config.json"), "quantization"),
      inside(attributes, "quantize_config.json"),
      inside(attributes, "quant_config.json"),
  };
  for (const Value& config : configs) {
    std::string found = config_scheme(config);
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace

std::vector<QuantizationScheme> quantization_schemes(const Source& source) {
  const model::Catalog& catalog = Access::state(source)->catalog;
  const Siblings names(catalog);
  std::map<std::string, std::uint64_t> found;
  for (std::uint32_t row = 0; row < catalog.shown(); ++row) {
    const auto tensor = names.at(row);
    const std::string scheme = tensor ? scheme_of(names, catalog.text(catalog.tensor(row).name), *tensor) : "";
    if (!scheme.empty()) ++found[scheme];
  }
  std::vector<QuantizationScheme> schemes;
  const Value attributes = source.attributes();
  if (attributes.members() != nullptr) {
    add_classes(attributes, found);
    std::string stated = attribute_scheme(attributes);
    if (!stated.empty()) schemes.push_back({std::move(stated), 0});
  }
  for (auto& [scheme, count] : found) schemes.push_back({scheme, count});
  std::ranges::stable_sort(schemes, std::ranges::greater(), &QuantizationScheme::weights);
  return schemes;
}

}  // namespace zt
