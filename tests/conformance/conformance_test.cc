// For each rule, files that break only it: the exact code and rule, at the exact step. And files that are right.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "sha256_hex.h"

namespace {

namespace fs = std::filesystem;
using zt::test::JsonMembers;
using zt::test::members;
using zt::test::text_at;
using zt::wire::JsonView;

const fs::path kRoot = fs::path(ZT_TEST_DATA) / "conformance";

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
    (void)tensor.read_csr<float>();  // the corpus has no other dtype
  } else {
    (void)tensor.read_coo<float>();
  }
}

// Reads everything that a caller might read of a tensor, and throws the first error.
void read_fully(const zt::Tensor& tensor) {
  if (const auto cause = tensor.unreadable()) throw *cause;
  for (std::size_t i = 0; i < tensor.parts(); ++i) (void)tensor.part(i).read();
  if (is_sparse(tensor)) read_sparse(tensor);
  (void)tensor.dtype();
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

// Whether the listing names a tensor that cannot be read, without being what the file is about.
bool is_unreadable(const Case& one, std::string_view name) {
  if (!one.wanted.contains("unreadable")) return false;
  for (zt::wire::JsonItemsView names(one.wanted.at("unreadable")); names.next();) {
    if (names.value().text() == name) return true;
  }
  return false;
}

// Checks that only one tensor is faulty, and that its fault shows at the expected step.
void expect_tensor_refused(const Case& one) {
  const zt::Source source = zt::open(one.path, one.options);
  const std::string name = text_at(one.wanted, "tensor");
  const std::string where = text_at(one.wanted, "where");
  const zt::VerifyReport report = zt::check(source);
  for (const zt::Tensor tensor : source) {
    if (tensor.name() == name || is_unreadable(one, tensor.name())) continue;
    read_fully(tensor);
    EXPECT_FALSE(finding_of(report, std::string(tensor.name()))) << tensor.name();
  }
  const zt::Tensor tensor = source.tensor(name);
  const auto read = error_of([&] { read_fully(tensor); });
  const auto finding = finding_of(report, name);
  if (where == "read") {
    expect_error(read, one);
    // A tensor of an unknown layout has parts too, and they may be right.
    if (text_at(one.wanted, "rule") != "layout.unknown") expect_error(finding, one);
  } else {
    ASSERT_EQ(where, "verify");
    EXPECT_FALSE(read) << read->what();
    expect_error(finding, one);
  }
  if (tensor.unreadable()) expect_error(tensor.unreadable(), one);
  for (std::size_t i = 0; i < tensor.parts(); ++i) {  // a part that cannot be read must throw an Error too
    error_of([&] { (void)tensor.part(i).read(); });
    error_of([&] { (void)tensor.part(i).map(); });
  }
}

// Where the bytes of a part are in the file, as far as a test knows.
enum class Lies {
  whole,   // the part is the whole blob
  within,  // the part is only some of its blob, or in another order, and perhaps cannot be mapped
  not_mapped,
};

// Checks that map, read, read_into and a plain read of the file agree on a part.
void expect_part(const zt::Source& source, const zt::Part& part, const std::string& sha256, Lies lies) {
  SCOPED_TRACE("part '" + std::string(part.role()) + "'");
  const std::vector<std::byte> bytes = part.read();
  if (!sha256.empty()) {
    EXPECT_EQ(zt::test::sha256_hex(bytes), sha256);
  }
  EXPECT_EQ(bytes.size(), part.measure());
  std::vector<std::byte> again(bytes.size(), std::byte{0xEE});
  part.read_into(again, zt::Verify::always);
  EXPECT_TRUE(again == bytes);
  part.check();
  if (part.encoding() != "raw" || lies == Lies::not_mapped) {
    EXPECT_EQ(error_of([&] { (void)part.map(); })->code(), zt::Code::unsupported);
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
  (void)source.attributes();
  if (one.wanted.contains("notes")) {
    EXPECT_EQ(source.notes().size(), one.wanted.at("notes").unsigned_integer());
  }
  for (const auto& [name, wanted] : members(one.wanted.at("tensors"))) {
    expect_good_tensor(source, source.tensor(name), members(wanted), one.options.backend);
  }
  for (const zt::Tensor tensor : source) (void)tensor.attributes();
  const zt::VerifyReport report = zt::check(source);
  for (const zt::Finding& finding : report.findings) {
    EXPECT_TRUE(is_unreadable(one, finding.tensor)) << finding.error.what();
  }
}

void expect_case(Case one) {
  for (const zt::Backend backend : {zt::Backend::mmap, zt::Backend::read}) {
    SCOPED_TRACE(one.path.string() + (backend == zt::Backend::mmap ? ", mapped" : ", read"));
    one.options.backend = backend;
    if (text_at(one.wanted, "code") == "ok" && one.wanted.contains("where")) {
      (void)zt::open(one.path, one.options).attributes();  // its parts are in other files
    } else if (text_at(one.wanted, "code") == "ok") {
      expect_good(one);
    } else if (text_at(one.wanted, "where") == "open") {
      expect_error(error_of([&] { (void)zt::open(one.path, one.options); }), one);
    } else {
      expect_tensor_refused(one);
    }
  }
}

// The verdicts of one folder, by file name. They borrow from a document that is never freed.
const JsonMembers& verdicts_in(const fs::path& folder) {
  struct Listing {
    explicit Listing(const fs::path& path) : document(zt::test::load_json(path)), verdicts(members(document.root())) {}
    zt::wire::JsonDocument document;
    JsonMembers verdicts;
  };
  static std::map<fs::path, std::unique_ptr<const Listing>> known;
  auto& listing = known[folder];
  if (!listing) listing = std::make_unique<const Listing>(folder / "expected.json");
  return listing->verdicts;
}

// Each file is a test.
class File : public testing::Test {
 public:
  explicit File(fs::path path) : path_(std::move(path)) {}
  void TestBody() override {
    const JsonMembers& verdicts = verdicts_in(path_.parent_path());
    const auto found = verdicts.find(path_.filename().string());
    ASSERT_NE(found, verdicts.end()) << path_ << " is not in the expected.json beside it";
    Case one{.path = path_, .wanted = members(found->second), .options = {}};
    EXPECT_EQ(path_.parent_path().parent_path().filename(), text_at(one.wanted, "code") == "ok" ? "accept" : "reject");
    one.options.limits = limits_of(one.wanted);
    expect_case(std::move(one));
  }

 private:
  fs::path path_;
};

// "reject.zt2.blob.align" for reject/zt2/blob.align.zt. In a filter, '-' would exclude tests.
std::string test_name(const fs::path& file) {
  std::string name = fs::relative(file, kRoot).replace_extension().string();
  std::replace(name.begin(), name.end(), '/', '.');
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<fs::path> all_files() {
  std::vector<fs::path> files;
  for (const char* kind : {"accept", "reject"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / kind)) {
      if (entry.is_regular_file() && entry.path().filename() != "expected.json") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const fs::path& file : all_files()) {
    testing::RegisterTest("Conformance", test_name(file).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> File* { return new File(file); });  // gtest owns it
  }
  return true;
}();

TEST(ConformanceFiles, AreThereForEveryVerdict) {
  std::size_t verdicts = 0;
  for (const char* kind : {"accept", "reject"}) {
    for (const auto& folder : fs::directory_iterator(kRoot / kind)) {
      for (const auto& [name, verdict] : verdicts_in(folder.path())) {
        EXPECT_TRUE(fs::exists(folder.path() / name)) << folder.path() / name;
        ++verdicts;
      }
    }
  }
  EXPECT_EQ(verdicts, all_files().size());
  EXPECT_GT(verdicts, 700U);
}

}  // namespace
