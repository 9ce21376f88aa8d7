#include "part_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "codec/zstd.h"
#include "hash/running.h"
#include "many_threads.h"
#include "read/parts.h"
#include "read/slice.h"
#include "run/parallel.h"

namespace zt::test {

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Data noise(std::size_t size, std::uint64_t seed) {
  Data data(size);
  for (std::byte& byte : data) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(seed >> 61);
  }
  return data;
}

Data frame(const Data& content) { return codec::FrameEncoder(1).encode(content); }

Outcome read_all(const read::PartSource& part, Verify verify, read::Use use) {
  Outcome outcome;
  try {
    read::PieceReader reader(part, verify, use);
    outcome.ordered = reader.ordered();
    outcome.out.resize(static_cast<std::size_t>(part.recipe.decoded_length));
    std::vector<std::size_t> order(reader.pieces());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!reader.ordered()) std::reverse(order.begin(), order.end());
    read::Scratch scratch;
    for (const std::size_t piece : order) {
      const auto at = static_cast<std::size_t>(reader.piece_offset(piece));
      const std::span<std::byte> all = outcome.out;
      reader.read(piece, reader.scatters() ? all : all.subspan(at, reader.piece_length(piece)), scratch);
    }
    reader.finish();
  } catch (const Error& error) {
    outcome.rule = error.rule();
  }
  return outcome;
}

std::string digest_of(Checksum algorithm, const Data& bytes) {
  hash::RunningDigest digest(algorithm);
  digest.update(bytes);
  return hash::format_digest(digest.finish());
}

void expect_bytes(const read::PartSource& part, const Data& expected, std::size_t element, const std::string& what) {
  for (const Verify verify : {Verify::never, Verify::standard, Verify::always}) {
    for (const read::Use use : {read::Use::any, read::Use::plain, read::Use::lasting}) {
      if (verify == Verify::never && use == read::Use::lasting) continue;
      const Outcome outcome = read_all(part, verify, use);
      EXPECT_EQ(outcome.rule, "") << what;
      EXPECT_TRUE(outcome.out == expected) << what << static_cast<int>(use);
    }
    if (expected.empty()) continue;
    Data out(expected.size());
    Data again(expected.size());  // large enough for two threads, however small the part is
    const read::Job jobs[] = {{.part = part, .verify = verify, .out = out, .visit = {}},
                              {.part = part, .verify = verify, .out = again, .visit = {}}};
    const ManyThreads many;
    run::Meter meter;
    read::carry_out(jobs, 3, meter, [](std::size_t, std::size_t, Error& error) { throw error; });
    EXPECT_TRUE(out == expected) << what;
    EXPECT_TRUE(again == expected) << what;
  }
  const std::uint64_t elements = expected.size() / element;
  if (elements < 8) return;
  const std::array<std::uint64_t, 1> shape = {elements};
  for (const read::AxisPicks& axis : {read::AxisPicks{.start = 3, .count = elements - 4},
                                      read::AxisPicks{.start = elements - 1, .count = (elements - 1) / 3, .step = -3},
                                      read::AxisPicks{.list = {elements - 1, 0, elements / 2, 5, 5}}}) {
    Data out(static_cast<std::size_t>(axis.size()) * element);
    std::uint64_t counted = 0;
    run::Meter meter(
        [&](std::uint64_t done, std::uint64_t) {
          counted = done;
          return true;
        },
        out.size());
    read::read_slice(part, shape, element, {axis}, out, {.meter = &meter});
    meter.finish();
    EXPECT_EQ(counted, out.size()) << what;
    for (std::uint64_t i = 0; i < axis.size(); ++i) {
      const std::uint64_t at =
          axis.list.empty() ? axis.start + i * static_cast<std::uint64_t>(axis.step) : axis.list[i];
      ASSERT_TRUE(std::equal(out.begin() + static_cast<std::ptrdiff_t>(i * element),
                             out.begin() + static_cast<std::ptrdiff_t>((i + 1) * element),
                             expected.begin() + static_cast<std::ptrdiff_t>(at * element)))
          << what << " " << i;
    }
  }
}

Plain plain(const Data& bytes, model::Coding coding, std::uint64_t decoded) {
  return {MemoryStore(bytes), {.stored_length = bytes.size(), .decoded_length = decoded, .coding = coding}};
}

}  // namespace zt::test
