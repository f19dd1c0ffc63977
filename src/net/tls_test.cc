#include "net/tls.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "net/certificate.h"
#include "net/test_support.h"

namespace gatehouse::net {
namespace {

using std::chrono::milliseconds;
using testing::in;
using testing::soon;

base::WallTime now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

class TlsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() / ("gatehouse-tls-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
        install(make_self_signed("mx.example.com", now()).value());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void install(const PemPair& pem) {
        std::ofstream(folder_ / "cert.pem") << pem.certificate;
        std::ofstream(folder_ / "key.pem") << pem.key;
    }
    base::Result<PemPair> files() const { return read_pem(folder_ / "cert.pem", folder_ / "key.pem"); }
    std::unique_ptr<TlsContext> server() { return TlsContext::make_server(files().value()).value(); }
    std::unique_ptr<TlsContext> verifying_client(const base::Clock* clock = nullptr) {
        return TlsContext::make_client(
                   {.trust = TlsTrust::verify, .trust_file = folder_ / "cert.pem", .clock = clock})
            .value();
    }
    std::filesystem::path folder_;
    Io io_{kLoopHint};
    testing::StreamPair pair_ = testing::make_stream_pair(io_);
    std::unique_ptr<TlsContext> any_ = TlsContext::make_client({}).value();
};

std::string word(const base::Result<void>& outcome) {
    return outcome ? "ok" : std::string(to_string(outcome.error().fault)) + ": " + outcome.error().sentence;
}

Task<void> serve(Stream& stream, TlsContext& context, std::string& outcome) {
    const auto shaken = co_await stream.accept_tls(context, soon());
    outcome = word(shaken);
    if (!shaken) co_return;
    std::array<char, 20'000> buffer;
    while (true) {  // an echo
        const auto got = co_await stream.read_some(buffer, soon());
        if (!got || *got == 0) break;
        const auto sent = co_await stream.write_all({buffer.data(), *got}, soon());
        if (!sent) break;
    }
    stream.close();
}

Task<void> talk(Stream& stream, TlsContext& context, std::string name, std::string& outcome) {
    const auto shaken = co_await stream.connect_tls(context, name, soon());
    outcome = word(shaken);
    if (!shaken) co_return;
    for (const std::size_t size : {std::size_t{1}, std::size_t{16'384}, std::size_t{1'000'000}}) {
        const std::string bytes(size, 'x');
        std::string back;
        std::size_t sent = 0;
        while (sent < size) {
            const auto piece = std::string_view(bytes).substr(sent, 15'000);
            const auto written = co_await stream.write_all(piece, soon());
            if (!written) co_return;
            sent += piece.size();
            const auto echoed = co_await testing::read_bytes(stream, piece.size());
            back += echoed;
        }
        EXPECT_TRUE(back == bytes);
    }
    stream.close();
}

Task<void> only_connect(Stream& stream, TlsContext& context, std::string name, std::string& outcome) {
    const auto shaken = co_await stream.connect_tls(context, name, soon());
    outcome = word(shaken);
    if (shaken && stream.tls()->verified) outcome += " verified";
    stream.close();
}

TEST_F(TlsTest, CarriesBytesBothWays) {
    auto context = server();
    std::string at_server;
    std::string at_client;
    testing::start(io_, serve(pair_.left, *context, at_server));
    testing::start(io_, talk(pair_.right, *any_, "mx.example.com", at_client));
    io_.run();
    EXPECT_EQ(at_server, "ok");
    EXPECT_EQ(at_client, "ok");
    EXPECT_EQ(pair_.right.tls()->version, "TLSv1.3");
    EXPECT_THAT(pair_.right.tls()->cipher, ::testing::HasSubstr("_"));
    EXPECT_FALSE(pair_.right.tls()->verified);
}

TEST_F(TlsTest, VerifiesNameAuthorityAndTime) {
    auto context = server();
    const base::Clock future(now() + std::chrono::days(4000));
    struct Try {
        std::unique_ptr<TlsContext> client;
        std::string name;
        std::string expected;
    };
    std::vector<Try> tries;
    tries.push_back({verifying_client(), "mx.example.com", "ok verified"});
    tries.push_back({verifying_client(), "other.example.com", "hostname mismatch"});
    tries.push_back({verifying_client(), "192.0.2.1", "IP address mismatch"});
    tries.push_back({verifying_client(), "", "usage"});
    tries.push_back({verifying_client(&future), "mx.example.com", "expired"});
    tries.push_back(
        {TlsContext::make_client({.trust = TlsTrust::verify, .trust_file = "", .clock = nullptr}).value(),
         "mx.example.com", "self-signed"});
    for (const auto& one : tries) {
        auto pair = testing::make_stream_pair(io_);
        std::string at_server;
        std::string at_client;
        testing::start(io_, serve(pair.left, *context, at_server));
        testing::start(io_, only_connect(pair.right, *one.client, one.name, at_client));
        io_.run();
        io_.restart();
        EXPECT_THAT(at_client, ::testing::HasSubstr(one.expected));
    }
}

TEST_F(TlsTest, ExchangesForNewSessionsAndKeepsTheOldOnFailure) {
    auto context = server();
    std::ofstream(folder_ / "key.pem") << "rubbish";
    const auto rubbish = files();
    ASSERT_FALSE(rubbish);
    EXPECT_THAT(rubbish.error().sentence, ::testing::HasSubstr("key.pem"));
    EXPECT_FALSE(context->exchange({"", ""}));
    install(make_self_signed("mx.example.com", now()).value());
    std::string at_server;
    std::string at_client;
    auto old_pair = testing::make_stream_pair(io_);
    testing::start(io_, serve(old_pair.left, *context, at_server));
    auto client = verifying_client();  // trusts the new certificate only
    testing::start(io_, talk(old_pair.right, *client, "mx.example.com", at_client));
    io_.run();
    io_.restart();
    EXPECT_THAT(at_client, ::testing::HasSubstr("not trusted"));
    ASSERT_TRUE(context->exchange(files().value()));
    testing::start(io_, serve(pair_.left, *context, at_server));
    testing::start(io_, talk(pair_.right, *client, "mx.example.com", at_client));
    io_.run();
    EXPECT_EQ(at_client, "ok");
}

TEST_F(TlsTest, RefusesKeysThatDoNotFit) {
    const auto one = make_self_signed("a.example", now()).value();
    const auto other = make_self_signed("a.example", now()).value();
    EXPECT_FALSE(TlsContext::make_server(PemPair{one.certificate, other.key}));
    EXPECT_FALSE(TlsContext::make_server(PemPair{"", one.key}));
    EXPECT_FALSE(TlsContext::make_server(PemPair{one.certificate, ""}));
    EXPECT_FALSE(read_pem(folder_ / "none.pem", folder_ / "key.pem"));
    EXPECT_FALSE(TlsContext::make_client(
        {.trust = TlsTrust::verify, .trust_file = folder_ / "none.pem", .clock = nullptr}));
}

Task<void> clear_bytes(Stream& stream, std::string bytes) {
    const auto sent = co_await stream.write_all(bytes, soon());
    EXPECT_TRUE(sent);
}

TEST_F(TlsTest, ClearBytesInPlaceOfAHandshakeFail) {
    auto context = server();
    std::string at_server;
    testing::start(io_, serve(pair_.left, *context, at_server));
    testing::start(io_, clear_bytes(pair_.right, "MAIL FROM:<a@b.example>\r\n"));
    io_.run();
    EXPECT_THAT(at_server, ::testing::StartsWith("malformed: TLS handshake failed"));
    EXPECT_FALSE(pair_.left.is_open());
}

Task<void> slow_handshake(Stream& stream, TlsContext& context, std::string& outcome) {
    const auto shaken = co_await stream.accept_tls(context, in(milliseconds(30)));
    outcome = word(shaken);
}

TEST_F(TlsTest, AStalledHandshakeTimesOut) {
    auto context = server();
    std::string outcome;
    testing::run(io_, slow_handshake(pair_.left, *context, outcome));
    EXPECT_THAT(outcome, ::testing::StartsWith("timed_out"));
    EXPECT_FALSE(pair_.left.is_open());
}

Task<void> cut(Stream& stream, TlsContext& context) {
    const auto shaken = co_await stream.connect_tls(context, "mx.example.com", soon());
    EXPECT_TRUE(shaken);
    // Clear bytes and the end of the connection, behind the back of TLS.
    const auto dup = base::Fd(::dup(stream.socket().native_handle()));
    EXPECT_TRUE(base::write_all(dup.get(), "\x17\x03\x03"));
    stream.socket().close();
}

Task<void> expect_cut(Stream& stream, TlsContext& context, std::string& outcome) {
    const auto shaken = co_await stream.accept_tls(context, soon());
    EXPECT_TRUE(shaken);
    std::array<char, 100> buffer;
    const auto got = co_await stream.read_some(buffer, soon());
    outcome = got ? std::to_string(*got) : std::string(to_string(got.error().fault));
    const auto again = co_await stream.read_some(buffer, soon());
    EXPECT_FALSE(again);
}

TEST_F(TlsTest, ACutConnectionIsNoOrderlyEnd) {
    auto context = server();
    std::string outcome;
    testing::start(io_, expect_cut(pair_.left, *context, outcome));
    testing::start(io_, cut(pair_.right, *any_));
    io_.run();
    EXPECT_EQ(outcome, "unavailable");
}

Task<void> goodbye_then_clear(Stream& stream, TlsContext& context) {
    const auto shaken = co_await stream.connect_tls(context, "mx.example.com", soon());
    EXPECT_TRUE(shaken);
    const auto dup = base::Fd(::dup(stream.socket().native_handle()));
    stream.close();  // says close_notify
    EXPECT_TRUE(base::write_all(dup.get(), "QUIT\r\n"));
}

Task<void> expect_goodbye(Stream& stream, TlsContext& context, int& zeros) {
    const auto shaken = co_await stream.accept_tls(context, soon());
    EXPECT_TRUE(shaken);
    std::array<char, 100> buffer;
    for (int i = 0; i < 3; ++i) {
        const auto got = co_await stream.read_some(buffer, soon());
        if (got && *got == 0) ++zeros;
    }
}

TEST_F(TlsTest, NothingIsReadBehindCloseNotify) {
    auto context = server();
    int zeros = 0;
    testing::start(io_, expect_goodbye(pair_.left, *context, zeros));
    testing::start(io_, goodbye_then_clear(pair_.right, *any_));
    io_.run();
    EXPECT_EQ(zeros, 3);
}

}  // namespace
}  // namespace gatehouse::net
