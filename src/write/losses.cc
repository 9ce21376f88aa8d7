#include "write/losses.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "base/checked.h"
#include "base/utf8.h"
#include "container/profiles/profiles.h"
#include "model/sparse.h"
#include "read/parts.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/state.h"
#include "write/attributes.h"
#include "write/content.h"
#include "write/layouts.h"
#include "write/names.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

// Multiplies from left to right, as the readers of these formats do: a zero after an overflow does not help.
bool overflows(std::span<const std::uint64_t> shape) {
  std::uint64_t product = 1;
  for (const std::uint64_t dimension : shape) {
    const auto next = checked::multiply(product, dimension);
    if (!next) return true;
    product = *next;
  }
  return false;
}

// For formats that check layouts and roles as names, and that allow no tensor without parts.
void add_name_losses(const Tensor& tensor, std::vector<Loss>& losses) {
  const auto add = [&](std::string_view what, std::string_view name) {
    const std::string fault = fault_of_name(name);
    if (!fault.empty()) losses.push_back({std::string(what) + " " + in_quotes(name) + ", which " + fault, true});
  };
  add("its layout", tensor.layout());
  for (std::size_t i = 0; i < tensor.parts(); ++i) add("part", tensor.part(i).role());
  if (tensor.parts() == 0) losses.push_back({"a tensor without parts", true});
}

// A 1.x file may break the rules of a quantized layout. Copied to a format that checks them, such a tensor would be
// broken.
void add_profile_losses(const Tensor& tensor, std::vector<Loss>& losses) {
  std::vector<container::ProfilePart> parts;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    parts.push_back({part.role(), part.dtype(), part.measure()});
  }
  const Value attributes = tensor.attributes();
  try {
    container::check_profile(
        {.layout = tensor.layout(), .shape = tensor.shape(), .attributes = attributes, .parts = parts});
  } catch (const Error& error) {
    losses.push_back(
        {"a tensor that breaks the rules of layout " + in_quotes(tensor.layout()) + " (" + error.what() + ")", true});
  }
}

void add_part_losses(const Part& part, std::uint64_t elements, const model::Encoder& encoder,
                     std::vector<Loss>& losses) {
  if (encoder.holds.whole_bytes && !fills_bytes(part.dtype(), elements)) {
    losses.push_back({"part " + in_quotes(part.role()) + ": an odd number of float4 elements", true});
  }
  if (!encoder.storage(part.dtype()).empty()) return;
  const std::string dtype(dtype_name(part.dtype()));
  const auto stored = stored_dtype(part.dtype(), encoder);
  if (stored) {
    losses.push_back({"part " + in_quotes(part.role()) + ": its dtype, " + dtype + ": it becomes " +
                      std::string(dtype_name(*stored))});
  } else {
    losses.push_back({"part " + in_quotes(part.role()) + ": its dtype, " + dtype, true});
  }
}

// Reads a bool part to find out whether all bytes are 0 or 1.
source::Bools read_bools(const SourceState& state, const model::PartRow& part) {
  std::atomic<bool> clean = true;
  const model::Recipe recipe = state.measured(part);
  const read::Job job{.part = state.part_source(part, recipe),
                      .verify = Verify::never,
                      .out = {},
                      .visit = [&](std::uint64_t, std::span<const std::byte> bytes) {
                        const auto odd = [](std::byte byte) { return static_cast<unsigned>(byte) > 1; };
                        if (std::ranges::any_of(bytes, odd)) clean = false;
                      }};
  run::Meter meter;
  read::carry_out({&job, 1}, run::thread_count(state.options.threads), meter,
                  [](std::size_t, std::size_t, Error& error) { throw error; });
  return clean ? source::Bools::clean : source::Bools::other;
}

// Whether all bytes of a bool part are 0 or 1. Remembers the answer.
bool is_clean(const Part& part) {
  const SourceState& state = *Access::state(part);
  const model::PartRow& row = source::row_of(part);
  source::Contents* const known = state.contents_of(state.store_of(row.recipe.file));
  const std::uint32_t number = Access::row(part);
  source::Bools bools = known == nullptr ? source::Bools::unread : known->bools(number);
  if (bools == source::Bools::unread) bools = read_bools(state, row);
  if (known != nullptr) known->keep(number, bools);
  return bools == source::Bools::clean;
}

// Throws malformed if the entries are out of order, or if a cell occurs twice.
void check_entries(const SparseParts& parts) {
  if (parts.layout == "sparse_csr") return model::check_csr_order(parts.indices, parts.indptr);
  const std::uint64_t nnz = parts.shape.empty() ? 0 : parts.indices.size() / parts.shape.size();
  model::check_coo_cells(parts.shape.size(), nnz, parts.indices);
}

bool are_sorted(const SparseParts& parts) {
  try {
    check_entries(parts);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Reads a sparse tensor to find out how its entries are ordered.
source::Entries read_entries(const Tensor& tensor) {
  SparseParts parts = read_sparse(tensor);
  if (are_sorted(parts)) return source::Entries::sorted;
  sort_entries(parts);
  return are_sorted(parts) ? source::Entries::unsorted : source::Entries::twice;
}

// Null if a file with parts of the tensor may have changed since it was opened.
source::Contents* contents_of(const Tensor& tensor) {
  source::Contents* known = nullptr;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    const SourceState& state = *Access::state(part);
    known = state.contents_of(state.store_of(source::row_of(part).recipe.file));
    if (known == nullptr) break;
  }
  return known;
}

source::Entries entries_of(const Tensor& tensor) {
  source::Contents* const known = contents_of(tensor);
  const std::uint32_t row = Access::row(tensor);
  source::Entries entries = known == nullptr ? source::Entries::unread : known->entries(row);
  if (entries == source::Entries::unread) entries = read_entries(tensor);
  if (known != nullptr) known->keep(row, entries);
  return entries;
}

}  // namespace

std::optional<DType> stored_dtype(DType dtype, const model::Encoder& encoder) {
  if (!encoder.storage(dtype).empty()) return dtype;
  if (dtype_bits(dtype) == 8 && !encoder.storage(DType::u8).empty()) return DType::u8;
  return std::nullopt;
}

void check_losses(const std::vector<Loss>& losses, const model::Encoder& encoder, bool lossy) {
  constexpr std::size_t kNamed = 5;
  const bool fatal = std::ranges::any_of(losses, &Loss::fatal);  // no option allows such a loss: the others can wait
  if (losses.empty() || (lossy && !fatal)) return;
  std::string text;
  std::size_t count = 0;
  for (const Loss& loss : losses) {
    if (loss.fatal != fatal) continue;
    if (count++ < kNamed) text += (text.empty() ? "" : "; ") + loss.what;
  }
  if (count > kNamed) text += "; and " + std::to_string(count - kNamed) + " more";
  throw Error(Code::unsupported, fatal ? "write.beyond" : "write.loss",
              "format " + std::string(encoder.title) + " cannot hold " + text);
}

std::vector<Loss> losses_of(const Tensor& tensor, const model::Encoder& encoder) {
  std::vector<Loss> losses;
  if (!has_blocks(encoder, tensor.layout())) losses = losses_of_attributes(tensor.attributes(), encoder, false);
  const auto data = tensor.find_part("data");
  const std::string fault = fault_of(encoder, {.layout = tensor.layout(),
                                               .shape = tensor.shape(),
                                               .dtype = data ? std::optional(data->dtype()) : std::nullopt,
                                               .attributes = tensor.attributes_cbor()});
  if (!fault.empty()) losses.push_back({fault, true});
  if (!has_layout(encoder, tensor.layout())) losses.push_back({"its layout, " + in_quotes(tensor.layout()), true});
  const std::string_view prefix = encoder.holds.layout_prefix;
  if (!prefix.empty() && tensor.layout().starts_with(prefix)) {
    losses.push_back({"its layout, " + in_quotes(tensor.layout()) + ", which would be read as another", true});
  }
  if (encoder.holds.named_roles) add_name_losses(tensor, losses);
  if (encoder.holds.checked_profiles) add_profile_losses(tensor, losses);
  if (encoder.holds.bounded_shapes && overflows(tensor.shape())) {
    losses.push_back({"its shape, whose product overflows", true});
  }
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    if (!is_kept(tensor.layout(), part.role(), encoder)) {
      losses.push_back(
          {"part " + in_quotes(part.role()) + ", which layout " + in_quotes(tensor.layout()) + " does not have"});
    } else {
      add_part_losses(part, checked::elements(tensor.shape()).value_or(0), encoder, losses);
    }
  }
  return losses;
}

std::vector<Loss> losses_of_content(const Tensor& tensor, const model::Encoder& encoder) {
  std::vector<Loss> losses;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    if (part.dtype() == DType::boolean && !is_clean(part)) {
      losses.push_back({"part " + in_quotes(part.role()) + ": bool bytes other than 0 and 1: they become 1"});
    }
  }
  if (!encoder.holds.sorted_sparse || !is_sparse(tensor.layout())) return losses;
  if (Access::state(tensor)->catalog.format == encoder.format) return losses;
  switch (entries_of(tensor)) {
    case source::Entries::unsorted: losses.push_back({"the order of entries in its rows: they are sorted"}); break;
    case source::Entries::twice: losses.push_back({"cells that are given twice", true}); break;
    default: break;
  }
  return losses;
}

void plan_tensor(const Tensor& tensor, const model::Encoder& encoder, model::Catalog& catalog) {
  if (!catalog.add_tensor(tensor.name(), tensor.shape(), tensor.layout(), {})) {
    throw Error(Code::usage, "", "a tensor named " + in_quotes(tensor.name()) + " is planned twice");
  }
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    if (!is_kept(tensor.layout(), part.role(), encoder)) continue;
    const std::uint64_t length = part.length().value_or(0);  // known in each format whose order depends on it
    const DType dtype = stored_dtype(part.dtype(), encoder).value_or(part.dtype());
    const model::Recipe recipe{.stored_length = length, .decoded_length = length};
    model::PartRow& added = catalog.add_part(part.role(), dtype, recipe, {});
    added.storage = catalog.intern(encoder.storage(dtype));
    added.logical = catalog.intern(encoder.logical(dtype));
  }
}

}  // namespace zt::write
