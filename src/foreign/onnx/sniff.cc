#include "foreign/onnx/fields.h"
#include "foreign/onnx/onnx.h"

namespace zt::foreign::onnx {
namespace {

using wire::ProtoType;

constexpr std::uint64_t kMostVersion = 64;  // of the IR; 13 today
constexpr int kMostLooks = 64;              // fields to look at

bool is_model_field(const wire::ProtoField& field) {
  using namespace model_field;
  switch (field.number) {
    case kIrVersion: return field.type == ProtoType::varint && field.value >= 1 && field.value <= kMostVersion;
    case kModelVersion: return field.type == ProtoType::varint;
    case kProducerName:
    case kProducerVersion:
    case kDomain:
    case kDocString:
    case kGraph:
    case kOpsetImport:
    case kMetadataProps:
    case kTrainingInfo:
    case kFunctions:
    case kConfiguration: return field.type == ProtoType::bytes;
    default: return false;
  }
}

bool is_graph(wire::ProtoWindow& window, Region message) {
  wire::ProtoReader reader(window, message);
  while (reader.next()) {
    const wire::ProtoField& field = reader.field();
    if (field.type != ProtoType::bytes || field.number > 16) return false;
    if (field.number == graph_field::kNode || field.number == graph_field::kName) return true;
  }
  return false;
}

// Other protobuf files have a version in field 1 too. None of them has a graph in field 7 and only fields of a model.
bool is_model(const ByteStore& store) {
  wire::ProtoWindow window(store, 2 * kMostLooks);
  wire::ProtoReader reader(window, {0, store.size()});
  bool versioned = false;
  for (int i = 0; i < kMostLooks && reader.next(); ++i) {
    const wire::ProtoField field = reader.field();
    if (!is_model_field(field)) return false;
    versioned = versioned || field.number == model_field::kIrVersion;
    if (field.number == model_field::kGraph) return versioned && is_graph(window, field.content);
  }
  return false;
}

}  // namespace

bool sniff(const ByteStore& store, std::string_view name) {
  if (name.ends_with(".onnx")) return true;
  try {
    return is_model(store);
  } catch (const Error& error) {
    if (error.code() == Code::io) throw;
    return false;
  }
}

}  // namespace zt::foreign::onnx
