// Files of released versions, and odd files, must read as their expected.json says.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "json.h"
#include "sha256_hex.h"

namespace {

namespace fs = std::filesystem;
using zt::test::load_json;
using zt::test::members;
using zt::test::sha256_hex;
using zt::test::text_at;
using zt::wire::JsonItemsView;
using zt::wire::JsonView;

const fs::path kGolden = fs::path(ZT_TEST_DATA) / "golden";

// Reads everything that a caller might read of a tensor.
void read_fully(const zt::Tensor& tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  for (std::size_t i = 0; i < tensor.parts(); ++i) (void)tensor.part(i).read();
  if (tensor.layout() == "sparse_csr" || tensor.layout() == "sparse_coo") {
    const zt::Part values = tensor.part("values");
    const std::uint64_t size = zt::dtype_bits(values.dtype()) / 8;
    (void)tensor.read_indices(values.measure() / size);
  }
}

// The library's own word for a layout of generation 2.
std::string layout_word(const std::string& layout) {
  if (layout == "zt.sparse_csr/1" || layout == "sparsecsr") return "sparse_csr";
  return layout == "zt.sparse_coo/1" || layout == "sparsecoo" ? "sparse_coo" : layout;
}

void expect_parts(const zt::Tensor& tensor, JsonView parts) {
  for (const auto& [role, expected] : members(parts)) {
    SCOPED_TRACE("part '" + role + "'");
    const auto wanted = members(expected);
    const zt::Part part = tensor.part(role);
    EXPECT_EQ(zt::dtype_name(part.dtype()), text_at(wanted, "dtype"));
    EXPECT_EQ(sha256_hex(part.read(zt::Verify::never)), text_at(wanted, "sha256"));
    EXPECT_EQ(part.measure(), wanted.at("decoded_length").unsigned_integer());
    if (!wanted.contains("encoding")) continue;  // hand-made files state less
    EXPECT_EQ(part.encoding(), text_at(wanted, "encoding") == "raw" ? "raw" : "zstd");
    EXPECT_EQ(part.digest(), text_at(wanted, "digest"));
    EXPECT_EQ(part.offset(), wanted.at("offset").unsigned_integer());
    EXPECT_EQ(part.stored_length(), wanted.at("stored_length").unsigned_integer());
  }
}

void expect_verdict(const zt::Source& source, const zt::Tensor& tensor, const std::string& verdict) {
  const std::string name(tensor.name());
  const zt::VerifyReport report = zt::check(source, {.names = {name}});
  if (verdict == "ok") {
    EXPECT_EQ(report.checked.size(), 1U);
  } else if (verdict == "unchecked") {
    EXPECT_EQ(report.undigested.size(), 1U);
  } else if (verdict == "mismatch") {
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].error.code(), zt::Code::mismatch);
  }
}

void expect_tensor(const zt::Source& source, const std::map<std::string, JsonView>& wanted) {
  const std::string name = text_at(wanted, "name");
  SCOPED_TRACE("tensor '" + name + "'");
  const zt::Tensor tensor = source.tensor(name);
  if (text_at(wanted, "expect") == "error") {
    EXPECT_THROW(read_fully(tensor), zt::Error);
    return;
  }
  std::vector<std::uint64_t> shape;
  JsonItemsView dimensions(wanted.at("shape"));
  while (dimensions.next()) shape.push_back(dimensions.value().unsigned_integer().value());
  EXPECT_TRUE(std::ranges::equal(tensor.shape(), shape));
  EXPECT_EQ(tensor.layout(), layout_word(text_at(wanted, "layout")));
  expect_parts(tensor, wanted.at("parts"));
  if (wanted.contains("verify")) expect_verdict(source, tensor, text_at(wanted, "verify"));
}

void expect_file(const fs::path& path, const std::map<std::string, JsonView>& wanted) {
  SCOPED_TRACE(path.string());
  const std::string expect = text_at(wanted, "expect");
  if (expect == "refuse") {
    EXPECT_THROW(zt::open(path), zt::Error);
    return;
  }
  const zt::Source source = zt::open(path);
  EXPECT_EQ(source.format(), "zt-" + text_at(wanted, "generation"));
  JsonItemsView tensors(wanted.at("tensors"));
  std::set<std::string> names;
  bool repeated = false;
  while (tensors.next()) {
    const auto tensor = members(tensors.value());
    if (names.insert(text_at(tensor, "name")).second) {
      expect_tensor(source, tensor);
    } else {
      repeated = true;  // in 0.1 the first entry of a name counts
    }
  }
  EXPECT_EQ(source.size(), names.size());
  EXPECT_EQ(source.notes().empty(), !repeated);
}

void expect_folder(const std::string& folder) {
  const zt::wire::JsonDocument document = load_json(kGolden / folder / "expected.json");
  std::size_t files = 0;
  for (const auto& [name, wanted] : members(members(document.root()).at("files"))) {
    expect_file(kGolden / folder / name, members(wanted));
    ++files;
  }
  EXPECT_GT(files, 0U);
}

TEST(Golden, ReadsWhatRelease014Wrote) { expect_folder("0.1.4"); }
TEST(Golden, ReadsWhatRelease101Wrote) { expect_folder("1.0.1"); }
TEST(Golden, ReadsWhatRelease102Wrote) { expect_folder("1.0.2"); }
TEST(Golden, ReadsWhatRelease111Wrote) { expect_folder("1.1.1"); }
TEST(Golden, ReadsWhatRelease120Wrote) { expect_folder("1.2.0"); }
TEST(Golden, ReadsWhatRelease123Wrote) { expect_folder("1.2.3"); }
TEST(Golden, ReadsWhatRelease200Wrote) { expect_folder("2.0.0"); }
TEST(Golden, ReadsWhatRelease212Wrote) { expect_folder("2.1.2"); }
// Bad contents that the writer of the release accepted. The file opens, its parts can be read, and verify finds the
// fault.
std::map<std::string, std::string> rules_of(const std::string& file) {
  std::map<std::string, std::string> rules;
  const zt::Source source = zt::open(kGolden / "2.1.2" / file);
  for (const zt::Finding& finding : zt::check(source).findings) rules[finding.tensor] = finding.error.rule();
  return rules;
}

TEST(Golden, FindsContentsThatRelease212Wrote) {
  using Rules = std::map<std::string, std::string>;
  EXPECT_EQ(rules_of("logical_invalid.zt"), (Rules{{"bool", "content.bool"}, {"f4_nibble", "content.float4"}}));
  EXPECT_EQ(rules_of("sparse_invalid.zt"), (Rules{{"coo_duplicate", "sparse.index.duplicate"},
                                                  {"row_not_increasing", "sparse.index.order"},
                                                  {"column_out_of_range", "sparse.index.bounds"}}));
  EXPECT_EQ(rules_of("canonical_shared.zt"), Rules());
}

TEST(Golden, ReadsOrRefusesOddFiles) { expect_folder("hand"); }

}  // namespace
