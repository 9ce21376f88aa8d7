// Tensors that are written chunk by chunk.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "temp_dir.h"
#include "ztensor/ztensor.h"

namespace zt {
namespace {

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

Code code_of(const auto& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return Code::internal;
}

TEST(TensorStream, WritesRowsOfAnUnknownNumber) {
  const test::TempDir dir;
  const std::vector<float> values = counted(12);
  Writer writer = Writer::create(dir / "a.zt");
  TensorStream stream = writer.stream("t", {kUnknownRows, 3}, DType::f32);
  stream.write(std::span(values).first(3));
  stream.write(std::span(values).subspan(3));
  EXPECT_EQ(stream.rows(), 4U);
  stream.finish();
  writer.finalize();
  const Tensor tensor = open(dir / "a.zt").tensor("t");
  EXPECT_EQ(std::vector(tensor.shape().begin(), tensor.shape().end()), (Shape{4, 3}));
  EXPECT_EQ(tensor.read<float>(), values);
}

TEST(TensorStream, RefusesWhatDoesNotFitAndGoesOn) {
  const test::TempDir dir;
  const std::vector<float> values = counted(6);
  Writer writer = Writer::create(dir / "a.zt");
  TensorStream stream = writer.stream("t", {2, 3}, DType::f32);
  EXPECT_EQ(code_of([&] { stream.write(std::span(values).first(2)); }), Code::usage);
  EXPECT_EQ(code_of([&] { stream.write(std::vector<std::int32_t>(3)); }), Code::usage);
  EXPECT_EQ(code_of([&] { stream.write(counted(9)); }), Code::usage);
  EXPECT_EQ(code_of([&] { stream.finish(); }), Code::usage);
  EXPECT_EQ(code_of([&] { writer.finalize(); }), Code::usage);
  stream.write(values);
  stream.finish();
  EXPECT_EQ(code_of([&] { stream.write(values); }), Code::usage);
  writer.finalize();
  EXPECT_EQ(open(dir / "a.zt").tensor("t").read<float>(), values);
}

TEST(TensorStream, IsGivenUpWhenItIsDropped) {
  const test::TempDir dir;
  Writer writer = Writer::create(dir / "a.zt");
  { TensorStream stream = writer.stream("t", {kUnknownRows}, DType::f32); }
  std::optional<TensorStream> other(writer.stream("t", {kUnknownRows}, DType::f32));
  other->write(counted(5));
  TensorStream moved = std::move(*other);
  other.reset();
  moved.write(counted(5));
  moved.finish();
  writer.finalize();
  EXPECT_EQ(open(dir / "a.zt").tensor("t").elements(), 10U);
}

TEST(TensorStream, OutlivesItsWriterWithoutHarm) {
  const test::TempDir dir;
  std::optional<Writer> writer(Writer::create(dir / "a.zt"));
  TensorStream stream = writer->stream("t", {kUnknownRows}, DType::f32);
  writer.reset();
  EXPECT_EQ(code_of([&] { stream.write(counted(5)); }), Code::usage);
  stream.cancel();
}

TEST(TensorStream, GivesUpOneTensorOfAFileThatGrows) {
  const test::TempDir dir;
  {
    Writer writer = Writer::create(dir / "a.zt");
    writer.add("old", {3}, counted(3));
    writer.finalize();
  }
  Writer writer = Writer::create(dir / "a.zt", WriteMode::append);
  {
    TensorStream stream = writer.stream("lost", {kUnknownRows}, DType::f32);
    stream.write(counted(100000));
  }
  TensorStream stream = writer.stream("old", {kUnknownRows}, DType::f32, {.replace = true});
  stream.write(counted(7));
  stream.finish();
  writer.finalize();
  const Source source = open(dir / "a.zt");
  EXPECT_EQ(source.size(), 1U);
  EXPECT_EQ(source.tensor("old").read<float>(), counted(7));
  verify(source);
}

}  // namespace
}  // namespace zt
