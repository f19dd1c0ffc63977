#include "act/quarantine/quarantine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/memfd.h"
#include "store/schema.h"

namespace gatehouse::act::quarantine {
namespace {

using base::fail;
using base::fail_errno;
using base::Fault;
using base::ItemId;
using base::LogLevel;
using base::Result;

constexpr unsigned kFolderMode = 02770;
constexpr mode_t kFileMode = 0660;
constexpr std::uint64_t kMaxMessage = 1ULL << 30;
constexpr std::int64_t kMaxNamed = 10;

Result<void> delete_file(const std::string& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return fail_errno(Fault::unavailable, fmt::format("cannot delete {}", path), errno);
}

}  // namespace

Result<std::unique_ptr<Quarantine>> Quarantine::open(const QuarantineOptions& options) {
    GATEHOUSE_CHECK(base::make_folders(options.folder, kFolderMode));
    GATEHOUSE_TRY(auto hold, store::Hold::take(options.folder + "/lock", options.who));
    GATEHOUSE_TRY(auto index, Index::open(options.database));
    auto quarantine = std::unique_ptr<Quarantine>(new Quarantine(options, std::move(hold), std::move(index)));
    GATEHOUSE_CHECK(quarantine->remove_orphans());
    return quarantine;
}

std::string Quarantine::path_of(const ItemId& id) const {
    return options_.folder + "/" + id.to_file_name();
}

Result<void> Quarantine::remove_orphans() {
    GATEHOUSE_TRY(const auto present, index_.present());
    GATEHOUSE_TRY(const auto names, base::list_folder(options_.folder));
    const auto is_known = [&](const ItemId& id) {
        const auto at =
            std::lower_bound(present.begin(), present.end(), id,
                             [](const auto& item, const ItemId& wanted) { return item.first < wanted; });
        return at != present.end() && at->first == id;
    };
    for (const auto& name : names) {
        const auto id = ItemId::from_file_name(name);
        if (!id || is_known(*id)) continue;
        GATEHOUSE_CHECK(delete_file(path_of(*id)));
        ++orphans_removed_;
    }
    if (orphans_removed_ == 0) return {};
    base::log(LogLevel::warning, "quarantine: removed {} files that were never finished or already deleted",
              orphans_removed_);
    return base::sync_folder(options_.folder);
}

Result<void> Quarantine::write_file(const ItemInfo& info, const store::SealKey& key,
                                    std::string_view message) const {
    const auto path = path_of(info.id);
    const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (!file) {
        if (errno == EEXIST)
            return fail(Fault::refused, "item {} is in quarantine already", info.id.to_string());
        return fail_errno(Fault::unavailable, fmt::format("cannot make {}", path), errno);
    }
    auto done = store::seal(file.get(), info.id.to_string(), key, message);
    if (done && ::fsync(file.get()) != 0) {
        done = fail_errno(Fault::unavailable, fmt::format("cannot sync {}", path), errno);
    }
    if (done) done = base::sync_folder(options_.folder);
    if (!done) (void)delete_file(path);
    return done;
}

Result<void> Quarantine::put(const ItemInfo& info, std::string_view message) {
    if (message.size() > kMaxMessage)
        return fail(Fault::limit, "a message of {} bytes is too large", message.size());
    const auto key = store::SealKey::make();
    GATEHOUSE_CHECK(write_file(info, key, message));
    const std::lock_guard lock(mutex_);
    auto done = base::FaultPoints::pass(base::FaultPoint::front_after_item_file);
    if (done) done = index_.add(info, message.size(), key);
    if (!done) (void)delete_file(path_of(info.id));
    return done;
}

Result<void> Quarantine::put(const ItemInfo& info, int sealed_fd) {
    GATEHOUSE_TRY(const auto mapping, ipc::Mapping::map(sealed_fd, kMaxMessage));
    return put(info, mapping.bytes());
}

bool Quarantine::is_damaged(const Item& item) const {
    if (item.state == State::deleted) return false;
    struct stat status{};
    if (::stat(path_of(item.info.id).c_str(), &status) != 0) return true;
    const auto expected = store::sealed_size(item.info.id.to_string(), item.size);
    return item.damaged || static_cast<std::uint64_t>(status.st_size) != expected;
}

Result<std::vector<Item>> Quarantine::list(const ListFilter& filter) {
    const std::lock_guard lock(mutex_);
    GATEHOUSE_TRY(auto items, index_.list(filter));
    for (auto& item : items) item.damaged = is_damaged(item);
    return items;
}

Result<Item> Quarantine::show(std::string_view id) {
    const auto slash = id.find('/');
    std::uint32_t group = 0;
    if (slash != std::string_view::npos) {
        const auto number = base::parse_unsigned(id.substr(slash + 1));
        if (!number || *number == 0 || *number > ItemId::kMaxGroup) {
            return fail(Fault::usage, "\"{}\" is not an item id such as 7Q3K-M8TD-0VZ2-6XNB/1",
                        base::printable(id, 64));
        }
        group = static_cast<std::uint32_t>(*number);
    }
    GATEHOUSE_TRY(const auto range, base::parse_reference_prefix(id.substr(0, slash)));
    const std::lock_guard lock(mutex_);
    GATEHOUSE_TRY(auto items, index_.find(range, group, kMaxNamed + 1));
    if (items.empty()) return fail(Fault::not_found, "there is no item {} in quarantine", id);
    if (items.size() == 1) {
        items.front().damaged = is_damaged(items.front());
        return std::move(items.front());
    }
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), kMaxNamed); ++i) {
        names += (i == 0 ? "" : ", ") + items[i].info.id.to_string();
    }
    return fail(Fault::usage, "{} stands for several items: {}{}; give more of it", id, names,
                items.size() > kMaxNamed ? " and more" : "");
}

Result<std::vector<Attempt>> Quarantine::attempts(const ItemId& id) {
    const std::lock_guard lock(mutex_);
    return index_.attempts(id);
}

Result<std::vector<Sight>> Quarantine::sights(const ItemId& id) {
    const std::lock_guard lock(mutex_);
    return index_.sights(id);
}

Result<void> Quarantine::note_sight(const ItemId& id, const Sight& sight) {
    const std::lock_guard lock(mutex_);
    return index_.add_sight(id, sight);
}

Result<void> Quarantine::read(const ItemId& id, const store::UnsealSink& sink) {
    auto key = [&] {
        const std::lock_guard lock(mutex_);
        return index_.key(id);
    }();
    if (!key) return std::unexpected(key.error());
    const base::Fd file(::open(path_of(id).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return fail_errno(errno == ENOENT ? Fault::malformed : Fault::unavailable,
                          fmt::format("item {}: its file cannot be opened", id.to_string()), errno);
    }
    auto done = store::unseal(file.get(), id.to_string(), *key, sink);
    if (!done && done.error().fault == Fault::malformed) {
        return fail(Fault::malformed, "item {}: {}", id.to_string(), done.error().sentence);
    }
    return done;
}

Result<base::Fd> Quarantine::open_sealed(const ItemId& id) {
    GATEHOUSE_TRY(auto file, ipc::Memfd::make("quarantine"));
    GATEHOUSE_CHECK(read(id, [&](std::string_view bytes) { return file.append(bytes); }));
    return std::move(file).seal();
}

Result<std::uint32_t> Quarantine::mark_released(const ItemId& id, const Attempt& attempt) {
    const std::lock_guard lock(mutex_);
    return index_.add_attempt(id, attempt);
}

Result<void> Quarantine::remove(const ItemId& id, const Sight& sight) {
    const std::lock_guard lock(mutex_);
    GATEHOUSE_CHECK(index_.erase(id, sight));
    GATEHOUSE_CHECK(delete_file(path_of(id)));
    GATEHOUSE_CHECK(base::sync_folder(options_.folder));
    scrub_locked();
    for (const auto& copy : store::copies_of(options_.database)) GATEHOUSE_CHECK(erase_in_copy(copy, id));
    return {};
}

void Quarantine::scrub_locked() {
    const auto done = index_.scrub();
    scrub_pending_ = !done;
    if (!done)
        base::log(LogLevel::warning, "quarantine: a deleted key is still in the database's log: {}",
                  done.error().sentence);
}

Result<void> Quarantine::tidy() {
    const std::lock_guard lock(mutex_);
    if (!scrub_pending_) return {};
    GATEHOUSE_CHECK(index_.scrub());
    scrub_pending_ = false;
    return {};
}

}  // namespace gatehouse::act::quarantine
