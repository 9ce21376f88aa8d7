#include "tools/salvage.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "container/shared/trailer.h"
#include "container/zt12/manifest.h"
#include "container/zt2/footer.h"
#include "container/zt2/zt2.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"
#include "tools/in_file.h"
#include "tools/part_store.h"
#include "wire/cbor.h"
#include "wire/cbor_end.h"
#include "ztensor/verify.h"

namespace zt::tools {
namespace {

constexpr std::uint64_t kWindow = std::uint64_t{4} << 20;
namespace zt12 = container::zt12;
namespace zt2 = container::zt2;

bool is_map(std::byte head) { return static_cast<unsigned>(head) >> 5 == wire::major::kMap; }

// Describes the tensors that break rules of the format; "" if none does. Features that this build does not know are not
// faults.
std::string faults_of(const Source& source) {
  std::string text;
  std::size_t count = 0;
  for (const Tensor tensor : source) {
    const auto cause = tensor.unreadable();
    if (!cause || cause->code() != Code::malformed) continue;
    if (++count <= 3) text += (text.empty() ? "" : ", ") + in_quotes(tensor.name());
  }
  if (count > 3) text += " and " + std::to_string(count - 3) + " more";
  if (count == 0) return "";
  return std::to_string(count) + " of its " + count_text(source.size(), "tensor") + (count == 1 ? " is" : " are") +
         " damaged: " + text;
}

// Describes wrong contents in the same way, from the findings of a check.
std::string wrong_contents(const VerifyReport& report) {
  for (const Finding& finding : report.findings) {
    if (finding.error.code() == Code::malformed || finding.error.code() == Code::mismatch) return finding.error.what();
  }
  return "";
}

}  // namespace

std::vector<std::byte> ending_at(const Version& version, std::uint64_t offset) {
  const SourceState& state = *Access::state(version.source);
  const model::Encoder& encoder = *source::find_encoder(version.source.format());
  const Region manifest = state.catalog.manifest;
  std::vector<std::byte> ending(static_cast<std::size_t>(manifest.length));
  state.store->read_at(manifest.offset, ending);
  const std::vector<std::byte> footer = encoder.footer(offset, ending);
  ending.insert(ending.end(), footer.begin(), footer.end());
  return ending;
}

Salvage::Salvage(std::shared_ptr<const ByteStore> store, std::filesystem::path path, const Limits& limits,
                 Progress progress)
    : store_(std::move(store)), path_(std::move(path)), limits_(limits), progress_(std::move(progress)) {
  constexpr std::uint64_t kLeast = std::uint64_t{256} << 20;
  budget_ = checked::add(checked::multiply(store_->size(), 4).value_or(0), kLeast).value_or(~std::uint64_t{0});
  second_ = zt2::sniff(*store_, "");
  if (!second_ && !container::begins_with(*store_, zt12::kMagic)) {
    throw Error(Code::unsupported, "repair.format",
                "the file does not begin like a .zt file of generation 1.1, 1.2 or 2: only such files can be repaired");
  }
}

void Salvage::spend(std::uint64_t bytes) {
  if (bytes > budget_) {
    throw Error(Code::limit, "repair.limit",
                "gave up the search: too many bytes look like the end of a file, but are none");
  }
  budget_ -= bytes;
}

std::optional<Version> Salvage::judge(std::uint64_t length, std::vector<std::byte> footer, bool contents) {
  std::shared_ptr<const ByteStore> store = store_;
  if (length != store_->size() || !footer.empty()) {
    store = std::make_shared<PartStore>(store_, Region{0, length}, footer);
  }
  std::optional<Source> source;
  try {
    source = open_at(store, path_, limits_);
  } catch (const Error& error) {
    if (error.code() != Code::malformed && error.code() != Code::mismatch && error.code() != Code::limit) throw;
    return std::nullopt;
  }
  bool digested = true;
  std::string wrong = faults_of(*source);
  if (wrong.empty() && contents) {
    if (--checks_left_ < 0) return std::nullopt;
    const VerifyReport report = zt::check(*source, {.progress = progress_});
    wrong = wrong_contents(report);
    digested = report.undigested.empty();
  }
  if (wrong.empty()) return Version{length, std::move(footer), *source, digested};
  if (broken_.empty()) {
    broken_ = wrong;
    broken_end_ = length;
  }
  return std::nullopt;
}

std::optional<Version> Salvage::whole() { return judge(store_->size(), {}, false); }

// Finds every place of `pattern` from `least` on, the last one first.
void Salvage::scan(std::string_view pattern, std::uint64_t least, const Found& found) {
  run::Meter meter(progress_, store_->size());
  std::vector<std::byte> buffer;
  std::vector<std::uint64_t> places;
  std::uint64_t end = store_->size();  // places from here on were searched
  while (end > least) {
    const std::uint64_t from = end - std::min(end - least, kWindow);
    const std::uint64_t to = std::min(store_->size(), end + pattern.size() - 1);
    buffer.resize(static_cast<std::size_t>(to - from));
    store_->read_at(from, buffer);
    const std::string_view text = as_text(buffer);
    places.clear();
    for (auto at = text.find(pattern); at != std::string_view::npos; at = text.find(pattern, at + 1)) {
      places.push_back(from + at);
    }
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
      if (found(*place)) return;
    }
    meter.add(end - from);
    meter.poll();
    end = from;
  }
}

// The manifest that a footer right before `end` names. Empty if there is no footer, or if the manifest is not in this
// file. A data shard has no manifest either: its root knows its size.
std::optional<Region> Salvage::manifest_before(std::uint64_t end) const {
  std::array<std::byte, zt2::kFooterBytes> bytes = {};
  const std::uint64_t size = second_ ? zt2::kFooterBytes : 8 + zt12::kMagic.size();  // zt-1.2 §2
  if (end < size + zt2::kHeaderBytes) return std::nullopt;
  store_->read_at(end - size, std::span(bytes).first(static_cast<std::size_t>(size)));
  Region manifest;
  if (second_) {
    const auto footer = zt2::parse_footer(bytes);
    if (!footer || footer->is_data_shard() || footer->manifest_offset % zt2::kLeastAlignment != 0) return std::nullopt;
    manifest = {footer->manifest_offset, footer->manifest_length};
  } else {
    manifest.length = endian::load_le<std::uint64_t>(bytes.data());
    if (manifest.length == 0 || manifest.length > end - size - zt12::kMagic.size()) return std::nullopt;
    manifest.offset = end - size - manifest.length;
  }
  if (!checked::within(manifest.offset, manifest.length, end - size)) return std::nullopt;
  return manifest;
}

// Whether the bytes before `end` may be a footer. A cheap test, to reject most places.
bool Salvage::may_end(std::uint64_t end) {
  const auto manifest = manifest_before(end);
  if (!manifest) return false;
  std::array<std::byte, 1> head;
  store_->read_at(manifest->offset, head);
  if (!is_map(head[0])) return false;
  spend(std::min(manifest->length, limits_.index_bytes));
  return true;
}

// A complete manifest that begins at `offset` and has lost its footer.
std::optional<Version> Salvage::without_footer(std::uint64_t offset) {
  std::array<std::byte, 1> head;
  store_->read_at(offset, head);
  if (!is_map(head[0]) || (second_ && offset % zt2::kLeastAlignment != 0)) return std::nullopt;
  const std::uint64_t most = std::min(limits_.index_bytes, store_->size() - offset);
  wire::CborEnd end(most, limits_.depth);
  std::vector<std::byte> manifest;
  for (std::uint64_t want = std::min<std::uint64_t>(most, 65536);; want = std::min(most, 2 * want)) {
    const std::size_t have = manifest.size();
    spend(want - have);
    manifest.resize(static_cast<std::size_t>(want));
    store_->read_at(offset + have, std::span(manifest).subspan(have));
    const auto state = end.advance(manifest);
    if (state == wire::CborEnd::State::found) break;
    if (state == wire::CborEnd::State::broken || want == most) return std::nullopt;
  }
  manifest.resize(static_cast<std::size_t>(end.position()));
  const auto* encoder = source::find_writable(second_ ? "2" : "1.2").encoder;
  return judge(offset + manifest.size(), encoder->footer(offset, manifest), true);
}

std::optional<Version> Salvage::last() {
  std::optional<Version> version;
  const std::string_view magic = second_ ? zt2::kMagic : zt12::kMagic;
  scan(magic, 8, [&](std::uint64_t offset) {
    const std::uint64_t end = offset + magic.size();
    if (end < store_->size() && may_end(end)) version = judge(end, {}, true);
    return version.has_value() || checks_left_ < 0;
  });
  if (checks_left_ < 0) return version;
  // An index after the found version that has lost its footer is a later version; the found version may lie inside one
  // of its tensors. Writers of .zt begin manifests with the text "version" or "objects", the first key of the root.
  std::optional<Version> later;
  scan(second_ ? "gobjects" : "gversion", version ? version->length : 9, [&](std::uint64_t offset) {
    later = without_footer(offset - 1);
    return later.has_value() || checks_left_ < 0;
  });
  return later ? later : version;
}

}  // namespace zt::tools
