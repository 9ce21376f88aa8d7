#include "wire/protobuf.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"
#include "ztensor/error.h"

namespace zt::wire {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

// The fields of a message, one text each; or the rule that it breaks.
std::string read_all(const std::string& message, std::uint64_t most = 1000) {
  const MemoryStore store(bytes_of(message));
  ProtoWindow window(store, most);
  ProtoReader reader(window, {0, message.size()});
  std::string found;
  try {
    while (reader.next()) {
      const ProtoField& field = reader.field();
      found += std::to_string(field.number) + "=";
      found += field.type == ProtoType::bytes ? window.text(field.content) : std::to_string(field.value);
      found += ";";
    }
  } catch (const Error& error) {
    return error.rule();
  }
  return found;
}

std::string repeat(char c, std::size_t count) { return std::string(count, c); }

TEST(Protobuf, ReadsEachTypeOfField) {
  using namespace std::string_literals;
  EXPECT_EQ(read_all(""), "");
  EXPECT_EQ(read_all("\x08\x96\x01"s), "1=150;");
  EXPECT_EQ(read_all("\x12\x03"s + "abc"), "2=abc;");
  EXPECT_EQ(read_all("\x1a\x00"s), "3=;");
  EXPECT_EQ(read_all("\x25\x01\x00\x00\x80"s), "4=2147483649;");
  EXPECT_EQ(read_all("\x29\x02\x00\x00\x00\x00\x00\x00\x80"s), "5=9223372036854775810;");
  EXPECT_EQ(read_all("\x08"s + repeat('\xff', 9) + "\x01"), "1=18446744073709551615;");
  EXPECT_EQ(read_all("\xf8\xff\xff\xff\x0f\x01"s), "536870911=1;");
  EXPECT_EQ(read_all("\x08\x80\x00"s), "1=0;") << "a varint need not be the shortest";
}

TEST(Protobuf, RefusesBrokenVarintsTagsAndLengths) {
  using namespace std::string_literals;
  EXPECT_EQ(read_all("\x08"s), "protobuf.varint");
  EXPECT_EQ(read_all("\x08\x80"s), "protobuf.varint");
  EXPECT_EQ(read_all("\x80"s), "protobuf.varint");
  EXPECT_EQ(read_all("\x08"s + repeat('\x80', 10) + "\x01"), "protobuf.varint") << "eleven bytes";
  EXPECT_EQ(read_all("\x08"s + repeat('\xff', 9) + "\x02"), "protobuf.varint") << "bit 65";
  EXPECT_EQ(read_all("\x00\x01"s), "protobuf.tag") << "number 0";
  EXPECT_EQ(read_all("\x88\x80\x80\x80\x10\x01"s), "protobuf.tag") << "number 2^29 + 1";
  EXPECT_EQ(read_all("\x88\x80\x80\x80\x80\x00\x01"s), "protobuf.tag") << "a tag of six bytes";
  EXPECT_EQ(read_all("\xc0\xa3\x09\x01"s), "protobuf.tag") << "number 19000";
  EXPECT_EQ(read_all("\x12\x04"s + "abc"), "protobuf.length");
  EXPECT_EQ(read_all("\x12\x88\x80\x80\x80\x10"s + "12345678"), "protobuf.length") << "2^32 + 8";
  EXPECT_EQ(read_all("\x12"s + repeat('\xff', 9) + "\x01"), "protobuf.length") << "2^64 - 1";
  EXPECT_EQ(read_all("\x25\x01\x00\x00"s), "protobuf.length");
  EXPECT_EQ(read_all("\x0b\x0c"s), "protobuf.type") << "groups";
  EXPECT_EQ(read_all("\x0e"s), "protobuf.type");
  EXPECT_EQ(read_all("\x0f"s), "protobuf.type");
  EXPECT_EQ(read_all("\x08\x01\x08\x01"s, 1), "protobuf.fields");
}

TEST(Protobuf, AFieldEndsWithItsMessage) {
  using namespace std::string_literals;
  const MemoryStore store(bytes_of("\x12\x02\x08\x80\x01"s));
  ProtoWindow window(store, 10);
  ProtoReader outer(window, {0, 5});
  ASSERT_TRUE(outer.next());
  ProtoReader inner(window, outer.field().content);
  EXPECT_THROW(static_cast<void>(inner.next()), Error) << "the byte behind the message is not read";
}

TEST(Protobuf, ReadsPackedNumbersAcrossReadsOfTheStore) {
  std::string packed;
  for (unsigned i = 0; i < 100000; ++i) packed += std::string{static_cast<char>(0x80 | (i & 0x7F)), '\x03'};
  const MemoryStore store(bytes_of(packed));
  ProtoWindow window(store, 0);
  ProtoVarints numbers(window, {0, packed.size()});
  for (unsigned i = 0; i < 100000; ++i) ASSERT_EQ(numbers.next(), 384 + (i & 0x7F)) << i;
  EXPECT_EQ(numbers.next(), std::nullopt);
  ProtoVarints cut(window, {0, 1});
  EXPECT_THROW(static_cast<void>(cut.next()), Error);
}

// Counts the bytes that are read.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(std::string content) : content_(std::move(content)) {}
  std::uint64_t size() const override { return content_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    read += out.size();
    ++reads;
    std::ranges::copy(as_bytes(content_).subspan(static_cast<std::size_t>(offset), out.size()), out.begin());
  }
  mutable std::uint64_t read = 0;
  mutable std::uint64_t reads = 0;

 private:
  std::string content_;
};

TEST(Protobuf, NeverReadsPayloadsThatAreSkipped) {
  std::string message;
  for (int i = 0; i < 8; ++i) message += std::string("\x4a\x80\x80\x40", 4) + std::string(1 << 20, 'x');
  const CountingStore store(message);
  ProtoWindow window(store, 100);
  ProtoReader reader(window, {0, message.size()});
  int fields = 0;
  while (reader.next()) ++fields;
  EXPECT_EQ(fields, 8);
  EXPECT_LE(store.read, 8U * 4096);
}

TEST(Protobuf, ReadsOverSmallPayloadsInLargePieces) {
  std::string message;
  for (int i = 0; i < 1000; ++i) message += std::string("\x4a\x80\x20", 3) + std::string(4096, 'x');
  const CountingStore store(message);
  ProtoWindow window(store, 1000);
  ProtoReader reader(window, {0, message.size()});
  std::uint64_t copied = 0;
  while (reader.next()) {
    const std::uint64_t before = store.reads;
    if (window.text({reader.field().at, 2}) == "\x4a\x80" && store.reads == before) ++copied;
  }
  EXPECT_EQ(copied, 1000U);  // a text that was just read is not read again
  EXPECT_LE(store.reads, message.size() / 32768);
  EXPECT_LE(store.read, message.size() + 65536);
}

}  // namespace
}  // namespace zt::wire
