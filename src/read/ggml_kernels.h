#pragma once

#include <cstddef>

// One function a type: from a block to its elements. kernels of linear types, and of types with codebooks ("iq").
namespace zt::read::ggml {

void q4_0(const std::byte* block, float* out);
void q4_1(const std::byte* block, float* out);
void q5_0(const std::byte* block, float* out);
void q5_1(const std::byte* block, float* out);
void q8_0(const std::byte* block, float* out);
void q2_k(const std::byte* block, float* out);
void q3_k(const std::byte* block, float* out);
void q4_k(const std::byte* block, float* out);
void q5_k(const std::byte* block, float* out);
void q6_k(const std::byte* block, float* out);
void tq1_0(const std::byte* block, float* out);
void tq2_0(const std::byte* block, float* out);
void mxfp4(const std::byte* block, float* out);
void nvfp4(const std::byte* block, float* out);

void iq1_s(const std::byte* block, float* out);
void iq1_m(const std::byte* block, float* out);
void iq2_xxs(const std::byte* block, float* out);
void iq2_xs(const std::byte* block, float* out);
void iq2_s(const std::byte* block, float* out);
void iq3_xxs(const std::byte* block, float* out);
void iq3_s(const std::byte* block, float* out);
void iq4_nl(const std::byte* block, float* out);
void iq4_xs(const std::byte* block, float* out);

}  // namespace zt::read::ggml
