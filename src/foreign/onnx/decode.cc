#include "foreign/onnx/decode.h"

#include <algorithm>
#include <utility>

#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/onnx/onnx.h"
#include "foreign/onnx/texts.h"

namespace zt::foreign::onnx {
namespace {

using wire::ProtoField;
using wire::ProtoType;

constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 31) - 1;  // of any protobuf message
// Rows of the catalog take some hundred bytes for each tensor, but a tensor may take 2 bytes of the file.
constexpr std::uint64_t kLeastTensor = 16;  // bytes of the file
constexpr std::uint64_t kTensorsOfAny = 4096;
constexpr std::uint32_t kMostDepth = 32;  // of graphs
constexpr std::size_t kMostFrames = 3 * kMostDepth + 4;
constexpr std::size_t kMostComponent = 256;  // bytes of a node's name in a path

bool is_component(std::string_view name) {
  return !name.empty() && name.find('\0') == std::string_view::npos && is_utf8(name);
}

// The text as a component of a path; `other` if it cannot be one.
std::string component(const wire::ProtoWindow& window, const std::optional<Region>& text, std::uint64_t other) {
  auto name = text ? short_text(window, *text, kMostComponent) : std::nullopt;
  return name && is_component(*name) ? *std::move(name) : std::to_string(other);
}

bool equals(const wire::ProtoWindow& window, const std::optional<Region>& text, std::string_view wanted) {
  return text && text->length == wanted.size() && window.text(*text) == wanted;
}

}  // namespace

Decoder::Decoder(const ByteStore& store, const Limits& limits, std::uint64_t fields)
    : window_(store, fields),
      limits_(limits),
      texts_(window_, limits),
      elements_(window_, limits, catalog_),
      names_(catalog_, store.size() / kLeastTensor + kTensorsOfAny) {
  frames_.reserve(kMostFrames);
}

model::Catalog Decoder::decode() {
  if (window_.size() > kMostBytes) {
    throw Error(Code::malformed, "onnx.file.size",
                "the file has " + std::to_string(window_.size()) + " bytes: a protobuf message has less than 2 GiB");
  }
  catalog_.format = "onnx";
  push({.kind = Frame::Kind::model, .reader = {window_, {0, window_.size()}}});
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.reader.next()) {
      step(frame);
    } else {
      frames_.pop_back();
    }
  }
  finish();
  return std::move(catalog_);
}

void Decoder::push(Frame frame) {
  if (frame.depth > kMostDepth) {
    throw Error(Code::limit, "onnx.graph.depth", "graphs are nested more than " + std::to_string(kMostDepth) + " deep");
  }
  frames_.push_back(std::move(frame));  // there is room: a frame of a graph has two more at most until the next graph
}

void Decoder::step(Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::model: return step_model(frame);
    case Frame::Kind::graph: return step_graph(frame);
    case Frame::Kind::function: return step_function(frame);
    case Frame::Kind::training: return step_training(frame);
    case Frame::Kind::node: return step_node(frame);
    case Frame::Kind::attribute: return step_attribute(frame);
  }
}

void Decoder::step_model(Frame& frame) {
  using namespace model_field;
  const ProtoField& field = frame.reader.field();
  const bool number = field.number == kIrVersion || field.number == kModelVersion;
  switch (field.number) {
    case kIrVersion:
    case kModelVersion:
    case kProducerName:
    case kProducerVersion:
    case kDomain:
    case kDocString:
      require(field, number ? ProtoType::varint : ProtoType::bytes);
      frame.once.see(field);
      model_[field.number] = field;
      break;
    case kGraph:
      require(field, ProtoType::bytes);
      frame.once.see(field);
      has_graph_ = true;
      push_graph(frame, field.content, "");
      break;
    case kOpsetImport:
      require(field, ProtoType::bytes);
      opsets_.push_back(field.content);
      break;
    case kMetadataProps:
      require(field, ProtoType::bytes);
      props_.push_back(field.content);
      break;
    case kTrainingInfo: {
      require(field, ProtoType::bytes);
      const std::string number_of = std::to_string(frame.items++);
      push({.kind = Frame::Kind::training,
            .reader = {window_, field.content},
            .prefix = names_.path("training/", number_of)});
      break;
    }
    case kFunctions:
      require(field, ProtoType::bytes);
      push_function(field.content, frame.functions++);
      break;
    default: break;
  }
}

void Decoder::push_graph(const Frame& from, Region message, std::string prefix) {
  push({.kind = Frame::Kind::graph,
        .reader = {window_, message},
        .prefix = std::move(prefix),
        .scope = names_.new_scope(),
        .depth = from.depth + 1});
}

void Decoder::push_function(Region message, std::uint64_t index) {
  using namespace function_field;
  std::optional<Region> texts[kOverload + 1];
  Once once;
  for (wire::ProtoReader reader(window_, message, wire::ProtoCount::later); reader.next();) {
    const ProtoField& field = reader.field();
    if (field.number != kName && field.number != kDomain && field.number != kOverload) continue;
    require(field, ProtoType::bytes);
    once.see(field);
    texts[field.number] = field.content;
  }
  std::string name = component(window_, texts[kName], index);
  for (const std::uint32_t part : {kDomain, kOverload}) {
    const auto text = texts[part] ? short_text(window_, *texts[part], kMostComponent) : std::nullopt;
    if (!text || !is_component(*text)) continue;
    name = part == kDomain ? *text + ":" + name : name + ":" + *text;
  }
  push({.kind = Frame::Kind::function,
        .reader = {window_, message},
        .prefix = names_.path("functions/", name),
        .scope = names_.new_scope()});
}

void Decoder::step_graph(Frame& frame) {
  using namespace graph_field;
  const ProtoField& field = frame.reader.field();
  const bool main = frames_.size() == 2 && frame.prefix.empty();
  switch (field.number) {
    case kNode:
      require(field, ProtoType::bytes);
      push_node(frame, field.content);
      break;
    case kName:
    case kDocString:
      require(field, ProtoType::bytes);
      frame.once.see(field);
      if (main) (field.number == kName ? graph_name_ : graph_doc_) = field.content;
      break;
    case kInitializer:
      require(field, ProtoType::bytes);
      add_dense(field.content, frame.scope, frame.prefix, "");
      break;
    case kSparseInitializer:
      require(field, ProtoType::bytes);
      add_sparse(field.content, frame.scope, frame.prefix, "");
      break;
    default: break;
  }
}

void Decoder::step_function(Frame& frame) {
  const ProtoField& field = frame.reader.field();
  if (field.number == function_field::kNode) {
    require(field, ProtoType::bytes);
    push_node(frame, field.content);
  } else if (field.number == function_field::kAttributeProto) {
    require(field, ProtoType::bytes);
    push_attribute(frame, field.content);
  }
}

void Decoder::step_training(Frame& frame) {
  using namespace training_field;
  const ProtoField& field = frame.reader.field();
  if (field.number != kInitialization && field.number != kAlgorithm) return;
  require(field, ProtoType::bytes);
  frame.once.see(field);
  push_graph(frame, field.content,
             names_.path(frame.prefix, field.number == kInitialization ? "initialization" : "algorithm"));
}

void Decoder::push_node(Frame& graph, Region message) {
  using namespace node_field;
  std::optional<Region> texts[kDomain + 1];
  Once once;
  for (wire::ProtoReader reader(window_, message, wire::ProtoCount::later); reader.next();) {
    const ProtoField& field = reader.field();
    const bool text = field.number == kName || field.number == kOpType || field.number == kDomain;
    if (!text && field.number != kOutput) continue;
    require(field, ProtoType::bytes);
    if (text) once.see(field);
    if (text || !texts[kOutput]) texts[field.number] = field.content;
  }
  Frame node{.kind = Frame::Kind::node,
             .reader = {window_, message},
             .prefix = graph.prefix,
             .scope = graph.scope,
             .depth = graph.depth,
             .label = component(window_, texts[kName], graph.items++),
             .output = texts[kOutput]};
  const bool standard = !texts[kDomain] || texts[kDomain]->length == 0 || equals(window_, texts[kDomain], "ai.onnx");
  if (standard && equals(window_, texts[kOpType], "Constant")) node.op = Frame::Op::constant;
  if (standard && equals(window_, texts[kOpType], "ConstantOfShape")) node.op = Frame::Op::fill;
  push(std::move(node));
}

void Decoder::step_node(Frame& frame) {
  const ProtoField& field = frame.reader.field();
  if (field.number != node_field::kAttribute) return;
  require(field, ProtoType::bytes);
  push_attribute(frame, field.content);
}

void Decoder::push_attribute(Frame& node, Region message) {
  std::optional<Region> name;
  Once once;
  for (wire::ProtoReader reader(window_, message, wire::ProtoCount::later); reader.next();) {
    if (reader.field().number != attribute_field::kName) continue;
    require(reader.field(), ProtoType::bytes);
    once.see(reader.field());
    name = reader.field().content;
  }
  Frame attribute{.kind = Frame::Kind::attribute,
                  .reader = {window_, message},
                  .prefix = node.prefix,
                  .scope = node.scope,
                  .depth = node.depth,
                  .label = component(window_, name, node.items++),
                  .op = node.op,
                  .output = node.output};
  attribute.path = node.label.empty() ? node.prefix : names_.path(node.prefix, node.label);
  const bool value = equals(window_, name, "value") || equals(window_, name, "sparse_value");
  if (attribute.op == Frame::Op::constant && !value) attribute.op = Frame::Op::other;
  push(std::move(attribute));
}

void Decoder::step_attribute(Frame& frame) {
  using namespace attribute_field;
  const ProtoField& field = frame.reader.field();
  const bool one = field.number == kT || field.number == kG || field.number == kSparseTensor;
  const bool many = field.number == kTensors || field.number == kGraphs || field.number == kSparseTensors;
  if (!one && !many) return;
  require(field, ProtoType::bytes);
  if (one) frame.once.see(field);
  std::string place = frame.label;
  if (many) place += "/" + std::to_string(frame.items++);
  if (field.number == kG || field.number == kGraphs) {
    return push_graph(frame, field.content, names_.path(frame.path, place));
  }
  if (frame.op == Frame::Op::fill) return;  // one number, which fills a tensor
  const bool sparse = field.number == kSparseTensor || field.number == kSparseTensors;
  std::uint32_t scope = Names::kNoScope;
  std::string prefix = frame.path;
  if (frame.op == Frame::Op::constant && one) {
    scope = frame.scope;
    prefix = frame.prefix;
    place = frame.output ? texts_.read(*frame.output) : "";
    Names::check(place);
  }
  sparse ? add_sparse(field.content, scope, prefix, place) : add_dense(field.content, scope, prefix, place);
}

void Decoder::finish() {
  using namespace model_field;
  if (!has_graph_) throw Error(Code::malformed, "onnx.graph.missing", "the model has no graph");
  Attributes attributes;
  const auto text = [&](const char* key, const std::optional<Region>& region) {
    if (region && region->length != 0) attributes.add_text(key, texts_.read(*region));
  };
  const auto model_text = [&](const char* key, std::uint32_t number) {
    if (model_[number]) text(key, model_[number]->content);
  };
  const auto number = [&](const char* key, std::uint32_t field) {
    if (model_[field]) attributes.add_number(key, model_[field]->value);
  };
  number("ir_version", kIrVersion);
  model_text("producer_name", kProducerName);
  model_text("producer_version", kProducerVersion);
  model_text("domain", kDomain);
  number("model_version", kModelVersion);
  model_text("doc_string", kDocString);
  text("graph_name", graph_name_);
  text("graph_doc_string", graph_doc_);
  add_opsets(attributes);
  const std::uint64_t odd = attributes.add_props(window_, texts_, props_);
  catalog_.attributes = attributes.finish();
  odd_keys_ += odd;
  if (odd_keys_ != 0) {
    catalog_.notes.push_back(count_text(odd_keys_, "key of metadata_props is no key of an attribute: it was left out",
                                        "keys of metadata_props are no keys of attributes: they were left out"));
  }
  elements_.finish();
  names_.finish();
  catalog_.shrink();
}

void Decoder::add_opsets(Attributes& attributes) {
  Attributes opsets;
  std::uint64_t repeated = 0;
  for (const Region message : opsets_) {
    std::string domain;
    std::uint64_t version = 0;
    Once once;
    for (wire::ProtoReader reader(window_, message); reader.next();) {
      const ProtoField& field = reader.field();
      if (field.number == opset_field::kDomain) {
        require(field, ProtoType::bytes);
        once.see(field);
        domain = texts_.read(field.content);
      } else if (field.number == opset_field::kVersion) {
        require(field, ProtoType::varint);
        once.see(field);
        version = field.value;
      }
    }
    if (!opsets.add_number(domain.empty() ? "ai.onnx" : domain, version)) ++repeated;
  }
  if (repeated != 0) {  // one note: a note for each would take 50 times the bytes of the file
    catalog_.notes.push_back(
        count_text(repeated, "entry of opset_import has a domain that is there already or is no key: it was left out",
                   "entries of opset_import have a domain that is there already or is no key: they were left out"));
  }
  const std::vector<std::byte> map = opsets.finish();
  if (!map.empty()) attributes.add_encoded("opset_import", map);
}

model::Catalog decode(const ByteStore& store, const Limits& limits) { return Decoder(store, limits).decode(); }

}  // namespace zt::foreign::onnx
