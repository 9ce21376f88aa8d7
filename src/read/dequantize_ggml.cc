#include "read/dequantize_ggml.h"

#include <algorithm>
#include <array>

#include "read/ggml_kernels.h"
#include "run/parallel.h"

namespace zt::read {
namespace {

constexpr std::array<GgmlType, 23> kGgmlTypes = {{
    {"q4_0", 32, 18, ggml::q4_0},        {"q4_1", 32, 20, ggml::q4_1},      {"q5_0", 32, 22, ggml::q5_0},
    {"q5_1", 32, 24, ggml::q5_1},        {"q8_0", 32, 34, ggml::q8_0},      {"q2_k", 256, 84, ggml::q2_k},
    {"q3_k", 256, 110, ggml::q3_k},      {"q4_k", 256, 144, ggml::q4_k},    {"q5_k", 256, 176, ggml::q5_k},
    {"q6_k", 256, 210, ggml::q6_k},      {"iq1_s", 256, 50, ggml::iq1_s},   {"iq1_m", 256, 56, ggml::iq1_m},
    {"iq2_xxs", 256, 66, ggml::iq2_xxs}, {"iq2_xs", 256, 74, ggml::iq2_xs}, {"iq2_s", 256, 82, ggml::iq2_s},
    {"iq3_xxs", 256, 98, ggml::iq3_xxs}, {"iq3_s", 256, 110, ggml::iq3_s},  {"iq4_nl", 32, 18, ggml::iq4_nl},
    {"iq4_xs", 256, 136, ggml::iq4_xs},  {"tq1_0", 256, 54, ggml::tq1_0},   {"tq2_0", 256, 66, ggml::tq2_0},
    {"mxfp4", 32, 17, ggml::mxfp4},      {"nvfp4", 64, 36, ggml::nvfp4},
}};

constexpr std::uint64_t kItemElements = 1 << 16;  // about the elements of a work item

}  // namespace

const GgmlType* find_ggml(std::string_view word) {
  const auto found = std::ranges::find(kGgmlTypes, word, &GgmlType::word);
  return found == kGgmlTypes.end() ? nullptr : &*found;
}

void dequantize_ggml(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out, unsigned threads,
                     run::Meter& meter) {
  const std::size_t count = blocks.size() / type.bytes;
  const std::size_t each = kItemElements / type.elements;
  run::parallel_for((count + each - 1) / each, out.size_bytes(), threads, meter, [&](std::size_t item) {
    const std::size_t last = std::min(count, (item + 1) * each);
    for (std::size_t block = item * each; block < last; ++block) {
      type.dequantize(blocks.data() + block * type.bytes, out.data() + block * type.elements);
    }
  });
}

}  // namespace zt::read
