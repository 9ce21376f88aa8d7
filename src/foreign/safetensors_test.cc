#include "foreign/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/utf8.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::foreign::safetensors {
namespace {

std::vector<std::byte> file_bytes(std::string_view header, std::size_t buffer, std::uint64_t length) {
  std::vector<std::byte> bytes(8 + header.size() + buffer);
  endian::store_le(bytes.data(), length);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

MemoryStore store_of(std::string_view header, std::size_t buffer = 0) {
  return MemoryStore(file_bytes(header, buffer, header.size()));
}

MemoryStore raw_store(std::string_view bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

TEST(SafetensorsSniff, KnowsContentAndName) {
  EXPECT_TRUE(sniff(store_of("{}"), ""));
  EXPECT_TRUE(sniff(store_of(" \t\r\n{}"), "model.bin"));
  EXPECT_TRUE(sniff(store_of(std::string(4096, ' ') + "{}"), ""));
  EXPECT_TRUE(sniff(raw_store(""), "model.safetensors"));                       // decode() then reports the fault
  EXPECT_TRUE(sniff(raw_store(std::string("\x40\0\0\0\0\0\0\0{\"", 10)), ""));  // cut short
}

TEST(SafetensorsSniff, CallsOtherContentFalse) {
  EXPECT_FALSE(sniff(raw_store(""), ""));
  EXPECT_FALSE(sniff(raw_store("{}"), "safetensors"));
  EXPECT_FALSE(sniff(store_of("[]"), ""));
  EXPECT_FALSE(sniff(store_of("  "), ""));
  EXPECT_FALSE(sniff(store_of(std::string(200000, ' ') + "{}"), ""));
  EXPECT_FALSE(sniff(raw_store(std::string("\x01\0\0\0\0\0\0\0{}", 10)), ""));
  EXPECT_FALSE(sniff(raw_store(std::string("\x01\xE1\xF5\x05\0\0\0\0{}", 10)), ""));  // 100,000,001
  EXPECT_FALSE(sniff(raw_store("{\"version\": 1}"), "config.json"));
}

// A store that is much larger than its first bytes, like a sparse file.
class SparseStore final : public ByteStore {
 public:
  SparseStore(std::vector<std::byte> head, std::uint64_t size) : head_(std::move(head)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!head_.empty() && offset + out.size() > head_.size()) throw Error(Code::io, "", "read past the head");
    std::memcpy(out.data(), head_.data() + offset, out.size());
  }

 private:
  std::vector<std::byte> head_;
  std::uint64_t size_;
};

TEST(SafetensorsDecode, RefusesAHeaderOverTheLimitBeforeReadingIt) {
  const SparseStore store(file_bytes("{", 0, 100'000'001), std::uint64_t{1} << 30);
  try {
    decode(store, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::limit);
    EXPECT_STREQ(error.rule(), "safetensors.header.limit");
  }
}

#ifdef ZT_HAVE_SIMDJSON

std::string tensor(std::string_view name, std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + "}";
}

std::string refusal(const ByteStore& store, const Limits& limits = {}) {
  try {
    decode(store, limits);
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

TEST(SafetensorsDecode, ReadsTheExampleOfTheFormat) {
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\",\"z\":\"\"}," +
                             tensor("b.weight", "F16", "[1,16,256]", "[0,8192]") + "," +
                             tensor("a", "BF16", "[]", "[8192,8194]") + "}";
  const model::Catalog catalog = decode(store_of(header, 8194), {});
  EXPECT_EQ(catalog.format, "safetensors");
  EXPECT_TRUE(catalog.notes.empty());
  ASSERT_EQ(catalog.size(), 2U);

  const model::TensorRow& first = catalog.tensor(0);
  EXPECT_EQ(catalog.text(first.name), "b.weight");
  EXPECT_EQ(catalog.word(first.layout), "dense");
  EXPECT_EQ(catalog.shape(first).size(), 3U);
  EXPECT_EQ(catalog.shape(first)[2], 256U);
  ASSERT_EQ(catalog.parts(first).size(), 1U);
  const model::PartRow& part = catalog.parts(first)[0];
  EXPECT_EQ(catalog.word(part.role), "data");
  EXPECT_EQ(catalog.word(part.storage), "F16");
  EXPECT_EQ(part.dtype, DType::f16);
  EXPECT_EQ(part.recipe.offset, 8 + header.size());
  EXPECT_EQ(part.recipe.stored_length, 8192U);
  EXPECT_EQ(part.recipe.decoded_length, 8192U);
  EXPECT_EQ(part.digest.size, 0U);

  EXPECT_EQ(catalog.tensor(1).rank, 0);
  EXPECT_EQ(catalog.parts(catalog.tensor(1))[0].recipe.offset, 8 + header.size() + 8192);
  const Value attributes = Value::parse(catalog.attributes);
  ASSERT_NE(attributes.members(), nullptr);
  ASSERT_EQ(attributes.members()->size(), 2U);
  EXPECT_EQ(*attributes.find("format"), Value("pt"));
  EXPECT_EQ(*attributes.find("z"), Value(""));
}

TEST(SafetensorsDecode, OpensWhatIsUnusualButRight) {
  EXPECT_EQ(decode(store_of("{}"), {}).size(), 0U);
  EXPECT_EQ(decode(store_of("\t\n {}   \r\n"), {}).size(), 0U);
  EXPECT_EQ(refusal(store_of("{\"__metadata__\":{}}")), "");
  EXPECT_TRUE(decode(store_of("{\"__metadata__\":null}"), {}).attributes.empty());
  EXPECT_EQ(refusal(store_of("{" + tensor("e", "F32", "[2,0]", "[0,0]") + "}")), "");
  EXPECT_EQ(refusal(store_of("{" + tensor("e", "F4", "[3,2]", "[0,3]") + "}", 3)), "");
  EXPECT_EQ(refusal(store_of("{" + tensor(std::string(2000, 'n'), "U8", "[1]", "[0,1]") + "}", 1)), "");
  EXPECT_EQ(refusal(store_of("{" + tensor("m", "U8", "[9007199254740992,0]", "[0,0]") + "}")), "");
}

TEST(SafetensorsDecode, KeepsTheOrderOfTheHeader) {
  const std::string header = "{" + tensor("last", "U8", "[3]", "[5,8]") + "," + tensor("empty", "U8", "[0]", "[5,5]") +
                             "," + tensor("first", "U8", "[5]", "[0,5]") + "}";
  const model::Catalog catalog = decode(store_of(header, 8), {});
  ASSERT_EQ(catalog.size(), 3U);
  EXPECT_EQ(catalog.text(catalog.tensor(0).name), "last");
  EXPECT_EQ(catalog.parts(catalog.tensor(0))[0].recipe.offset, 8 + header.size() + 5);
  EXPECT_EQ(catalog.text(catalog.tensor(2).name), "first");
}

TEST(SafetensorsDecode, MapsEveryTag) {
  const struct {
    const char* tag;
    DType dtype;
  } cases[] = {{"BOOL", DType::boolean},
               {"U8", DType::u8},
               {"I8", DType::i8},
               {"U16", DType::u16},
               {"I16", DType::i16},
               {"U32", DType::u32},
               {"I32", DType::i32},
               {"U64", DType::u64},
               {"I64", DType::i64},
               {"F16", DType::f16},
               {"BF16", DType::bf16},
               {"F32", DType::f32},
               {"F64", DType::f64},
               {"C64", DType::complex64},
               {"F8_E4M3", DType::f8_e4m3fn},
               {"F8_E5M2", DType::f8_e5m2},
               {"F8_E8M0", DType::f8_e8m0},
               {"F8_E4M3FNUZ", DType::f8_e4m3fnuz},
               {"F8_E5M2FNUZ", DType::f8_e5m2fnuz},
               {"F4", DType::f4_e2m1}};
  for (const auto& [tag, dtype] : cases) {
    const std::uint64_t length = *byte_length(dtype, 6);
    const std::string header = "{" + tensor("t", tag, "[2,3]", "[0," + std::to_string(length) + "]") + "}";
    const model::Catalog catalog = decode(store_of(header, length), {});
    EXPECT_EQ(catalog.part(0).dtype, dtype) << tag;
    EXPECT_EQ(catalog.word(catalog.part(0).storage), tag);
    EXPECT_EQ(catalog.tensor(0).fault, model::kNone) << tag;
  }
}

TEST(SafetensorsDecode, ListsUnknownDtypesAsUnreadable) {
  const std::string header = "{" + tensor("six", "F6_E2M3", "[4]", "[0,3]") + "," +
                             tensor("q", "Q4_0", "[7]", "[3,12]") + "," + tensor("case", "f32", "[1]", "[12,16]") +
                             "," + tensor("ok", "F32", "[1]", "[16,20]") + "}";
  const model::Catalog catalog = decode(store_of(header, 20), {});
  ASSERT_EQ(catalog.size(), 4U);
  for (std::uint32_t row = 0; row < 3; ++row) {
    for (const model::Fault* fault :
         {catalog.fault(catalog.tensor(row).fault), catalog.fault(catalog.part(row).fault)}) {
      ASSERT_NE(fault, nullptr) << row;
      EXPECT_EQ(fault->code, Code::unsupported);
      EXPECT_STREQ(fault->rule, "safetensors.dtype.unknown");
    }
  }
  EXPECT_EQ(catalog.word(catalog.part(0).storage), "F6_E2M3");
  EXPECT_EQ(catalog.part(1).recipe.stored_length, 9U);
  EXPECT_EQ(catalog.tensor(3).fault, model::kNone);
}

TEST(SafetensorsDecode, NotesFieldsItDoesNotKnow) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":{"x":[1.5,null]},"more":1},)"
      R"("b":{"strides":[1],"dtype":"U8","shape":[1],"data_offsets":[1,2]}})";
  const model::Catalog catalog = decode(store_of(header, 2), {});
  EXPECT_EQ(catalog.size(), 2U);
  EXPECT_EQ(catalog.notes, (std::vector<std::string>{"2 entries have fields that are not part of the format"}));
}

TEST(SafetensorsDecode, RefusesHeadersOutOfBounds) {
  EXPECT_EQ(refusal(raw_store("")), "malformed safetensors.file.size");
  EXPECT_EQ(refusal(raw_store(std::string("\x01\0\0\0\0\0\0\0{", 9))), "malformed safetensors.file.size");
  EXPECT_EQ(refusal(MemoryStore(file_bytes("{}", 0, 0))), "malformed safetensors.header.size");
  EXPECT_EQ(refusal(MemoryStore(file_bytes("{}", 0, 1))), "malformed safetensors.header.size");
  for (const std::uint64_t length : {std::uint64_t{3}, ~std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{7}}) {
    EXPECT_EQ(refusal(MemoryStore(file_bytes("{}", 0, length))), "malformed safetensors.header.bounds") << length;
  }
  EXPECT_EQ(refusal(store_of("{} "), {.index_bytes = 2}), "limit safetensors.header.limit");
}

TEST(SafetensorsDecode, RefusesBadJson) {
  EXPECT_EQ(refusal(store_of("{}x")), "malformed json.syntax");
  EXPECT_EQ(refusal(store_of(std::string_view("{}\0\0", 4))), "malformed json.syntax");
  EXPECT_EQ(refusal(store_of("{\"\xFF\":1}")), "malformed json.utf8");
  const std::string open(200000, '[');
  EXPECT_EQ(refusal(store_of("{\"__metadata__\":" + open)), "malformed json.syntax");
  EXPECT_EQ(refusal(store_of("{\"__metadata__\":" + open + std::string(200000, ']') + "}")), "malformed json.depth");
  EXPECT_EQ(refusal(store_of("[]")), "malformed safetensors.header.object");
}

TEST(SafetensorsDecode, RefusesRepeatedNames) {
  const std::string w = tensor("w", "F32", "[1]", "[0,4]");
  EXPECT_EQ(refusal(store_of("{" + w + "," + tensor("w", "I32", "[1]", "[0,4]") + "}", 4)),
            "malformed safetensors.name.duplicate");
  EXPECT_EQ(refusal(store_of("{" + w + "," + tensor("\\u0077", "F32", "[1]", "[4,8]") + "}", 8)),
            "malformed safetensors.name.duplicate");
  EXPECT_EQ(refusal(store_of(R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"dty\u0070e":"I8"}})", 4)),
            "malformed json.key.duplicate");
  EXPECT_EQ(refusal(store_of(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{"y":[{"z":1,"z":1}]}}})", 1)),
            "malformed json.key.duplicate");
  EXPECT_EQ(refusal(store_of(R"({"__metadata__":{"a":"","a":""}})")), "malformed json.key.duplicate");
  for (const char* twice : {R"({"__metadata__":{},"__metadata__":{}})", R"({"__metadata__":null,"__metadata__":{}})",
                            R"({"__metadata__":null,"__metadata__":null})"}) {
    EXPECT_EQ(refusal(store_of(twice)), "malformed safetensors.metadata.duplicate");
  }
}

TEST(SafetensorsDecode, RefusesNamesThatAreNone) {
  EXPECT_EQ(refusal(store_of("{" + tensor("", "U8", "[1]", "[0,1]") + "}", 1)), "malformed safetensors.name.empty");
  EXPECT_EQ(refusal(store_of("{" + tensor("a\\u0000b", "U8", "[1]", "[0,1]") + "}", 1)),
            "malformed safetensors.name.nul");
}

TEST(SafetensorsDecode, RefusesMetadataOfAnotherShape) {
  for (const char* bad : {"false", "[]", "\"x\"", "1"}) {
    EXPECT_EQ(refusal(store_of("{\"__metadata__\":" + std::string(bad) + "}")),
              "malformed safetensors.metadata.object");
  }
  for (const char* bad : {"null", "{}", "1", "[]"}) {
    EXPECT_EQ(refusal(store_of("{\"__metadata__\":{\"k\":" + std::string(bad) + "}}")),
              "malformed safetensors.metadata.value");
  }
  EXPECT_EQ(refusal(store_of("{" + tensor("__metadata__", "U8", "[1]", "[0,1]") + "}", 1)),
            "malformed safetensors.metadata.value");
}

TEST(SafetensorsDecode, RefusesEntriesWithFieldsOfAnotherKind) {
  const auto entry = [](std::string_view fields) {
    return refusal(store_of("{\"w\":" + std::string(fields) + "}", 16));
  };
  EXPECT_EQ(entry("[]"), "malformed safetensors.tensor.object");
  EXPECT_EQ(entry("{}"), "malformed safetensors.tensor.fields");
  EXPECT_EQ(entry(R"({"dtype":"U8","shape":[16]})"), "malformed safetensors.tensor.fields");
  EXPECT_EQ(entry(R"({"dtype":8,"shape":[16],"data_offsets":[0,16]})"), "malformed safetensors.dtype.text");
  for (const char* bad : {"16", "[-1]", "[1e1]", "[16.0]", "[\"16\"]", "[9007199254740993]", "[[16]]", "null"}) {
    EXPECT_EQ(entry(R"({"dtype":"U8","shape":)" + std::string(bad) + R"(,"data_offsets":[0,16]})"),
              "malformed safetensors.shape.form")
        << bad;
  }
  for (const char* bad : {"16", "[]", "[16]", "[0,16,16]", "[0,16,\"\"]", "[0,1.6e1]", "[0,16.0]", "[-1,16]",
                          "[0,\"16\"]", "[0,18446744073709551615]", "[null,16]", "{\"0\":16}"}) {
    EXPECT_EQ(entry(R"({"dtype":"U8","shape":[16],"data_offsets":)" + std::string(bad) + "}"),
              "malformed safetensors.offsets.form")
        << bad;
  }
}

TEST(SafetensorsDecode, RefusesShapesThatDoNotFitTheirBytes) {
  const auto one = [](std::string_view dtype, std::string_view shape, std::string_view offsets, std::size_t buffer) {
    return refusal(store_of("{" + tensor("w", dtype, shape, offsets) + "}", buffer));
  };
  EXPECT_EQ(one("F32", "[8589934592,2147483648]", "[0,0]", 0), "malformed safetensors.shape.overflow");
  EXPECT_EQ(one("F32", "[2305843009213693952,8]", "[0,0]", 0), "malformed safetensors.shape.form");
  EXPECT_EQ(one("F32", "[4611686018427387904]", "[0,0]", 0), "malformed safetensors.shape.form");
  EXPECT_EQ(one("F32", "[2147483648,2147483648]", "[0,0]", 0), "malformed safetensors.shape.overflow");
  EXPECT_EQ(one("F32", "[0,4503599627370496,4503599627370496]", "[0,0]", 0), "malformed safetensors.shape.overflow");
  EXPECT_EQ(one("NEW", "[4503599627370496,4503599627370496]", "[0,0]", 0), "malformed safetensors.shape.overflow");
  EXPECT_EQ(one("F4", "[3]", "[0,2]", 2), "malformed safetensors.shape.bits");
  EXPECT_EQ(one("F6_E3M2", "[3]", "[0,3]", 3), "malformed safetensors.shape.bits");
  EXPECT_EQ(one("F6_E3M2", "[4]", "[0,4]", 4), "malformed safetensors.tensor.length");
  EXPECT_EQ(one("F32", "[2]", "[0,4]", 4), "malformed safetensors.tensor.length");
  EXPECT_EQ(one("F32", "[]", "[0,0]", 0), "malformed safetensors.tensor.length");
  std::string ranks = "[1";
  for (int i = 1; i < 65; ++i) ranks += ",1";
  EXPECT_EQ(one("U8", ranks + "]", "[0,1]", 1), "limit safetensors.shape.rank");
}

TEST(SafetensorsDecode, RefusesRangesThatDoNotTileTheBuffer) {
  const auto two = [](std::string_view a, std::string_view b, std::size_t buffer) {
    return refusal(store_of("{" + tensor("a", "U8", "[8]", a) + "," + tensor("b", "U8", "[8]", b) + "}", buffer));
  };
  EXPECT_EQ(two("[0,8]", "[8,16]", 16), "");
  EXPECT_EQ(two("[8,16]", "[0,8]", 16), "");
  EXPECT_EQ(two("[0,8]", "[4,12]", 12), "malformed safetensors.tiling.overlap");
  EXPECT_EQ(two("[0,8]", "[4,12]", 16), "malformed safetensors.tiling.overlap");
  EXPECT_EQ(two("[4,12]", "[0,8]", 16), "malformed safetensors.tiling.overlap");
  EXPECT_EQ(two("[4,12]", "[0,8]", 12), "malformed safetensors.tiling.overlap");
  EXPECT_EQ(two("[0,8]", "[0,8]", 8), "malformed safetensors.tiling.overlap");
  EXPECT_EQ(two("[0,8]", "[12,20]", 20), "malformed safetensors.tiling.gap");
  EXPECT_EQ(two("[4,12]", "[12,20]", 20), "malformed safetensors.tiling.gap");
  EXPECT_EQ(two("[0,8]", "[8,16]", 17), "malformed safetensors.tiling.tail");
  EXPECT_EQ(two("[0,8]", "[8,16]", 15), "malformed safetensors.offsets.bounds");
  EXPECT_EQ(two("[8,0]", "[8,16]", 16), "malformed safetensors.offsets.order");
  EXPECT_EQ(refusal(store_of("{}", 1)), "malformed safetensors.tiling.tail");
  // An empty range must be on a boundary.
  EXPECT_EQ(
      refusal(store_of("{" + tensor("a", "U8", "[4]", "[0,4]") + "," + tensor("b", "U8", "[0]", "[2,2]") + "}", 4)),
      "malformed safetensors.tiling.overlap");
}

TEST(SafetensorsDecode, SaysWhichTensorAndWhere) {
  const std::string header = "{" + tensor("layer.0", "F32", "[2]", "[0,4]") + "}";
  try {
    decode(store_of(header, 4), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "tensor 'layer.0': data_offsets [0, 4], but shape and dtype take 8 bytes");
  }
}

TEST(SafetensorsDecode, RefusesFourHundredThousandOverlapsAtOnce) {
  std::string header = "{";
  for (int i = 0; i < 400'000; ++i) header += tensor(std::to_string(i), "U8", "[1]", "[0,1]") + ",";
  header += tensor("last", "U8", "[1]", "[1,2]") + "}";
  EXPECT_EQ(refusal(store_of(header, 2)), "malformed safetensors.tiling.overlap");
}

TEST(SafetensorsDecode, SortsOneHundredThousandEmptyTensors) {
  std::string header = "{" + tensor("full", "U8", "[1]", "[0,1]");
  for (int i = 0; i < 100'000; ++i)
    header += "," + tensor(std::to_string(i), "U8", "[0]", i % 2 == 0 ? "[0,0]" : "[1,1]");
  EXPECT_EQ(decode(store_of(header + "}", 1), {}).size(), 100'001U);
}

TEST(SafetensorsDecode, KeepsFewWordsOfManyUnknownDtypes) {
  std::string header = "{";
  for (int i = 0; i < 1000; ++i) {
    if (i != 0) header += ",";
    header += tensor(std::to_string(i), "X" + std::to_string(i), "[0]", "[0,0]");
  }
  const model::Catalog catalog = decode(store_of(header + "}"), {});
  EXPECT_EQ(catalog.word(catalog.part(15).storage), "X15");
  EXPECT_EQ(catalog.word(catalog.part(16).storage), "");
  EXPECT_EQ(catalog.fault(catalog.tensor(999).fault)->message, "dtype 'X999' is not known");
}

#endif

}  // namespace
}  // namespace zt::foreign::safetensors
