#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foreign/onnx/elements.h"
#include "foreign/onnx/fields.h"
#include "foreign/onnx/metadata.h"
#include "foreign/onnx/names.h"
#include "foreign/onnx/sparse.h"
#include "model/catalog.h"
#include "wire/protobuf.h"

namespace zt::foreign::onnx {

// A message that is being read, with a place in the tree of graphs.
struct Frame {
  enum class Kind : std::uint8_t { model, graph, function, training, node, attribute };
  enum class Op : std::uint8_t {
    other,
    constant,  // of an attribute: its tensor is the node's output
    fill
  };
  Kind kind;
  wire::ProtoReader reader;
  std::string prefix = {};  // of the names in its graph
  std::uint32_t scope = Names::kNoScope;
  std::uint32_t depth = 0;            // of graphs
  std::string label = {};             // of a node or an attribute: its component of paths
  Op op = Op::other;                  // of a node, and of an attribute
  std::optional<Region> output = {};  // of the node: the name of its first output
  std::string path = {};              // of an attribute: the path of its node
  Once once = {};
  std::uint64_t items = 0;  // nodes, attributes, or members of a list, so far
  std::uint64_t functions = 0;
};

// Walks through a model with a stack of frames, in the order of the file.
class Decoder {
 public:
  static constexpr std::uint64_t kMostFields = 50'000'000;

  Decoder(const ByteStore& store, const Limits& limits, std::uint64_t fields = kMostFields);
  model::Catalog decode();

 private:
  void push(Frame frame);
  void push_graph(const Frame& from, Region message, std::string prefix);
  void push_function(Region message, std::uint64_t index);
  void push_node(Frame& graph, Region message);
  void push_attribute(Frame& node, Region message);
  void step(Frame& frame);
  void step_model(Frame& frame);
  void step_graph(Frame& frame);
  void step_function(Frame& frame);
  void step_training(Frame& frame);
  void step_node(Frame& frame);
  void step_attribute(Frame& frame);
  void finish();
  void add_opsets(Attributes& attributes);

  // add.cc. `name`: of a tensor that has no name of its own; "": it must have one.
  void add_dense(Region message, std::uint32_t scope, std::string_view prefix, std::string_view name);
  void add_sparse(Region message, std::uint32_t scope, std::string_view prefix, std::string_view name);
  std::string own_name(const TensorProto& tensor, std::string_view prefix, std::string_view name);
  std::vector<std::byte> attributes_of(const TensorProto& tensor);
  void list_fault(const Error& error, std::string_view storage);

  wire::ProtoWindow window_;
  const Limits& limits_;
  model::Catalog catalog_;
  Texts texts_;
  Elements elements_;
  Names names_;
  std::vector<Frame> frames_;
  bool has_graph_ = false;
  std::optional<wire::ProtoField> model_[8] = {};  // by their numbers
  std::optional<Region> graph_name_;               // of the main graph
  std::optional<Region> graph_doc_;
  std::vector<Region> opsets_;
  std::vector<Region> props_;
  std::uint64_t odd_keys_ = 0;
};

}  // namespace zt::foreign::onnx
