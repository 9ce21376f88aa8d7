#include "ztensor/dequantize.h"

#include <new>
#include <stdexcept>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "model/quantized.h"
#include "read/dequantize.h"
#include "read/dequantize_ggml.h"
#include "run/arena.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/state.h"
#include "ztensor/source.h"

namespace zt {
namespace {

// Whether a dtype interprets the bytes of another dtype.
bool is_logical(DType dtype) { return dtype >= DType::f8_e4m3fn || dtype == DType::boolean; }

container::ProfilePart profile_part(const Part& part) {
  const bool known = part.logical().empty() || is_logical(part.dtype());
  return {part.role(), known ? std::optional(part.dtype()) : std::nullopt, part.measure()};
}

std::vector<container::ProfilePart> profile_parts(const Tensor& tensor) {
  std::vector<container::ProfilePart> parts;
  for (std::size_t i = 0; i < tensor.parts(); ++i) parts.push_back(profile_part(tensor.part(i)));
  return parts;
}

bool has_profile(std::string_view layout) {
  return layout == container::kMx || layout == container::kQuantGroup || container::is_gguf(layout);
}

// The type of a tensor in blocks of ggml, which is known to follow its profile.
const read::GgmlType& find_type(const Tensor& tensor, const Value& attributes) {
  const std::string_view word = container::gguf_type(tensor.layout());
  const read::GgmlType* type = read::find_ggml(word);
  if (type == nullptr) {
    throw Error(Code::unsupported, "layout.gguf",
                "blocks of type " + in_quotes(word) +
                    " cannot be dequantized: read the part, which gives the blocks unchanged");
  }
  if (attributes.find("elems_per_block")->unsigned_integer() == type->elements &&
      attributes.find("block_bytes")->unsigned_integer() == type->bytes) {
    return *type;
  }
  throw Error(Code::unsupported, "layout.gguf",
              "blocks of type " + in_quotes(word) + " have " + std::to_string(type->elements) + " elements in " +
                  std::to_string(type->bytes) + " bytes, and the attributes say otherwise");
}

// How a tensor becomes numbers: `blocks` if it is set, else `groups`.
struct Method {
  model::Quantized groups;
  const read::GgmlType* blocks = nullptr;
};

Method parse(const Tensor& tensor, std::span<const container::ProfilePart> parts) {
  const std::string_view layout = tensor.layout();
  if (!has_profile(layout)) {
    throw Error(Code::usage, "",
                "cannot dequantize layout " + in_quotes(layout) +
                    ": only 'zt.mx/1', 'zt.quant_group/1' and 'gguf.<type>/1' can be dequantized");
  }
  const Value attributes = tensor.attributes();
  const container::Profile profile{.layout = layout, .shape = tensor.shape(), .attributes = attributes, .parts = parts};
  if (layout == container::kMx) return {.groups = container::parse_mx(profile)};
  if (layout == container::kQuantGroup) return {.groups = container::parse_quant_group(profile)};
  container::check_profile(profile);
  return {.groups = {}, .blocks = &find_type(tensor, attributes)};
}

void check_limit(std::uint64_t elements, std::uint64_t limit) {
  const auto bytes = checked::multiply(elements, sizeof(float));
  if (bytes && *bytes <= limit) return;
  throw Error(Code::limit, "dequantize.limit",
              std::to_string(elements) + " values take more bytes than the limit of " + std::to_string(limit));
}

// Allocate the result only after the parts were read: reading shows that they are as long as the index says.
class Dequantization {
 public:
  // Checks the tensor's profile. Throws as dequantize() does.
  explicit Dequantization(const Tensor& tensor);
  std::uint64_t elements() const { return tensor_.elements(); }
  void read(std::optional<Verify> verify, const Progress& progress);
  // Call it after read(); `out` has elements() values.
  void fill(std::span<float> out) const;

 private:
  struct Bytes {
    run::Buffer data, scales, zeros;
  };
  Tensor tensor_;
  Method how_;
  Bytes bytes_;
};

Dequantization::Dequantization(const Tensor& tensor) : tensor_(tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  const SourceState& state = *Access::state(tensor);
  // Other layouts have no profile. Measuring their parts could take a decode in 1.1, so they are left out.
  const std::vector<container::ProfilePart> parts =
      has_profile(tensor.layout()) ? profile_parts(tensor) : std::vector<container::ProfilePart>();
  source::located(state, Access::row(tensor), nullptr, [&] {
    how_ = parse(tensor, parts);
    check_limit(elements(), state.options.limits.decoded_bytes);
  });
}

void Dequantization::read(std::optional<Verify> verify, const Progress& progress) {
  std::vector<Source::Read> reads;
  const auto add = [&](std::string_view role, run::Buffer& buffer) {
    const Part part = tensor_.part(role);
    buffer = run::allocate(static_cast<std::size_t>(part.measure()));
    reads.push_back({part, buffer.bytes});
  };
  const model::ZeroPoint zero = how_.groups.zero;
  add("data", bytes_.data);
  if (how_.blocks == nullptr) add("scales", bytes_.scales);
  if (zero == model::ZeroPoint::plain || zero == model::ZeroPoint::packed) add("zeros", bytes_.zeros);
  Access::source(Access::state(tensor_)).read(reads, verify, progress);
}

void Dequantization::fill(std::span<float> out) const {
  run::Meter meter;
  const unsigned threads = run::thread_count(Access::state(tensor_)->options.threads);
  if (how_.blocks != nullptr) return read::dequantize_ggml(*how_.blocks, bytes_.data.bytes, out, threads, meter);
  read::dequantize(how_.groups, {bytes_.data.bytes, bytes_.scales.bytes, bytes_.zeros.bytes}, out, threads, meter);
}

[[noreturn]] void throw_wrong_size(const Tensor& tensor, std::size_t size, std::uint64_t elements) {
  throw source::fault_error(
      *Access::state(tensor), Access::row(tensor),
      {Code::usage, "",
       "the buffer has " + std::to_string(size) + " elements, but the tensor has " + std::to_string(elements)});
}

}  // namespace

std::vector<float> dequantize(const Tensor& tensor, std::optional<Verify> verify, const Progress& progress) {
  Dequantization work(tensor);
  work.read(verify, progress);
  std::vector<float> out;
  try {
    out.resize(static_cast<std::size_t>(work.elements()));
  } catch (const std::exception&) {  // bad_alloc, length_error
    throw Error(Code::no_memory, "", "no memory for " + std::to_string(work.elements()) + " values");
  }
  work.fill(out);
  return out;
}

void dequantize_into(const Tensor& tensor, std::span<float> out, std::optional<Verify> verify,
                     const Progress& progress) {
  Dequantization work(tensor);
  if (out.size() != work.elements()) throw_wrong_size(tensor, out.size(), work.elements());
  work.read(verify, progress);
  work.fill(out);
}

void dequantize_into(const Tensor& tensor, const std::function<std::span<float>(std::uint64_t)>& memory,
                     std::optional<Verify> verify, const Progress& progress) {
  Dequantization work(tensor);
  work.read(verify, progress);
  const std::span<float> out = memory(work.elements());
  if (out.size() != work.elements()) throw_wrong_size(tensor, out.size(), work.elements());
  work.fill(out);
}

}  // namespace zt
