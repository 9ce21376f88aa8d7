#include "write/draft.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "errors.h"
#include "source/formats.h"
#include "write/array_pieces.h"

namespace zt::write {
namespace {

// A target that keeps nothing, and that throws at the call that `failing` names.
class FailingTarget final : public Target {
 public:
  explicit FailingTarget(std::string failing) : failing_(std::move(failing)) {}
  void begin_tensor(std::string_view, std::uint64_t) override {
    if (failing_ == "usage") throw Error(Code::usage, "", "another tensor");
    fail_at("begin");
  }
  StoredPart store(Pieces&, const PartOptions&, run::Meter&) override {
    fail_at("store");
    return {};
  }
  void end_tensor(const model::Catalog&, std::uint32_t) override { fail_at("end"); }
  void finish(model::Catalog&) override {}
  void publish(std::vector<std::string>&) override {}
  void abort() noexcept override {}
  std::uint64_t size() const override { return 0; }

 private:
  void fail_at(std::string_view call) const {
    if (call == failing_) throw std::bad_alloc();
  }
  std::string failing_;
};

// Whether the file can still be finished after a tensor was added, or after adding it has failed.
bool is_open_after(const std::string& failing) {
  Draft draft;
  draft.form.encoder = source::find_writable("1.2").encoder;
  draft.target = std::make_unique<FailingTarget>(failing);
  const std::byte byte{};
  const ArrayView array{.dtype = DType::u8, .shape = {1}, .data = &byte};
  try {
    draft.begin_tensor("w", {}, 1, true);
    ArrayPieces pieces(array);
    const StoredPart stored = draft.store(pieces, DType::u8, {});
    draft.catalog.add_tensor("w", array.shape, "dense", {});
    if (failing == "part") throw std::bad_alloc();  // as add_part may
    draft.add_part(stored, "data", DType::u8);
    draft.end_tensor();
  } catch (...) {}
  return test::code_of([&] { draft.check_open(); }) != Code::usage;
}

TEST(WriterDraft, StaysUsableOnlyIfEachTensorIsWhole) {
  EXPECT_TRUE(is_open_after(""));
  EXPECT_TRUE(is_open_after("usage")) << "nothing was changed yet";
  for (const char* call : {"begin", "store", "part", "end"}) EXPECT_FALSE(is_open_after(call)) << call;
}

}  // namespace
}  // namespace zt::write
