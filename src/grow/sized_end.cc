#include "grow/file_end.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::grow {

// The old end of a file in which an append was killed: after the former footer, which follows the item of the 1.2
// manifest. Empty if other bytes follow the item: another tool's bytes must not be overwritten.
std::optional<std::uint64_t> find_sized_end(const Live& live, const ByteStore& store) {
  constexpr std::uint64_t kFooter = 16;
  const std::uint64_t size = store.size();
  const std::uint64_t behind = live.manifest.offset + live.manifest.length;
  if (size < kFooter || behind >= size - kFooter || size % kFooter != 0 || live.used_end > behind) return std::nullopt;
  auto former = read_array<kFooter>(store, size - kFooter);
  endian::store_le(former.data(), live.manifest.length);
  if (behind + 2 * kFooter > size || read_array<kFooter>(store, behind) != former) return std::nullopt;
  return behind + kFooter;
}

namespace {

constexpr std::uint64_t kMaxRange = std::uint64_t{1} << 30;  // the longest manifest that readers of 1.x accept

// The footer is at a multiple of 16, so one write inside one sector changes its size. While data is written, this size
// reaches from the live manifest to the footer: the manifest is the first item of a longer range.
class SizedEnd final : public FileEnd {
 public:
  SizedEnd(io::LockedFile& file, const Live& live, std::uint64_t hop_limit);
  bool has_room(std::uint64_t end) const override;
  void make_room(std::uint64_t written, std::uint64_t end, std::uint64_t wanted) override;
  std::uint64_t spared() const override { return moved_ ? 0 : footer_ + (footer_ > 0 ? kFooter : 0); }
  std::uint64_t place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t alignment) override;
  std::size_t footer_length() const override { return kFooter; }
  void commit(std::span<const std::byte> footer) override;

 private:
  static constexpr std::uint64_t kFooter = 16;
  using Footer = std::array<std::byte, kFooter>;

  std::uint64_t limit(std::uint64_t next_length) const { return std::max(hop_limit_, length_ + next_length + 32); }
  void extend(std::uint64_t footer);
  void write_size(std::uint64_t size);
  void hop(std::uint64_t written, std::uint64_t wanted);

  std::uint64_t hop_limit_;
  std::uint64_t manifest_;    // the place of the live manifest
  std::uint64_t length_;      // of its item
  bool moved_ = false;        // the live manifest is a copy after the data
  std::uint64_t footer_ = 0;  // the footer at the end while the file grows; 0: not begun
  Footer last_;               // the end that the file had
};

SizedEnd::SizedEnd(io::LockedFile& file, const Live& live, std::uint64_t hop_limit)
    : FileEnd(file, file.size()),
      hop_limit_(std::min(hop_limit, kMaxRange)),
      manifest_(live.manifest.offset),
      length_(live.manifest.length) {
  const std::uint64_t size = file.size();
  if (size < kFooter || size > kMaxSize || !checked::within(manifest_, length_, size - kFooter) ||
      live.used_end > size - kFooter) {
    fail_live();
  }
  last_ = read_array<kFooter>(*file.store(), size - kFooter);
  if (endian::load_le<std::uint64_t>(last_.data()) != size - kFooter - manifest_) fail_live();
  const auto former = find_sized_end(live, *file.store());
  if (!former) return;
  base_ = *former;
  footer_ = size - kFooter;
}

bool SizedEnd::has_room(std::uint64_t end) const {
  if (moved_) return end <= manifest_;
  return footer_ > 0 && end <= footer_;
}

void SizedEnd::extend(std::uint64_t footer) {
  Footer bytes = last_;
  endian::store_le(bytes.data(), footer - manifest_);
  file_.write(footer, bytes);
  file_.sync();
  footer_ = footer;
}

void SizedEnd::write_size(std::uint64_t size) {
  std::array<std::byte, 8> bytes;
  endian::store_le(bytes.data(), size);
  file_.write(footer_, bytes);
}

void SizedEnd::make_room(std::uint64_t written, std::uint64_t end, std::uint64_t wanted) {
  check_size(std::max(end, wanted));
  if (has_room(end)) return;
  // Keep the live manifest movable past the data.
  const std::uint64_t farthest = manifest_ + limit(length_);
  const auto reach = [&](std::uint64_t data) {
    return checked::round_up(data, kFooter) + checked::round_up(length_, kFooter);
  };
  if (!moved_ && reach(std::max(end, base_)) <= farthest) {
    if (reach(wanted) > farthest) wanted = end;
    extend(checked::round_up(std::max({end, wanted, base_}), kFooter));
    return;
  }
  while (!moved_ || manifest_ < end) hop(written, std::max(end, wanted));
}

// Moves the live manifest forward, to `wanted` if that is not too far.
void SizedEnd::hop(std::uint64_t written, std::uint64_t wanted) {
  const std::uint64_t free = std::max({written, base_, moved_ ? manifest_ + length_ : 0});
  const std::uint64_t least = std::max(footer_, checked::round_up(free + length_, kFooter));
  const std::uint64_t farthest = (manifest_ + limit(length_)) & ~(kFooter - 1);
  const std::uint64_t footer = std::max(least, std::min(checked::round_up(wanted + length_, kFooter), farthest));
  if (footer - manifest_ > kMaxRange) {
    io::fail_with(Code::limit, file_.path(),
                  "the manifest is too large for an append of this size: convert the file to format 2");
  }
  if (footer != footer_) extend(footer);
  file_.copy(manifest_, length_, footer - length_);
  file_.sync();
  write_size(length_);
  file_.sync();  // after this the former copy may be overwritten
  manifest_ = footer - length_;
  moved_ = true;
}

std::uint64_t SizedEnd::place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t) {
  check_size(written + length);
  if (length > kMaxRange)
    io::fail_with(Code::limit, file_.path(), "the new manifest has more than 1 GiB: readers would refuse it");
  // Overwrite neither the live manifest nor, if a new footer is needed anyway, the current one.
  const auto place = [&] {
    const std::uint64_t free = std::max({written, base_, moved_ ? manifest_ + length_ : 0});
    if (footer_ >= free + length) return footer_;
    return checked::round_up(std::max(free, footer_ > 0 ? footer_ + kFooter : 0) + length, kFooter);
  };
  std::uint64_t footer = place();
  if (footer - manifest_ > limit(length)) {
    hop(written, written);
    footer = place();
  }
  if (footer - manifest_ > kMaxRange) {
    io::fail_with(Code::limit, file_.path(),
                  "the manifest is too large for a new one beside it: convert the file to format 2");
  }
  if (footer != footer_) extend(footer);
  return footer - length;
}

void SizedEnd::commit(std::span<const std::byte> footer) { file_.write(footer_, footer.first(8)); }

}  // namespace

std::unique_ptr<FileEnd> make_sized_end(io::LockedFile& file, const Live& live, std::uint64_t hop_limit) {
  return std::make_unique<SizedEnd>(file, live, hop_limit);
}

}  // namespace zt::grow
