#include "read/fetcher.h"

#include <algorithm>
#include <cstring>

namespace zt::read {
namespace {

constexpr std::uint64_t kLarge = std::uint64_t{256} << 10;       // larger reads get a request of their own
constexpr std::uint64_t kMostRequest = std::uint64_t{1} << 20;   // bytes of a request for several reads
constexpr std::uint64_t kMostBuffered = std::uint64_t{4} << 20;  // bytes of requests that are in memory at once

std::uint64_t end_of(const ReadAt& read) { return read.offset + read.out.size(); }

}  // namespace

std::vector<Request> plan_requests(std::span<const ReadAt> reads, std::uint64_t cost) {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const std::uint64_t end = end_of(reads[i]);
    if (!requests.empty() && reads[i].out.size() < kLarge) {
      Request& last = requests.back();
      const std::uint64_t last_end = last.bytes.offset + last.bytes.length;
      const bool is_large = last.last - last.first == 1 && last.bytes.length >= kLarge;
      const bool is_near = reads[i].offset < last_end || reads[i].offset - last_end < cost;
      const std::uint64_t joined = std::max(end, last_end) - last.bytes.offset;
      if (!is_large && is_near && joined <= kMostRequest) {
        last.last = i + 1;
        last.bytes.length = joined;
        continue;
      }
    }
    requests.push_back({i, i + 1, {reads[i].offset, reads[i].out.size()}});
  }
  return requests;
}

void Fetcher::fetch(std::span<const ReadAt> reads) const {
  const std::vector<Request> requests = plan_requests(reads, store_->request_cost());
  std::vector<std::byte> buffer;
  std::vector<ReadAt> batch;
  for (std::size_t first = 0, last = 0; first < requests.size(); first = last) {
    std::uint64_t buffered = 0;
    const auto is_shared = [](const Request& request) { return request.last - request.first > 1; };
    for (; last < requests.size() && buffered < kMostBuffered; ++last) {
      if (is_shared(requests[last])) buffered += requests[last].bytes.length;
    }
    buffer.resize(static_cast<std::size_t>(buffered));
    batch.clear();
    std::span<std::byte> free = buffer;
    for (std::size_t i = first; i < last; ++i) {
      const auto length = static_cast<std::size_t>(requests[i].bytes.length);
      const bool shared = is_shared(requests[i]);
      batch.push_back({requests[i].bytes.offset, shared ? free.first(length) : reads[requests[i].first].out});
      if (shared) free = free.subspan(length);
    }
    store_->read_many(batch);
    for (std::size_t i = first; i < last; ++i) {
      if (!is_shared(requests[i])) continue;
      for (std::size_t j = requests[i].first; j < requests[i].last; ++j) {
        const std::span<std::byte> out = reads[j].out;
        if (out.empty()) continue;
        std::memcpy(out.data(), batch[i - first].out.data() + (reads[j].offset - requests[i].bytes.offset), out.size());
      }
    }
  }
}

}  // namespace zt::read
