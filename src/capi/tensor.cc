#include <algorithm>
#include <limits>
#include <memory>

#include "capi/shell.h"

namespace capi = zt::capi;

namespace zt::capi {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

Tensor tensor_at(const zt_source* source, std::size_t number) { return needed(source, "source").source[number]; }
Part part_at(const zt_source* source, std::size_t tensor, std::size_t part) {
  return tensor_at(source, tensor).part(part);
}

// 0 for layouts that have no dtype of their own.
zt_dtype dtype_if_any(const Tensor& tensor) {
  const std::string_view layout = tensor.layout();
  const bool has = layout == "dense" || layout == "sparse_csr" || layout == "sparse_coo";
  return has ? number_of(tensor.dtype()) : 0;
}

bool is_mappable(const Part& part) {
  try {
    return part.mappable();
  } catch (const Error&) {  // the part cannot be read
    return false;
  }
}

AxisSelection selection_of(const zt_axis& axis) {
  switch (axis.kind) {
    case ZT_AXIS_ALL: return AllOfAxis{};
    case ZT_AXIS_RANGE: return RangeOfAxis{.start = axis.start, .count = axis.count, .step = axis.step};
    case ZT_AXIS_LIST: {
      if (axis.count > std::numeric_limits<std::size_t>::max()) throw_usage("the list of an axis is too long");
      const auto list = array_of(axis.list, static_cast<std::size_t>(axis.count), "the list of an axis");
      return ListOfAxis{{list.begin(), list.end()}};
    }
    default: throw_usage("no zt_axis_kind has the number " + std::to_string(axis.kind));
  }
}

std::span<std::byte> room(void* out, std::size_t length) {
  return array_of(static_cast<std::byte*>(out), length, "out");
}

std::span<std::uint64_t> room_for(std::span<const std::uint64_t> from, std::uint64_t* to, std::size_t count,
                                  const char* what) {
  if (from.size() != count) {
    throw_usage(std::string(what) + " has " + std::to_string(from.size()) + " entries, and there is room for " +
                std::to_string(count));
  }
  return array_of(to, count, what);
}

}  // namespace

Selection selection_of(const zt_axis* axes, std::size_t count) {
  Selection selection;
  for (const zt_axis& axis : array_of(axes, count, "axes")) selection.push_back(selection_of(axis));
  return selection;
}

}  // namespace zt::capi

zt_code zt_tensor_find(const zt_source* source, const char* name, size_t* tensor, zt_error* error) {
  return capi::guard(error, [&] {
    std::size_t& to = capi::needed(tensor, "tensor");
    to = capi::needed(source, "source").source.tensor(capi::text_of(name, "name")).index();
  });
}

zt_code zt_tensor_get(const zt_source* source, size_t tensor, zt_tensor_info* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_tensor_info& to = capi::needed(out, "out");
    const zt::Tensor found = capi::tensor_at(source, tensor);
    const auto shape = found.shape();
    const bool readable = !found.unreadable();
    capi::give(to,
               zt_tensor_info{.size = 0,
                              .name = capi::borrow(found.name()),
                              .layout = capi::borrow(found.layout()),
                              .shape = shape.data(),
                              .rank = shape.size(),
                              .elements = found.elements(),
                              .parts = found.parts(),
                              .bytes = readable ? found.nbytes().value_or(capi::kUnknown) : capi::kUnknown,
                              .dtype = readable ? capi::dtype_if_any(found) : 0,
                              .readable = readable},
               "zt_tensor_info");
  });
}

zt_code zt_tensor_check(const zt_source* source, size_t tensor, zt_error* error) {
  return capi::guard(error, [&] {
    if (const auto cause = capi::tensor_at(source, tensor).unreadable()) throw *cause;
  });
}

zt_code zt_tensor_attributes_json(const zt_source* source, size_t tensor, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_text(to, zt::json_value(capi::tensor_at(source, tensor).attributes()));
  });
}

zt_code zt_tensor_attributes_cbor(const zt_source* source, size_t tensor, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    const auto keeper = std::make_shared<const zt::Tensor>(capi::tensor_at(source, tensor));
    capi::give_bytes(to, zt::Bytes(keeper, keeper->attributes_cbor()));
  });
}

zt_code zt_part_find(const zt_source* source, size_t tensor, const char* role, size_t* part, zt_error* error) {
  return capi::guard(error, [&] {
    std::size_t& to = capi::needed(part, "part");
    const zt::Tensor found = capi::tensor_at(source, tensor);
    const std::string wanted = capi::text_of(role, "role");
    static_cast<void>(found.part(wanted));  // throws not_found
    std::size_t number = 0;
    while (found.part(number).role() != wanted) ++number;
    to = number;
  });
}

zt_code zt_part_get(const zt_source* source, size_t tensor, size_t part, zt_part_info* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_part_info& to = capi::needed(out, "out");
    const zt::Part found = capi::part_at(source, tensor, part);
    capi::give(to,
               zt_part_info{.size = 0,
                            .role = capi::borrow(found.role()),
                            .storage = capi::borrow(found.storage()),
                            .encoding = capi::borrow(found.encoding()),
                            .digest = capi::borrow(found.digest()),
                            .offset = found.offset(),
                            .stored_bytes = found.stored_length(),
                            .bytes = found.length().value_or(capi::kUnknown),
                            .file = found.file_number(),
                            .dtype = capi::number_of(found.dtype()),
                            .mappable = capi::is_mappable(found)},
               "zt_part_info");
  });
}

zt_code zt_tensor_read(const zt_source* source, size_t tensor, void* out, size_t length, zt_verify_mode verify,
                       zt_error* error) {
  return capi::guard(
      error, [&] { capi::tensor_at(source, tensor).read_into(capi::room(out, length), capi::verify_of(verify)); });
}

zt_code zt_part_read(const zt_source* source, size_t tensor, size_t part, void* out, size_t length,
                     zt_verify_mode verify, zt_error* error) {
  return capi::guard(
      error, [&] { capi::part_at(source, tensor, part).read_into(capi::room(out, length), capi::verify_of(verify)); });
}

zt_code zt_part_measure(const zt_source* source, size_t tensor, size_t part, uint64_t* out, zt_error* error) {
  return capi::guard(error, [&] {
    std::uint64_t& to = capi::needed(out, "out");
    to = capi::part_at(source, tensor, part).measure();
  });
}

zt_code zt_tensor_map(const zt_source* source, size_t tensor, zt_verify_mode verify, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    const zt::Tensor found = capi::tensor_at(source, tensor);
    if (found.layout() != "dense") {
      capi::throw_usage("tensor '" + std::string(found.name()) + "' is not dense: map its parts");
    }
    capi::give_bytes(to, found.data().map(zt::Mapping::shared, capi::verify_of(verify)));
  });
}

zt_code zt_part_map(const zt_source* source, size_t tensor, size_t part, zt_verify_mode verify, zt_bytes* out,
                    zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_bytes(to, capi::part_at(source, tensor, part).map(zt::Mapping::shared, capi::verify_of(verify)));
  });
}

zt_code zt_part_release(const zt_source* source, size_t tensor, size_t part, zt_error* error) {
  return capi::guard(error, [&] { capi::part_at(source, tensor, part).release(); });
}

zt_code zt_read_many(const zt_source* source, const zt_read* reads, size_t count, zt_verify_mode verify,
                     zt_progress progress, zt_error* error) {
  return capi::guard(error, [&] {
    const zt::Source& from = capi::needed(source, "source").source;
    std::vector<zt::Source::Read> wanted;
    for (const zt_read& read : capi::array_of(reads, count, "reads")) {
      wanted.push_back({from[read.tensor].part(read.part), capi::room(read.out, read.length)});
    }
    from.read(wanted, capi::verify_of(verify), capi::progress_of(progress));
  });
}

zt_code zt_tensor_read_slice(const zt_source* source, size_t tensor, const zt_axis* axes, size_t count, void* out,
                             size_t length, zt_verify_mode verify, zt_progress progress, zt_error* error) {
  return capi::guard(error, [&] {
    capi::tensor_at(source, tensor)
        .read_slice(capi::selection_of(axes, count), capi::room(out, length), capi::verify_of(verify),
                    capi::progress_of(progress));
  });
}

zt_code zt_tensor_read_rows(const zt_source* source, size_t tensor, uint64_t first, uint64_t last, void* out,
                            size_t length, zt_error* error) {
  return capi::guard(error, [&] {
    if (first > last) {
      capi::throw_usage("rows " + std::to_string(first) + " to " + std::to_string(last) +
                        ": the first is after the last");
    }
    capi::tensor_at(source, tensor).read_slice({zt::rows(first, last)}, capi::room(out, length));
  });
}

zt_code zt_tensor_read_indices(const zt_source* source, size_t tensor, uint64_t* indices, size_t indices_count,
                               uint64_t* indptr, size_t indptr_count, zt_verify_mode verify, zt_error* error) {
  return capi::guard(error, [&] {
    const zt::Tensor found = capi::tensor_at(source, tensor);
    if (found.layout() != "sparse_csr" && found.layout() != "sparse_coo") {
      capi::throw_usage("tensor '" + std::string(found.name()) + "' is not sparse");
    }
    const unsigned bits = zt::dtype_bits(found.dtype());
    if (bits % 8 != 0) {
      throw zt::Error(zt::Code::unsupported, "", "the number of values of a dtype of 4 bits cannot be told");
    }
    const std::uint64_t values = found.part("values").measure() / (bits / 8);
    const zt::SparseIndices checked = found.read_indices(values, capi::verify_of(verify));
    const auto first = capi::room_for(checked.indices, indices, indices_count, "indices");
    const auto second = capi::room_for(checked.indptr, indptr, indptr_count, "indptr");
    std::copy(checked.indices.begin(), checked.indices.end(), first.begin());
    std::copy(checked.indptr.begin(), checked.indptr.end(), second.begin());
  });
}

zt_code zt_tensor_dequantize(const zt_source* source, size_t tensor, float* out, size_t count, zt_verify_mode verify,
                             zt_progress progress, zt_error* error) {
  return capi::guard(error, [&] {
    zt::dequantize_into(capi::tensor_at(source, tensor), capi::array_of(out, count, "out"), capi::verify_of(verify),
                        capi::progress_of(progress));
  });
}
