#include "foreign/pickle/trace.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/utf8.h"
#include "foreign/pickle/reading.h"
#include "ztensor/error.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::size_t kTorchPickles = 5;  // before the storages of torch's old files
constexpr std::size_t kMostTraces = 65536;
constexpr std::uint64_t kMostCopies = 4;  // of the store, in texts that are decoded
constexpr std::string_view kArchive = "PK\x03\x04";

// Whether Python imports something for one of these names. No module has spaces in its name, but lines of other files
// have.
bool imports(const std::vector<Global>& globals) {
  return std::ranges::any_of(globals, [](const Global& global) {
    const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
    return global.risk == Risk::danger || (!global.module.empty() && std::ranges::none_of(global.module, is_odd));
  });
}

class Tracer {
 public:
  explicit Tracer(const ByteStore& store) : store_(store) {}

  std::vector<Trace> run(Region range, Sure sure) {
    // This borrows the store.
    follow({std::shared_ptr<const ByteStore>(std::shared_ptr<void>(), &store_), range, Packing::raw, {}, false}, sure);
    // What bytes of a pickle hold is followed once they are known, and not while the pickle is: nesting has no depth.
    while (!waiting_.empty() && traces_.size() < kMostTraces) {
      const Stretch next = std::move(waiting_.back());
      waiting_.pop_back();
      follow_nested(next);
    }
    if (!waiting_.empty()) lose(waiting_.back(), "the file has more than 65536 pickles");
    return std::move(traces_);
  }

 private:
  struct Stretch {
    std::shared_ptr<const ByteStore> store;
    Region range;
    Packing packing;
    std::optional<std::uint64_t> origin;  // where the text begins whose decoded bytes `store` has
    bool is_nested;
  };

  static std::uint64_t place(const Stretch& stretch, std::uint64_t offset) { return stretch.origin.value_or(offset); }

  // Notes that Python may load what we cannot follow.
  void lose(const Stretch& stretch, const std::string& fault) {
    const std::uint64_t offset = place(stretch, stretch.range.offset);
    traces_.push_back({offset, offset, stretch.is_nested, {}, fault, true});
  }

  void follow_nested(const Stretch& stretch) {
    const auto plain = decoded(stretch);
    if (!plain) return;
    const std::uint64_t length = std::min<std::uint64_t>(plain->range.length, kArchive.size());
    std::array<std::byte, kArchive.size()> head{};
    plain->store->read_at(plain->range.offset, std::span(head).first(static_cast<std::size_t>(length)));
    if (as_text(head) == kArchive) return lose(*plain, "the pickle loads a ZIP archive that lies in its bytes");
    follow(*plain, Sure::no);
  }

  // Empty if the bytes are lost.
  std::optional<Stretch> decoded(const Stretch& stretch) {
    if (stretch.packing == Packing::raw) return stretch;
    const std::uint64_t most = checked::multiply(store_.size(), kMostCopies).value_or(~std::uint64_t{0});
    if (stretch.range.length > most - decoded_) {
      lose(stretch, "the texts that stand for pickles are too long in sum");
      return std::nullopt;
    }
    decoded_ += stretch.range.length;
    try {
      auto bytes = decode_payload(*stretch.store, {stretch.range, stretch.packing});
      const std::uint64_t size = bytes.size();
      return Stretch{std::make_shared<MemoryStore>(std::move(bytes)),
                     {0, size},
                     Packing::raw,
                     place(stretch, stretch.range.offset),
                     true};
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      lose(stretch, error.what());
      return std::nullopt;
    }
  }

  void follow(const Stretch& stretch, Sure sure) {
    const std::uint64_t end = stretch.range.offset + stretch.range.length;
    std::uint64_t at = stretch.range.offset;
    std::size_t most = kMostTraces;
    for (std::size_t count = 0; at < end && count < most; ++count) {
      Reading reading = read_pickle(*stretch.store, {at, end - at});
      const bool is_whole = reading.fault.empty();
      const bool is_first = sure == Sure::yes && count == 0;
      if (!is_whole && !reading.is_lost && !is_first && !imports(reading.globals)) return;
      if (count == 0 && reading.is_torch_magic) most = kTorchPickles;
      wait_for(stretch, reading.streams);
      Trace trace{place(stretch, at),       reading.end,
                  stretch.is_nested,        std::move(reading.globals),
                  std::move(reading.fault), reading.is_lost || (is_first && !is_whole)};
      at = reading.end;
      if (stretch.origin) {
        for (Global& global : trace.globals) global.offset = *stretch.origin;
      }
      // Of torch's old files, most pickles name nothing.
      if (!stretch.is_nested || trace.is_lost || !trace.globals.empty()) traces_.push_back(std::move(trace));
      if (!is_whole) return;
    }
    if (at < end && most == kMostTraces) lose(stretch, "more than 65536 pickles follow one another");
  }

  void wait_for(const Stretch& around, const std::vector<Records::Payload>& streams) {
    for (const Records::Payload& stream : streams) {
      if (seen_ < kMostTraces) waiting_.push_back({around.store, stream.range, stream.packing, around.origin, true});
      if (seen_++ == kMostTraces) lose(around, "more than 65536 pickles lie in bytes of other pickles");
    }
  }

  const ByteStore& store_;
  std::vector<Trace> traces_;
  std::vector<Stretch> waiting_;
  std::size_t seen_ = 0;
  std::uint64_t decoded_ = 0;
};

}  // namespace

std::vector<Trace> trace_pickles(const ByteStore& store, Region range, Sure sure) {
  return Tracer(store).run(range, sure);
}

}  // namespace zt::foreign::pickle
