#include "library/compare.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/utf8.h"
#include "library/state.h"
#include "read/pieces.h"

namespace zt::library {
namespace {

[[noreturn]] void differ(const Tensor& tensor, std::string_view what) {
  throw Error(Code::mismatch, "convert.readback",
              "tensor " + in_quotes(tensor.name()) + ": " + std::string(what) + " read back otherwise than written");
}

void check_bytes(const Tensor& tensor, const Part& part, const Part& other, run::Meter& meter) {
  const SourceState& from = PartAccess::state(part);
  const SourceState& to = PartAccess::state(other);
  const model::Recipe from_recipe = from.measured(PartAccess::row(part));
  const model::Recipe to_recipe = to.measured(PartAccess::row(other));
  if (from_recipe.decoded_length != to_recipe.decoded_length) differ(tensor, "the length of a part");
  read::PieceReader expected(from.part_source(PartAccess::row(part), from_recipe), read::Check::all, read::Use::plain);
  read::PieceReader found(to.part_source(PartAccess::row(other), to_recipe), read::Check::all, read::Use::plain);
  read::Scratch scratch;
  std::vector<std::byte> a;
  std::vector<std::byte> b;
  for (std::size_t piece = 0; piece < expected.pieces(); ++piece) {
    a.resize(expected.piece_length(piece));
    b.resize(a.size());
    expected.read(piece, a, scratch);
    found.read(piece, b, scratch);
    meter.add(a.size());
    meter.poll();
    if (std::memcmp(a.data(), b.data(), a.size()) != 0) differ(tensor, "a byte");
  }
  expected.finish();
  found.finish();
}

}  // namespace

void check_same(const Tensor& expected, const Tensor& found, run::Meter& meter) {
  if (!std::ranges::equal(expected.shape(), found.shape())) differ(expected, "its shape");
  if (expected.layout() != found.layout()) differ(expected, "its layout");
  if (!(expected.attributes() == found.attributes())) differ(expected, "its attributes");
  if (expected.parts() != found.parts()) differ(expected, "the number of its parts");
  for (std::size_t i = 0; i < expected.parts(); ++i) {
    const Part part = expected.part(i);
    const auto other = found.find_part(part.role());
    if (!other || other->dtype() != part.dtype()) differ(expected, "a part");
    check_bytes(expected, part, *other, meter);
  }
}

}  // namespace zt::library
