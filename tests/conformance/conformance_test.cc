// For each rule, files that break only it: the exact code and rule, at the exact step. And files that are right.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "json.h"
#include "sha256_hex.h"

namespace {

namespace fs = std::filesystem;
using zt::test::JsonMembers;
using zt::test::members;
using zt::test::text_at;
using zt::wire::JsonView;

struct Case {
  fs::path path;
  JsonMembers wanted;
  zt::OpenOptions options;
};

zt::Limits limits_of(const JsonMembers& wanted) {
  zt::Limits limits;
  if (!wanted.contains("limits")) return limits;
  for (const auto& [key, value] : members(wanted.at("limits"))) {
    const std::uint64_t number = value.unsigned_integer().value();
    if (key == "index_bytes") limits.index_bytes = number;
    if (key == "decoded_bytes") limits.decoded_bytes = number;
    if (key == "rank") limits.rank = static_cast<std::uint32_t>(number);
    if (key == "depth") limits.depth = static_cast<std::uint32_t>(number);
    if (key == "parts") limits.parts = static_cast<std::uint32_t>(number);
  }
  return limits;
}

// The error that `work` ends with, if any; another exception fails the test.
template <class F>
std::optional<zt::Error> error_of(F&& work) {
  try {
    work();
  } catch (const zt::Error& error) {
    return error;
  }
  return std::nullopt;
}

bool is_sparse(const zt::Tensor& tensor) { return tensor.layout() == "sparse_csr" || tensor.layout() == "sparse_coo"; }

void read_sparse(const zt::Tensor& tensor) {
  if (tensor.layout() == "sparse_csr") {
    tensor.read_csr<float>();  // the corpus has no other
  } else {
    tensor.read_coo<float>();
  }
}

// All that a caller might read of a tensor; throws the first that fails.
void read_fully(const zt::Tensor& tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  for (std::size_t i = 0; i < tensor.parts(); ++i) tensor.part(i).read();
  if (is_sparse(tensor)) read_sparse(tensor);
  tensor.dtype();
}

void expect_error(const std::optional<zt::Error>& error, const Case& one) {
  ASSERT_TRUE(error.has_value()) << "nothing was refused";
  EXPECT_EQ(zt::code_name(error->code()), text_at(one.wanted, "code")) << error->what();
  EXPECT_EQ(error->rule(), text_at(one.wanted, "rule")) << error->what();
}

// The finding of one tensor, if verifying has one.
std::optional<zt::Error> finding_of(const zt::VerifyReport& report, const std::string& name) {
  for (const zt::Finding& finding : report.findings) {
    if (finding.tensor == name) return finding.error;
  }
  return std::nullopt;
}

// One tensor is not right: it alone, and at the expected step.
void expect_tensor_refused(const Case& one) {
  const zt::Source source = zt::open(one.path, one.options);
  const std::string name = text_at(one.wanted, "tensor");
  const std::string where = text_at(one.wanted, "where");
  const zt::VerifyReport report = zt::check(source);
  for (const zt::Tensor tensor : source) {
    if (tensor.name() == name) continue;
    read_fully(tensor);
    EXPECT_FALSE(finding_of(report, std::string(tensor.name()))) << tensor.name();
  }
  const zt::Tensor tensor = source.tensor(name);
  const auto read = error_of([&] { read_fully(tensor); });
  const auto finding = finding_of(report, name);
  if (where == "read") {
    expect_error(read, one);
    // A layout that is not known has parts all the same, and they may be right.
    if (text_at(one.wanted, "rule") != "layout.unknown") expect_error(finding, one);
  } else {
    ASSERT_EQ(where, "verify");
    EXPECT_FALSE(read) << read->what();
    expect_error(finding, one);
  }
  if (tensor.unreadable()) expect_error(tensor.unreadable(), one);
  for (std::size_t i = 0; i < tensor.parts(); ++i) {  // its parts answer with an Error too, if they do not answer
    error_of([&] { tensor.part(i).read(); });
    error_of([&] { tensor.part(i).map(); });
  }
}

// What a test knows of how a part lies in its file.
enum class Lies {
  whole,   // its blob's bytes are its own
  within,  // among other bytes of its blob, or in another order: it may be that it cannot be mapped
  not_mapped,
};

// map, read, read_into and a plain read of the file agree on a part.
void expect_part(const zt::Source& source, const zt::Part& part, const std::string& sha256, Lies lies) {
  SCOPED_TRACE("part '" + std::string(part.role()) + "'");
  const std::vector<std::byte> bytes = part.read();
  if (!sha256.empty()) {
    EXPECT_EQ(zt::test::sha256_hex(bytes), sha256);
  }
  EXPECT_EQ(bytes.size(), part.length());
  std::vector<std::byte> again(bytes.size(), std::byte{0xEE});
  part.read_into(again, zt::Verify::always);
  EXPECT_TRUE(again == bytes);
  part.check();
  if (part.encoding() != "raw" || lies == Lies::not_mapped) {
    EXPECT_EQ(error_of([&] { part.map(); })->code(), zt::Code::unsupported);
    return;
  }
  zt::Bytes mapped;
  const auto refusal = error_of([&] { mapped = part.map(); });
  if (refusal) {
    EXPECT_TRUE(lies == Lies::within && refusal->code() == zt::Code::unsupported) << refusal->what();
    return;
  }
  EXPECT_TRUE(std::ranges::equal(mapped.view(), bytes));
  if (lies == Lies::within) return;
  const std::string file = zt::test::read_file(source.paths().at(0));
  ASSERT_GE(file.size(), part.offset() + part.stored_length());
  EXPECT_TRUE(bytes.empty() || std::memcmp(file.data() + part.offset(), bytes.data(), bytes.size()) == 0);
}

void expect_good_tensor(const zt::Source& source, const zt::Tensor& tensor, const JsonMembers& wanted,
                        zt::Backend backend) {
  SCOPED_TRACE("tensor '" + std::string(tensor.name()) + "'");
  if (wanted.contains("dtype")) {
    EXPECT_EQ(zt::dtype_name(tensor.dtype()), text_at(wanted, "dtype"));
  }
  if (wanted.contains("layout")) {
    EXPECT_EQ(tensor.layout(), text_at(wanted, "layout"));
  }
  std::vector<std::uint64_t> shape;
  zt::wire::JsonItemsView dimensions(wanted.at("shape"));
  while (dimensions.next()) shape.push_back(dimensions.value().unsigned_integer().value());
  EXPECT_TRUE(std::ranges::equal(tensor.shape(), shape));
  if (wanted.contains("offset")) {  // the form of files whose tensors have one raw part
    EXPECT_EQ(tensor.data().offset(), wanted.at("offset").unsigned_integer());
    EXPECT_EQ(tensor.data().length(), wanted.at("length").unsigned_integer());
    return expect_part(source, tensor.data(), "", backend == zt::Backend::mmap ? Lies::whole : Lies::not_mapped);
  }
  Lies lies = wanted.contains("view") ? Lies::within : Lies::whole;
  if (backend == zt::Backend::read) lies = Lies::not_mapped;
  const JsonMembers parts = members(wanted.at("parts"));
  EXPECT_EQ(tensor.parts(), parts.size());
  for (const auto& [role, sha256] : parts) {
    expect_part(source, tensor.part(role), std::string(sha256.text().value()), lies);
  }
  if (is_sparse(tensor)) read_sparse(tensor);
}

void expect_good(const Case& one) {
  const zt::Source source = zt::open(one.path, one.options);
  source.attributes();
  for (const auto& [name, wanted] : members(one.wanted.at("tensors"))) {
    expect_good_tensor(source, source.tensor(name), members(wanted), one.options.backend);
  }
  for (const zt::Tensor tensor : source) tensor.attributes();
  const zt::VerifyReport report = zt::check(source);
  EXPECT_TRUE(report.findings.empty()) << report.findings.front().error.what();
}

void expect_case(Case one) {
  for (const zt::Backend backend : {zt::Backend::mmap, zt::Backend::read}) {
    SCOPED_TRACE(one.path.string() + (backend == zt::Backend::mmap ? ", mapped" : ", read"));
    one.options.backend = backend;
    if (text_at(one.wanted, "code") == "ok" && one.wanted.contains("where")) {
      zt::open(one.path, one.options).attributes();  // its parts lie in other files
    } else if (text_at(one.wanted, "code") == "ok") {
      expect_good(one);
    } else if (text_at(one.wanted, "where") == "open") {
      expect_error(error_of([&] { zt::open(one.path, one.options); }), one);
    } else {
      expect_tensor_refused(one);
    }
  }
}

void expect_folder(const std::string& kind, const std::string& folder) {
  const fs::path root = fs::path(ZT_TEST_DATA) / "conformance" / kind / folder;
  const zt::wire::JsonDocument document = zt::test::load_json(root / "expected.json");
  std::set<std::string> present;
  for (const auto& entry : fs::directory_iterator(root)) present.insert(entry.path().filename().string());
  EXPECT_EQ(present.erase("expected.json"), 1U);
  for (const auto& [name, wanted] : members(document.root())) {
    EXPECT_EQ(present.erase(name), 1U) << name << " is missing";
    Case one{.path = root / name, .wanted = members(wanted), .options = {}};
    one.options.limits = limits_of(one.wanted);
    expect_case(std::move(one));
  }
  for (const std::string& name : present) ADD_FAILURE() << name << " is not in expected.json";
}

void expect_folder(const std::string& folder) {
  expect_folder("accept", folder);
  expect_folder("reject", folder);
}

TEST(Conformance, FilesOfGeneration01AreRefusedByTheRuleTheyBreak) { expect_folder("zt01"); }
TEST(Conformance, FilesOfGeneration10AreRefusedByTheRuleTheyBreak) { expect_folder("zt10"); }
TEST(Conformance, FilesOfGeneration12AreRefusedByTheRuleTheyBreak) { expect_folder("zt12"); }
TEST(Conformance, FilesOfGeneration2AreRefusedByTheRuleTheyBreak) { expect_folder("zt2"); }
TEST(Conformance, ManifestsThatAreNoCborAreRefusedByTheRuleTheyBreak) { expect_folder("cbor"); }
TEST(Conformance, ZstdStreamsAreRefusedByTheRuleTheyBreak) { expect_folder("zstd"); }
TEST(Conformance, DigestsAreRefusedByTheRuleTheyBreak) { expect_folder("digest"); }
TEST(Conformance, SparseTensorsAreRefusedByTheRuleTheyBreak) { expect_folder("sparse"); }
TEST(Conformance, SafetensorsFilesAreRefusedByTheRuleTheyBreak) { expect_folder("safetensors"); }

TEST(Conformance, EveryFolderHasATest) {
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(fs::path(ZT_TEST_DATA) / "conformance/reject")) {
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  }
  EXPECT_EQ(folders,
            (std::set<std::string>{"cbor", "digest", "safetensors", "sparse", "zstd", "zt01", "zt10", "zt12", "zt2"}));
}

}  // namespace
