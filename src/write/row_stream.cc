#include "write/row_stream.h"

#include <algorithm>
#include <optional>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/spool.h"
#include "write/array_pieces.h"
#include "write/attributes.h"
#include "write/layouts.h"
#include "write/names.h"
#include "write/shard_target.h"
#include "ztensor/error.h"

namespace zt::write {
namespace {

// The bytes of a part in a temporary file.
class SpooledPieces final : public Pieces {
 public:
  explicit SpooledPieces(Output& spool) : spool_(spool) {}
  std::uint64_t length() const override { return spool_.position(); }
  bool ordered() const override { return true; }
  void read(std::size_t piece, std::span<std::byte> out, read::Scratch&) override {
    spool_.read_back(std::uint64_t{piece} * read::kPieceBytes, out);
  }

 private:
  Output& spool_;
};

// The shape with so many rows.
Shape with_rows(Shape shape, std::uint64_t rows) {
  shape.front() = rows;
  return shape;
}

// The bytes of all rows, if 64 bits count them.
std::optional<std::uint64_t> length_of(const Shape& shape, DType dtype) {
  const auto elements = checked::elements(shape);
  return elements ? byte_length(dtype, *elements) : std::nullopt;
}

void check_rows(const Shape& shape, DType dtype) {
  if (shape.empty())
    throw Error(Code::usage, "", "a tensor without dimensions has no rows to stream: add it as a whole");
  const Shape one = with_rows(shape, 1);
  if (!length_of(one, dtype)) throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
  if (!fills_bytes(dtype, *checked::elements(one))) {
    throw Error(Code::unsupported, "",
                "a row has an odd number of float4 elements, so the second row would begin inside a byte: add the "
                "tensor as a whole");
  }
}

}  // namespace

RowStream::RowStream(Draft& draft, std::string_view name, const Shape& shape, DType dtype, const AddOptions& options)
    : draft_(draft), name_(name), shape_(shape), dtype_(dtype) {
  const Form& form = draft.form;
  check_rows(shape, dtype);
  const bool is_known = shape.front() != kUnknownRows;
  const Shape first = is_known ? shape : with_rows(shape, 1);
  if (shape.size() > form.options.limits.rank)
    throw Error(Code::usage, "", "the shape has more than " + std::to_string(form.options.limits.rank) + " dimensions");
  check_unreserved(options.attributes, false);
  if (options.delta) throw Error(Code::usage, "", "a tensor that is streamed is stored whole: leave delta out");
  attributes_ = form.attributes_of(options.attributes, false);
  options_ = form.part_options(options);
  options_.form = model::element_form(dtype);
  const PartView data{"data", {.dtype = dtype, .shape = first, .data = nullptr}};
  check_part(data, *form.encoder);
  check_layout(first, "dense", {&data, 1}, attributes_, *form.encoder);
  if (form.canonical) check_normal_form(name);
  std::optional<std::uint64_t> length;
  if (is_known) length = length_of(shape, dtype);
  draft.broken = true;
  direct_ = draft.target->stream(options_, length, *draft.meter);
  draft.broken = false;
  if (!direct_) spool_ = std::make_unique<Output>(std::unique_ptr<io::WritableFile>(new io::Spool()));
  draft.streamed = name_;
  number_ = ++draft.stream;
}

bool RowStream::is_open() const { return !draft_.streamed.empty() && draft_.stream == number_ && draft_.open; }

void RowStream::check_open() const {
  if (!draft_.made_by.is_this_process()) {
    throw Error(Code::usage, "", "the stream belongs to the process that made it: make a new writer in this process");
  }
  if (!is_open()) throw Error(Code::usage, "", "the stream is finished or cancelled");
  if (failed_) throw Error(Code::usage, "", "an earlier write failed: the stream can only be cancelled");
}

void RowStream::check_chunk(const ArrayView& chunk) const {
  if (chunk.dtype != dtype_) {
    throw Error(Code::usage, "",
                "the chunk is " + std::string(dtype_name(chunk.dtype)) + ", but the tensor is " +
                    std::string(dtype_name(dtype_)));
  }
  const bool fits =
      chunk.shape.size() == shape_.size() && std::equal(chunk.shape.begin() + 1, chunk.shape.end(), shape_.begin() + 1);
  if (!fits) {
    const Shape row(shape_.begin() + 1, shape_.end());
    throw Error(Code::usage, "",
                "the chunk has shape " + shape_text(chunk.shape) + ": expected rows of shape " + shape_text(row));
  }
  const auto rows = checked::add(rows_, chunk.shape.front());
  if (!rows || (shape_.front() != kUnknownRows && *rows > shape_.front())) {
    throw Error(Code::usage, "",
                "the chunk has " + std::to_string(chunk.shape.front()) + " rows, but after " + std::to_string(rows_) +
                    " rows the tensor of " + std::to_string(shape_.front()) + " rows has no room for them");
  }
  if (!length_of(with_rows(shape_, *rows), dtype_))
    throw Error(Code::usage, "", "the shape has more elements than 64 bits count");
}

void RowStream::write(const ArrayView& chunk) {
  check_open();
  if (chunk.shape.empty()) throw Error(Code::usage, "", "the chunk has no dimensions: give whole rows");
  check_chunk(chunk);
  ArrayPieces pieces(chunk);  // throws usage for arrays that contradict themselves
  failed_ = true;             // until all rows of the chunk are stored
  draft_.broken = direct_ != nullptr;
  if (const auto memory = pieces.in_memory(); !memory.empty()) {
    put(memory);
  } else {
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(read::kPieceBytes, pieces.length())));
    read::Scratch scratch;
    for (std::uint64_t at = 0; at < pieces.length(); at += piece.size()) {
      piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), pieces.length() - at)));
      pieces.read(static_cast<std::size_t>(at / read::kPieceBytes), piece, scratch);
      put(piece);
    }
  }
  draft_.broken = false;
  failed_ = false;
  rows_ += chunk.shape.front();
}

void RowStream::write(DType dtype, std::span<const std::byte> bytes) {
  const std::uint64_t row = *length_of(with_rows(shape_, 1), dtype_);
  if (dtype == dtype_ && (row == 0 ? !bytes.empty() : bytes.size() % row != 0)) {
    throw Error(
        Code::usage, "",
        std::to_string(bytes.size()) + " bytes are no whole number of rows of " + std::to_string(row) + " bytes");
  }
  write(ArrayView{.dtype = dtype, .shape = with_rows(shape_, row == 0 ? 0 : bytes.size() / row), .data = bytes.data()});
}

void RowStream::put(std::span<const std::byte> bytes) {
  if (direct_) {
    direct_->write(bytes);
  } else {
    spool_->write(bytes);
  }
}

Shape RowStream::whole_shape() const { return with_rows(shape_, rows_); }

// Ends the part. For a spooled one, this is where the tensor begins.
StoredPart RowStream::stored() {
  if (direct_) {
    draft_.broken = true;  // until the tensor has its part
    return direct_->end();
  }
  spool_->flush();
  SpooledPieces pieces(*spool_);
  const std::uint64_t texts = name_.size() + attributes_.size() + std::string_view("densedata").size();
  const std::uint64_t bound =
      checked::add_up(stored_bound(pieces.length(), options_), shard_overhead(draft_.form, 1, shape_.size(), texts));
  draft_.begin_tensor(name_, whole_shape(), bound, true);
  return draft_.store(pieces, dtype_, options_);
}

void RowStream::finish() {
  check_open();
  if (shape_.front() != kUnknownRows && rows_ != shape_.front()) {
    throw Error(Code::usage, "",
                "the stream has " + std::to_string(rows_) + " of " + std::to_string(shape_.front()) +
                    " rows: write the others, or cancel the stream");
  }
  failed_ = true;
  const StoredPart part = stored();
  draft_.catalog.add_tensor(name_, whole_shape(), "dense", attributes_);
  draft_.add_part(part, "data", dtype_);
  draft_.end_tensor();
  draft_.streamed.clear();
}

void RowStream::cancel() noexcept {
  if (!draft_.made_by.is_this_process() || !is_open()) return;
  draft_.streamed.clear();
  if (!direct_ || draft_.broken) return;
  draft_.broken = true;
  try {
    direct_->drop();
    draft_.broken = false;
  } catch (...) {  // NOLINT(bugprone-empty-catch): the draft stays broken, and every later call says so
  }
}

}  // namespace zt::write
