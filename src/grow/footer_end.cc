#include "grow/file_end.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/endian.h"
#include "ztensor/error.h"

namespace zt::grow {

// A footer of generation 2 follows its manifest directly, or begins a page if our append wrote it. The first match
// counts: bytes after the true footer may be anything.
std::optional<std::uint64_t> find_footer_end(const Live& live, const ByteStore& store) {
  constexpr std::uint64_t kFooter = 40;
  constexpr std::uint64_t kMaxSearched = std::uint64_t{1} << 18;  // in pages
  if (store.size() < kFooter || store.size() % kPage != 0) return std::nullopt;
  const std::uint64_t last = store.size() - kFooter;
  const auto footer = read_array<kFooter>(store, last);
  const std::uint64_t behind = live.manifest.offset + live.manifest.length;
  if (behind == last) return std::nullopt;
  const auto is_footer = [&](std::uint64_t at) {
    return at + kFooter <= last && read_array<kFooter>(store, at) == footer;
  };
  if (live.used_end <= behind && is_footer(behind)) return behind + kFooter;
  std::uint64_t page = checked::round_up(std::max(live.used_end, behind), kPage);
  for (std::uint64_t searched = 0; searched < kMaxSearched && page < last; ++searched, page += kPage) {
    if (is_footer(page)) return page + kFooter;
  }
  return std::nullopt;
}

namespace {

// While data is written, a copy of the footer ends the file, at the end of a page. The new footer is written after it,
// at the start of a page.
class FooterEnd final : public FileEnd {
 public:
  FooterEnd(io::LockedFile& file, const Live& live);
  bool has_room(std::uint64_t end) const override { return end_ > 0 && end <= end_ - kFooter; }
  void make_room(std::uint64_t written, std::uint64_t end, std::uint64_t wanted) override;
  std::uint64_t spared() const override { return end_; }
  std::uint64_t place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t alignment) override;
  std::size_t footer_length() const override { return kFooter; }
  void commit(std::span<const std::byte> footer) override;

 private:
  static constexpr std::uint64_t kFooter = 40;
  using Footer = std::array<std::byte, kFooter>;

  std::uint64_t end_ = 0;  // of the file while it grows; 0: not begun
  Footer footer_;          // of the live version
};

FooterEnd::FooterEnd(io::LockedFile& file, const Live& live) : FileEnd(file, file.size()) {
  const std::uint64_t size = file.size();
  if (size < kFooter || size > kMaxSize || live.used_end > size - kFooter ||
      !checked::within(live.manifest.offset, live.manifest.length, size - kFooter)) {
    fail_live();
  }
  footer_ = read_array<kFooter>(*file.store(), size - kFooter);
  if (endian::load_le<std::uint64_t>(footer_.data()) != live.manifest.offset ||
      endian::load_le<std::uint64_t>(footer_.data() + 8) != live.manifest.length) {
    fail_live();
  }
  if (const auto base = find_footer_end(live, *file.store())) {
    base_ = *base;
    end_ = size;
  }
}

void FooterEnd::make_room(std::uint64_t, std::uint64_t end, std::uint64_t wanted) {
  check_size(std::max(end, wanted));
  if (has_room(end)) return;
  const std::uint64_t next = checked::round_up(std::max({end, wanted, base_}) + kFooter, kPage);
  file_.write(next - kFooter, footer_);
  file_.sync();
  end_ = next;
}

std::uint64_t FooterEnd::place_manifest(std::uint64_t written, std::uint64_t length, std::uint64_t alignment) {
  check_size(std::max({written, length, alignment}));
  std::uint64_t offset = checked::round_up(std::max(written, base_), std::max(alignment, kPage));
  if (!has_room(offset + length)) offset = checked::round_up(std::max(offset, end_), std::max(alignment, kPage));
  make_room(written, offset + length, 0);
  return offset;
}

void FooterEnd::commit(std::span<const std::byte> footer) { file_.write(end_, footer); }

}  // namespace

std::unique_ptr<FileEnd> make_footer_end(io::LockedFile& file, const Live& live) {
  return std::make_unique<FooterEnd>(file, live);
}

}  // namespace zt::grow
