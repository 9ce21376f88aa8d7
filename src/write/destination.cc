#include "write/destination.h"

#include <utility>

#include "io/publish.h"
#include "io/spool.h"
#include "io/target.h"
#include "ztensor/paths.h"

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
  void publish(std::vector<std::string>& notes) override {
    file_->publish();
    add_notes(path_, notes);
  }
  bool publish_as(const std::string& name, std::vector<std::string>& notes) override {
    if (!file_->publish_as(name)) return false;
    add_notes(path_.parent_path() / path_of(name), notes);
    return true;
  }

 private:
  void add_notes(const std::filesystem::path& path, std::vector<std::string>& notes) const {
    for (const std::string& note : file_->notes()) notes.push_back(utf8_of(path) + ": " + note);
  }

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
  void publish(std::vector<std::string>&) override {}  // the sink has the bytes already
  bool publish_as(const std::string&, std::vector<std::string>&) override { return true; }

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
