#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"

namespace cli {
namespace {

// One part of a slice as NumPy writes it: a position, a range, or "...".
struct Item {
  bool is_ellipsis = false;
  bool is_range = false;
  std::optional<std::int64_t> start = {};  // or the position
  std::optional<std::int64_t> stop = {};
  std::optional<std::int64_t> step = {};
};

struct Cat {
  std::vector<std::string> operands;  // file, name, slice
  std::vector<Item> items;
  unsigned threads = 0;
};

[[noreturn]] void refuse_slice(std::string_view text) {
  throw CLI::ValidationError(
      fmt::format("'{}' is not a slice: expected positions and ranges such as '0, 2:5, ::2, ...'", printable(text)));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> pieces;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(at);
    pieces.push_back(trimmed(text.substr(0, end)));
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
  }
  return pieces;
}

std::optional<std::int64_t> parse_number(std::string_view text, std::string_view slice) {
  if (text.empty()) return std::nullopt;
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) refuse_slice(slice);
  return number;
}

std::vector<Item> parse_slice(std::string_view text) {
  std::string_view inner = trimmed(text);
  if (inner.starts_with('[') && inner.ends_with(']') && inner.size() > 1) inner = inner.substr(1, inner.size() - 2);
  std::vector<Item> items;
  for (const std::string_view piece : split(inner, ',')) {
    if (piece == "...") {
      if (std::ranges::any_of(items, &Item::is_ellipsis)) refuse_slice(text);
      items.push_back({.is_ellipsis = true});
      continue;
    }
    const std::vector<std::string_view> numbers = split(piece, ':');
    if (numbers.size() > 3) refuse_slice(text);
    Item item{.is_range = numbers.size() > 1};
    item.start = parse_number(numbers[0], text);
    if (!item.is_range && !item.start) refuse_slice(text);
    if (numbers.size() > 1) item.stop = parse_number(numbers[1], text);
    if (numbers.size() > 2) item.step = parse_number(numbers[2], text);
    if (item.step && *item.step == 0) refuse_slice(text);
    items.push_back(item);
  }
  return items;
}

// What of the axes is printed: the selection, and the sizes of the axes that stay.
struct Picked {
  zt::Selection selection;
  std::vector<std::uint64_t> shape;
};

zt::RangeOfAxis range_of(const Item& item, std::uint64_t axis) {
  const auto size = static_cast<std::int64_t>(axis);
  const std::int64_t step = item.step.value_or(1);
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const auto place = [&](std::optional<std::int64_t> given, std::int64_t missing) {
    if (!given) return missing;
    return std::clamp(*given < 0 ? *given + size : *given, low, high);
  };
  const std::int64_t start = place(item.start, step > 0 ? low : high);
  const std::int64_t stop = place(item.stop, step > 0 ? high : low);
  const std::int64_t span = step > 0 ? stop - start : start - stop;
  const std::uint64_t width = step > 0 ? static_cast<std::uint64_t>(step) : ~static_cast<std::uint64_t>(step) + 1;
  const std::uint64_t count = span <= 0 ? 0 : (static_cast<std::uint64_t>(span) - 1) / width + 1;
  return {.start = count == 0 ? 0 : static_cast<std::uint64_t>(start), .count = count, .step = step};
}

std::uint64_t position_of(const Item& item, std::uint64_t axis) {
  const auto size = static_cast<std::int64_t>(axis);
  const std::int64_t at = *item.start < 0 ? *item.start + size : *item.start;
  if (at < 0 || at >= size) {
    throw zt::Error(
        zt::Code::usage, "",
        fmt::format("position {} is outside the axis, which has {}", *item.start, count_text(axis, "position")));
  }
  return static_cast<std::uint64_t>(at);
}

Picked pick(const std::vector<Item>& items, std::span<const std::uint64_t> shape) {
  const bool fills = std::ranges::any_of(items, &Item::is_ellipsis);
  const std::size_t named = items.size() - (fills ? 1 : 0);
  if (named > shape.size()) {
    throw zt::Error(
        zt::Code::usage, "",
        fmt::format("the slice has {} {}, but the tensor has {}", named, named == 1 ? "axis" : "axes", shape.size()));
  }
  Picked picked;
  const auto take_whole = [&](std::size_t axes) {
    for (; axes > 0; --axes) {
      picked.shape.push_back(shape[picked.selection.size()]);
      picked.selection.emplace_back(zt::RangeOfAxis{.start = 0, .count = picked.shape.back(), .step = 1});
    }
  };
  for (const Item& item : items) {
    if (item.is_ellipsis) {
      take_whole(shape.size() - named);
      continue;
    }
    const std::uint64_t axis = shape[picked.selection.size()];
    if (item.is_range) {
      const zt::RangeOfAxis range = range_of(item, axis);
      picked.shape.push_back(range.count);
      picked.selection.emplace_back(range);
    } else {
      picked.selection.emplace_back(zt::OneOfAxis{position_of(item, axis)});
    }
  }
  take_whole(shape.size() - picked.selection.size());
  return picked;
}

// Prints elements as they come: the last axis on one line, an empty line between matrices.
class Printer {
 public:
  Printer(zt::DType dtype, std::vector<std::uint64_t> shape)
      : dtype_(dtype), bytes_(zt::dtype_bits(dtype) / 8), shape_(std::move(shape)) {}
  void print_elements(std::span<const std::byte> elements) {
    std::string text;
    for (; !elements.empty(); elements = elements.subspan(bytes_), ++printed_) {
      if (printed_ > 0) text += separator();
      text += zt::element_text(dtype_, elements.first(bytes_));
    }
    print(text);
  }
  void finish() const {
    if (printed_ > 0) print("\n");
  }

 private:
  std::string separator() const {
    std::uint64_t block = 1;
    std::size_t whole = 0;  // axes whose blocks end here
    for (std::size_t i = shape_.size(); i-- > 0;) {
      block *= shape_[i];
      if (printed_ % block != 0) break;
      ++whole;
    }
    return whole == 0 ? " " : std::string(std::min<std::size_t>(whole, 2), '\n');
  }
  zt::DType dtype_;
  std::size_t bytes_;
  std::vector<std::uint64_t> shape_;
  std::uint64_t printed_ = 0;
};

// The parts of a selection, one after another, each of at most about `most` bytes: so memory stays small.
class Batches {
 public:
  Batches(const zt::Selection& whole, std::uint64_t element_bytes, std::uint64_t most) : whole_(whole) {
    std::uint64_t inner = element_bytes;  // bytes for one position of the axis
    for (axis_ = whole.size(); axis_ > 0; --axis_) {
      const auto* range = std::get_if<zt::RangeOfAxis>(&whole[axis_ - 1]);
      if (range == nullptr) continue;
      if (inner > most / range->count) break;  // not all of this axis fits
      inner *= range->count;
    }
    at_.resize(whole.size());
    step_ = std::max<std::uint64_t>(1, most / inner);
  }
  // The next part; false at the end.
  bool next(zt::Selection& part, std::uint64_t& elements) {
    if (done_) return false;
    part = whole_;
    elements = 1;
    for (std::size_t i = 0; i < whole_.size(); ++i) {
      const auto* range = std::get_if<zt::RangeOfAxis>(&whole_[i]);
      if (range == nullptr) continue;
      const std::uint64_t count = i + 1 < axis_    ? 1
                                  : i + 1 == axis_ ? std::min(step_, range->count - at_[i])
                                                   : range->count;
      part[i] = zt::RangeOfAxis{.start = range->start + at_[i] * static_cast<std::uint64_t>(range->step),
                                .count = count,
                                .step = range->step};
      elements *= count;
    }
    advance();
    return true;
  }

 private:
  void advance() {
    for (std::size_t i = axis_; i > 0; --i) {
      const auto* range = std::get_if<zt::RangeOfAxis>(&whole_[i - 1]);
      if (range == nullptr) continue;
      at_[i - 1] += i == axis_ ? step_ : 1;
      if (at_[i - 1] < range->count) return;
      at_[i - 1] = 0;
    }
    done_ = true;
  }
  const zt::Selection& whole_;
  std::size_t axis_ = 0;  // one behind the axis that is cut; the axes before it go one position at a time; 0: none
  std::uint64_t step_ = 1;
  std::vector<std::uint64_t> at_;  // by axis
  bool done_ = false;
};

// A whole tensor up to this size is read at once, and its digest is checked in the same pass. For a larger one, the
// check and the printing each read the file, so that memory stays small.
constexpr std::uint64_t kReadAtOnce = std::uint64_t{64} << 20;  // bytes

void print_tensor(const zt::Tensor& tensor, const Picked& picked, std::optional<zt::Verify> verify) {
  constexpr std::uint64_t kBatch = 1 << 20;  // bytes
  const zt::DType dtype = tensor.dtype();
  if (zt::dtype_bits(dtype) % 8 != 0) {
    throw zt::Error(
        zt::Code::unsupported, "",
        fmt::format("elements of {} are not whole bytes: read the tensor in Python", zt::dtype_name(dtype)));
  }
  Printer printer(dtype, picked.shape);
  if (std::ranges::find(picked.shape, std::uint64_t{0}) == picked.shape.end()) {
    const std::uint64_t bytes = zt::dtype_bits(dtype) / 8;
    if (verify && tensor.elements() <= kReadAtOnce / bytes) {
      std::vector<std::byte> whole(static_cast<std::size_t>(tensor.elements() * bytes));
      tensor.read_into(std::span<std::byte>(whole), verify);
      for (std::span<const std::byte> left = whole; !left.empty();) {
        const std::span<const std::byte> batch = left.first(std::min<std::size_t>(left.size(), kBatch));
        printer.print_elements(batch);
        left = left.subspan(batch.size());
      }
      printer.finish();
      return;
    }
    Batches batches(picked.selection, bytes, kBatch);
    zt::Selection part;
    std::uint64_t elements = 0;
    std::vector<std::byte> out;
    while (batches.next(part, elements)) {
      out.resize(static_cast<std::size_t>(elements * bytes));
      tensor.read_slice(part, out, verify);
      printer.print_elements(out);
    }
  }
  printer.finish();
}

int run(const Cat& cat) {
  const zt::Source source = zt::open(zt::path_of(cat.operands[0]), {.threads = cat.threads});
  const zt::Tensor tensor = source.tensor(cat.operands[1]);
  if (const auto cause = tensor.unreadable()) throw *cause;
  if (tensor.layout() != "dense") {
    throw zt::Error(
        zt::Code::usage, "",
        fmt::format("tensor '{}' has the layout '{}', and cat prints only dense tensors: 'ztensor info' lists "
                    "the parts of the tensor, and Python reads them",
                    printable(tensor.name()), printable(tensor.layout())));
  }
  // A slice reads no more than it needs. Of a whole tensor, the digest can be checked.
  const auto verify = cat.items.empty() ? std::optional(zt::Verify::always) : std::nullopt;
  print_tensor(tensor, pick(cat.items, tensor.shape()), verify);
  return 0;
}

}  // namespace

void add_cat(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "cat", "Print the elements of a dense tensor, or of a slice of it",
                                  {"[OPTIONS] FILE NAME [SLICE]"});
  const auto cat = std::make_shared<Cat>();
  add_operands(command, cat->operands);
  add_threads(command, cat->threads);
  command.footer(
      "SLICE is written as in NumPy: '0', '2:5', '-1', '::2, 0', '..., 3'. The last axis\n"
      "is on one line, and an empty line is between matrices. Numbers have the fewest\n"
      "digits that give the value back. Only the bytes that the slice needs are read, so its\n"
      "digest is not checked; that of a whole tensor is.\n\n"
      "Examples:\n"
      "  ztensor cat model.zt layer.0.bias\n"
      "  ztensor cat model.safetensors embed.weight '0, :8'");
  command.callback([cat, &chosen] {
    if (cat->operands.size() < 2 || cat->operands.size() > 3) {
      throw CLI::ValidationError("a FILE and a NAME are needed, and at most one SLICE");
    }
    if (cat->operands.size() == 3) cat->items = parse_slice(cat->operands[2]);
    chosen = [cat] { return run(*cat); };
  });
}

}  // namespace cli
