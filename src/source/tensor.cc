#include "ztensor/tensor.h"

#include <algorithm>

#include "base/checked.h"
#include "base/utf8.h"
#include "codec/codecs.h"
#include "container/profiles/profiles.h"
#include "model/sparse.h"
#include "read/gather.h"
#include "run/parallel.h"
#include "source/access.h"
#include "source/hidden.h"
#include "source/indices.h"
#include "source/state.h"
#include "source/tensor_slice.h"
#include "ztensor/source.h"

namespace zt {
namespace {

// A part of indices of its declared dtype, widened.
std::vector<std::uint64_t> read_wide(const Part& part, std::optional<Verify> verify) {
  const unsigned width = model::integer_bytes(part.dtype());
  if (width == 0) {
    throw Error(
        Code::malformed, "sparse.index.dtype",
        "part " + in_quotes(part.role()) + " holds " + std::string(dtype_name(part.dtype())) + ", not integers");
  }
  const std::vector<std::byte> bytes = part.read(verify);
  if (bytes.size() % width != 0) {
    throw Error(
        Code::malformed, "sparse.index.length",
        "part " + in_quotes(part.role()) + " of " + std::to_string(bytes.size()) + " bytes ends inside an index");
  }
  return source::widen_indices(bytes, part.dtype(), [&](std::size_t i) {
    throw Error(Code::malformed, "sparse.index.bounds",
                "part " + in_quotes(part.role()) + ": index " + std::to_string(i) + " is negative");
  });
}

}  // namespace

std::string_view Part::role() const { return state_->catalog.word(state_->catalog.part(row_).role); }
DType Part::dtype() const { return state_->catalog.part(row_).dtype; }
std::string_view Part::storage() const { return state_->catalog.word(state_->catalog.part(row_).storage); }
std::string_view Part::logical() const { return state_->catalog.word(state_->catalog.part(row_).logical); }
std::string_view Part::digest() const { return state_->catalog.text(state_->catalog.part(row_).digest); }
std::uint64_t Part::offset() const { return state_->catalog.part(row_).recipe.offset; }
std::uint32_t Part::file_number() const { return state_->catalog.part(row_).recipe.file; }
std::string_view Part::shard() const {
  const model::FileRow* file = state_->catalog.other_file(state_->catalog.part(row_).recipe);
  return file == nullptr ? std::string_view() : file->name;
}
std::uint64_t Part::stored_length() const { return state_->catalog.part(row_).recipe.stored_length; }

Location Part::location() const {
  static_assert(kNoFile == model::kOwnedFile);
  if (file_number() == kNoFile) return {.path = {}, .offset = 0, .length = stored_length()};
  Location location{.path = state_->path, .offset = offset(), .length = stored_length()};
  if (file_number() == 0) return location;
  const std::size_t shard = file_number() - 1U;
  try {
    state_->shards->store(shard);  // before it is found, only its expected path is known
  } catch (const Error&) {         // a later read tells the reason
  }
  location.path = state_->shards->path(shard);
  return location;
}

bool Part::mappable() const {
  const model::Recipe& recipe = source::row_of(*this).recipe;
  if (!recipe.coding.is_raw() || recipe.swap != 0 || state_->options.backend == Backend::read) return false;
  const auto view = state_->view_of(recipe);
  return !view || read::is_range(*view);
}

std::string_view Part::encoding() const { return codec::row_of(state_->catalog.part(row_).recipe.coding.codec).name; }

const model::PartRow& source::row_of(const Part& part) {
  const SourceState& state = *Access::state(part);
  const model::PartRow& row = state.catalog.part(Access::row(part));
  if (const model::Fault* fault = state.catalog.fault(row.fault)) {
    throw fault_error(state, Access::tensor_row(part), *fault);
  }
  return row;
}

std::optional<std::uint64_t> Part::length() const {
  const std::uint64_t length = state_->catalog.part(row_).recipe.decoded_length;
  if (length == model::kUnknownLength) return std::nullopt;
  return length;
}

std::uint64_t Part::measure(const Progress& progress) const {
  if (const auto known = length()) {
    const model::PartRow& row = state_->catalog.part(row_);
    // Nothing but the base tells whether a delta without stored bytes is as long as the file claims.
    if (row.recipe.coding.is_delta() && row.recipe.stored_length == 0 && row.fault == model::kNone) {
      source::located(*state_, tensor_, &row, [&] { return state_->part_source(row, row.recipe); });
    }
    return *known;
  }
  const model::PartRow& part = source::row_of(*this);
  return source::located(*state_, tensor_, &part, [&] { return state_->measured(part, progress).decoded_length; });
}

Bytes Part::map(Mapping mapping, std::optional<Verify> verify) const {
  const model::PartRow& part = source::row_of(*this);
  return source::located(*state_, tensor_, &part, [&] {
    if (!part.recipe.coding.is_raw()) {
      throw Error(Code::unsupported, "", "the bytes are compressed: read a copy");
    }
    const auto view = state_->view_of(part.recipe);
    if (part.recipe.swap != 0 || (view && !read::is_range(*view))) {
      throw Error(Code::unsupported, "", "the elements are not adjacent or are big-endian: read a copy");
    }
    if (state_->options.backend == Backend::read)
      throw Error(Code::unsupported, "", "the source is not mapped: read a copy");
    run::Meter meter;
    source::check_if_wanted(*state_, *this, verify, run::thread_count(state_->options.threads), meter);
    const std::uint64_t start = view ? view->start : 0;
    return state_->store_of(part.recipe).map(mapping).slice(part.recipe.offset + start, part.recipe.decoded_length);
  });
}

void Part::release() const {
  const model::PartRow& part = source::row_of(*this);
  source::located(*state_, tensor_, &part,
                  [&] { state_->store_of(part.recipe).release(part.recipe.offset, part.recipe.stored_length); });
}

void Part::check(Verify verify) const {
  const model::PartRow& part = source::row_of(*this);
  source::located(*state_, tensor_, &part, [&] {
    run::Meter meter;
    source::check_bytes(*state_, part, verify, run::thread_count(state_->options.threads), meter);
  });
}

void Part::read_into(std::span<std::byte> out, std::optional<Verify> verify) const {
  const Source::Read read{*this, out};
  Access::source(state_).read({&read, 1}, verify);
}

std::vector<std::byte> Part::read(std::optional<Verify> verify) const {
  source::row_of(*this);  // throws the fault: the length of a refused part is meaningless
  std::vector<std::byte> out(static_cast<std::size_t>(measure()));
  read_into(out, verify);
  return out;
}

std::string_view Tensor::name() const { return state_->catalog.text(state_->catalog.tensor(row_).name); }
std::size_t Tensor::index() const { return row_; }
std::string_view Tensor::layout() const { return state_->catalog.word(state_->catalog.tensor(row_).layout); }
std::span<const std::uint64_t> Tensor::shape() const { return state_->catalog.shape(state_->catalog.tensor(row_)); }
std::uint64_t Tensor::elements() const { return checked::elements(shape()).value_or(~std::uint64_t{0}); }
std::size_t Tensor::parts() const { return state_->catalog.tensor(row_).part_count; }

std::span<const std::byte> Tensor::attributes_cbor() const {
  return as_bytes(state_->catalog.text(state_->catalog.tensor(row_).attributes));
}

Value source::all_attributes(const Tensor& tensor) {
  const auto cbor = tensor.attributes_cbor();
  return cbor.empty() ? Value() : Value::parse(cbor, Access::state(tensor)->options.limits.depth);
}

Value Tensor::attributes() const { return source::without_hidden(source::all_attributes(*this)); }

std::optional<Error> Tensor::unreadable() const {
  const model::Fault* fault = state_->catalog.fault(state_->catalog.tensor(row_).fault);
  if (fault == nullptr) return std::nullopt;
  return source::fault_error(*state_, row_, *fault);
}

void source::check_readable(const Tensor& tensor) {
  if (const auto error = tensor.unreadable()) throw *error;
}

void Tensor::throw_unreadable() const { source::check_readable(*this); }

void Tensor::fail(Code code, const char* rule, std::string message) const {
  throw source::fault_error(*state_, row_, {code, rule, std::move(message)});
}

DType Tensor::dtype() const {
  throw_unreadable();
  if (layout() == "dense") return part("data").dtype();
  if (layout() == "sparse_csr" || layout() == "sparse_coo") return part("values").dtype();
  fail(Code::unsupported, "layout.unknown",
       "layout " + in_quotes(layout()) + " gives the tensor no dtype: use the dtypes of its parts");
}

std::string_view Tensor::type_name() const {
  if (!container::is_gguf(layout())) return dtype_name(dtype());
  throw_unreadable();
  return container::gguf_type(layout());
}

std::optional<std::uint64_t> Tensor::nbytes() const {
  for (std::size_t i = 0; i < parts(); ++i) {
    if (!part(i).length()) return std::nullopt;
  }
  return measure();
}

std::uint64_t Tensor::measure(const Progress& progress) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < parts(); ++i) {
    const auto next = checked::add(sum, part(i).measure(progress));
    if (!next) fail(Code::malformed, "tensor.size", "the parts have more bytes than 64 bits count");
    sum = *next;
  }
  return sum;
}

Part Tensor::part(std::size_t index) const {
  if (index >= parts())
    fail(Code::not_found, "",
         "no part has index " + std::to_string(index) + ": the tensor has " + std::to_string(parts()));
  return Access::part(state_, row_, state_->catalog.tensor(row_).parts + static_cast<std::uint32_t>(index));
}

std::optional<Part> Tensor::find_part(std::string_view role) const {
  const auto found = state_->catalog.find_part(state_->catalog.tensor(row_), role);
  if (!found) return std::nullopt;
  return Access::part(state_, row_, *found);
}

Part Tensor::part(std::string_view role) const {
  if (const auto found = find_part(role)) return *found;
  fail(Code::not_found, "", "no part has the role " + in_quotes(role));
}

void Tensor::check_type(DType wanted) const {
  const DType found = dtype();
  if (found == wanted || (found == DType::boolean && wanted == DType::u8)) return;
  fail(Code::usage, "",
       "the dtype is " + std::string(dtype_name(found)) + ", but the call asks for " + std::string(dtype_name(wanted)));
}

void source::check_layout(const Tensor& tensor, std::string_view wanted) {
  check_readable(tensor);
  if (tensor.layout() == wanted) return;
  throw fault_error(*Access::state(tensor), Access::row(tensor),
                    {Code::usage, "",
                     "the layout is " + in_quotes(tensor.layout()) + ", but the call asks for " + in_quotes(wanted)});
}

void Tensor::check_layout(std::string_view wanted) const { source::check_layout(*this, wanted); }

void Tensor::throw_ragged(std::uint64_t length) const {
  fail(Code::malformed, "sparse.values.length",
       "part 'values' of " + std::to_string(length) + " bytes ends inside an element");
}

std::uint64_t Tensor::row_elements(std::uint64_t first, std::uint64_t last) const {
  check_layout("dense");
  if (shape().empty() || first > last || last > shape()[0]) {
    fail(Code::usage, "",
         "rows " + std::to_string(first) + " to " + std::to_string(last) +
             " are not in the tensor, whose number of rows is " + std::to_string(shape().empty() ? 0 : shape()[0]));
  }
  return shape()[0] == 0 ? 0 : elements() / shape()[0] * (last - first);
}

void Tensor::read_into(std::span<std::byte> out, std::optional<Verify> verify) const {
  check_layout("dense");
  data().read_into(out, verify);
}

Bytes Tensor::map() const {
  check_layout("dense");
  return data().map();
}

std::uint64_t Tensor::selected_elements(const Selection& selection) const {
  return source::slice_elements(*this, selection);
}

void Tensor::read_slice(const Selection& selection, std::span<std::byte> out, std::optional<Verify> verify,
                        const Progress& progress) const {
  source::read_slice(*this, selection, out, {verify, run::thread_count(state_->options.threads), progress});
}

SparseIndices Tensor::read_indices(std::uint64_t nnz, std::optional<Verify> verify) const {
  throw_unreadable();
  SparseIndices found;
  const bool csr = layout() == "sparse_csr";
  const bool strict = state_->catalog.format == "zt-2";  // 1.x allows any order, and repeated cells
  if (!csr) check_layout("sparse_coo");
  const Part indices = part(csr ? "indices" : "coords");
  found.indices = read_wide(indices, verify);
  if (csr) found.indptr = read_wide(part("indptr"), verify);
  source::located(*state_, row_, nullptr, [&] {
    if (csr) {
      model::check_csr(shape(), nnz, found.indices, found.indptr);
      if (strict) model::check_csr_order(found.indices, found.indptr);
    } else {
      model::check_coo(shape(), nnz, found.indices);
      if (strict) model::check_coo_cells(shape().size(), nnz, found.indices);
    }
  });
  return found;
}

void Tensor::swap_bytes(DType dtype, std::span<std::byte> elements) {
  read::swap_words(elements, width_of(model::element_form(dtype)));
}

}  // namespace zt
