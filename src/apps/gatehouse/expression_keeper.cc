#include "apps/gatehouse/expression_keeper.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "apps/gatehouse/child.h"
#include "base/fd_passing.h"
#include "base/log.h"
#include "base/text.h"
#include "inspect/find/expressions.h"
#include "ipc/channel.h"
#include "ipc/expression_source.pb.h"
#include "ipc/memfd.h"
#include "lists/generation.h"
#include "message/expression_list.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;
using message::ExpressionList;

namespace {

// For one expression, and for putting all together. Those that are taken need milliseconds; what needs this
// long on an idle machine is hostile, and on a busy one there is room.
constexpr int kExpressionTime = 20'000;
constexpr int kAllTime = 300'000;
constexpr std::size_t kGenerationsKept = 2;

pb::ExpressionSource source_of(const std::vector<ExpressionList>& lists) {
    pb::ExpressionSource source;
    for (const auto& list : lists) {
        auto& to = *source.add_lists();
        to.set_name(list.name);
        to.set_match(static_cast<std::uint32_t>(list.match));
        to.set_threshold(list.threshold);
        to.set_fields(list.fields);
        for (const auto& one : list.expressions) {
            auto& item = *to.add_items();
            item.set_pattern(one.pattern);
            item.set_score(one.score);
            item.set_case_sensitive(one.case_sensitive);
            item.set_file(one.place.file);
            item.set_line(one.place.line);
        }
    }
    return source;
}

/// The child that compiles; killed when it is not needed any more.
class Builder {
  public:
    static Result<Builder> start(const Config& config) {
        GATEHOUSE_TRY(const std::string program, program_beside("gatehouse-inspector"));
        GATEHOUSE_TRY(auto pair, base::make_socket_pair());
        std::vector<std::string> words{"gatehouse-inspector", "--compile-expressions", "3"};
        if (const unsigned uid = config.role_uid("inspector"); uid != 0)
            words.insert(words.end(), {"--user", fmt::format("{}:{}", uid, config.group_id())});
        GATEHOUSE_TRY(const pid_t pid, start_child({program, words, {pair.second.get()}}));
        return Builder(pid, std::move(pair.first));
    }
    Builder(Builder&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)) {}
    Builder& operator=(Builder&&) = delete;
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;
    ~Builder() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    ipc::Channel& channel() { return channel_; }

  private:
    Builder(pid_t pid, base::Fd socket)
        : pid_(pid), channel_(std::move(socket), base::kInspectorFrameLimit) {}
    pid_t pid_;
    ipc::Channel channel_;
};

/// What is to be said of the one that was being compiled when the compiler failed.
std::unexpected<base::Error> gave_up(const std::vector<ExpressionList>& lists, std::optional<std::size_t> at,
                                     std::string_view why) {
    std::size_t left = at.value_or(0);
    for (const auto& list : lists) {
        if (at && left < list.expressions.size()) {
            const auto& one = list.expressions[left];
            return base::fail(Fault::usage, "{}: the expression \"{}\" is refused: compiling it {}",
                              one.place.to_string(), base::printable(one.pattern, 120), why);
        }
        left -= std::min(left, list.expressions.size());
    }
    return base::fail(Fault::limit, "compiling the keyword lists {}", why);
}

Result<std::string> take_payload(ipc::Channel& channel, std::uint64_t size) {
    const auto file = channel.take_fd();
    if (!file) return base::fail(Fault::malformed, "the compiler of expressions sent no file");
    GATEHOUSE_TRY(const auto mapping, ipc::Mapping::map(file->get(), 2 * inspect::find::kMaxExpressionData));
    if (mapping.bytes().size() != size)
        return base::fail(Fault::malformed, "the compiled expressions are cut");
    return std::string(mapping.bytes());
}

Result<std::string> compile(const Config& config, const std::vector<ExpressionList>& lists) {
    GATEHOUSE_TRY(auto builder, Builder::start(config));
    auto& channel = builder.channel();
    GATEHOUSE_CHECK(channel.send(source_of(lists).SerializeAsString(), {}, kExpressionTime));
    std::size_t count = 0;
    for (const auto& list : lists) count += list.expressions.size();
    std::optional<std::size_t> at;
    while (true) {
        const auto frame = channel.receive(at && *at >= count ? kAllTime : kExpressionTime);
        if (!frame && frame.error().fault == Fault::timed_out) return gave_up(lists, at, "takes too long");
        if (!frame) return gave_up(lists, at, "needs too much memory, or broke the compiler");
        pb::ExpressionAnswer answer;
        if (!answer.ParseFromString(*frame))
            return base::fail(Fault::malformed, "the compiler of expressions answers nonsense");
        if (answer.has_next()) at = answer.next();
        if (answer.has_made()) return take_payload(channel, answer.made());
        if (answer.has_refused())
            return base::fail(
                answer.fault() == static_cast<std::uint32_t>(Fault::usage) ? Fault::usage : Fault::limit,
                "{}", answer.refused());
    }
}

Result<base::Fd> seal(std::string_view bytes) {
    GATEHOUSE_TRY(auto file, ipc::Memfd::make("expressions"));
    GATEHOUSE_CHECK(file.append(bytes));
    return std::move(file).seal();
}

/// This node's key for lists, made at the first need.
Result<lists::SigningKey> node_key(const Config& config) {
    const auto path = config.state_path("keys/lists.key");
    if (std::filesystem::exists(path)) {
        GATEHOUSE_TRY(const auto seed, base::read_file(path, 4096));
        auto key = lists::SigningKey::from_seed(seed);
        if (!key)
            return base::fail(Fault::malformed, "{}: {}; remove it and a new one is made", path,
                              key.error().sentence);
        return key;
    }
    auto key = lists::SigningKey::make();
    GATEHOUSE_CHECK(base::replace_file(path, key.seed(), 0600));
    return key;
}

/// Numbers of the generations that are kept, ascending.
std::vector<std::uint64_t> kept(const std::string& folder) {
    std::vector<std::uint64_t> numbers;
    const auto names = base::list_folder(folder);
    if (!names) return numbers;
    for (const auto& name : *names) {
        if (const auto number = base::parse_unsigned(name); number) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

/// What is kept of these lists, if it is ours, whole, and of this machine.
std::optional<std::string> find_kept(const std::string& folder, std::span<const std::uint64_t> numbers,
                                     std::string_view digest, const lists::SigningKey& key) {
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        auto bytes =
            base::read_file(fmt::format("{}/{}", folder, *number), 2 * inspect::find::kMaxExpressionData);
        if (!bytes) continue;
        const auto read = lists::read_generation(*bytes, lists::kExpressions, key.public_key());
        if (!read) {
            base::log(base::LogLevel::warning, "{}/{} is not used: {}", folder, *number,
                      read.error().sentence);
        } else if (read->info.source == digest && inspect::find::Expressions::load(read->payload)) {
            return std::move(*bytes);
        }
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> compile_expressions_of(const Config& config) {
    GATEHOUSE_TRY(const auto lists, message::read_expression_lists(config.revision.policy));
    if (lists.empty()) return "";
    return compile(config, lists);
}

Result<base::Fd> make_expressions(const Config& config) {
    GATEHOUSE_TRY(const auto lists, message::read_expression_lists(config.revision.policy));
    if (lists.empty()) return base::Fd();
    GATEHOUSE_TRY(const auto payload, compile(config, lists));
    return seal(lists::make_generation({std::string(lists::kExpressions), 0, 0, message::digest_of(lists)},
                                       payload, nullptr));
}

Result<void> ExpressionKeeper::use(const Config& config, const base::Clock& clock) {
    GATEHOUSE_TRY(const auto wanted, message::read_expression_lists(config.revision.policy));
    const auto digest = message::digest_of(wanted);
    if (digest == digest_) return {};
    if (wanted.empty()) {
        current_.reset();
        digest_.clear();
        number_ = 0;
        return {};
    }
    GATEHOUSE_TRY(const auto key, node_key(config));
    const auto folder = config.state_path(fmt::format("generations/{}", lists::kExpressions));
    GATEHOUSE_CHECK(base::make_folders(folder, 0700));
    auto numbers = kept(folder);
    auto bytes = find_kept(folder, numbers, digest, key);
    if (!bytes) {
        GATEHOUSE_TRY(const auto payload, compile(config, wanted));
        const auto number = numbers.empty() ? 1 : numbers.back() + 1;
        const auto made = std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch());
        bytes = lists::make_generation(
            {std::string(lists::kExpressions), number, static_cast<std::uint64_t>(made.count()), digest},
            payload, &key);
        GATEHOUSE_CHECK(base::replace_file(fmt::format("{}/{}", folder, number), *bytes, 0600));
        numbers.push_back(number);
    }
    GATEHOUSE_TRY(const auto read, lists::read_generation(*bytes, lists::kExpressions, key.public_key()));
    GATEHOUSE_TRY(current_, seal(*bytes));
    digest_ = digest;
    number_ = read.info.number;
    std::erase(numbers, number_);
    for (std::size_t i = 0; i + kGenerationsKept <= numbers.size(); ++i) {
        std::error_code error;
        std::filesystem::remove(fmt::format("{}/{}", folder, numbers[i]), error);
    }
    base::log(base::LogLevel::info, "keyword lists: generation {}, {} lists", number_, wanted.size());
    return {};
}

}  // namespace gatehouse::apps
