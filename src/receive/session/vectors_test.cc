// The shared SMTP sessions (vectors/smtp-sessions, found through GATEHOUSE_SHARED) against the server, with a
// walk that keeps what it is given. tests/conformance runs the same sessions through the whole gateway.
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/text.h"
#include "receive/session/test_world.h"

namespace gatehouse::receive::session {
namespace {

using net::Task;
using testing::World;

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

/// The file's strings are Latin-1 in UTF-8 clothes.
std::string to_bytes(std::string_view utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto byte = static_cast<unsigned char>(utf8[i]);
        if (byte >= 0xC2 && byte <= 0xC3 && i + 1 < utf8.size()) {
            out += static_cast<char>((byte & 0x03) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
        } else {
            out += utf8[i];
        }
    }
    return out;
}

std::string expand(const boost::json::value& text, const std::string& id) {
    std::string out(text.as_string());
    out = replace_all(out, "{rcpt}", "user@gw.test");
    out = replace_all(out, "{dom}", "gw.test");
    out = replace_all(out, "{id}", id);
    static const std::regex kRepeat(R"(\{rep:(\d+):([^{}]*)\})");
    std::smatch match;
    while (std::regex_search(out, match, kRepeat)) {
        std::string repeated;
        for (int i = std::stoi(match[1]); i > 0; --i) repeated += match[2];
        out = match.prefix().str() + repeated + match.suffix().str();
    }
    return to_bytes(out);
}

/// What a hop would be sent.
std::string dot_stuffed(const std::string& content) {
    std::string out = replace_all(content, "\r\n.", "\r\n..");
    return out.starts_with(".") ? "." + out : out;
}

class Player {
  public:
    Player(World& world, const boost::json::object& session)
        : world_(world), session_(session), id_(session.at("id").as_string()) {}

    Task<void> play() {
        auto stream = co_await net::dial::connect(world_.io, world_.address, testing::soon());
        stream_.emplace(std::move(stream.value()));
        for (const auto& step : session_.at("steps").as_array()) {
            const auto& words = step.as_array();
            const std::string what(words.at(0).as_string());
            if (what == "send" || what == "sendbytes")
                co_await send(expand(words.at(1), id_), what == "sendbytes");
            if (what == "drain") co_await hear(99, std::chrono::seconds(1));
            if (what == "close") stream_->close();
            if (what == "wait") co_await world_.pause(std::chrono::milliseconds(200));
            if (what != "expect") continue;
            const auto count = words.size() > 2 ? words.at(2).as_int64() : 1;
            const std::string got = co_await hear(count, std::chrono::seconds(20));
            const std::regex wanted(std::string(words.at(1).as_string()), std::regex::ECMAScript);
            EXPECT_TRUE(std::regex_search(got, wanted))
                << id_ << ": wanted " << words.at(1) << ", got " << got;
            if (!std::regex_search(got, wanted) && words.size() > 4) break;
        }
        stream_->close();
        co_await world_.until([this] { return world_.server->open_sessions() == 0; });
    }

    void judge() const {
        const auto* judge = session_.if_contains("judge");
        if (judge == nullptr) return;
        const auto& object = judge->as_object();
        const auto number = [&](const char* key, std::int64_t otherwise) {
            return object.contains(key) ? object.at(key).as_int64() : otherwise;
        };
        const auto count = static_cast<std::int64_t>(world_.walk.messages.size());
        EXPECT_GE(count, number("min_deliveries", 0)) << id_;
        EXPECT_LE(count, number("max_deliveries", 1'000)) << id_;
        for (const auto& message : world_.walk.messages) {
            const std::string raw = dot_stuffed(message.bytes);
            EXPECT_FALSE(std::regex_search(raw, std::regex("\r[^\n]|[^\r]\n"))) << id_;
            if (object.contains("want_raw")) {
                const std::regex wanted(std::string(object.at("want_raw").as_string()));
                EXPECT_TRUE(std::regex_search(raw, wanted)) << id_;
            }
            if (object.contains("forbid_raw")) {
                const std::regex forbidden(std::string(object.at("forbid_raw").as_string()));
                EXPECT_FALSE(std::regex_search(raw, forbidden)) << id_;
            }
        }
    }

  private:
    Task<void> send(std::string bytes, bool one_by_one) {
        const std::size_t portion = one_by_one ? 1 : bytes.size();
        for (std::size_t at = 0; at < bytes.size() && stream_->is_open(); at += portion) {
            [[maybe_unused]] const auto sent =
                co_await stream_->write_all(std::string_view(bytes).substr(at, portion), testing::soon());
        }
    }

    /// The last lines of `count` replies, or what came of them.
    Task<std::string> hear(std::int64_t count, std::chrono::milliseconds patience) {
        std::string out;
        const auto deadline = testing::in(patience);
        while (count > 0) {
            const auto end = buffer_.find("\r\n");
            if (end != std::string::npos) {
                const std::string line = buffer_.substr(0, end);
                buffer_.erase(0, end + 2);
                if (line.size() > 3 && line[3] == '-') continue;
                out += (out.empty() ? "" : "\n") + line;
                --count;
                continue;
            }
            std::array<char, 4096> block;
            const auto got = co_await stream_->read_some(block, deadline);
            if (!got && got.error().fault == base::Fault::timed_out) break;
            if (!got || *got == 0) {
                out += (out.empty() ? "CLOSED" : "\nCLOSED");
                break;
            }
            buffer_.append(block.data(), *got);
        }
        co_return out;
    }

    World& world_;
    const boost::json::object& session_;
    const std::string id_;
    std::optional<net::Stream> stream_;
    std::string buffer_;
};

std::filesystem::path vectors() {
    const char* given = std::getenv("GATEHOUSE_SHARED");
    const std::filesystem::path shared = given != nullptr ? given : GATEHOUSE_SOURCE_ROOT "/../shared";
    return shared / "vectors/smtp-sessions/sessions.jsonl";
}

TEST(SharedSessions, AllPass) {
    std::ifstream file(vectors());
    if (!file) GTEST_SKIP() << "shared: absent (" << vectors() << ")";
    std::string line;
    int played = 0;
    while (std::getline(file, line)) {
        if (base::trim(line).empty()) continue;
        const auto session = boost::json::parse(line).as_object();
        World world;
        world.use_tls();
        auto player = std::make_unique<Player>(world, session);
        world.play([&](World&) { return player->play(); });
        player->judge();
        ++played;
    }
    EXPECT_GT(played, 0);
}

}  // namespace
}  // namespace gatehouse::receive::session
