#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>

#include "source/state.h"
#include "write/draft.h"
#include "write/move_plan.h"
#include "ztensor/options.h"
#include "ztensor/tensor.h"

namespace zt::write {

// Moves tensors of other sources: unchanged if both formats store the part alike, else decoded and stored anew. Stored
// bytes that several tensors of one source share are moved once. One owner.
class Mover {
 public:
  explicit Mover(Draft& draft) : draft_(draft) {}
  // Adds a tensor whose losses the caller has judged. `recode`: the encoding of every part, if given.
  void move(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);

 private:
  // A stored range of a source, how it is read, and whether its bytes are cleaned; for byte planes, also the elements and
  // whether the tensor is plain, because what they become depends on these. And the part that it became.
  using Range = std::tuple<std::uint16_t, std::uint64_t, std::uint64_t, model::Coding, std::uint32_t, std::uint8_t,
                           bool, ElementForm, bool>;
  struct Moved {
    StoredPart part;
    const model::PartRow* from = nullptr;  // the part of the source
  };

  const Form& form() const { return draft_.form; }
  const model::Holds& holds() const { return draft_.form.encoder->holds; }
  bool cleans(const model::PartRow& part) const;
  bool is_misplaced(model::Coding coding) const;
  DType dtype_of(const model::PartRow& part) const;
  void move_parts(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);
  void move_sparse(std::string_view name, const Tensor& tensor, std::optional<Encoding> recode);
  void add_row(std::string_view name, const Tensor& tensor);
  std::optional<StoredPart> find_tied(const Tensor& tensor, const model::PartRow& part, const Range& range, bool as_is);
  StoredPart store_part(const Tensor& tensor, const model::PartRow& part, std::optional<Encoding> recode);
  StoredPart store_moved(const model::PartRow& part, const MovePlan& plan);
  StoredPart store_decoded(const model::PartRow& part, const PartOptions& options);
  MovePlan plan_of(const model::PartRow& part, std::optional<Encoding> recode) const;
  PartOptions options_of(std::string_view digest, std::optional<Encoding> recode) const;

  Draft& draft_;
  std::shared_ptr<const SourceState> source_;  // the current source; held, so that its address stays unique
  std::map<Range, Moved> moved_;               // from the current source: tied tensors stay tied
};

}  // namespace zt::write
