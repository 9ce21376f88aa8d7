#include "source/tensor_slice.h"

#include <algorithm>

#include "base/checked.h"
#include "base/count_text.h"
#include "read/parts.h"
#include "read/slice.h"
#include "source/access.h"

namespace zt::source {
namespace {

// Whether start, start + step, ... stay inside the axis.
bool walk_fits(const RangeOfAxis& axis, std::uint64_t size) {
  if (axis.count == 0) return true;
  if (axis.start >= size) return false;
  const bool back = axis.step < 0;
  const std::uint64_t room = back ? axis.start : size - 1 - axis.start;
  const std::uint64_t stride = back ? -static_cast<std::uint64_t>(axis.step) : static_cast<std::uint64_t>(axis.step);
  const auto way = checked::multiply(stride, axis.count - 1);
  return way && *way <= room;
}

// The positions of one selection; empty if one of them is outside an axis of `size`.
std::optional<read::AxisPicks> picks_of(const AxisSelection& selection, std::uint64_t size) {
  if (std::holds_alternative<AllOfAxis>(selection)) return read::AxisPicks{.count = size};
  if (const auto* list = std::get_if<ListOfAxis>(&selection)) {
    const bool fits = std::ranges::all_of(list->at, [&](std::uint64_t at) { return at < size; });
    return fits ? std::optional(read::AxisPicks{.list = list->at}) : std::nullopt;
  }
  const auto* one = std::get_if<OneOfAxis>(&selection);
  const RangeOfAxis range =
      one != nullptr ? RangeOfAxis{.start = one->at, .count = 1} : std::get<RangeOfAxis>(selection);
  if (!walk_fits(range, size)) return std::nullopt;
  return read::AxisPicks{.start = range.start, .count = range.count, .step = range.step};
}

// The selection of all axes of a dense tensor, checked against its shape. Throws usage.
read::Picks picks_of(const Tensor& tensor, const Selection& selection) {
  const auto shape = tensor.shape();
  if (dtype_bits(tensor.dtype()) < 8)
    throw Error(Code::usage, "", "float4 elements share bytes: read the whole tensor");
  if (selection.size() > shape.size()) {
    throw Error(Code::usage, "",
                count_text(selection.size(), "selection") + " for " + count_text(shape.size(), "axis", "axes") +
                    ": give at most one for each axis");
  }
  read::Picks picks;
  picks.reserve(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    auto axis = picks_of(i < selection.size() ? selection[i] : all(), shape[i]);
    if (!axis) {
      throw Error(Code::usage, "",
                  "the selection goes past axis " + std::to_string(i) + ", whose size is " + std::to_string(shape[i]));
    }
    picks.push_back(*std::move(axis));
  }
  return picks;
}

std::uint64_t elements_of(const read::Picks& picks) {
  std::uint64_t elements = 1;
  for (const read::AxisPicks& axis : picks) {
    elements = checked::multiply(elements, axis.size()).value_or(~std::uint64_t{0});
  }
  return elements;
}

read::Picks located_picks(const Tensor& tensor, const Selection& selection) {
  check_layout(tensor, "dense");
  return located(*Access::state(tensor), Access::row(tensor), nullptr, [&] { return picks_of(tensor, selection); });
}

std::uint64_t bytes_of(const Tensor& tensor, const read::Picks& picks) {
  return checked::multiply(elements_of(picks), dtype_bits(tensor.dtype()) / 8).value_or(~std::uint64_t{0});
}

}  // namespace

void check_bytes(const SourceState& state, const model::PartRow& part, Verify verify, unsigned threads,
                 run::Meter& meter) {
  const read::Job job{.part = state.part_source(part, state.measured(part)),
                      .verify = verify,
                      .out = {},
                      .visit = [](std::uint64_t, std::span<const std::byte>) {}};
  read::carry_out({&job, 1}, threads, meter, [](std::size_t, std::size_t, Error& error) { throw error; });
}

bool wants_check(const SourceState& state, std::uint32_t row, std::optional<Verify> verify) {
  return verify.value_or(state.options.verify) == Verify::always && !state.checked[row].load(std::memory_order_relaxed);
}

void check_if_wanted(const SourceState& state, const Part& part, std::optional<Verify> verify, unsigned threads,
                     run::Meter& meter) {
  if (!wants_check(state, Access::row(part), verify)) return;
  check_bytes(state, row_of(part), Verify::always, threads, meter);
  state.checked[Access::row(part)].store(true, std::memory_order_relaxed);
}

std::uint64_t slice_elements(const Tensor& tensor, const Selection& selection) {
  return elements_of(located_picks(tensor, selection));
}

std::uint64_t slice_bytes(const Tensor& tensor, const Selection& selection) {
  return bytes_of(tensor, located_picks(tensor, selection));
}

void read_slice(const Tensor& tensor, const Selection& selection, std::span<std::byte> out,
                const SliceReading& reading) {
  const read::Picks picks = located_picks(tensor, selection);
  const SourceState& state = *Access::state(tensor);
  const std::uint64_t bytes = bytes_of(tensor, picks);
  if (bytes != out.size()) {
    throw fault_error(
        state, Access::row(tensor),
        {Code::usage, "",
         "the buffer has " + count_text(out.size(), "byte") + ", but the slice has " + std::to_string(bytes)});
  }
  const Part part = tensor.data();
  const model::PartRow& row = row_of(part);
  located(state, Access::row(tensor), &row, [&] {
    const bool checks = wants_check(state, Access::row(part), reading.verify);
    run::Meter meter(reading.progress, checked::add_up(out.size(), checks ? state.measured(row).decoded_length : 0));
    check_if_wanted(state, part, reading.verify, reading.threads, meter);
    const read::PartSource from = state.part_source(row, row.recipe);
    read::read_slice(from, tensor.shape(), dtype_bits(tensor.dtype()) / 8, picks, out,
                     {state.slice_cache(*from.store), reading.threads, &meter});
    meter.finish();
  });
}

}  // namespace zt::source
