#include "write/draft.h"

#include <new>
#include <string>

#include "base/utf8.h"
#include "write/names.h"
#include "ztensor/error.h"

namespace zt::write {

void Draft::check_open() const {
  if (!made_by.is_this_process()) {
    throw Error(Code::usage, "", "the writer belongs to the process that made it: make a new writer in this process");
  }
  if (!open) throw Error(Code::usage, "", "the writer is closed");
  if (broken) throw Error(Code::usage, "", "an earlier write failed: the file cannot be finished");
  if (!streamed.empty()) {
    throw Error(Code::usage, "",
                "tensor " + in_quotes(streamed) + " is being streamed: finish its stream, or cancel it");
  }
}

void Draft::begin_tensor(std::string_view name, std::span<const std::uint64_t> shape_of_it, std::uint64_t bound,
                         bool is_plain) {
  if (form.canonical) check_normal_form(name);
  broken = true;  // until end_tensor(): a tensor without all of its parts must not be published
  member = name;
  plain = is_plain;
  shape.assign(shape_of_it.begin(), shape_of_it.end());
  try {
    target->begin_tensor(name, bound);
  } catch (const Error& error) {
    broken = error.code() != Code::usage;  // a usage error changes nothing; another may come from finishing a shard
    throw;
  }
}

StoredPart Draft::store(Pieces& pieces, DType dtype, const PartOptions& options) {
  PartOptions wanted = options;
  wanted.member = {.name = member, .shape = shape, .dtype = dtype};
  wanted.form = model::element_form(dtype);
  if (wanted.encoding.codec() == Codec::planes && form.encoder->holds.planes_of_dense && !plain) {
    wanted.encoding = Encoding::zstd(wanted.encoding.level());
  }
  try {
    return target->store(pieces, wanted, *meter);
  } catch (const std::bad_alloc&) {
    throw Error(Code::no_memory, "", "no memory to store a part of " + std::to_string(pieces.length()) + " bytes");
  }
}

void Draft::add_part(const StoredPart& part, std::string_view role, DType dtype) {
  model::PartRow& added = catalog.add_part(role, dtype, part.recipe, part.digest);
  added.storage = catalog.intern(form.encoder->storage(dtype));
  added.logical = catalog.intern(form.encoder->logical(dtype));
}

void Draft::end_tensor() {
  target->end_tensor(catalog, static_cast<std::uint32_t>(catalog.size() - 1));
  broken = false;
}

}  // namespace zt::write
