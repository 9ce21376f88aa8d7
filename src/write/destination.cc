#include "write/destination.h"

#include <utility>

#include "io/publish.h"
#include "io/spool.h"
#include "io/target.h"

namespace zt::write {
namespace {

class PathDestination final : public Destination {
 public:
  PathDestination(std::filesystem::path path, io::PublishOptions options)
      : path_(std::move(path)), place_(io::absolute_path(path_)), options_(options) {}
  std::unique_ptr<Output> open() override {
    const std::filesystem::path& at = file_ == nullptr ? path_ : place_;  // messages name the caller's path
    auto file = std::make_unique<io::Publication>(at, options_);
    file_ = file.get();
    return std::make_unique<Output>(std::unique_ptr<io::WritableFile>(std::move(file)));
  }
  std::unique_ptr<Output> begin() override { return open(); }
  bool begins_with_file() const override { return true; }
  void publish(std::vector<std::string>& notes, const std::string& name) override {
    if (!name.empty()) file_->rename_target(name);
    file_->publish();
    const std::filesystem::path path = name.empty() ? path_ : path_.parent_path() / name;
    for (const std::string& note : file_->notes()) notes.push_back(path.string() + ": " + note);
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path place_;
  io::PublishOptions options_;
  io::Publication* file_ = nullptr;  // owned by the last Output
};

class SinkDestination final : public Destination {
 public:
  explicit SinkDestination(std::unique_ptr<ByteSink> sink) : sink_(std::move(sink)) {}
  std::unique_ptr<Output> open() override { return std::make_unique<Output>(std::move(sink_)); }
  std::unique_ptr<Output> begin() override {
    return std::make_unique<Output>(std::unique_ptr<io::WritableFile>(std::make_unique<io::Spool>()));
  }
  bool begins_with_file() const override { return false; }
  void publish(std::vector<std::string>&, const std::string&) override {}  // the sink has the bytes already

 private:
  std::unique_ptr<ByteSink> sink_;
};

}  // namespace

std::unique_ptr<Destination> to_path(const std::filesystem::path& path, WriteMode mode, bool durable) {
  const io::PublishOptions options{.create_new = mode != WriteMode::replace, .durable = durable};
  return std::make_unique<PathDestination>(path, options);
}

std::unique_ptr<Destination> to_sink(std::unique_ptr<ByteSink> sink) {
  return std::make_unique<SinkDestination>(std::move(sink));
}

}  // namespace zt::write
