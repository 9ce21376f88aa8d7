#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "ztensor/macros.h"

namespace zt {

// A view of bytes together with what keeps them alive (a mapping, or a buffer). A value: copies share the owner.
class ZT_API Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const void> owner, std::span<const std::byte> view) : owner_(std::move(owner)), view_(view) {}

  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
  [[nodiscard]] std::span<const std::byte> view() const& ZT_LIFETIME_BOUND { return view_; }
  std::span<const std::byte> view() const&& = delete;  // `part.map().view()` would dangle: name the Bytes

  // The bytes as little-endian elements of T. Throws usage unless the length is a whole number of T and the address is
  // aligned for T; throws unsupported on a big-endian host when T is wider than a byte.
  template <class T>
  [[nodiscard]] std::span<const T> as() const& ZT_LIFETIME_BOUND {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>);
    check_view(sizeof(T), alignof(T));
    return {reinterpret_cast<const T*>(view_.data()), view_.size() / sizeof(T)};
  }
  template <class T>
  std::span<const T> as() const&& = delete;

  // `length` bytes from `offset`, sharing the owner. Throws usage when they run past the end.
  [[nodiscard]] Bytes slice(std::uint64_t offset, std::uint64_t length) const;
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

 private:
  void check_view(std::size_t size, std::size_t alignment) const;

  std::shared_ptr<const void> owner_;
  std::span<const std::byte> view_;
};

// A view of elements of T together with what keeps their memory alive. A value, as Bytes is.
template <class T>
class View {
 public:
  View() = default;
  // Throws as Bytes::as<T>().
  explicit View(Bytes bytes) : bytes_(std::move(bytes)) { static_cast<void>(bytes_.as<T>()); }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / sizeof(T); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::span<const T> span() const& ZT_LIFETIME_BOUND { return bytes_.as<T>(); }
  std::span<const T> span() const&& = delete;  // `tensor.map<T>().span()` would dangle: name the View
  [[nodiscard]] const T* begin() const& ZT_LIFETIME_BOUND { return span().data(); }
  [[nodiscard]] const T* end() const& ZT_LIFETIME_BOUND { return span().data() + size(); }
  [[nodiscard]] const T& operator[](std::size_t index) const& ZT_LIFETIME_BOUND { return span()[index]; }
  [[nodiscard]] const Bytes& bytes() const noexcept ZT_LIFETIME_BOUND { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace zt
